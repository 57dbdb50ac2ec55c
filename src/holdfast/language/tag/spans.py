"""Tags that mark spans, such as B-PER and I-PER: their grammar, and scores over whole spans."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Span: TypeAlias = tuple[str, int, int]
"""Label, first word, and the word behind the last."""


def mark_spans(tags: Sequence[str]) -> bool:
    """Whether tags are those of spans: O, and B-… and I-… of the same labels."""
    labelled = [tag for tag in tags if tag != "O"]
    return bool(labelled) and all(tag[:2] in ("B-", "I-") and len(tag) > 2 for tag in labelled)


def allowed_moves(tags: Sequence[str]) -> NDArray[np.bool_]:
    """(K + 1, K + 1) which tag may follow which: I-X only B-X or I-X, and it begins no sentence.

    Row K is the beginning of a sentence, column K its end.

    Example:
        >>> moves = allowed_moves(["O", "B-PER", "I-PER"])
        >>> bool(moves[0, 2]), bool(moves[1, 2]), bool(moves[3, 2])
        (False, True, False)
    """
    moves = np.ones((len(tags) + 1, len(tags) + 1), dtype=np.bool_)
    for place, tag in enumerate(tags):
        if tag.startswith("I-"):
            before = [tags.index(one) for one in (f"B-{tag[2:]}", tag) if one in tags]
            moves[:, place] = False
            moves[before, place] = True
    return moves


def broken(tags: Sequence[str]) -> int | None:
    """The place of the first I-X that follows neither B-X nor I-X; None where there is none."""
    before = "O"
    for place, tag in enumerate(tags):
        if tag.startswith("I-") and before not in (f"B-{tag[2:]}", tag):
            return place
        before = tag
    return None


def spans(tags: Sequence[str]) -> set[Span]:
    """The spans of a sentence, as `seqeval` counts them: an I-X that follows nothing begins one.

    Example:
        >>> sorted(spans(["B-PER", "I-PER", "O", "B-LOC", "B-LOC"]))
        [('LOC', 3, 4), ('LOC', 4, 5), ('PER', 0, 2)]
    """
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


def span_scores(
    truth: Sequence[Sequence[str]], made: Sequence[Sequence[str]]
) -> dict[str, tuple[float, float, float, int]]:
    """Label → precision, recall, F1 and how many true spans; "all" over every span.

    A span counts where label, beginning and end agree.
    """
    counts: dict[str, list[int]] = {}
    for one, other in zip(truth, made, strict=True):
        real, found = spans(one), spans(other)
        for place, group in enumerate((real & found, found, real)):
            for label, _, _ in group:
                for key in (label, "all"):
                    counts.setdefault(key, [0, 0, 0])[place] += 1
    scores = {}
    for name, (right, said, there) in sorted(counts.items()):
        precision, recall = right / max(said, 1), right / max(there, 1)
        both = precision + recall
        scores[name] = (precision, recall, 2 * precision * recall / both if both else 0.0, there)
    return scores
