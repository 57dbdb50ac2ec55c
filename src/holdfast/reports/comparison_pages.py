"""Pages of comparisons: recurrent networks on tasks of a known lag, and as forecasters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from holdfast.records import ComparedRun, ForecastComparison, LagCurve, MemoryComparison
from holdfast.reports import page
from holdfast.reports.figures import (
    axis,
    figure,
    lag_axes,
    lag_line,
    lag_words,
    line,
    log_axis,
    plain,
    style,
)
from holdfast.reports.formatting import as_count, as_fixed, as_percent, shorten, significant
from holdfast.reports.page import Json

MODELS = 12
TASKS = 8
RUNS = 3_000
"""Models, tasks and runs that are shown at most."""

APART = 0.012
"""How far lines that lie on each other are moved apart, as a share of seeds."""

UPDATE_TICKS = [1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000]

_COLOURS = (
    "--history", "--member-1", "--member-4", "--member-3", "--blend", "--member-2", "--member-5",
)  # fmt: skip
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "5px,2px,1px,2px")


def memory_comparison_html(record: MemoryComparison) -> bytes:
    """The page of success against lag."""
    models = list(dict.fromkeys(run.model for run in record.runs))[:MODELS]
    looks = {model: _look(place) for place, model in enumerate(models)}
    tasks = list(dict.fromkeys(run.task for run in record.runs))[:TASKS]
    runs = [run for run in record.runs if run.model in looks]
    success = shorten(record.success, page.SENTENCE_LENGTH).rstrip(".")
    sections: list[Json | None] = []
    for view, task in enumerate(tasks):
        of_task = [run for run in runs if run.task == task]
        sections += _task_sections(of_task, page.short_name(task), looks, success, view)
        sections.append(_gradient_section(of_task, looks, view))
    equal = "What was equal for all"
    sections += [
        page.section("comparison/runs", _run_table(runs)) if runs else None,
        page.section("comparison/facts", page.facts(record.facts, equal)) if record.facts else None,
    ]
    return page.sections_page(
        record,
        "Holdfast compare",
        _memory_lead(record),
        sections,
        sentences=record.findings,
        views=tasks,
        views_label="Tasks",
    )


def forecast_comparison_html(record: ForecastComparison) -> bytes:
    """The page of networks as forecasters of one table."""
    networks = [
        (page.short_name(name), float(np.nanmedian(scores)))
        for name, scores in list(zip(record.models, record.scores, strict=True))[:MODELS]
    ]
    simple = [
        (page.short_name(name), score) for name, score in list(record.simple.items())[:MODELS]
    ]
    scores = page.section(
        "forecasters/scores",
        _score_figure(record, networks, simple) if networks else None,
        _score_table(record, networks, simple),
    )
    lead, findings = _forecast_lead(record), record.findings
    return page.sections_page(record, "Holdfast compare", lead, [scores], sentences=findings)


def solved_share(runs: Sequence[ComparedRun]) -> tuple[int, int]:
    """How many of some runs succeeded, and how many there are."""
    return sum(run.solved_after is not None for run in runs), len(runs)


def median_updates(runs: Sequence[ComparedRun]) -> float | None:
    """The median of the updates until success, those that did not succeed counted as above all
    others; None where that is the middle one."""
    if not runs:
        return None
    updates = [np.inf if run.solved_after is None else run.solved_after for run in runs]
    middle = float(np.median(updates))
    return middle if np.isfinite(middle) else None


def _task_sections(
    runs: list[ComparedRun], task: str, looks: dict[str, Json], success: str, view: int
) -> list[Json | None]:
    """Success and updates of the models at each lag of a task."""
    lags = sorted({run.lag for run in runs})
    every = {
        model: [[run for run in runs if (run.model, run.lag) == (model, lag)] for lag in lags]
        for model in looks
    }
    by_model = {model: by_lag for model, by_lag in every.items() if any(by_lag)}
    headings = [("Model", ""), *((f"lag {lag:,}", "count") for lag in lags)]
    rows = [
        [page.short_name(model), *(_outcome(runs_at) for runs_at in by_lag)]
        for model, by_lag in by_model.items()
    ]
    return [
        page.section(
            "comparison/success",
            page.table(headings, rows, f"Success on {task} by model and lag"),
            _success_figure(by_model, looks, lags, task),
            task=task,
            success=success,
            view=view,
        ),
        _updates_section(by_model, looks, lags, task, view),
    ]


def _outcome(runs: Sequence[ComparedRun]) -> Json | None:
    if not runs:
        return None
    solved, count = solved_share(runs)
    updates = median_updates(runs)
    error = float(np.median([run.error for run in runs]))
    below = f"error {as_percent(error, 1)}" if updates is None else f"{as_count(updates)} updates"
    kind = "good" if solved == count else "warn" if solved else "none"
    return page.tag(f"{solved} of {count}", kind, below)


def _look(place: int) -> Json:
    """The style of a model, the same in all charts of a page."""
    colour = _COLOURS[place % len(_COLOURS)]
    if colour == "--blend":
        return style(colour, width=2.8)
    return style(colour, _DASHES[place % len(_DASHES)], 2.0)


def _success_figure(
    by_model: dict[str, list[list[ComparedRun]]], looks: dict[str, Json], lags: list[int], task: str
) -> Json:
    lines, words = [], []
    for row, (model, by_lag) in enumerate(by_model.items()):
        counts = [
            (lag, *solved_share(runs)) for lag, runs in zip(lags, by_lag, strict=True) if runs
        ]
        apart = (row - (len(by_model) - 1) / 2) * APART
        places = [lag for lag, _, _ in counts]
        shares = [solved / count + apart for _, solved, count in counts]
        text = [f"{solved} of {count}" for _, solved, count in counts]
        name, mode = page.short_name(model), "lines+markers"
        lines.append(line(name, places, shares, looks[model], mode=mode, text=text))
        at_lags = (f"{one} at lag {lag:,}" for one, lag in zip(text, places, strict=True))
        words.append(f"{name}: {', '.join(at_lags)}")
    ticks = [0, 0.25, 0.5, 0.75, 1]
    shares_axis: Json = {"range": [-0.08, 1.08], "tickvals": ticks, "tickformat": ".0%"}
    return figure(
        lines,
        label=f"Success on {task}. {'. '.join(words)}.",
        x=_lag_axis(lags),
        y=axis("share of seeds that solved it", **shares_axis),
    )


def _updates_section(
    by_model: dict[str, list[list[ComparedRun]]], looks: dict[str, Json], lags: list[int],
    task: str, view: int,
) -> Json | None:  # fmt: skip
    """The updates until success; None where no model succeeded."""
    lines, words = [], []
    for model, by_lag in by_model.items():
        medians = [median_updates(runs) for runs in by_lag]
        if not any(medians):
            continue
        values = [np.nan if value is None else value for value in medians]
        name, mode = page.short_name(model), "lines+markers"
        lines.append(line(name, lags, values, looks[model], form="count", mode=mode))
        pairs = zip(lags, medians, strict=True)
        at_lags = (f"{as_count(value)} at lag {lag:,}" for lag, value in pairs if value)
        words.append(f"{name}: {', '.join(at_lags)}")
    chart = figure(
        lines,
        label=f"Median updates until success on {task}. {'. '.join(words)}.",
        x=_lag_axis(lags),
        y=axis("updates", type="log", ticks=UPDATE_TICKS),
        numbers_of=("Model", "Lag", "Updates"),
    )
    return page.section("comparison/updates", chart, view=view) if lines else None


def _lag_axis(lags: list[int]) -> Json:
    return axis("lag, steps", reading=True, type="log", hoverformat=",d", ticks=lags)


def _gradient_section(runs: list[ComparedRun], looks: dict[str, Json], view: int) -> Json | None:
    """The norms by lag of each model at the longest lag at which any of them was measured."""
    measured = [run for run in runs if run.gradient_before or run.gradient_after]
    if not measured:
        return None
    lag = max(run.lag for run in measured)
    curves: dict[str, list[tuple[str, LagCurve]]] = {"before": [], "after": []}
    for model in looks:
        seeds = [run for run in measured if (run.model, run.lag) == (model, lag)]
        for when, found in curves.items():
            curve = _across([getattr(run, f"gradient_{when}") for run in seeds])
            found += [(model, curve)] if curve else []
    axis_of_all = log_axis("norm of the gradient", [one for f in curves.values() for _, one in f])
    parts = []
    for when, found in curves.items():
        words = ". ".join(lag_words(page.short_name(model), curve) for model, curve in found)
        chart = figure(
            [
                lag_line(page.short_name(name), curve, looks[name], band=False)
                for name, curve in found
            ],
            label=f"Norm of the output's gradient by lag, {when} training. {words}.",
            x=lag_axes()[0],
            y=axis_of_all,
            numbers_of=("Model", "Lag", "Median"),
        )
        if found:
            parts.append([{"kind": "heading", "text": f"{when.capitalize()} training"}, chart])
    return page.section("comparison/gradients", page.columns(*parts), lag=lag, view=view)


def _across(curves: Sequence[LagCurve | None]) -> LagCurve | None:
    """The medians of several seeds as one curve, where they were measured at the same lags."""
    known = [curve for curve in curves if curve is not None]
    alike = [curve for curve in known if np.array_equal(curve.lags, known[0].lags)]
    if len(alike) < 2:
        return alike[0] if alike else None
    return LagCurve.of(alike[0].lags, np.stack([curve.median for curve in alike], axis=1))


def _run_table(runs: Sequence[ComparedRun]) -> Json:
    shown = [
        ("Task", "", "task"), ("Model", "", "model"), ("Lag", "count", "lag"),
        ("Seed", "plain", "seed"), ("Weights", "count", "parameters"),
        ("Updates", "count", "updates"), ("Solved after", "count", "solved_after"),
        ("Error", "percent2", "error"), ("Learning rate", "small", "learning_rate"),
        ("Seconds", "fixed1", "seconds"),
    ]  # fmt: skip
    rows = [page.cells(run, *(field for _, _, field in shown), digits=3) for run in runs[:RUNS]]
    headings = [(name, form) for name, form, _ in shown]
    return page.table(headings, rows, "All trainings", fold="Every training, seed by seed")


def _memory_lead(record: MemoryComparison) -> str:
    solved, _ = solved_share(record.runs)
    models = len({run.model for run in record.runs})
    unfinished = record.planned - len(record.runs)
    missing = f" {unfinished:,} more were planned and are not done." if unfinished > 0 else ""
    return (
        f"{models} kinds of recurrent network, {len(record.runs):,} trainings, {solved:,} solved."
        f"{missing}"
    )


def _forecast_lead(record: ForecastComparison) -> str:
    if not record.models:
        return "No network was trained."
    best = float(np.nanmedian(record.scores[0]))
    lead = f"{record.models[0]} is the best network, with a MASE of {best:.3f}."
    if record.simple:
        name, score = min(record.simple.items(), key=lambda pair: pair[1])
        beside = "which it does not beat" if score <= best else "which it beats"
        lead += f" The best simple method is {name} with {score:.3f}, {beside}."
    return lead


def _score_figure(
    record: ForecastComparison, networks: list[tuple[str, float]], simple: list[tuple[str, float]]
) -> Json:
    """A point a seed, a bar at their median, a dashed line for each simple method."""
    methods = [(name, score) for name, score in simple if np.isfinite(score)]
    # The best on top: plotly draws the first category at the foot.
    pairs = list(zip(networks, record.scores[: len(networks)], strict=True))[::-1]
    points = [(float(score), name) for (name, _), scores in pairs for score in scores]
    medians = [(median, name) for name, median in networks[::-1]]
    known = [score for score, _ in points if np.isfinite(score)] + [score for _, score in methods]
    low, high = min(known, default=0.0), max(known, default=1.0)
    margin = (high - low or abs(high) or 1.0) * 0.08
    seed = {"color": "--past", "size": 8, "opacity": 0.7}
    bar = {"color": "--blend", "width": 3}
    median = {"color": "--blend", "size": 22, "symbol": "line-ns", "line": bar}
    words = ", ".join(f"{name} {as_fixed(score, 3)}" for name, score in [*networks, *methods])
    return figure(
        [_points("seed", points, seed), _points("median", medians, median)],
        label=f"MASE: {words}.",
        x=axis("MASE", range=[low - margin, high + margin]),
        y=axis("", type="category", showgrid=True),
        height=str(110 + 44 * len(networks)),
        legend=False,
        hovermode="closest",
        margin={"l": 8, "r": 12, "t": 26 + 16 * min(len(methods), 3), "b": 8},
        shapes=[
            {
                "type": "line", "yref": "paper", "y0": 0, "y1": 1, "x0": score, "x1": score,
                "line": {"color": "--member-1", "width": 1.4, "dash": "dash"},
            }
            for _, score in methods
        ],
        annotations=[
            {
                "x": score, "yref": "paper", "y": 1, "yshift": 16 * (place % 3),
                "yanchor": "bottom", "xanchor": "right" if score > (low + high) / 2 else "left",
                "text": plain(name), "showarrow": False, "font": {"size": 11, "color": "--muted"},
            }
            for place, (name, score) in enumerate(methods)
        ],
    )  # fmt: skip


def _points(name: str, points: list[tuple[float, str]], marker: Json) -> Json:
    """Points by score and name: x holds numbers, y names, so it is no `line`."""
    known = [[significant(score), plain(label)] for score, label in points if np.isfinite(score)]
    return {"name": name, "points": known, "marker": marker}


def _score_table(
    record: ForecastComparison, networks: list[tuple[str, float]], simple: list[tuple[str, float]]
) -> Json:
    """Networks and simple methods, the best first."""
    rows: list[list[Any]] = []
    for place, (name, middle) in enumerate(networks):
        weights, seeds = record.parameters[place], record.scores[place]
        known = seeds[np.isfinite(seeds)]
        ends = [float(known.min()), float(known.max())] if len(known) else [None, None]
        rows.append([name, int(weights), middle, len(seeds), *ends])
    rows += [[name, None, score, None, None, None] for name, score in simple]
    rows.sort(key=lambda row: row[2] if np.isfinite(row[2]) else np.inf)
    headings = [
        ("Method", ""), ("Weights", "count"), ("MASE", "fixed3"), ("Seeds", "count"),
        ("Best seed", "fixed3"), ("Worst seed", "fixed3"),
    ]  # fmt: skip
    shown = [
        {"bold": place == 0, "cells": [page.cell(one) for one in row]}
        for place, row in enumerate(rows)
    ]
    return page.table(headings, shown, "Scores of networks and simple methods")
