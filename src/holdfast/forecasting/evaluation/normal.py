"""The normal distribution on arrays, from a table: exact enough for ranks."""

from __future__ import annotations

from functools import cache
from statistics import NormalDist

import numpy as np

from holdfast.records import Floats

REACH = 6.0
"""Scores are cut off at this many standard deviations: beyond lies one draw in 500 million."""

_POINTS = 4801


def probability(scores: Floats) -> Floats:
    """The normal distribution function, to 1e-6.

    Example:
        >>> probability(np.array([-9.0, 0.0, 1.96])).round(4).tolist()
        [0.0, 0.5, 0.975]
    """
    grid, table = _table()
    return np.interp(scores, grid, table)


def score(probabilities: Floats) -> Floats:
    """The inverse of `probability`, between −6 and 6.

    Example:
        >>> score(np.array([0.0, 0.5, 0.975])).round(2).tolist()
        [-6.0, 0.0, 1.96]
    """
    grid, table = _table()
    # The upper half mirrors the lower one: near 1 a probability has lost the digits of its tail.
    lower = np.interp(np.minimum(probabilities, 1.0 - np.asarray(probabilities)), table, grid)
    return np.where(np.asarray(probabilities) > 0.5, -lower, lower)


def density(scores: Floats) -> Floats:
    """The normal density."""
    return np.asarray(np.exp(-0.5 * np.asarray(scores) ** 2) / np.sqrt(2.0 * np.pi))


def strata(count: int) -> Floats:
    """(count,) scores in the middle of equally likely strata, ascending.

    Example:
        >>> strata(4).round(2).tolist()
        [-1.15, -0.32, 0.32, 1.15]
    """
    return score((np.arange(count) + 0.5) / count)


@cache
def _table() -> tuple[Floats, Floats]:
    grid = np.linspace(-REACH, REACH, _POINTS)
    normal = NormalDist()
    return grid, np.array([normal.cdf(point) for point in grid.tolist()])
