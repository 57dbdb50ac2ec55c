"""What a report shows of a tagger's training."""

from __future__ import annotations

import datetime
import time
from collections import Counter
from collections.abc import Sequence
from typing import Final

from holdfast.errors import ArgumentError
from holdfast.language.tag.sentences import Sentence
from holdfast.language.tag.tagger import Tagger
from holdfast.records import ConfusedTags, TaggedWords, TaggerRecord
from holdfast.version import __version__

PAIRS: Final = 20
"""Pairs of tags that are shown."""

WORDS: Final = 5
"""Words that are shown of each."""

SHOWN: Final = 8
"""Sentences with mistakes that are shown."""

LONGEST: Final = 60
"""Words of such a sentence that are shown, from a little before its first wrong tag."""


def tagger_record(
    tagger: Tagger, *, title: str, command: str, seed: int, started: float | None
) -> TaggerRecord:
    """All that a report shows of a training.

    Arguments:
        tagger: trained in this process.
        title: what it was trained on.
        command: that made it.
        seed: of the run.
        started: the reading of ``time.monotonic`` from which seconds count; None for none.

    Raises:
        ArgumentError: it was loaded, or there were too few sentences to hold some out.
    """
    fit, scores = tagger.fit, tagger.held_out_scores
    if fit is None or scores is None:
        raise ArgumentError("There is nothing to report: nothing was held out to score.")
    made = tagger.predict(tagger.held_out)
    return TaggerRecord(
        title=title,
        command=command,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        version=__version__,
        seed=seed,
        seconds=0.0 if started is None else time.monotonic() - started,
        learnt=len(fit.task.batches),
        held_out=len(tagger.held_out),
        vocabulary=len(tagger.vocabulary.words),
        parameters=sum(weight.numel() for weight in tagger.network.parameters()),
        steps=fit.trained.steps,
        scores=scores,
        confused=_confused(tagger.held_out, made),
        mistakes=_mistakes(tagger.held_out, made),
    )


def _confused(truth: Sequence[Sentence], made: Sequence[Sentence]) -> tuple[ConfusedTags, ...]:
    """The pairs of tags that were mixed up most often, and where."""
    found: dict[tuple[str, str], Counter[str]] = {}
    for true, said in zip(truth, made, strict=True):
        for word, one, other in zip(true.words, true.tags or (), said.tags or (), strict=True):
            if one != other:
                found.setdefault((one, other), Counter())[word] += 1
    pairs = sorted(found.items(), key=lambda pair: (-pair[1].total(), pair[0]))[:PAIRS]
    return tuple(
        ConfusedTags(one, other, words.total(), tuple(word for word, _ in words.most_common(WORDS)))
        for (one, other), words in pairs
    )


def _mistakes(truth: Sequence[Sentence], made: Sequence[Sentence]) -> tuple[TaggedWords, ...]:
    """Some sentences that are not right, spread over all of them; of a long one a part."""
    wrong = []
    for true, said in zip(truth, made, strict=True):
        right, given = true.tags or (), said.tags or ()
        if right != given:
            first = next(place for place, tag in enumerate(right) if tag != given[place])
            begin = max(0, min(first - LONGEST // 3, len(true) - LONGEST))
            part = slice(begin, begin + LONGEST)
            wrong.append(TaggedWords(true.words[part], given[part], right[part]))
    return tuple(wrong[:: max(len(wrong) // SHOWN, 1)][:SHOWN])
