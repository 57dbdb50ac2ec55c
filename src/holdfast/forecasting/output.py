"""Forecasts, backtests and embeddings as the columns of a table; the record behind a report."""

from __future__ import annotations

import datetime
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.backtest import BacktestData, BacktestResult
from holdfast.forecasting.evaluation.counts import recognise
from holdfast.forecasting.evaluation.cross_fit import BLEND
from holdfast.forecasting.monitoring.anomalies import PastPoints, anomaly_record
from holdfast.forecasting.paths import fold_means
from holdfast.forecasting.predict import Forecasts, forecast
from holdfast.forecasting.reliability import about_table, hardest, rests_on
from holdfast.forecasting.totals import Totals
from holdfast.records import (
    Floats,
    ForecastRecord,
    MethodScore,
    Times,
    TotalsRecord,
    TrustRecord,
)
from holdfast.tables.calendar import Calendar
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.series import SeriesSet
from holdfast.version import __version__

if TYPE_CHECKING:
    from holdfast.forecasting.fit import FitResult

Columns = dict[str, NDArray[np.generic]]

MEAN = f"{BLEND}-mean"
"""The column of the mean, beside the median, where the model knows counts."""


def forecast_columns(
    names: ColumnNames, series: SeriesSet, made: Forecasts | ForecastRecord, *, members: bool
) -> Columns:
    """One row a series and step: ids, time, the median, bounds, members, method and note.

    Arguments:
        names: what the caller's columns are called.
        series: the N series that were forecast.
        made: their forecasts.
        members: whether to add a column a member.
    """
    steps = made.median.shape[1]
    result = _ids(names, series, np.repeat(np.arange(len(series)), steps))
    result[names.time] = made.times.ravel()
    result[BLEND] = made.median.ravel()
    result |= _bounds(made.lower, made.upper)
    if made.mean is not None:
        result[MEAN] = made.mean.ravel()
    if members:
        result |= {name: forecast.ravel() for name, forecast in made.members.items()}
    for name, texts in (("method", made.method), ("note", made.note)):
        result[name] = np.repeat(np.array(texts, dtype=object), steps)
    return result


def forecast_record(
    result: FitResult,
    levels: Sequence[float],
    *,
    title: str,
    command: str,
    started: float | None,
    series: SeriesSet | None = None,
    forecasts: Forecasts | None = None,
) -> ForecastRecord:
    """All that a report shows of a fit.

    Arguments:
        result: of the fit, or of a backtest.
        levels: interval levels in percent.
        title: what was forecast.
        command: that was given; "" for none.
        started: the reading of ``time.monotonic`` from which seconds count; None for none.
        series: those of the fit, with future covariates; None where they have them.
        forecasts: of its model, from the end of `series` on; None to make them.
    """
    model = result.model
    series = model.series if series is None else series
    forecasts = forecast(model, series, levels) if forecasts is None else forecasts
    backtest = result.backtest.record(result.data, levels)
    first = np.repeat(series.starts - series.offsets[:-1], series.lengths)
    return ForecastRecord(
        title=title,
        command=command,
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
        version=__version__,
        seed=result.seed,
        seconds=0.0 if started is None else time.monotonic() - started,
        summary=result.data.table.summary,
        horizon=model.horizon,
        labels=series.labels,
        history_offsets=series.offsets,
        history_times=series.calendar.times(first + np.arange(len(series.values))),
        history_values=series.values,
        times=forecasts.times,
        median=forecasts.median,
        lower=forecasts.lower,
        upper=forecasts.upper,
        members=forecasts.members,
        method=forecasts.method,
        note=forecasts.note,
        backtest=backtest,
        training=result.training,
        remarks=result.notes,
        mean=forecasts.mean,
        trust=TrustRecord(
            verdicts=tuple(one.verdict for one in forecasts.found),
            findings=tuple(one.findings for one in forecasts.found),
            common=about_table(
                backtest.methods if backtest else (),
                backtest.coverage if backtest else (),
                model.ensemble.spread.calibration.scores,
                model.season,
            ),
            hard=hardest(backtest.series_mase) if backtest else (),
            rests_on=rests_on(model),
        ),
        anomalies=anomaly_record(model, series),
    )


def totals_record(
    totals: Totals, calendar: Calendar, by: str | None, over: str | None
) -> TotalsRecord:
    """What a report shows of totals.

    Arguments:
        totals: from `totals.totals`.
        calendar: of the series.
        by, over: what was added up.
    """
    groups = [column.tolist() for column in totals.keys.values()]
    return TotalsRecord(
        by=by or "",
        over=over or "",
        labels=tuple(" / ".join(map(str, parts)) for parts in zip(*groups, strict=True)),
        times=tuple(calendar.texts(totals.times).tolist()),
        median=totals.median,
        mean=totals.mean,
        lower=totals.lower,
        upper=totals.upper,
        note=totals.note,
    )


