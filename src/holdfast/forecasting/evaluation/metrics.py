"""Scores of forecasts on arrays; a gap in the actuals, or a missing forecast, is left out.

Arrays have the steps in the last axis; whatever lies before (series, folds and series) stays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

_ROUNDING = 1e-12  # of a series' mean size: a smaller change is the last digits of a float


def mean_observed(values: Floats, axis: int | tuple[int, ...] | None = None) -> Floats:
    """Mean over `axis` of what is not NaN; NaN, without a warning, where there is nothing."""
    seen = ~np.isnan(values)
    count = np.asarray(seen.sum(axis=axis))
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def smape(actual: Floats, forecast: Floats) -> Floats:
    """Symmetric absolute percentage error of each point as in M4, 0 to 200.

    Twice utilsforecast's. A point where both are zero has error 0.

    Arguments:
        actual, forecast: (…, K).

    Returns:
        (…, K); its mean is the score.

    Source: Makridakis et al., The M4 Competition (2020), equation 1.

    Example:
        >>> smape(np.array([100.0, 0.0]), np.array([50.0, 0.0])).round(2).tolist()
        [66.67, 0.0]
    """
    size = np.abs(actual) + np.abs(forecast)
    # Divided before it is doubled, so that values near the largest float stay finite.
    return 200.0 * (np.abs(actual - forecast) / np.where(size > 0, size, 1.0))


def scaled_error(actual: Floats, forecast: Floats, scale: Floats) -> Floats:
    """Absolute error of each point in units of a scale; its mean is the MASE.

    Arguments:
        actual, forecast: (…, K).
        scale: (…), from `seasonal_scale`.

    Returns:
        (…, K).

    Source: Hyndman and Koehler, Another look at measures of forecast accuracy (2006).
    """
    return np.abs(actual - forecast) / np.asarray(scale)[..., None]


def seasonal_scale(series: SeriesSet, season: int) -> Floats:
    """Mean absolute in-sample error of seasonal naive: the unit of MASE and of widths.

    Where a series has no pair a season apart, or never changed over a season but for rounding,
    its steps from one point to the next stand in; for a constant its size; for zeros 1.

    Arguments:
        series: N histories; gaps are NaN.
        season: grid points of one season, 1 for none.

    Returns:
        (N,) positive; 1 for a series without any observation.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> series = SeriesSet.from_arrays({"a": [1.0, 2.0, 4.0]}, Calendar.integer())
        >>> seasonal_scale(series, season=1).tolist()
        [1.5]
    """
    scale, size = lag_change(series, max(season, 1)), _mean_size(series)
    rounding = _ROUNDING * np.where(np.isnan(size), 0.0, size)
    for stand_in in (lag_change(series, 1), size, np.ones(len(series))):
        scale = np.where(scale > rounding, scale, stand_in)  # NaN is not above anything
    return scale


def lag_change(series: SeriesSet, lag: int) -> Floats:
    """(N,) mean |y_t − y_{t−lag}| over the observed pairs; NaN where a series has none."""
    values, count = series.values, len(series)
    if len(values) <= lag:
        return np.full(count, np.nan)
    owner = np.repeat(np.arange(count), series.lengths)
    change = np.abs(values[lag:] - values[:-lag])
    pair = (owner[lag:] == owner[:-lag]) & ~np.isnan(change)
    return _mean_by(owner[lag:][pair], change[pair], count)


def _mean_size(series: SeriesSet) -> Floats:
    """(N,) mean |y|."""
    owner = np.repeat(np.arange(len(series)), series.lengths)
    seen = ~np.isnan(series.values)
    return _mean_by(owner[seen], np.abs(series.values[seen]), len(series))


def _mean_by(owner: NDArray[np.int64], values: Floats, count: int) -> Floats:
    pairs = np.bincount(owner, minlength=count)
    total = np.bincount(owner, weights=values, minlength=count)
    return np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan)


def owa(smape: float, mase: float, smape_naive2: float, mase_naive2: float) -> float:
    """M4's overall weighted average: mean of sMAPE and MASE relative to Naive2's.

    Example:
        >>> round(owa(13.912, 1.193, 18.383, 2.395), 3)
        0.627
    """
    return 0.5 * (smape / smape_naive2 + mase / mase_naive2)


def pinball(actual: Floats, forecast: Floats, quantile: float) -> Floats:
    """Quantile (pinball) loss of each point, (…, K), in the unit of the values.

    Source: Koenker and Bassett, Regression quantiles (1978).
    """
    error = actual - forecast
    return np.maximum(quantile * error, (quantile - 1.0) * error)


def weighted_quantile_loss(actual: Floats, forecast: Floats, quantile: float) -> float:
    """Twice the summed pinball loss over the summed size of the actuals, as GluonTS prints it."""
    loss = pinball(actual, forecast, quantile)
    size = float(np.abs(actual)[~np.isnan(loss)].sum())
    return 2.0 * float(np.nansum(loss)) / size if size > 0 else float("nan")


def interval_score(actual: Floats, lower: Floats, upper: Floats, level: float) -> Floats:
    """Winkler's score of each point: the width, plus 2/α times what lies outside.

    Divided by the seasonal scale and averaged it is M4's MSIS.

    Arguments:
        actual, lower, upper: (…, K).
        level: nominal coverage in percent, 95 for 95 %.

    Source: Gneiting and Raftery, Strictly proper scoring rules (2007), equation 43.
    """
    penalty = 2.0 / (1.0 - level / 100.0)
    outside = np.maximum(lower - actual, 0.0) + np.maximum(actual - upper, 0.0)
    return (upper - lower) + penalty * outside


def inside(actual: Floats, lower: Floats, upper: Floats) -> Floats:
    """1 where a point lies within its bounds, 0 where not, NaN where something is missing."""
    missing = np.isnan(actual) | np.isnan(lower) | np.isnan(upper)
    return np.where(missing, np.nan, (actual >= lower) & (actual <= upper))
