"""Quantities against the lag, as the pages of the lens carry them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from holdfast.records import Floats, LagCurve
from holdfast.reports.curves import significant

POINTS = 200
"""Lags of a curve that are shown at most."""

INFINITE = "∞"
"""How a number without end stands in a page: JSON has none."""


def lag_curve(curve: LagCurve | None) -> dict[str, object] | None:
    """A curve as JSON; None for none.

    Arguments:
        curve: its first and last lag are kept where there are too many in between.

    Example:
        >>> made = lag_curve(LagCurve.of(np.array([1, 2]), np.array([[1.0, 3.0], [0.5, 0.5]])))
        >>> made["lags"], made["median"]
        ([1, 2], [2.0, 0.5])
    """
    if curve is None or not len(curve.lags):
        return None
    kept = _kept(curve.lags)
    return {
        "lags": [int(lag) for lag in curve.lags[kept]],
        "median": numbers(curve.median[kept]),
        "low": numbers(curve.low[kept]),
        "high": numbers(curve.high[kept]),
        "samples": int(curve.samples),
    }


def numbers(values: Floats, digits: int = 4) -> list[float | str | None]:
    """Values as JSON: cut to `digits`, `INFINITE` above all numbers, None for not-a-number.

    Example:
        >>> numbers(np.array([0.123456, np.inf, np.nan]))
        [0.1235, '∞', None]
    """
    return [INFINITE if np.isposinf(one) else significant(float(one), digits) for one in values]


def thinned(values: Floats, most: int) -> Floats:
    """Values, or means over runs of neighbours where there are more than `most`.

    Example:
        >>> thinned(np.arange(6.0), 3).tolist()
        [0.5, 2.5, 4.5]
    """
    if len(values) <= most:
        return values
    edges = np.linspace(0, len(values), most + 1).astype(int)
    return np.array([_mean(values[a:b]) for a, b in pairwise(edges)])


def _mean(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


def _kept(lags: np.ndarray[tuple[int, ...], np.dtype[np.int64]]) -> list[int]:
    """Places of the lags that are shown: all, or evenly many on a logarithmic axis."""
    if len(lags) <= POINTS:
        return list(range(len(lags)))
    wanted = np.geomspace(1, len(lags), POINTS).round().astype(int) - 1
    return [int(place) for place in np.unique(wanted)]
