"""What the page of a forecast carries: the record as JSON of bounded size."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from holdfast.records import BacktestRecord, Floats, ForecastRecord, TrainingSummary
from holdfast.reports.anomalies import listed
from holdfast.reports.axis import Axis
from holdfast.reports.curves import pack, significant
from holdfast.reports.fold_scores import fold_scores
from holdfast.reports.group_totals import group_totals
from holdfast.reports.scores import BLEND, best_simple, needed_scores
from holdfast.reports.selection import select, shorten
from holdfast.reports.series_curves import series_curves, times_of
from holdfast.reports.series_rows import series_rows
from holdfast.reports.totals import Totals, totals
from holdfast.reports.trust_payload import trust_payload

SENTENCES = 200
"""Messages of the summary that are shown at most."""

SENTENCE_LENGTH = 1_000
COMMAND_LENGTH = 4_000
LOSSES = 500
"""Points of the learning curve that are shown at most."""

Json = dict[str, object]


def payload(record: ForecastRecord, budget: int) -> Json:
    """Everything that the page shows, of at most about `budget` bytes once it is JSON.

    Arguments:
        record: the forecast.
        budget: bytes for the series' rows and curves, by far the largest part.
    """
    selection = select(record, budget)
    sums = totals(record, selection.history)
    summed = [] if sums is None else [sums.history_times, sums.times]
    axis = Axis.of([*times_of(record, selection), *summed])
    return {
        "title": shorten(record.title, SENTENCE_LENGTH),
        "command": shorten(record.command, COMMAND_LENGTH),
        "created": record.created,
        "version": record.version,
        "seed": record.seed,
        "seconds": significant(record.seconds),
        "horizon": record.horizon,
        "summary": _summary(record),
        "axis": axis.payload(),
        "levels": [float(level) for level in sorted(record.upper)],
        "members": list(record.members),
        "series": {
            **series_rows(record, selection.rows),
            "total": len(record.labels),
            "curves": series_curves(record, selection, axis),
        },
        "trust": trust_payload(record, selection.rows),
        "totals": None if sums is None else _totals(sums, axis),
        "groups": group_totals(record.totals),
        "anomalies": listed(record, selection.rows),
        "backtest": None if record.backtest is None else _backtest(record.backtest),
        "training": [_training(one) for one in record.training],
        "remarks": _sentences(record.remarks),
    }


def _summary(record: ForecastRecord) -> Json:
    summary = record.summary
    return {
        "series": summary.series,
        "rows": summary.rows,
        "gaps": summary.gaps,
        "first": summary.first,
        "last": summary.last,
        "shortest": summary.shortest,
        "longest": summary.longest,
        "frequency": summary.frequency,
        "season": summary.season,
        "messages": _sentences(summary.messages),
        "unsaid": max(len(summary.messages) - SENTENCES, 0),
    }


def _totals(sums: Totals, axis: Axis) -> Json:
    return {
        "t": axis.place(sums.history_times),
        "h": pack(sums.history),
        "n": pack(sums.counted),
        "f": axis.place(sums.times),
        "m": pack(sums.median),
        "x": [pack(rows) for rows in sums.members.values()],
    }


def _backtest(backtest: BacktestRecord) -> Json:
    simple = best_simple(backtest.methods)
    return {
        "methods": [
            {
                "method": row.method,
                "mase": significant(row.mase),
                "smape": significant(row.smape),
                "weight": None if row.weight is None else significant(row.weight),
            }
            for row in backtest.methods
        ],
        "simple": None if simple is None else simple.method,
        "coverage": [
            {
                "level": float(row.level),
                "coverage": significant(row.coverage),
                "width": significant(row.width),
                "scores": row.scores,
                "calibrated": row.calibrated,
                "needed": needed_scores(row.level),
            }
            for row in backtest.coverage
        ],
        "folds": [fold_scores(fold) for fold in backtest.folds],
        "step_mase": _numbers(backtest.step_mase),
        "step_coverage": [
            {"level": float(level), "share": _numbers(share)}
            for level, share in sorted(backtest.step_coverage.items())
        ],
        "verdict": _sentences(backtest.verdict),
    }


def _training(training: TrainingSummary) -> Json:
    count = len(training.curve_steps)
    kept = np.unique(np.linspace(0, count - 1, min(count, LOSSES)).round().astype(int))
    return {
        "member": training.member,
        "parameters": training.parameters,
        "networks": training.networks,
        "steps": training.steps,
        "seconds": significant(training.seconds),
        "context": training.context,
        "patch": training.patch,
        "hidden": training.hidden,
        "layers": training.layers,
        "stopped": training.stopped,
        "curve_steps": [int(training.curve_steps[i]) for i in kept],
        "curve_loss": [significant(training.curve_loss[i]) for i in kept],
    }


def _sentences(sentences: Sequence[str]) -> list[str]:
    return [shorten(sentence, SENTENCE_LENGTH) for sentence in sentences[:SENTENCES]]


def _numbers(values: Floats) -> list[float | None]:
    return [significant(value) for value in values.tolist()]


def lead(record: ForecastRecord) -> str:
    """The one sentence below the title: how far off past forecasts were, in plain words."""
    backtest = record.backtest
    if backtest is None:
        return (
            "No series was long enough for a backtest, so nothing says how good this forecast is."
        )
    rows = {row.method: row for row in backtest.methods}
    ours, naive = rows.get(BLEND), rows.get("SeasonalNaive")
    if ours is None or naive is None or not math.isfinite(ours.mase) or not naive.mase > 0:
        return "The backtest below says how good this forecast is."
    folds = len(backtest.folds)
    past = "On the one past horizon that was tried" if folds == 1 else f"On {folds} past horizons"
    percent = 100 * abs(1 - ours.mase / naive.mase)
    side = "closer to" if ours.mase <= naive.mase else "farther from"
    rival = "repeating the last season" if record.summary.season > 1 else "repeating the last value"
    return f"{past} the forecast was {percent:.0f} % {side} the truth than {rival}."
