"""How series end: in values, or in a gap."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.series import SeriesSet

LONG_GAP: Final = 256
"""Missing points at the end beyond which no method finds a value to look back on."""


def trailing_gaps(series: SeriesSet) -> NDArray[np.int64]:
    """(N,) how many points at the end of each series are missing; its length where all are.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> rows = {"a": [1.0, np.nan, np.nan], "b": [1.0, np.nan, 2.0]}
        >>> trailing_gaps(SeriesSet.from_arrays(rows, Calendar.integer())).tolist()
        [2, 0]
    """
    seen = np.flatnonzero(~np.isnan(series.values))
    newest = np.searchsorted(seen, series.offsets[1:]) - 1
    last = np.where(newest >= 0, seen[newest], -1) if len(seen) else np.full(len(series), -1)
    return np.asarray(series.offsets[1:] - 1 - np.maximum(last, series.offsets[:-1] - 1))


def without_long_gaps(series: SeriesSet, season: int) -> SeriesSet:
    """Series whose gap at the end is longer than `LONG_GAP` end whole seasons earlier.

    Their last values then lie where methods look for them, at the phase of the season that the
    gap left them at.

    Arguments:
        series: N histories.
        season: points of a season; 1 for none.
    """
    gaps = trailing_gaps(series)
    long = (gaps > LONG_GAP) & (gaps < series.lengths)
    if not long.any():
        return series
    return series.cut(series.ends - np.where(long, gaps - gaps % season, 0))
