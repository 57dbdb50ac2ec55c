"""Drawing a token from what a model thinks may come next."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError


@dataclass(frozen=True)
class Sampling:
    """How a token is drawn.

    Arguments:
        temperature: log-probabilities are divided by it; below 1 the likely becomes likelier, 0
            takes the likeliest.
        top_k: how many of the likeliest tokens may be drawn; None for all.
        top_p: the likeliest tokens that have at least this probability together may be drawn
            (Holtzman et al. 2020, arXiv 1904.09751); None for all.

    Raises:
        ArgumentError: a number is out of range.

    Example:
        >>> scores = np.log([0.5, 0.3, 0.2])
        >>> Sampling(temperature=0.0).draw(scores, np.random.default_rng(0))
        0
        >>> random = np.random.default_rng(0)
        >>> sorted({Sampling(top_k=2).draw(scores, random) for _ in range(50)})
        [0, 1]
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature < math.inf:
            raise ArgumentError(f"temperature={self.temperature!r} must be 0 or above.")
        if self.top_k is not None and self.top_k < 1:
            raise ArgumentError(f"top_k={self.top_k!r} must be a whole number from 1.")
        if self.top_p is not None and not 0.0 < self.top_p <= 1.0:
            raise ArgumentError(f"top_p={self.top_p!r} must be above 0 and at most 1.")

    def draw(self, scores: NDArray[np.floating], random: np.random.Generator) -> int:
        """One token.

        Arguments:
            scores: (V,) log-probabilities, up to a constant; −∞ for what must not come.
            random: draws one number.
        """
        if self.temperature == 0.0:
            return int(scores.argmax())
        chances = np.exp((scores - scores.max()).astype(np.float64) / self.temperature)
        if self.top_k is not None and self.top_k < len(chances):
            least = np.partition(chances, -self.top_k)[-self.top_k]
            chances[chances < least] = 0.0
        if self.top_p is not None and self.top_p < 1.0:
            order = np.argsort(-chances, kind="stable")
            sums = np.cumsum(chances[order])
            kept = int(np.searchsorted(sums, self.top_p * sums[-1])) + 1
            chances[order[kept:]] = 0.0
        # Methods, not numpy's functions of the same names: those cost as much again for few tokens.
        sums = chances.cumsum()
        place = int(sums.searchsorted(random.random() * sums[-1], side="right"))
        return min(place, len(chances) - 1)
