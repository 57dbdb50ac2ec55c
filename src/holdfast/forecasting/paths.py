"""Sample paths of a fitted forecaster, for any series; no trainer here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from holdfast.forecasting.backtest import BacktestData
from holdfast.forecasting.evaluation.copula import Dependence, Marginals, Paths, fit_dependence
from holdfast.forecasting.evaluation.counts import fit_pull, recognise
from holdfast.forecasting.evaluation.cross_fit import Evaluation
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.evaluation.folds import apart_in_time
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.predict import Forecasts, forecast, places_in, pulls
from holdfast.records import Floats, Times
from holdfast.tables.series import SeriesSet, never_negative


def distribution(model: FittedModel, series: SeriesSet) -> tuple[Forecasts, Marginals]:
    """Forecasts, and the whole distribution of each step: values (Q, N, K)."""
    result = forecast(model, series, LEVELS)
    floor = never_negative(series)[:, None]
    pull = pulls(series, model.dependence.pull)
    return result, Marginals.from_bounds(result.median, result.lower, result.upper, floor, pull)


def sample_paths(
    model: FittedModel, series: SeriesSet, samples: int, seed: int, *, integers: bool
) -> tuple[Times, Floats]:
    """Paths of every series from its last value on.

    Returns:
        (N, K) timestamps and (n, N, K) values.
    """
    forecasts, marginals = distribution(model, series)
    sampler = Paths(model.dependence, model.horizon, places_in(model, series), samples, seed)
    values = sampler.values(marginals, np.arange(len(series)))
    if integers:
        rows = np.flatnonzero(recognise(series).whole)
        values[:, rows] = sampler.whole(values[:, rows], rows)
    return forecasts.times, values


_ENOUGH = 600  # windows; a table with fewer in its folds is forecast from earlier cut-offs too
_MOST = 24  # earlier cut-offs


def dependence(data: BacktestData, evaluation: Evaluation, model: FittedModel) -> Dependence:
    """How errors go together between steps and between series, from windows nobody had seen.

    The folds of the backtest, with the intervals that were made out of fold. Where there are few
    windows in them, cut-offs before the first fold come in addition, a horizon apart: from there
    the simple methods and the pretrained network forecast, which learnt nothing of what follows.
    The blend's weights and the intervals' widths there are those of the folds, which lie behind:
    they shape how wide an interval is, and hardly which errors go together. No network of the model
    may have been trained on these series only.
    """
    folds, horizon = data.folds, data.horizon
    if not folds.scoring:
        return Dependence.unknown(horizon)
    chosen = np.flatnonzero(apart_in_time(folds.cutoffs, horizon))
    straight = fold_marginals(data, evaluation, 1.0)
    pull = _pull(data, straight)
    marginals = straight if pull == 1.0 else fold_marginals(data, evaluation, pull)
    parts = [marginals.ranks(data.actual)[chosen]]
    earlier = _earlier(data)
    if earlier:
        model = replace(model, dependence=replace(model.dependence, pull=pull))
        parts.append(_from_earlier(data, model, earlier))
    return replace(fit_dependence(np.concatenate(parts)), pull=pull)


def _pull(data: BacktestData, straight: Marginals) -> float:
    """The pull of counts, from at most 512 of them."""
    rows = np.flatnonzero(recognise(data.table.series).counts)
    if not len(rows):
        return 1.0
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), 512)).astype(np.int64))]
    some = Marginals(
        straight.scores,
        straight.values[:, :, rows],
        straight.floor[:, rows],
        straight.pull[:, rows],
    )
    return fit_pull(some, data.actual[:, rows], data.scales[:, rows])


def fold_means(data: BacktestData, evaluation: Evaluation) -> Floats:
    """(F, N, K) the mean of each point of the backtest, each fold's pull from the other folds."""
    straight = fold_marginals(data, evaluation, 1.0)
    means = np.empty(data.actual.shape)
    for fold in range(len(means)):
        others = np.flatnonzero(np.arange(len(means)) != fold)
        apart = replace(data, actual=data.actual[others], scales=data.scales[others])
        some = Marginals(
            straight.scores,
            straight.values[:, others],
            straight.floor[others],
            straight.pull[others],
        )
        pull = _pull(apart, some)
        means[fold] = fold_marginals(data, evaluation, pull).mean()[fold]
    return means


def fold_marginals(data: BacktestData, evaluation: Evaluation, pull: float) -> Marginals:
    """The distribution of each point of the backtest, out of fold: values (Q, F, N, K)."""
    series, shown = data.table.series, evaluation.intervals
    floors = [never_negative(series.cut(cutoff)) for cutoff in data.folds.scoring]
    return Marginals.from_bounds(
        evaluation.blend,
        {level: shown.lower[level] for level in LEVELS},
        {level: shown.upper[level] for level in LEVELS},
        np.stack(floors)[..., None],
        pulls(series, pull),
    )


def _earlier(data: BacktestData) -> list[int]:
    """Cut-offs before the first fold, newest first, none that leaves too little to learn from."""
    series, folds = data.table.series, data.folds
    first, needed = folds.scoring[0], folds.needed
    count = min(_MOST, _ENOUGH // max(len(series), 1))
    cutoffs = [first - (place + 1) * data.horizon for place in range(count)]
    return [cutoff for cutoff in cutoffs if (cutoff - series.starts + 1 >= needed).any()]


def _from_earlier(data: BacktestData, model: FittedModel, cutoffs: list[int]) -> Floats:
    """(F, N, K) normal scores at earlier cut-offs, all of them forecast at once."""
    series = data.table.series
    past = replace(data.folds, scoring=tuple(cutoffs))
    actual = past.actual(series)
    every = series.take(np.tile(np.arange(len(series)), len(cutoffs)))
    known = every.cut(np.repeat(cutoffs, len(series)))
    begun = np.flatnonzero(known.lengths > 0)
    _, marginals = distribution(model, known.take(begun))
    scores = np.full((len(known), data.horizon), np.nan)
    scores[begun] = marginals.ranks(actual.reshape(scores.shape)[begun])
    return scores.reshape(actual.shape)
