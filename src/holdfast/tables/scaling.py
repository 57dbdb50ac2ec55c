"""Level and spread of a window at each position, from what lies before it and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.series import SeriesSet


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
    width = int(origins.max())
    seen = values[:, :width]
    padded = np.concatenate([np.full((len(values), span), np.nan), seen], axis=1)
    recent = np.lib.stride_tricks.sliding_window_view(padded, span, axis=1)[:, origins]
    level, spread = _moments(recent)
    observed = np.cumsum(~np.isnan(seen), axis=1)[:, origins - 1]

    row, position = np.nonzero(np.isnan(level) & (observed > 0))
    before = np.arange(width) < origins[position][:, None]
    level[row, position], spread[row, position] = _moments(np.where(before, seen[row], np.nan))
    level, spread = np.nan_to_num(level), np.nan_to_num(spread)
    # What rounding leaves of a constant's deviation is not a spread.
    spread = np.where(spread <= 1e-12 * np.abs(level), 1e-6 * np.abs(level), spread)
    return Scale(level, np.where(spread > 0, spread, 1.0), observed.astype(np.int64))


def _moments(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(…,) mean and standard deviation over the last axis; NaN where nothing was observed.

    In two passes: sums of squares would lose every digit beside a large level or an outlier.
    """
    seen = ~np.isnan(values)
    count = seen.sum(axis=-1)
    divisor = np.where(count > 0, count, np.nan)
    mean = np.where(seen, values, 0.0).sum(axis=-1) / divisor
    away = np.where(seen, values - mean[..., None], 0.0)
    return mean, np.sqrt((away * away).sum(axis=-1) / divisor)


def positive(series: SeriesSet) -> NDArray[np.bool_]:
    """(N,) which series move in ratios: every observed value above zero, none of them near it.

    Such series are forecast in logarithms. A thousandth of the mean counts as near zero: there
    the logarithm would make the smallest values the loudest.
    """
    seen = ~np.isnan(series.values)
    owner = np.repeat(np.arange(len(series)), series.lengths)[seen]
    observed = series.values[seen]
    lowest = np.full(len(series), np.inf)
    np.minimum.at(lowest, owner, observed)
    count = np.bincount(owner, minlength=len(series))
    mean = np.bincount(owner, weights=observed, minlength=len(series)) / np.maximum(count, 1)
    return (count > 0) & (lowest > 0) & (lowest > 1e-3 * mean)


def logarithms(series: SeriesSet, where: NDArray[np.bool_]) -> SeriesSet:
    """The series with the natural logarithm in place of the values of some of them.

    Arguments:
        series: any series.
        where: (N,) which of them, all positive.
    """
    chosen = np.repeat(where, series.lengths)
    values = np.log(series.values, where=chosen, out=series.values.copy())
    return replace(series, values=values)
