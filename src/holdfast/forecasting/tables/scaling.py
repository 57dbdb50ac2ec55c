"""Level and spread of a window at each position, from what lies before it and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.tables.series import SeriesSet


@dataclass(frozen=True, eq=False)
class Scale:
    """What turns values into the network's units and back: ``(value − level) / spread``.

    Arguments:
        level: (B, P) mean of the recent past at each of P positions.
        spread: (B, P) standard deviation of the recent past; above zero.
        observed: (B, P) how many values in the window lie before the position.
    """

    level: NDArray[np.float64]
    spread: NDArray[np.float64]
    observed: NDArray[np.int64]


def trailing_scale(values: NDArray[np.float64], origins: NDArray[np.int64], span: int) -> Scale:
    """Level and spread over the last `span` grid points before each origin.

    A position with no value in its span takes what the whole window before it gives; where there
    is nothing at all, level 0 and spread 1. A constant's spread is a millionth of its level (1 at
    level 0), so that it stays finite.

    Arguments:
        values: (B, W) windows, NaN for gaps.
        origins: (P,) how many points of the window each position has seen.
        span: grid points of the recent past.

    Returns:
        The scale at each origin; a value at or after an origin changes nothing there.

    Example:
        >>> scale = trailing_scale(np.array([[1.0, 3.0, 100.0]]), np.array([2]), span=2)
        >>> scale.level.tolist(), scale.spread.tolist()
        ([[2.0]], [[1.0]])
    """
    seen = ~np.isnan(values)
    count = _running_sum(seen.astype(np.float64))
    # Sums of squares of a large level cancel; subtracting each window's first value keeps digits.
    first = np.take_along_axis(values, seen.argmax(axis=1)[:, None], axis=1)
    anchor = np.where(np.isnan(first), 0.0, first)
    centred = np.where(seen, values - anchor, 0.0)
    total, squares = _running_sum(centred), _running_sum(centred * centred)

    before = np.maximum(origins - span, 0)
    whole = count[:, origins] - count[:, before] == 0
    start = np.where(whole, 0, before[None, :])
    n = count[:, origins] - np.take_along_axis(count, start, axis=1)
    divisor = np.maximum(n, 1.0)
    mean = (total[:, origins] - np.take_along_axis(total, start, axis=1)) / divisor
    power = (squares[:, origins] - np.take_along_axis(squares, start, axis=1)) / divisor
    level = np.where(n > 0, mean + anchor, 0.0)
    deviation = np.sqrt(np.maximum(power - mean * mean, 0.0))
    # What rounding leaves of a constant's variance is not a spread.
    flat = deviation <= 1e-7 * np.abs(mean) + 1e-13 * np.abs(level)
    spread = np.where(flat, 1e-6 * np.abs(level), deviation)
    return Scale(level, np.where(spread > 0, spread, 1.0), count[:, origins].astype(np.int64))


def _running_sum(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(B, W + 1) sums of the first 0, 1 … W values."""
    return np.concatenate([np.zeros((len(values), 1)), np.cumsum(values, axis=1)], axis=1)


def positive(series: SeriesSet) -> NDArray[np.bool_]:
    """(N,) which series move in ratios: every observed value above zero, none of them near it.

    Such series are forecast in logarithms. A thousandth of the median counts as near zero: there
    the logarithm would make the smallest values the loudest.
    """
    values = np.where(np.isnan(series.values), np.inf, series.values)
    result = np.zeros(len(series), dtype=bool)
    filled = np.flatnonzero(series.lengths > 0)
    if len(filled):
        lowest = np.minimum.reduceat(values, series.offsets[filled])
        middle = np.array([_median(series.one(index)) for index in filled.tolist()])
        result[filled] = np.isfinite(lowest) & (lowest > 0) & (lowest > 1e-3 * middle)
    return result


def logarithms(series: SeriesSet, where: NDArray[np.bool_]) -> SeriesSet:
    """The series with the natural logarithm in place of the values of some of them.

    Arguments:
        series: any series.
        where: (N,) which of them, all positive.
    """
    chosen = np.repeat(where, series.lengths)
    values = np.log(series.values, where=chosen, out=series.values.copy())
    return replace(series, values=values)


def _median(values: NDArray[np.float64]) -> float:
    observed = values[~np.isnan(values)]
    return float(np.median(observed)) if len(observed) else np.inf
