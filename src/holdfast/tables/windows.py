"""Windows of many series: their shape, their scale, and which of them a network learns from.

A window is a stretch of ``context`` grid points with the ``horizon`` behind it. The network reads
the context in patches and forecasts after every patch, so one window is many training examples.
No table of windows is ever built; they are drawn on the fly.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.series import SeriesSet

VALIDATION_WINDOWS: Final = 512
"""Windows that a validation forecasts at most."""


@dataclass(frozen=True)
class WindowShape:
    """The size of a window in grid points."""

    context: int  # points that the network reads; a multiple of `patch`
    patch: int  # points that it reads at once
    horizon: int  # points that it forecasts after each patch

    @property
    def origins(self) -> NDArray[np.int64]:
        """(P,) how many points of the window each forecast has seen: patch, 2·patch … context."""
        return np.arange(self.patch, self.context + 1, self.patch, dtype=np.int64)


def window_values(
    series: SeriesSet, indices: NDArray[np.int64], ends: NDArray[np.int64], shape: WindowShape
) -> NDArray[np.float64]:
    """The values of some windows.

    Arguments:
        indices: (B,) which series.
        ends: (B,) how many of that series' points the last forecast of the window has seen.

    Returns:
        (B, context + horizon) values; NaN before a series begins, after it ends, and in gaps.
    """
    steps = np.arange(-shape.context, shape.horizon)
    position = ends[:, None] + steps[None, :]
    inside = (position >= 0) & (position < series.lengths[indices][:, None])
    if not len(series.values):  # series that all begin later have no place to point at
        return np.full(inside.shape, np.nan)
    flat = np.where(inside, series.offsets[indices][:, None] + position, 0)
    return np.where(inside, series.values[flat], np.nan)


@dataclass(frozen=True, eq=False)
class Windows:
    """Some windows, without their values."""

    series: SeriesSet  # what they lie in
    rows: NDArray[np.int64]  # (B,) which of the series
    # (B,) how many of that series' points the last forecast of the window has seen
    ends: NDArray[np.int64]


class WindowSplit:
    """Windows to learn from, and behind them windows to stop early on.

    Training windows are drawn from every series equally often, and from every moment of it equally
    often. A series counts when it holds at least `least` points to look back on and one to
    forecast.

    Arguments:
        series: histories up to the last value that training may see.
        held_out: the same series some horizons further, to stop early on; None for never.
        shape: the size of a window.
        least: points that the last forecast of a window must have behind it.
    """

    def __init__(
        self, series: SeriesSet, held_out: SeriesSet | None, shape: WindowShape, least: int
    ) -> None:
        self.series = series
        self.validation: Windows | None = (
            None if held_out is None else _validation(series, held_out, shape.horizon, least)
        )
        """What early stopping forecasts; None where nothing is held out."""
        lengths = series.lengths
        first = _first_observed(series) + least
        # A window whose horizon is complete teaches all steps; a short series has none of those.
        last = np.maximum(lengths - shape.horizon, np.minimum(first, lengths - 1))
        self.eligible: NDArray[np.int64] = np.flatnonzero((lengths > first) & (lengths > 1))
        """The series that windows are drawn from."""
        self._first, self._last = np.minimum(first, last), last

    def __len__(self) -> int:
        """How many different windows there are to learn from."""
        return int((self._last - self._first + 1)[self.eligible].sum())

    @property
    def points(self) -> int:
        """Grid points that training sees."""
        return len(self.series.values)

    def draw(self, generator: np.random.Generator, count: int) -> Windows:
        """`count` windows to learn from."""
        rows = self.eligible[generator.integers(len(self.eligible), size=count)]
        ends = generator.integers(self._first[rows], self._last[rows] + 1)
        return Windows(self.series, rows, ends)


def _first_observed(series: SeriesSet) -> NDArray[np.int64]:
    """(N,) position of the first value that is not a gap; the length where there is none."""
    first: NDArray[np.int64] = series.lengths.copy()
    observed = np.flatnonzero(~np.isnan(series.values))
    owner = np.searchsorted(series.offsets, observed, side="right") - 1
    owners, where = np.unique(owner, return_index=True)
    first[owners] = observed[where] - series.offsets[owners]
    return first


def _validation(series: SeriesSet, held_out: SeriesSet, horizon: int, least: int) -> Windows | None:
    """Windows whose horizons follow each other through what was held out; a sample of them."""
    first = series.lengths
    turns = -(-int((held_out.lengths - first).max(initial=0)) // horizon)
    ends = first[:, None] + horizon * np.arange(max(turns, 0))
    rows, turn = np.nonzero((held_out.lengths[:, None] > ends) & (ends >= least))
    if not len(rows):
        return None
    some = np.unique(np.linspace(0, len(rows) - 1, VALIDATION_WINDOWS).astype(np.int64))
    rows, turn = rows[some], turn[some]
    return Windows(held_out, rows, ends[rows, turn])


@dataclass(frozen=True, eq=False)
class Scale:
    """What turns values into the network's units and back: ``(value − level) / spread``."""

    level: NDArray[np.float64]  # (B, P) mean of the recent past at each of P positions
    spread: NDArray[np.float64]  # (B, P) standard deviation of the recent past; above zero
    observed: NDArray[np.int64]  # (B, P) how many values in the window lie before the position


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
        where: (N,) which of them, all positive.
    """
    chosen = np.repeat(where, series.lengths)
    values = np.log(series.values, where=chosen, out=series.values.copy())
    return replace(series, values=values)
