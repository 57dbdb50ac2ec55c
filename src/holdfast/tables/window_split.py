"""The windows of some series: which a network learns from, and which it is watched on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import WindowSampler, WindowShape

WATCHED_WINDOWS = 512
"""Windows that a validation forecasts at most."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Some windows, without their values.

    Arguments:
        series: what they lie in.
        rows: (B,) which of the series.
        ends: (B,) how many of that series' points the last forecast of the window has seen.
    """

    series: SeriesSet
    rows: NDArray[np.int64]
    ends: NDArray[np.int64]


class WindowSplit:
    """Windows to learn from, and behind them windows to stop early on.

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
        self.watched: Windows | None = (
            None if held_out is None else _watched(series, held_out, shape.horizon, least)
        )
        """What is watched to stop early; None where nothing is held out."""
        self._sampler = WindowSampler(series, shape, least)

    def __len__(self) -> int:
        """How many different windows there are to learn from."""
        return len(self._sampler)

    @property
    def points(self) -> int:
        """Grid points that training sees."""
        return len(self.series.values)

    def draw(self, generator: np.random.Generator, count: int) -> Windows:
        """`count` windows to learn from."""
        rows, ends = self._sampler.draw(generator, count)
        return Windows(self.series, rows, ends)


def _watched(series: SeriesSet, held_out: SeriesSet, horizon: int, least: int) -> Windows | None:
    """Windows whose horizons follow each other through what was held out; a sample of them."""
    first = series.lengths
    turns = -(-int((held_out.lengths - first).max(initial=0)) // horizon)
    ends = first[:, None] + horizon * np.arange(max(turns, 0))
    rows, turn = np.nonzero((held_out.lengths[:, None] > ends) & (ends >= least))
    if not len(rows):
        return None
    some = np.unique(np.linspace(0, len(rows) - 1, WATCHED_WINDOWS).astype(np.int64))
    rows, turn = rows[some], turn[some]
    return Windows(held_out, rows, ends[rows, turn])
