"""Which words decided: how much a label's probability falls without each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Chances = Callable[[Sequence[Sequence[str]]], NDArray[np.float64]]
"""Probabilities (N, K) of some texts, each a sequence of words."""


def deciding_words(
    chances: Chances, words: Sequence[str], label: int, *, most: int = 200
) -> list[tuple[str, float]]:
    """Each word, and what its absence costs the label: positive for words that spoke for it.

    Arguments:
        chances: of the classifier.
        words: of one text.
        label: whose probability is looked at.
        most: words that are tried, from the beginning.

    Source: leave-one-out, as in Li, Monroe and Jurafsky (2016), arXiv 1612.08220.
    """
    tried = list(words[:most])
    if len(words) < 2:
        return [(word, 0.0) for word in tried]
    without = [[*words[:place], *words[place + 1 :]] for place in range(len(tried))]
    made = chances([list(words), *without])[:, label]
    return [(word, float(made[0] - other)) for word, other in zip(tried, made[1:], strict=True)]
