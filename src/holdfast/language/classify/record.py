"""What a report shows of a classifier's training."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.language.classify.scores import leave_one_out, reliability
from holdfast.language.classify.training import ClassifierResult
from holdfast.language.words import cut_words, plain, shortened
from holdfast.records import ClassifierRecord, ExplainedText, WordImportance
from holdfast.storage import local_time
from holdfast.version import __version__

EXPLAINED: Final = 60
"""Texts whose words are left out one by one."""

WORDS: Final = 60
"""Words of a text that are left out."""

READ: Final = 300_000
"""Words that are read for that, all texts together: of longer texts fewer are explained."""

SHOWN: Final = 6
"""Mistakes and examples that are shown of each."""

FOR_A_LABEL: Final = 12
"""Words that are shown for a label."""


def classifier_record(
    result: ClassifierResult, *, seed: int, title: str, command: str, started: float | None
) -> ClassifierRecord:
    """All that a report shows of a training."""
    if result.scores is None:
        raise ArgumentError("There is nothing to report: nothing was held out to score.")
    trained = result.trained
    predicted, confidence = result.chances.argmax(axis=1), result.chances.max(axis=1)
    right = predicted == result.truth
    by_confidence = np.argsort(-confidence, kind="stable")
    wrong_rows = [int(row) for row in by_confidence if not right[row]]
    right_rows = [int(row) for row in np.flatnonzero(right)]
    rows = [*wrong_rows[:SHOWN], *right_rows][:EXPLAINED]
    explained = _explained(result, predicted, rows)
    networks = result.model.networks
    return ClassifierRecord(
        title=title,
        command=command,
        created=local_time(),
        version=__version__,
        seed=seed,
        seconds=sum(one.seconds for one in trained)
        if started is None
        else time.monotonic() - started,
        learnt=result.learnt,
        retrained=result.retrained,
        networks=len(networks),
        parameters=sum(w.numel() for one in networks for w in one.parameters()),
        steps=sum(one.steps for one in trained),
        scores=result.scores,
        reliability=reliability(result.chances, result.truth),
        importance=_importance(list(explained.values()), result.model.labels),
        mistakes=tuple(explained[row] for row in wrong_rows[:SHOWN] if row in explained),
        examples=tuple(explained[row] for row in right_rows[:SHOWN] if row in explained),
    )


def _explained(
    result: ClassifierResult, predicted: NDArray[np.int64], rows: Sequence[int]
) -> dict[int, ExplainedText]:
    """Texts and the importance of their words to the networks that did not learn from them."""
    model, names = result.scored_model, result.model.labels
    explained: dict[int, ExplainedText] = {}
    left = READ
    for row in rows:
        if left <= 0:
            break
        text, label = result.held_out_texts[row], int(predicted[row])
        pairs = leave_one_out(model.chances, text, label, most=WORDS)
        explained[row] = ExplainedText(
            tuple(word for word, _ in pairs),
            tuple(importance for _, importance in pairs),
            names[label],
            names[int(result.truth[row])],
            float(model.chances([text])[0, label]),
        )
        left -= min(len(pairs), WORDS) * len(shortened(cut_words(text)))
    return explained


def _importance(texts: Sequence[ExplainedText], names: Sequence[str]) -> tuple[WordImportance, ...]:
    """The words that speak most for each label, over the texts that were given it."""
    values: dict[tuple[str, str], list[float]] = defaultdict(list)
    for text in texts:
        for word, importance in zip(text.words, text.importance, strict=True):
            values[text.given, plain(word)].append(importance)
    chosen: list[WordImportance] = []
    for name in names:
        words = [
            WordImportance(name, word, float(np.mean(found)), len(found))
            for (label, word), found in values.items()
            if label == name and np.mean(found) > 0.0
        ]
        chosen += sorted(words, key=lambda one: (-one.importance, one.word))[:FOR_A_LABEL]
    return tuple(chosen)
