"""Which words decided: how much a label's probability falls without each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.language.words import word_places

Chances = Callable[[Sequence[str]], NDArray[np.float64]]
"""Probabilities (N, K) of some texts."""


def deciding_words(
    chances: Chances, text: str, label: int, *, most: int = 200
) -> list[tuple[str, float]]:
    """Each word, and what its absence costs the label: positive for words that spoke for it.

    Arguments:
        chances: of the classifier.
        text: to look at.
        label: whose probability is looked at.
        most: words that are tried, from the beginning.

    Source: leave-one-out, as in Li, Monroe and Jurafsky (2016), arXiv 1612.08220.
    """
    places = word_places(text)[:most]
    words = [text[begin:end] for begin, end in places]
    if len(words) < 2:
        return [(word, 0.0) for word in words or [""]]
    made = chances([text, *(f"{text[:begin]} {text[end:]}" for begin, end in places)])[:, label]
    return [(word, float(made[0] - other)) for word, other in zip(words, made[1:], strict=True)]