def score_columns(methods: Sequence[MethodScore]) -> Columns:
    """One row a method: its name, its scores, its weight.

    Arguments:
        methods: the ensemble first.
    """
    return {
        "method": np.array([one.method for one in methods], dtype=object),
        "mase": np.array([one.mase for one in methods]),
        "smape": np.array([one.smape for one in methods]),
        "weight": np.array([np.nan if one.weight is None else one.weight for one in methods]),
    }


def backtest_columns(
    ground: BacktestData, judged: BacktestResult, levels: tuple[float, ...]
) -> Columns:
    """One row a series, fold and step where there is something to compare with.

    Arguments:
        ground: the table and its folds.
        judged: what came of them.
        levels: interval levels in percent, among those that were calibrated.
    """
    names, series = ground.table.columns, ground.table.series
    there = ~np.isnan(ground.actual)
    fold, row, step = np.nonzero(there)
    cutoffs = ground.folds.cutoffs
    result = _ids(names, series, row)
    result[names.time] = series.calendar.times(cutoffs[fold] + 1 + step)
    result["cutoff"] = series.calendar.times(cutoffs[fold])
    result[names.target] = ground.actual[there]
    result[BLEND] = judged.evaluation.blend[there]
    intervals = judged.evaluation.intervals
    result |= _bounds(
        {level: intervals.lower[level][there] for level in levels},
        {level: intervals.upper[level][there] for level in levels},
    )
    if recognise(series).counts.any():
        result[MEAN] = fold_means(ground, judged.evaluation)[there]
    return result | {name: made[there] for name, made in judged.members.items()}


def path_columns(names: ColumnNames, series: SeriesSet, times: Times, paths: Floats) -> Columns:
    """One row a series, sample and step: ids, time, the sample's number from 0, its value.

    Arguments:
        names: what the caller's columns are called.
        series: the N series that were forecast.
        times: (N, K) timestamps.
        paths: (n, N, K).
    """
    samples, count, steps = paths.shape
    result = _ids(names, series, np.repeat(np.arange(count), samples * steps))
    result[names.time] = np.repeat(times[:, None], samples, axis=1).ravel()
    result["sample"] = np.tile(np.repeat(np.arange(samples), steps), count)
    result[BLEND] = np.swapaxes(paths, 0, 1).ravel()
    return result


def embedding_columns(names: ColumnNames, series: SeriesSet, made: Floats) -> Columns:
    """One row a series: ids, and a column a dimension.

    Arguments:
        names: what the caller's columns are called.
        series: the N series that were read.
        made: (N, H) their vectors.
    """
    result = _ids(names, series, np.arange(len(series)))
    return result | {f"e{place}": made[:, place] for place in range(made.shape[1])}


def total_columns(names: ColumnNames, made: Totals) -> Columns:
    """One row a total: its group, its period's first timestamp, median, bounds, mean and parts.

    Arguments:
        names: what the caller's columns are called.
        made: from `totals`.
    """
    result: Columns = dict(made.keys)
    result[names.time] = made.times
    result[BLEND] = made.median
    result |= _bounds(made.lower, made.upper)
    result[MEAN] = made.mean
    result["observed"] = made.observed
    result["points"] = made.points
    result["note"] = np.array(made.note, dtype=object)
    return result


def anomaly_columns(
    names: ColumnNames, series: SeriesSet, found: PastPoints, level: float
) -> Columns:
    """One row a value: ids, time, value, forecast, bounds, score, whether it is an anomaly, note.

    Arguments:
        names: what the caller's columns are called.
        series: the N series that were judged.
        found: their values.
        level: of the intervals, in percent.
    """
    result = _ids(names, series, found.places)
    result[names.time] = series.calendar.times(found.ordinals)
    result[names.target] = found.values
    result[BLEND] = found.median
    result[f"{BLEND}-lo-{level:g}"] = found.lower
    result[f"{BLEND}-hi-{level:g}"] = found.upper
    result["score"] = found.scores
    result["anomaly"] = found.anomaly
    note = np.where(np.isnan(found.lower), "too early to judge", "")
    if not found.calibrated:
        note = np.where(note == "", f"{level:g} % not calibrated", note)
    result["note"] = note.astype(object)
    return result


def _ids(names: ColumnNames, series: SeriesSet, rows: NDArray[np.int64]) -> Columns:
    """The id columns of some rows; those of the caller, in the caller's order."""
    return {name: series.keys[name][rows] for name in names.id}


def _bounds(lower: Mapping[float, Floats], upper: Mapping[float, Floats]) -> Columns:
    result: Columns = {}
    for level in sorted(lower):
        result[f"{BLEND}-lo-{level:g}"] = lower[level].ravel()
        result[f"{BLEND}-hi-{level:g}"] = upper[level].ravel()
    return result
