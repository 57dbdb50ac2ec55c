"""The pages of comparisons: recurrent networks on tasks of a known lag, and as forecasters."""

from __future__ import annotations

import numpy as np

from holdfast.records import ComparedRun, ForecastComparison, LagCurve, MemoryComparison
from holdfast.reports.curves import significant
from holdfast.reports.lag_curves import lag_curve, numbers
from holdfast.reports.page import Frame
from holdfast.reports.selection import shorten

MEMORY_SCRIPTS = (
    "format.js",
    "elements.js",
    "legend.js",
    "charts.js",
    "lag_curves.js",
    "comparison.js",
)
FORECAST_SCRIPTS = ("format.js", "elements.js", "legend.js", "charts.js", "forecast_comparison.js")
"""Scripts of the pages, in the order in which they build on each other."""

MODELS = 12
TASKS = 8
RUNS = 3_000
"""Models, tasks and runs that are shown at most."""

TITLE_LENGTH = 200
NAME_LENGTH = 80
SENTENCE_LENGTH = 1_500
SENTENCES = 60
COMMAND_LENGTH = 4_000


def memory_comparison_html(record: MemoryComparison) -> bytes:
    """The page of success against lag, complete in itself."""
    frame = Frame(
        "comparison.html", "Holdfast compare", "page.css", MEMORY_SCRIPTS, more_style="lens.css"
    )
    models = list(dict.fromkeys(run.model for run in record.runs))[:MODELS]
    tasks = list(dict.fromkeys(run.task for run in record.runs))[:TASKS]
    data = {
        **_head(record.command, record.created, record.version, record.findings),
        "done": len(record.runs),
        "planned": record.planned,
        "success": shorten(record.success, SENTENCE_LENGTH).rstrip("."),
        "facts": [
            [shorten(name, NAME_LENGTH), shorten(words, SENTENCE_LENGTH)]
            for name, words in record.facts[:SENTENCES]
        ],
        "models": [shorten(name, NAME_LENGTH) for name in models],
        "tasks": [_task(record.runs, task, models) for task in tasks],
        "runs": [_run(run, models) for run in record.runs if run.model in models][:RUNS],
    }
    return frame.render(
        shorten(record.title, TITLE_LENGTH) or "Comparison", _memory_lead(record), data
    )


def forecast_comparison_html(record: ForecastComparison) -> bytes:
    """The page of networks as forecasters of one table, complete in itself."""
    frame = Frame(
        "forecast_comparison.html",
        "Holdfast compare",
        "page.css",
        FORECAST_SCRIPTS,
        more_style="lens.css",
    )
    shown = range(min(len(record.models), MODELS))
    data = {
        **_head(record.command, record.created, record.version, record.findings),
        "models": [
            {
                "name": shorten(record.models[place], NAME_LENGTH),
                "parameters": int(record.parameters[place]),
                "scores": numbers(record.scores[place], 5),
                "middle": significant(float(np.nanmedian(record.scores[place]))),
            }
            for place in shown
        ],
        "simple": [
            [shorten(name, NAME_LENGTH), significant(score)]
            for name, score in list(record.simple.items())[:MODELS]
        ],
    }
    return frame.render(
        shorten(record.title, TITLE_LENGTH) or "Comparison", _forecast_lead(record), data
    )


def solved_share(runs: list[ComparedRun]) -> tuple[int, int]:
    """How many of some runs succeeded, and how many there are."""
    return sum(run.solved_after is not None for run in runs), len(runs)


def median_updates(runs: list[ComparedRun]) -> float | None:
    """The median of the updates until success, those that did not succeed counted as above all
    others; None where that is the middle one."""
    updates = sorted(
        float("inf") if run.solved_after is None else float(run.solved_after) for run in runs
    )
    if not updates:
        return None
    middle = (updates[(len(updates) - 1) // 2] + updates[len(updates) // 2]) / 2
    return middle if np.isfinite(middle) else None


def _head(command: str, created: str, version: str, findings: tuple[str, ...]) -> dict[str, object]:
    return {
        "command": shorten(command, COMMAND_LENGTH),
        "created": created,
        "version": version,
        "findings": [shorten(one, SENTENCE_LENGTH) for one in findings[:SENTENCES]],
    }


def _memory_lead(record: MemoryComparison) -> str:
    solved = sum(run.solved_after is not None for run in record.runs)
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
    return shorten(lead, SENTENCE_LENGTH)


def _task(runs: tuple[ComparedRun, ...], task: str, models: list[str]) -> dict[str, object]:
    own = [run for run in runs if run.task == task]
    lags = sorted({run.lag for run in own})
    return {
        "name": shorten(task, NAME_LENGTH),
        "lags": lags,
        "cells": [
            [_cell([run for run in own if (run.model, run.lag) == (model, lag)]) for lag in lags]
            for model in models
        ],
        "gradients": _gradients(own, models),
    }


def _cell(runs: list[ComparedRun]) -> dict[str, object] | None:
    if not runs:
        return None
    solved, count = solved_share(runs)
    return {
        "solved": solved,
        "runs": count,
        "updates": median_updates(runs),
        "most": max(run.updates for run in runs),
        "error": significant(float(np.median([run.error for run in runs])), 3),
    }


def _gradients(runs: list[ComparedRun], models: list[str]) -> dict[str, object] | None:
    """The norms by lag of each model at the longest lag at which any of them was measured."""
    measured = [run for run in runs if run.gradient_before or run.gradient_after]
    if not measured:
        return None
    lag = max(run.lag for run in measured)
    curves = []
    for model in models:
        own = [run for run in measured if (run.model, run.lag) == (model, lag)]
        before = _across([run.gradient_before for run in own])
        after = _across([run.gradient_after for run in own])
        curves.append({"before": lag_curve(before), "after": lag_curve(after)})
    return {"lag": lag, "curves": curves}


def _across(curves: list[LagCurve | None]) -> LagCurve | None:
    """The medians of several seeds as one curve, where they were measured at the same lags."""
    known = [curve for curve in curves if curve is not None]
    alike = [curve for curve in known if np.array_equal(curve.lags, known[0].lags)]
    if len(alike) < 2:
        return alike[0] if alike else None
    return LagCurve.of(alike[0].lags, np.stack([curve.median for curve in alike], axis=1))


def _run(run: ComparedRun, models: list[str]) -> list[object]:
    return [
        shorten(run.task, NAME_LENGTH),
        models.index(run.model),
        run.lag,
        run.seed,
        run.parameters,
        run.updates,
        run.solved_after,
        significant(run.error, 3),
        significant(run.learning_rate, 3),
        significant(run.seconds, 3),
    ]
