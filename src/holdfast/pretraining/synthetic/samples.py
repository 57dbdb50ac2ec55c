"""A batch of synthetic series and the truth about how they were drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Samples:
    """Series of one length, aligned at their last point.

    Arguments:
        values: (B, T) NaN where missing or before the series begins.
        season: (B,) points of the main season, 1 where there is none.
        long_season: (B,) points of a second, longer season, 1 where there is none.
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
