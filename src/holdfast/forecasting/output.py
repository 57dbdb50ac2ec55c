"""Forecasts, backtests and embeddings as the columns of a table; the record behind a report."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.backtest import BacktestData, BacktestResult
from holdfast.forecasting.evaluation.counts import recognise
from holdfast.forecasting.evaluation.cross_fit import BLEND
from holdfast.forecasting.monitoring.anomalies import PastPoints, anomaly_record
from holdfast.forecasting.paths import fold_means
from holdfast.forecasting.predict import Forecasts
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
from holdfast.storage import local_time
from holdfast.tables.calendar import Calendar
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.read import summarise
from holdfast.tables.series import SeriesSet
from holdfast.version import __version__

if TYPE_CHECKING:
    from holdfast.forecasting.fit import FitResult
    from holdfast.forecasting.model import FittedModel

Columns = dict[str, NDArray[np.generic]]

MEAN = f"{BLEND}-mean"  # the column of the mean, beside the median, where the model knows counts


def forecast_columns(
    names: ColumnNames, series: SeriesSet, forecasts: Forecasts | ForecastRecord, *, members: bool
) -> Columns:
    """One row a series and step: ids, time, the median, bounds, members, method and note."""
    steps = forecasts.median.shape[1]
    columns = _ids(names, series, np.repeat(np.arange(len(series)), steps))
    columns[names.time] = forecasts.times.ravel()
    columns[BLEND] = forecasts.median.ravel()
    columns |= _bounds(forecasts.lower, forecasts.upper)
    if forecasts.mean is not None:
        columns[MEAN] = forecasts.mean.ravel()
    if members:
        columns |= {name: rows.ravel() for name, rows in forecasts.members.items()}
    for name, texts in (("method", forecasts.method), ("note", forecasts.note)):
        columns[name] = np.repeat(np.array(texts, dtype=object), steps)
    return columns


def forecast_record(
    result: FitResult,
    levels: Sequence[float],
    *,
    title: str,
    command: str,
    started: float | None,
    model: FittedModel,
    series: SeriesSet,
    forecasts: Forecasts,
) -> ForecastRecord:
    """All that a report shows of a fit, or of a backtest.

    `model` is that of the result, or what updates have made of it; `series` are its own with future
    covariates, `forecasts` those from their end on. Seconds count from `started`, a reading of
    ``time.monotonic``.
    """
    backtest, summary = result.backtest.record(result.data, levels), result.data.table.summary
    if model is not result.model:
        summary = summarise(series, model.season, summary.messages)
        if backtest is not None:  # new series are in no fold
            added = np.full(len(series) - len(backtest.series_mase), np.nan)
            backtest = replace(
                backtest,
                series_mase=np.append(backtest.series_mase, added),
                series_mase_naive=np.append(backtest.series_mase_naive, added),
            )
    first = np.repeat(series.starts - series.offsets[:-1], series.lengths)
    return ForecastRecord(
        title=title,
        command=command,
        created=local_time(),
        version=__version__,
        seed=result.seed,
        seconds=0.0 if started is None else time.monotonic() - started,
        summary=summary,
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
    """What a report shows of totals."""
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
    """One row a method: its name, its scores, its weight."""
    return {
        "method": np.array([one.method for one in methods], dtype=object),
        "mase": np.array([one.mase for one in methods]),
        "smape": np.array([one.smape for one in methods]),
        "weight": np.array([np.nan if one.weight is None else one.weight for one in methods]),
    }


def backtest_columns(
    data: BacktestData, result: BacktestResult, levels: tuple[float, ...]
) -> Columns:
    """One row a series, fold and step where there is something to compare with."""
    names, series = data.table.columns, data.table.series
    scored = ~np.isnan(data.actual)
    fold, row, step = np.nonzero(scored)
    cutoffs = data.folds.cutoffs
    columns = _ids(names, series, row)
    columns[names.time] = series.calendar.times(cutoffs[fold] + 1 + step)
    columns["cutoff"] = series.calendar.times(cutoffs[fold])
    columns[names.target] = data.actual[scored]
    columns[BLEND] = result.evaluation.blend[scored]
    intervals = result.evaluation.intervals
    columns |= _bounds(
        {level: intervals.lower[level][scored] for level in levels},
        {level: intervals.upper[level][scored] for level in levels},
    )
    if recognise(series).counts.any():
        columns[MEAN] = fold_means(data, result.evaluation)[scored]
    return columns | {name: rows[scored] for name, rows in result.members.items()}


def path_columns(names: ColumnNames, series: SeriesSet, times: Times, paths: Floats) -> Columns:
    """One row a series, sample and step of (n, N, K) paths: ids, time, number from 0, value."""
    samples, count, steps = paths.shape
    columns = _ids(names, series, np.repeat(np.arange(count), samples * steps))
    columns[names.time] = np.repeat(times[:, None], samples, axis=1).ravel()
    columns["sample"] = np.tile(np.repeat(np.arange(samples), steps), count)
    columns[BLEND] = np.swapaxes(paths, 0, 1).ravel()
    return columns


def embedding_columns(names: ColumnNames, series: SeriesSet, vectors: Floats) -> Columns:
    """One row a series: ids, and a column a dimension of the (N, H) vectors."""
    columns = _ids(names, series, np.arange(len(series)))
    return columns | {f"e{place}": vectors[:, place] for place in range(vectors.shape[1])}


def total_columns(names: ColumnNames, totals: Totals) -> Columns:
    """One row a total: its group, its period's first timestamp, median, bounds, mean and parts."""
    columns: Columns = dict(totals.keys)
    columns[names.time] = totals.times
    columns[BLEND] = totals.median
    columns |= _bounds(totals.lower, totals.upper)
    columns[MEAN] = totals.mean
    columns["observed"] = totals.observed
    columns["points"] = totals.points
    columns["note"] = np.array(totals.note, dtype=object)
    return columns


def anomaly_columns(
    names: ColumnNames, series: SeriesSet, found: PastPoints, level: float
) -> Columns:
    """One row a value: ids, time, value, forecast, bounds, score, whether it is odd, note."""
    columns = _ids(names, series, found.places)
    columns[names.time] = series.calendar.times(found.ordinals)
    columns[names.target] = found.values
    columns[BLEND] = found.median
    columns[f"{BLEND}-lo-{level:g}"] = found.lower
    columns[f"{BLEND}-hi-{level:g}"] = found.upper
    columns["score"] = found.scores
    columns["anomaly"] = found.anomaly
    note = np.where(np.isnan(found.lower), "too early to judge", "")
    if not found.calibrated:
        note = np.where(note == "", f"{level:g} % not calibrated", note)
    columns["note"] = note.astype(object)
    return columns


def _ids(names: ColumnNames, series: SeriesSet, rows: NDArray[np.int64]) -> Columns:
    """The id columns of some rows; those of the caller, in the caller's order."""
    return {name: series.keys[name][rows] for name in names.id}


def _bounds(lower: Mapping[float, Floats], upper: Mapping[float, Floats]) -> Columns:
    columns: Columns = {}
    for level in sorted(lower):
        columns[f"{BLEND}-lo-{level:g}"] = lower[level].ravel()
        columns[f"{BLEND}-hi-{level:g}"] = upper[level].ravel()
    return columns
