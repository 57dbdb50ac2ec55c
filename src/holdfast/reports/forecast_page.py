"""The page of a forecast: the record as JSON of bounded size, for scripts of its own."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from holdfast import records
from holdfast.records import Floats
from holdfast.reports.forecast_curves import (
    Axis,
    Totals,
    as_integers,
    pack,
    series_curves,
    times_of,
    totals,
)
from holdfast.reports.forecast_selection import LABEL_LENGTH, NOTE_LENGTH, select, series_rows
from holdfast.reports.formatting import evenly, fields_of, shorten, significant
from holdfast.reports.page import COMMAND_LENGTH, LIMIT, TITLE_LENGTH, Frame
from holdfast.reports.scores import (
    BLEND,
    VERDICTS,
    best_simple,
    fold_scores,
    headline,
    needed_scores,
)

SCRIPTS = tuple(f"forecast{part}.js" for part in ("_data", "_chart", "_series", "_sections", ""))
"""Scripts of the page, in the order in which they build on each other."""

SENTENCES = 200
SENTENCE_LENGTH = 1_000
LOSSES = 500
ANOMALIES = 100
DOUBTED = 40
TOTALS = 600
"""At most so many messages of the summary, their characters, points of the learning curve,
anomalies (the farthest first), series with the reasons not to trust them, and totals of groups
(totals.csv has all of them) are shown."""

Json = dict[str, object]


def forecast_html(record: records.ForecastRecord) -> bytes:
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


def payload(record: records.ForecastRecord, budget: int) -> Json:
    """Everything that the page shows.

    The series' rows and curves, by far the largest part, are at most about `budget` bytes.
    """
    selection = select(record, budget)
    sums = totals(record, selection.history)
    summed = [] if sums is None else [sums.history_times, sums.times]
    axis = Axis.of([*times_of(record, selection), *summed])
    messages = record.summary.messages
    unsaid = max(len(messages) - SENTENCES, 0)
    return {
        "title": shorten(record.title, SENTENCE_LENGTH),
        "command": shorten(record.command, COMMAND_LENGTH),
        **fields_of(record, "created", "version", "seed"),
        "seconds": significant(record.seconds),
        "horizon": record.horizon,
        "summary": {**asdict(record.summary), "messages": _sentences(messages), "unsaid": unsaid},
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


def _totals(sums: Totals, axis: Axis) -> Json:
    return {
        "t": axis.place(sums.history_times),
        "h": pack(sums.history),
        "n": pack(sums.counted),
        "f": axis.place(sums.times),
        "m": pack(sums.median),
        "x": [pack(rows) for rows in sums.members.values()],
    }


def _group_totals(record: records.TotalsRecord | None) -> Json | None:
    """Totals with intervals of their own, group by group; None where none were asked for."""
    if record is None:
        return None
    levels = sorted(record.upper)
    groups: dict[str, list[Json]] = {}
    for place, label in enumerate(record.labels[:TOTALS]):
        bounds = [(record.lower[one][place], record.upper[one][place]) for one in levels]
        row: Json = {
            "time": record.times[place],
            "median": significant(record.median[place]),
            "mean": significant(record.mean[place]),
            "bounds": [[significant(low), significant(high)] for low, high in bounds],
            "note": shorten(record.note[place], NOTE_LENGTH),
        }
        groups.setdefault(label, []).append(row)
    return {
        **fields_of(record, "by", "over"),
        "levels": [float(level) for level in levels],
        "unlisted": max(len(record.labels) - TOTALS, 0),
        "groups": [
            {"label": shorten(label, LABEL_LENGTH), "rows": rows} for label, rows in groups.items()
        ],
    }


def _trust(record: records.ForecastRecord, rows: NDArray[np.int64]) -> Json | None:
    """Verdicts and their reasons; None where a record has none. `rows` are the listed series."""
    trust = record.trust
    if trust is None:
        return None
    doubted = [index for verdict in VERDICTS[:2] for index in trust.series(verdict)]
    errors = None if record.backtest is None else record.backtest.series_mase
    return {
        "headline": headline(trust),
        "counts": [trust.count(verdict) for verdict in VERDICTS],
        "doubted": [
            {
                **_series(record, rows, index),
                "verdict": VERDICTS.index(trust.verdicts[index]),
                "why": shorten("; ".join(trust.findings[index]), NOTE_LENGTH),
            }
            for index in doubted[:DOUBTED]
        ],
        "unlisted": max(len(doubted) - DOUBTED, 0),
        "common": [shorten(sentence, NOTE_LENGTH) for sentence in trust.common],
        "hard": [
            {
                **_series(record, rows, index),
                "mase": None if errors is None else significant(float(errors[index])),
            }
            for index in trust.hard
        ],
        "rests_on": [shorten(sentence, NOTE_LENGTH) for sentence in trust.rests_on],
        "verdicts": [VERDICTS.index(trust.verdicts[index]) for index in rows],
    }


def _series(record: records.ForecastRecord, rows: NDArray[np.int64], index: int) -> Json:
    """Where a series is among the listed ones, None where it is not, and its label."""
    place = int(np.searchsorted(rows, index))
    listed = place < len(rows) and rows[place] == index
    label = shorten(record.labels[index], LABEL_LENGTH)
    return {"at": place if listed else None, "label": label}


def _anomalies(record: records.ForecastRecord, rows: NDArray[np.int64]) -> Json | None:
    """Values that were not expected, the farthest first; None where none were looked at.

    Times are those of the page's axis: milliseconds, or the counter itself.
    """
    found = record.anomalies
    if found is None:
        return None
    series = found.series[:ANOMALIES]
    ends = record.history_offsets[series + 1]
    times = as_integers(record.history_times[ends - 1 - found.places[:ANOMALIES]])
    return {
        "level": float(found.level),
        **fields_of(found, "scored", "calibrated"),
        "count": len(found.series),
        "rows": [
            {
                **_series(record, rows, int(index)),
                "time": int(time),
                "value": significant(found.values[place]),
                "lower": significant(found.lower[place]),
                "upper": significant(found.upper[place]),
                "score": significant(found.scores[place], 3),
            }
            for place, (index, time) in enumerate(zip(series, times, strict=True))
        ],
    }


def _backtest(backtest: records.BacktestRecord) -> Json:
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


def _training(training: records.TrainingSummary) -> Json:
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


def lead(record: records.ForecastRecord) -> str:
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
