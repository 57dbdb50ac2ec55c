"""The simple methods that stand beside every LSTM: all series at once, numpy only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines.decomposition import deseasonalise
from holdfast.forecasting.baselines.naive import naive, seasonal_naive
from holdfast.forecasting.baselines.seasonal_mean import LONGER, ORIGINS, seasonal_mean
from holdfast.forecasting.baselines.smoothing import damped_ets
from holdfast.forecasting.baselines.theta import theta
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet, never_negative

SIMPLE: Final = ("SeasonalNaive", "SeasonalMean", "Theta", "DampedETS", "Naive")
"""The simple methods that a blend may use, in the order in which they are shown.

SeasonalMean exists only where there is a season (`simple_methods`)."""

IN_MEAN: Final = ("SeasonalNaive", "Theta", "DampedETS")
"""What `Mean` averages. Naive is left out: on seasonal data it would only add its error, on other
data it is the same as SeasonalNaive and would count twice."""

REACH: Final = 1024  # grid points that the simple methods look back, at least
_CHUNK = 1024


def reach(season: int, horizon: int) -> int:
    """Grid points that the simple methods look back: `REACH`, or four seasons where that is more.

    The longer season of SeasonalMean counts, and the horizons over which it compares its rules.
    """
    return max(REACH, 4 * LONGER.get(season, season) + ORIGINS * horizon)


def simple_methods(season: int) -> tuple[str, ...]:
    """The members of `SIMPLE` for a season: without SeasonalMean where there is none."""
    return tuple(name for name in SIMPLE if season > 1 or name != "SeasonalMean")


def forecast_simple(series: SeriesSet, season: int, horizon: int) -> dict[str, Floats]:
    """Point forecasts from the end of each series: method → (N, K).

    The methods are `simple_methods(season)` and "Mean", the mean of `IN_MEAN`. A history without
    any observation gets NaN, all others, a single point included, finite forecasts.
    """
    forecasts = {
        name: np.full((len(series), horizon), np.nan) for name in (*simple_methods(season), "Mean")
    }
    floor = never_negative(series)
    for rows, history in _histories(series, reach(season, horizon)):
        # In units of its own size, so that 1e30 squared does not overflow.
        unit = np.abs(np.where(np.isnan(history), 0.0, history)).max(axis=1)
        # A power of two, by which nothing is rounded: what is copied stays as it was typed.
        unit = np.ldexp(1.0, np.where(unit > 0, np.frexp(unit)[1], 0))[:, None]
        scaled = history / unit
        seasonality = deseasonalise(scaled, season)
        results = {
            "SeasonalNaive": seasonal_naive(scaled, season, horizon),
            "Theta": seasonality.restore(theta(seasonality.adjusted, horizon)),
            "DampedETS": seasonality.restore(damped_ets(seasonality.adjusted, horizon)),
            "Naive": naive(scaled, horizon),
        }
        if season > 1:
            results["SeasonalMean"] = seasonal_mean(scaled, season, horizon)
        for name, forecast in results.items():
            forecasts[name][rows] = np.maximum(forecast * unit, floor[rows, None])
    forecasts["Mean"] = np.mean([forecasts[name] for name in IN_MEAN], axis=0)
    return forecasts


def naive2(series: SeriesSet, season: int, horizon: int) -> Floats:
    """(N, K) the naive forecast of the seasonally adjusted series: M4's yardstick for OWA."""
    forecast = np.full((len(series), horizon), np.nan)
    for rows, history in _histories(series, reach(season, horizon)):
        seasonality = deseasonalise(history, season)
        forecast[rows] = seasonality.restore(naive(seasonality.adjusted, horizon))
    return forecast


def _histories(series: SeriesSet, reach: int) -> Iterator[tuple[NDArray[np.int64], Floats]]:
    """Rows of similar length and their histories, a chunk at a time."""
    lengths = np.minimum(series.lengths, reach)
    order = np.argsort(lengths, kind="stable")
    for begin in range(0, len(order), _CHUNK):
        rows = order[begin : begin + _CHUNK]
        longest = int(lengths[rows].max())
        if longest:
            yield rows, series.take(rows).last(longest)
