"""Scores of one fold at a time, from what the fold's record holds."""

from __future__ import annotations

import numpy as np

from holdfast.records import Floats, FoldRecord
from holdfast.reports.curves import significant
from holdfast.reports.scores import BLEND


def fold_scores(fold: FoldRecord) -> dict[str, object]:
    """Cut-off, size, sMAPE of each method, and the share inside each interval."""
    methods = {BLEND: fold.median, **fold.members}
    return {
        "cutoff": fold.cutoff,
        "series": len(fold.series),
        "points": int(np.isfinite(fold.actual).sum()),
        "smape": {name: significant(smape(fold.actual, rows)) for name, rows in methods.items()},
        "coverage": [
            {
                "level": float(level),
                "share": significant(share_inside(fold.actual, fold.lower[level], upper)),
            }
            for level, upper in sorted(fold.upper.items(), key=lambda pair: pair[0])
        ],
    }


def smape(actual: Floats, forecast: Floats) -> float:
    """Symmetric mean absolute percentage error, 0 to 200: mean over steps, then over series.

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), "The M4 Competition", equation of
    section 2.2; a step at which both numbers are 0 counts as no error.

    Arguments:
        actual, forecast: (n, K); steps at which either is missing are left out.

    Example:
        >>> smape(np.array([[100.0, np.nan]]), np.array([[300.0, 5.0]]))
        100.0
    """
    size = np.abs(actual) + np.abs(forecast)
    seen = np.isfinite(size)
    error = np.divide(
        200 * np.abs(actual - forecast), size, out=np.zeros(size.shape), where=seen & (size > 0)
    )
    steps = seen.sum(axis=1)
    if not np.any(steps):
        return float("nan")
    return float(np.mean(error.sum(axis=1)[steps > 0] / steps[steps > 0]))


def share_inside(actual: Floats, lower: Floats, upper: Floats) -> float:
    """The share of observed values between the bounds, 0 to 1; NaN where nothing was observed."""
    seen = np.isfinite(actual) & np.isfinite(lower) & np.isfinite(upper)
    if not np.any(seen):
        return float("nan")
    inside = (actual >= lower) & (actual <= upper)
    return float(np.mean(inside[seen]))
