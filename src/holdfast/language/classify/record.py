"""What a report shows of a classifier's training."""

from __future__ import annotations

import datetime
import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.language.classify.classifier import TextClassifier
from holdfast.language.classify.model import StoredClassifier
from holdfast.language.classify.scores import deciding_words
from holdfast.language.words import cut_words, plain, shortened
from holdfast.records import ClassifierRecord, ExplainedText, WordImportance
from holdfast.version import __version__

LOOKED_AT: Final = 60
"""Texts whose words are tried one by one."""

WORDS: Final = 60
"""Words of a text that are tried."""

READ: Final = 300_000
"""Words that are read for that, all texts together: of longer texts fewer are looked at."""

SHOWN: Final = 6
"""Mistakes and examples that are shown of each."""

FOR_A_LABEL: Final = 12
"""Deciding words that are shown for a label."""

BINS: Final = 10


def classifier_record(
    classifier: TextClassifier,
    texts: Sequence[str],
    labels: Sequence[Any],
    *,
    title: str,
    command: str,
    started: float | None,
) -> ClassifierRecord:
    """All that a report shows of a training.

    Arguments:
        classifier: trained in this process on these texts and labels.
        texts, labels: N of each.
        title: what it was trained on.
        command: that made it.
        started: the reading of ``time.monotonic`` from which seconds count; None for none.

    Raises:
        ArgumentError: it was loaded, or there were too few texts to hold some out.
    """
    fit = classifier.fit_
    if fit is None or fit.scores is None:
        raise ArgumentError("There is nothing to report: nothing was held out to score.")
    kept, chances = fit.kept, fit.chances
    names = kept.labels
    # What decided is asked of those that did not learn from these texts.
    judged = fit.judged
    truth = np.array([names.index(str(labels[row])) for row in fit.scoring])
    said, sure = chances.argmax(axis=1), chances.max(axis=1)
    wrong = [
        int(place) for place in np.argsort(-sure, kind="stable") if said[place] != truth[place]
    ]
    right = [int(place) for place in np.flatnonzero(said == truth)]
    looked_at = [*wrong[:SHOWN], *right[: LOOKED_AT - min(len(wrong), SHOWN)]]
    decided: dict[int, ExplainedText] = {}
    left = READ
    for place in looked_at:
        text = texts[fit.scoring[place]]
        if left > 0:
            decided[place] = _decided(judged, text, names, int(said[place]), int(truth[place]))
        words = len(decided[place].words) if place in decided else 0
        left -= min(words, WORDS) * len(shortened(cut_words(text)))
    return ClassifierRecord(
        title=title,
        command=command,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        version=__version__,
        seed=classifier.seed,
        seconds=0.0 if started is None else time.monotonic() - started,
        learnt=len(texts) if fit.anew else len(fit.learning),
        retrained=fit.anew,
        networks=len(kept.members),
        parameters=sum(w.numel() for one in kept.members for w in one.parameters()),
        steps=sum(one.steps for one in fit.trained),
        scores=fit.scores,
        reliability=_reliability(sure, said == truth),
        importance=_deciding(list(decided.values()), names),
        mistakes=tuple(decided[place] for place in wrong[:SHOWN] if place in decided),
        examples=tuple(decided[place] for place in right[:SHOWN] if place in decided),
    )


def _decided(
    judged: StoredClassifier, text: str, names: Sequence[str], said: int, truth: int
) -> ExplainedText:
    pairs = deciding_words(judged.chances, text, said, most=WORDS)
    return ExplainedText(
        tuple(word for word, _ in pairs),
        tuple(effect for _, effect in pairs),
        names[said],
        names[truth],
        float(judged.chances([text])[0, said]),
    )


def _deciding(decided: Sequence[ExplainedText], names: Sequence[str]) -> tuple[WordImportance, ...]:
    """The words that speak most for each label, over the texts that were given it."""
    effects: dict[tuple[str, str], list[float]] = defaultdict(list)
    for one in decided:
        for word, effect in zip(one.words, one.importance, strict=True):
            effects[one.given, plain(word)].append(effect)
    made: list[WordImportance] = []
    for name in names:
        found = [
            WordImportance(name, word, float(np.mean(values)), len(values))
            for (label, word), values in effects.items()
            if label == name
        ]
        found = [one for one in found if one.importance > 0.0]
        made += sorted(found, key=lambda one: (-one.importance, one.word))[:FOR_A_LABEL]
    return tuple(made)


def _reliability(
    sure: NDArray[np.float64], right: NDArray[np.bool_]
) -> tuple[tuple[float, float, int], ...]:
    places = np.minimum((sure * BINS).astype(np.int64), BINS - 1)
    return tuple(
        (float(sure[inside].mean()), float(right[inside].mean()), int(inside.sum()))
        for inside in (places == place for place in range(BINS))
        if inside.any()
    )
