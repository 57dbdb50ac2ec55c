"""What the generator is built from: random columns (B, 1), recursions, standard scale, samples.

`values` are (B, T) finite; `seen` (B, T) are the points that count, at least one in each row, and
two for differences.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

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


Number = TypeVar("Number", np.float64, np.complex128)


def first_order(noise: NDArray[Number], factor: NDArray[Number]) -> NDArray[Number]:
    """(B, T) y(t) = factor · y(t − 1) + noise(t), from y(−1) = 0, in log₂ T doublings.

    `factor` (B, 1) has an absolute value of at most 1, real or complex.

    Source: Hillis and Steele (1986), the parallel prefix sum.
    """
    values: NDArray[Number] = noise.copy()
    power = factor
    step = 1
    while step < values.shape[1]:
        # The right-hand side is a new array, so the shifted values are those before the step.
        values[:, step:] = values[:, step:] + power * values[:, :-step]
        power = power * power
        step *= 2
    return values


def autoregression(
    random: np.random.Generator, length: int, factor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AR(1) with variance 1 at every time, stationary from the start; |factor| (B, 1) < 1."""
    noise = random.standard_normal((len(factor), length))
    noise[:, 1:] *= np.sqrt(1 - factor**2)
    return first_order(noise, factor)


def visible_part(length: int, visible: NDArray[np.int64]) -> Mask:
    """(B, T) whether a point belongs to the last `visible` ones of its series."""
    return np.arange(length)[None, :] >= length - visible[:, None]


def standardise(values: Array, seen: Mask) -> Array:
    """Mean 0 and standard deviation 1 over the points seen; a constant becomes 0."""
    points = seen.sum(axis=1, keepdims=True)
    level = np.where(seen, values, 0.0).sum(axis=1, keepdims=True) / points
    centred = values - level
    spread = np.sqrt((np.where(seen, centred, 0.0) ** 2).sum(axis=1, keepdims=True) / points)
    flat = spread <= 1e-9 * (1e-30 + np.abs(level))
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, spread))


def spread(values: Array, seen: Mask) -> Array:
    """(B, 1) the standard deviation over the points seen."""
    points = seen.sum(axis=1, keepdims=True)
    mean = np.where(seen, values, 0.0).sum(axis=1, keepdims=True) / points
    squares = np.where(seen, values - mean, 0.0) ** 2
    return np.asarray(np.sqrt(squares.sum(axis=1, keepdims=True) / points))


def movement(values: Array, seen: Mask) -> Array:
    """(B, 1) the root mean square of the differences between neighbours about their mean."""
    return spread(np.diff(values, axis=1), seen[:, :-1])


@dataclass(frozen=True, eq=False)
class Samples:
    """Series of one length, aligned at their last point.

    Arguments:
        values: (B, T) NaN where missing or before the series begins.
        season, long_season: (B,) points of the main season and of a longer one, 1 for none.
        calendar_season, calendar_long_season: (B,) points of the seasons that the calendar of the
            series would suggest, whether the series has them or not.
        family: (B,) name of the main family, for pictures and ablations.
    """

    values: NDArray[np.float32]
    season: NDArray[np.int64]
    long_season: NDArray[np.int64]
    calendar_season: NDArray[np.int64]
    calendar_long_season: NDArray[np.int64]
    family: tuple[str, ...]
