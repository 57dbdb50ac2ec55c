"""The Theta method: simple exponential smoothing with half of the linear trend as drift."""

from __future__ import annotations

import numpy as np

from holdfast.forecasting.baselines.naive import last_observed
from holdfast.forecasting.baselines.smoothing import fit_level
from holdfast.records import Floats


def theta(adjusted: Floats, horizon: int) -> Floats:
    """The mean of two lines: the linear trend, and the smoothed series with doubled curvature.

    Reads histories without their season and gives (N, K): the last value where a series has fewer
    than three observations, NaN where it has none.

    Source: Assimakopoulos and Nikolopoulos, The theta model (2000); that it is smoothing with
    drift: Hyndman and Billah, Unmasking the Theta method (2003).
    """
    forecast = np.repeat(last_observed(adjusted)[:, None], horizon, axis=1)
    rows = np.flatnonzero((~np.isnan(adjusted)).sum(axis=1) >= 3)
    if not len(rows):
        return forecast
    values = adjusted[rows]
    intercept, slope = linear_trend(values)
    # Time runs to 0 at the newest column, so that step k is at time k.
    time = np.arange(values.shape[1]) - (values.shape[1] - 1.0)
    line = intercept[:, None] + slope[:, None] * time
    level = fit_level((2.0 * values - line).T).level
    ahead = intercept[:, None] + slope[:, None] * np.arange(1, horizon + 1)
    forecast[rows] = 0.5 * (level[:, None] + ahead)
    return forecast


def linear_trend(history: Floats) -> tuple[Floats, Floats]:
    """Least-squares value at the newest column and slope, (N,) each; no row is empty."""
    seen = ~np.isnan(history)
    weight = seen / seen.sum(axis=1, keepdims=True)
    time = np.arange(history.shape[1]) - (history.shape[1] - 1.0)
    values = np.where(seen, history, 0.0)
    mean_time = weight @ time
    mean = (weight * values).sum(axis=1)
    centred = (time - mean_time[:, None]) * weight
    spread = (centred * (time - mean_time[:, None])).sum(axis=1)
    slope = (centred * (values - mean[:, None])).sum(axis=1) / np.where(spread > 0, spread, 1.0)
    return mean - slope * mean_time, slope
