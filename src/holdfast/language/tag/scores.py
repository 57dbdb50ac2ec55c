"""Scores of tags and of spans (B-…, I-…), and the grammar of span tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from holdfast.records import TagScore, TagScores

Span: TypeAlias = tuple[str, int, int]
"""Label, first word, and the word behind the last."""


def are_span_tags(tags: Sequence[str]) -> bool:
    """Whether tags are those of spans: O, and B-… and I-… of the same labels."""
    labelled = [tag for tag in tags if tag != "O"]
    return bool(labelled) and all(tag[:2] in ("B-", "I-") and len(tag) > 2 for tag in labelled)


def allowed_moves(tags: Sequence[str]) -> NDArray[np.bool_]:
    """(K + 1, K + 1) which tag may follow which: I-X only B-X or I-X, and it begins no sentence.

    Row K is the beginning of a sentence, column K its end.
    """
    moves = np.ones((len(tags) + 1, len(tags) + 1), dtype=np.bool_)
    for place, tag in enumerate(tags):
        if tag.startswith("I-"):
            before = [tags.index(one) for one in (f"B-{tag[2:]}", tag) if one in tags]
            moves[:, place] = False
            moves[before, place] = True
    return moves


def broken_span(tags: Sequence[str]) -> int | None:
    """The place of the first I-X that follows neither B-X nor I-X; None where there is none."""
    before = "O"
    for place, tag in enumerate(tags):
        if tag.startswith("I-") and before not in (f"B-{tag[2:]}", tag):
            return place
        before = tag
    return None


def spans(tags: Sequence[str]) -> set[Span]:
    """The spans of a sentence, as `seqeval` counts them: an I-X that follows nothing begins one."""
    found: set[Span] = set()
    label, begin = "", 0
    for place, tag in enumerate([*tags, "O"]):
        goes_on = tag.startswith("I-") and tag[2:] == label
        if label and not goes_on:
            found.add((label, begin, place))
            label = ""
        if tag != "O" and not goes_on:
            label, begin = tag[2:], place
    return found


def tag_scores(
    truth: Sequence[Sequence[str]],
    predicted: Sequence[Sequence[str]],
    usual: Sequence[Sequence[str]],
    tags: Sequence[str],
) -> TagScores:
    """Scores of tags, per tag and over spans where the tags mark some."""
    flat, found, plain = (
        [tag for one in group for tag in one] for group in (truth, predicted, usual)
    )
    right = Counter(one for one, other in zip(flat, found, strict=True) if one == other)
    usually = sum(one == other for one, other in zip(flat, plain, strict=True))
    true_counts, found_counts = Counter(flat), Counter(found)
    rows = [
        TagScore.of(tag, right[tag], found_counts[tag], true_counts[tag])
        for tag in sorted({*true_counts, *found_counts})
    ]
    over_spans: tuple[TagScore, ...] = ()
    if are_span_tags(sorted({*tags, *true_counts})):
        over_spans = _span_scores(truth, predicted)
    return TagScores(
        words=len(flat),
        accuracy=right.total() / len(flat),
        accuracy_most_frequent=usually / len(flat),
        tags=tuple(rows),
        spans=over_spans,
        unknown=tuple(sorted(set(true_counts) - set(tags))),
    )


def _span_scores(
    truth: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> tuple[TagScore, ...]:
    """Each label, and "all" over every span, where label, beginning and end agree."""
    counts: dict[str, list[int]] = {}
    for one, other in zip(truth, predicted, strict=True):
        real, found = spans(one), spans(other)
        for place, group in enumerate((real & found, found, real)):
            for label, _, _ in group:
                for key in (label, "all"):
                    counts.setdefault(key, [0, 0, 0])[place] += 1
    return tuple(TagScore.of(name, *count) for name, count in sorted(counts.items()))
