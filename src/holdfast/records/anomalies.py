"""Values of the past that were not expected."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.records.arrays import Floats


@dataclass(frozen=True, eq=False)
class AnomalyRecord:
    """n values outside what was expected one step before them, the farthest first.

    Arguments:
        level: of the intervals, in percent: about as many ordinary values lie inside.
        judged: how many values were judged.
        calibrated: whether there were enough of them for the level.
        series: (n,) indices of series.
        places: (n,) which point of the series' history, from its end: 0 is the last.
        values, lower, upper: (n,) what came, and the bounds of what was expected.
        scores: (n,) distance from the forecast in half-widths, negative below it.
    """

    level: float
    judged: int
    calibrated: bool
    series: NDArray[np.int64]
    places: NDArray[np.int64]
    values: Floats
    lower: Floats
    upper: Floats
    scores: Floats
