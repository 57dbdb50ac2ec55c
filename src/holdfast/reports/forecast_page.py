"""The page of a forecast: the record as JSON of bounded size, for scripts of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from holdfast.records import (
    TRUST,
    AnomalyRecord,
    BacktestRecord,
    Floats,
    ForecastRecord,
    TotalsRecord,
    TrainingSummary,
)
from holdfast.reports.forecast_curves import (
    Axis,
    Totals,
    pack,
    series_curves,
    times_of,
    totals,
)
from holdfast.reports.forecast_selection import LABEL_LENGTH, NOTE_LENGTH, select, series_rows
from holdfast.reports.formatting import evenly, shorten, significant
from holdfast.reports.page import COMMAND_LENGTH, LIMIT, TITLE_LENGTH, Frame
from holdfast.reports.scores import (
    BLEND,
    VERDICTS,
    best_simple,
    fold_scores,
    headline,
    needed_scores,
)

SCRIPTS = (
    "forecast_data.js",
    "forecast_chart.js",
    "forecast_series.js",
    "forecast_sections.js",
    "forecast.js",
)
"""Scripts of the page, in the order in which they build on each other."""

SENTENCES = 200
"""Messages of the summary that are shown at most."""

SENTENCE_LENGTH = 1_000
LOSSES = 500
"""Points of the learning curve that are shown at most."""

ANOMALIES = 100
"""Anomalies that the table lists at most, the farthest first."""

DOUBTED = 40
"""Series that are listed with the reasons not to trust them at most."""

TOTALS = 600
"""Totals of groups that the page lists at most; totals.csv has all of them."""

Json = dict[str, object]


def forecast_html(record: ForecastRecord) -> bytes:
    """The page of a forecast, complete in itself."""
    frame = Frame("forecast.html", "Holdfast forecast", SCRIPTS)
    title = shorten(record.title, TITLE_LENGTH) or "Forecast"
    budget = frame.budget
    while True:
        page = frame.render(title, lead(record), payload(record, budget))
        if len(page) <= LIMIT or not budget:
            return page
        # The budget's estimate was too low, for example for times that are no regular grid.
        budget //= 2


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
        "trust": _trust(record, selection.rows),
        "totals": None if sums is None else _totals(sums, axis),
        "groups": _group_totals(record.totals),
        "anomalies": _anomalies(record, selection.rows),
        "backtest": None if record.backtest is None else _backtest(record.backtest),
        "training": [_training(one) for one in record.training],
        "remarks": _sentences(record.remarks),
    }


def _summary(record: ForecastRecord) -> Json:
    messages = record.summary.messages
    return {
        **asdict(record.summary),
        "messages": _sentences(messages),
        "unsaid": max(len(messages) - SENTENCES, 0),
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


def _group_totals(record: TotalsRecord | None) -> Json | None:
    """Totals with intervals of their own, group by group; None where none were asked for."""
    if record is None:
        return None
    levels = sorted(record.upper)
    groups: dict[str, list[Json]] = {}
    for place in range(min(TOTALS, len(record.labels))):
        groups.setdefault(record.labels[place], []).append(
            {
                "time": record.times[place],
                "median": significant(record.median[place]),
                "mean": significant(record.mean[place]),
                "bounds": [
                    [significant(record.lower[one][place]), significant(record.upper[one][place])]
                    for one in levels
                ],
                "note": shorten(record.note[place], NOTE_LENGTH),
            }
        )
    return {
        "by": record.by,
        "over": record.over,
        "levels": [float(level) for level in levels],
        "unlisted": max(len(record.labels) - TOTALS, 0),
        "groups": [
            {"label": shorten(label, LABEL_LENGTH), "rows": rows} for label, rows in groups.items()
        ],
    }


def _trust(record: ForecastRecord, rows: NDArray[np.int64]) -> Json | None:
    """Verdicts and their reasons; None where a record has none. `rows` are the listed series."""
    trust = record.trust
    if trust is None:
        return None
    doubted = np.flatnonzero([verdict != TRUST for verdict in trust.verdicts]).tolist()
    doubted.sort(key=lambda index: VERDICTS.index(trust.verdicts[index]))
    errors = None if record.backtest is None else record.backtest.series_mase
    return {
        "headline": headline(trust),
        "counts": [trust.count(verdict) for verdict in VERDICTS],
        "doubted": [
            {
                "at": _place(rows, index),
                "label": shorten(record.labels[index], LABEL_LENGTH),
                "verdict": VERDICTS.index(trust.verdicts[index]),
                "why": shorten("; ".join(trust.findings[index]), NOTE_LENGTH),
            }
            for index in doubted[:DOUBTED]
        ],
        "unlisted": max(len(doubted) - DOUBTED, 0),
        "common": [shorten(sentence, NOTE_LENGTH) for sentence in trust.common],
        "hard": [
            {
                "at": _place(rows, index),
                "label": shorten(record.labels[index], LABEL_LENGTH),
                "mase": None if errors is None else significant(float(errors[index])),
            }
            for index in trust.hard
        ],
        "rests_on": [shorten(sentence, NOTE_LENGTH) for sentence in trust.rests_on],
        "verdicts": [VERDICTS.index(trust.verdicts[index]) for index in rows],
    }


def _place(rows: NDArray[np.int64], index: int) -> int | None:
    """Where a series is among the listed ones; None where it is not."""
    place = int(np.searchsorted(rows, index))
    return place if place < len(rows) and rows[place] == index else None


def _anomalies(record: ForecastRecord, rows: NDArray[np.int64]) -> Json | None:
    """Values that were not expected, the farthest first; None where none were looked at."""
    found = record.anomalies
    if found is None:
        return None
    at = {int(index): place for place, index in enumerate(rows.tolist())}
    return {
        "level": float(found.level),
        "scored": found.scored,
        "calibrated": found.calibrated,
        "count": len(found.series),
        "rows": [
            {
                "at": at.get(int(found.series[number])),
                "label": shorten(record.labels[int(found.series[number])], LABEL_LENGTH),
                "time": _anomaly_time(record, found, number),
                "value": significant(found.values[number]),
                "lower": significant(found.lower[number]),
                "upper": significant(found.upper[number]),
                "score": significant(found.scores[number], 3),
            }
            for number in range(min(ANOMALIES, len(found.series)))
        ],
    }


def _anomaly_time(record: ForecastRecord, found: AnomalyRecord, number: int) -> int:
    """When, as points of the page's axis are written: milliseconds, or the counter itself."""
    end = int(record.history_offsets[int(found.series[number]) + 1])
    time = record.history_times[end - 1 - int(found.places[number])]
    if np.issubdtype(record.history_times.dtype, np.datetime64):
        return int(np.datetime64(time, "ms").astype(np.int64))
    return int(time)


def _backtest(backtest: BacktestRecord) -> Json:
    simple = best_simple(backtest.methods)
    return {
        "methods": [_rounded(asdict(row)) for row in backtest.methods],
        "simple": None if simple is None else simple.method,
        "coverage": [
            {**_rounded(asdict(row)), "level": float(row.level), "needed": needed_scores(row.level)}
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
    kept = evenly(len(training.curve_steps), LOSSES)
    return {
        **_rounded(asdict(training)),
        "curve_steps": [int(training.curve_steps[i]) for i in kept],
        "curve_loss": [significant(training.curve_loss[i]) for i in kept],
    }


def _rounded(values: Json) -> Json:
    """Numbers with a fraction cut to significant digits, everything else as it is."""
    return {
        name: significant(value) if isinstance(value, float) else value
        for name, value in values.items()
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
