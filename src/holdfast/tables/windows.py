"""Windows of many series, drawn on the fly: no table of windows is ever built.

A window is a stretch of ``context`` grid points with the ``horizon`` behind it. The network reads
the context in patches and forecasts after every patch, so one window is many training examples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.series import SeriesSet


@dataclass(frozen=True)
class WindowShape:
    """The size of a window in grid points.

    Arguments:
        context: points that the network reads; a multiple of `patch`.
        patch: points that it reads at once.
        horizon: points that it forecasts after each patch.
    """

    context: int
    patch: int
    horizon: int

    @property
    def origins(self) -> NDArray[np.int64]:
        """(P,) how many points of the window each forecast has seen: patch, 2·patch … context."""
        return np.arange(self.patch, self.context + 1, self.patch, dtype=np.int64)


def window_values(
    series: SeriesSet, indices: NDArray[np.int64], ends: NDArray[np.int64], shape: WindowShape
) -> NDArray[np.float64]:
    """The values of some windows.

    Arguments:
        series: the series to read.
        indices: (B,) which series.
        ends: (B,) how many of that series' points the last forecast of the window has seen.
        shape: the window's size.

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


class WindowSampler:
    """Draws training windows: every series equally often, every moment of it equally often.

    A series counts when it holds at least `least` points to look back on and one to forecast.

    Arguments:
        series: what to draw from.
        shape: the window's size.
        least: points that the last forecast of a window must have behind it.
    """

    def __init__(self, series: SeriesSet, shape: WindowShape, least: int) -> None:
        self.series = series
        self.shape = shape
        lengths = series.lengths
        first = _first_observed(series) + least
        # A window whose horizon is complete teaches all steps; a short series has none of those.
        last = np.maximum(lengths - shape.horizon, np.minimum(first, lengths - 1))
        self.eligible: NDArray[np.int64] = np.flatnonzero((lengths > first) & (lengths > 1))
        self._first, self._last = np.minimum(first, last), last

    def __len__(self) -> int:
        """How many different windows there are."""
        return int((self._last - self._first + 1)[self.eligible].sum())

    def draw(
        self, generator: np.random.Generator, count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """`count` windows: (B,) series indices and (B,) ends, as `window_values` takes them."""
        indices = self.eligible[generator.integers(len(self.eligible), size=count)]
        ends = generator.integers(self._first[indices], self._last[indices] + 1)
        return indices, ends


def _first_observed(series: SeriesSet) -> NDArray[np.int64]:
    """(N,) position of the first value that is not a gap; the length where there is none."""
    first: NDArray[np.int64] = series.lengths.copy()
    observed = np.flatnonzero(~np.isnan(series.values))
    owner = np.searchsorted(series.offsets, observed, side="right") - 1
    owners, where = np.unique(owner, return_index=True)
    first[owners] = observed[where] - series.offsets[owners]
    return first
