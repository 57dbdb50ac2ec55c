"""Random numbers, one for each series: (B, 1) columns that broadcast over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def uniform(random: np.random.Generator, count: int, low: float, high: float) -> Array:
    """(B, 1) uniform between two bounds."""
    return random.uniform(low, high, (count, 1))


def log_uniform(random: np.random.Generator, count: int, low: float, high: float) -> Array:
    """(B, 1) log-uniform between two positive bounds."""
    return np.exp(random.uniform(np.log(low), np.log(high), (count, 1)))


def normal(random: np.random.Generator, count: int) -> Array:
    """(B, 1) standard normal."""
    return random.standard_normal((count, 1))


def chance(random: np.random.Generator, count: int, probability: float) -> Mask:
    """(B, 1) True with this probability."""
    return random.random((count, 1)) < probability


def choice(random: np.random.Generator, count: int, weights: Sequence[float]) -> NDArray[np.int64]:
    """(B,) indices drawn by weight."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    drawn = np.searchsorted(edges, random.random(count) * edges[-1], side="right")
    return np.asarray(drawn, dtype=np.int64)
