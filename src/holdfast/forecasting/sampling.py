"""Sample paths of a fitted forecaster, for any series; no trainer here."""

from __future__ import annotations

import numpy as np

from holdfast.forecasting.baselines.naive import never_negative
from holdfast.forecasting.evaluation.copula import Marginals, Paths
from holdfast.forecasting.evaluation.counts import recognise
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.predictor import Forecasts, forecast, places_in, pulls
from holdfast.records import Floats, Times
from holdfast.tables.series import SeriesSet


def distribution(fitted: Fitted, series: SeriesSet) -> tuple[Forecasts, Marginals]:
    """Forecasts, and the whole distribution of each step: values (Q, N, K).

    Arguments:
        fitted, series: as for `predictor.forecast`.
    """
    made = forecast(fitted, series, LEVELS)
    floor = never_negative(series)[:, None]
    pull = pulls(series, fitted.dependence.pull)
    return made, Marginals.from_bounds(made.median, made.lower, made.upper, floor, pull)


def path_sampler(fitted: Fitted, series: SeriesSet, samples: int, seed: int) -> Paths:
    """What draws the paths of these series, some at a time.

    Arguments:
        fitted, series: as for `predictor.forecast`.
        samples: paths of each series.
        seed: of the draws.
    """
    places = places_in(fitted, series)
    return Paths(fitted.dependence, fitted.horizon, places, samples, seed)


def sample_paths(
    fitted: Fitted, series: SeriesSet, samples: int, seed: int, *, integers: bool
) -> tuple[Times, Floats]:
    """Paths of every series from its last value on.

    Arguments:
        fitted, series: as for `predictor.forecast`.
        samples: n paths.
        seed: of the draws.
        integers: whether series of whole numbers are drawn in whole numbers.

    Returns:
        (N, K) timestamps and (n, N, K) values.
    """
    made, marginals = distribution(fitted, series)
    sampler = path_sampler(fitted, series, samples, seed)
    values = sampler.values(marginals, np.arange(len(series)))
    if integers:
        rows = np.flatnonzero(recognise(series).whole)
        values[:, rows] = sampler.whole(values[:, rows], rows)
    return made.times, values
