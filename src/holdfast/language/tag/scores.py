"""Scores of tags, per tag and over spans."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from holdfast.language.tag.spans import mark_spans, span_scores
from holdfast.records import TagScore, TagScores


def tag_scores(
    truth: Sequence[Sequence[str]],
    made: Sequence[Sequence[str]],
    usual: Sequence[Sequence[str]],
    tags: Sequence[str],
) -> TagScores:
    """Scores of tags, per tag and over spans where the tags mark some.

    Arguments:
        truth, made, usual: the true tags of each sentence, the network's, and the most frequent.
        tags: that the tagger knows.
    """
    flat = [tag for one in truth for tag in one]
    said = [tag for one in made for tag in one]
    right = sum(one == other for one, other in zip(flat, said, strict=True))
    plain = [tag for one in usual for tag in one]
    usually = sum(one == other for one, other in zip(flat, plain, strict=True))
    there, found = Counter(flat), Counter(said)
    both = Counter(one for one, other in zip(flat, said, strict=True) if one == other)
    rows = [_row(tag, both[tag], found[tag], there[tag]) for tag in sorted({*there, *found})]
    over_spans: list[TagScore] = []
    if mark_spans(sorted({*tags, *there})):
        over_spans = [
            TagScore(name, precision, recall, f1, count)
            for name, (precision, recall, f1, count) in span_scores(truth, made).items()
        ]
    return TagScores(
        words=len(flat),
        accuracy=right / len(flat),
        accuracy_most_frequent=usually / len(flat),
        tags=tuple(rows),
        spans=tuple(over_spans),
        unknown=tuple(sorted(set(there) - set(tags))),
    )


def _row(tag: str, right: int, said: int, there: int) -> TagScore:
    precision, recall = right / max(said, 1), right / max(there, 1)
    both = precision + recall
    return TagScore(tag, precision, recall, 2 * precision * recall / both if both else 0.0, there)
