"""Pages of comparisons: recurrent networks on tasks of a known lag, and as forecasters."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holdfast.records import ComparedRun, ForecastComparison, LagCurve, MemoryComparison
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
from holdfast.reports.page import (
    NAME_LENGTH,
    SENTENCE_LENGTH,
    Json,
    Page,
    columns,
    facts,
    section,
    table,
    tag,
)

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
    sections: list[Json | None] = []
    for view, task in enumerate(tasks):
        of_task = [run for run in runs if run.task == task]
        sections += _task_sections(of_task, task, looks, record.success, view)
        sections.append(_gradient_section(of_task, looks, view))
    equal = "What was equal for all"
    page = Page(
        site="Holdfast compare",
        title=record.title,
        lead=_memory_lead(record),
        version=record.version,
        created=record.created,
        command=record.command,
        sentences=record.findings,
        views=tasks,
        views_label="Tasks",
        sections=[
            *sections,
            section("comparison/runs", _run_table(runs)) if runs else None,
            section("comparison/facts", facts(record.facts, equal)) if record.facts else None,
        ],
    )
    return page.render()


def forecast_comparison_html(record: ForecastComparison) -> bytes:
    """The page of networks as forecasters of one table."""
    shown = range(min(len(record.models), MODELS))
    names = [_name(record.models[place]) for place in shown]
    middles = [float(np.nanmedian(record.scores[place])) for place in shown]
    simple = [(_name(name), score) for name, score in list(record.simple.items())[:MODELS]]
    page = Page(
        site="Holdfast compare",
        title=record.title,
        lead=_forecast_lead(record),
        version=record.version,
        created=record.created,
        command=record.command,
        sentences=record.findings,
        sections=[
            section(
                "forecasters/scores",
                _score_figure(record, names, middles, simple) if names else None,
                _score_table(record, names, middles, simple),
            )
        ],
    )
    return page.render()


def solved_share(runs: Sequence[ComparedRun]) -> tuple[int, int]:
    """How many of some runs succeeded, and how many there are."""
    return sum(run.solved_after is not None for run in runs), len(runs)


def median_updates(runs: Sequence[ComparedRun]) -> float | None:
    """The median of the updates until success, those that did not succeed counted as above all
    others; None where that is the middle one."""
    updates = sorted(
        float("inf") if run.solved_after is None else float(run.solved_after) for run in runs
    )
    if not updates:
        return None
    middle = (updates[(len(updates) - 1) // 2] + updates[len(updates) // 2]) / 2
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
    cells = {model: by_lag for model, by_lag in every.items() if any(by_lag)}
    name = shorten(task, NAME_LENGTH)
    headings = [("Model", ""), *((f"lag {lag:,}", "count") for lag in lags)]
    rows = [[_name(model), *(_cell(cell) for cell in by_lag)] for model, by_lag in cells.items()]
    return [
        section(
            "comparison/success",
            table(headings, rows, f"Success on {name} by model and lag"),
            _success_figure(cells, looks, lags, name),
            task=name,
            success=shorten(success, SENTENCE_LENGTH).rstrip("."),
            view=view,
        ),
        _updates_section(cells, looks, lags, name, view),
    ]


def _cell(runs: Sequence[ComparedRun]) -> Json | None:
    if not runs:
        return None
    solved, count = solved_share(runs)
    updates = median_updates(runs)
    error = float(np.median([run.error for run in runs]))
    below = f"error {as_percent(error, 1)}" if updates is None else f"{as_count(updates)} updates"
    kind = "good" if solved == count else "warn" if solved else "none"
    return tag(f"{solved} of {count}", kind, below)


def _look(place: int) -> Json:
    """The style of a model, the same in all charts of a page."""
    colour = _COLOURS[place % len(_COLOURS)]
    if colour == "--blend":
        return style(colour, width=2.8)
    return style(colour, _DASHES[place % len(_DASHES)], 2.0)


def _success_figure(
    cells: dict[str, list[list[ComparedRun]]], looks: dict[str, Json], lags: list[int], task: str
) -> Json:
    lines, words = [], []
    for row, (model, by_lag) in enumerate(cells.items()):
        counts = [
            (lag, *solved_share(cell)) for lag, cell in zip(lags, by_lag, strict=True) if cell
        ]
        apart = (row - (len(cells) - 1) / 2) * APART
        places = [lag for lag, _, _ in counts]
        shares = [solved / count + apart for _, solved, count in counts]
        text = [f"{solved} of {count}" for _, solved, count in counts]
        plotly: Json = {"mode": "lines+markers", "text": text}
        lines.append(line(_name(model), places, shares, looks[model], plotly=plotly))
        at_lags = (f"{one} at lag {lag:,}" for one, lag in zip(text, places, strict=True))
        words.append(f"{_name(model)}: {', '.join(at_lags)}")
    return figure(
        lines,
        label=f"Success on {task}. {'. '.join(words)}.",
        x=_lag_axis(lags),
        y=axis(
            "share of seeds that solved it",
            range=[-0.08, 1.08],
            tickvals=[0, 0.25, 0.5, 0.75, 1],
            tickformat=".0%",
        ),
    )


def _updates_section(
    cells: dict[str, list[list[ComparedRun]]],
    looks: dict[str, Json],
    lags: list[int],
    task: str,
    view: int,
) -> Json | None:
    """The updates until success; None where no model succeeded."""
    lines, words = [], []
    for model, by_lag in cells.items():
        medians = [median_updates(cell) for cell in by_lag]
        if not any(medians):
            continue
        values = [np.nan if value is None else value for value in medians]
        plotly = {"mode": "lines+markers"}
        lines.append(line(_name(model), lags, values, looks[model], form="count", plotly=plotly))
        pairs = zip(lags, medians, strict=True)
        at_lags = (f"{as_count(value)} at lag {lag:,}" for lag, value in pairs if value)
        words.append(f"{_name(model)}: {', '.join(at_lags)}")
    chart = figure(
        lines,
        label=f"Median updates until success on {task}. {'. '.join(words)}.",
        x=_lag_axis(lags),
        y=axis("updates", type="log", ticks=UPDATE_TICKS),
        numbers_of=("Model", "Lag", "Updates"),
    )
    return section("comparison/updates", chart, view=view) if lines else None


def _lag_axis(lags: list[int]) -> Json:
    return axis("lag, steps", reading=True, type="log", hoverformat=",d", ticks=lags)


def _gradient_section(runs: list[ComparedRun], looks: dict[str, Json], view: int) -> Json | None:
    """The norms by lag of each model at the longest lag at which any of them was measured."""
    measured = [run for run in runs if run.gradient_before or run.gradient_after]
    if not measured:
        return None
    lag = max(run.lag for run in measured)
    curves: dict[str, list[tuple[str, LagCurve]]] = {"before": [], "after": []}
    for when, found in curves.items():
        for model in looks:
            seeds = [run for run in measured if (run.model, run.lag) == (model, lag)]
            curve = _across([getattr(run, f"gradient_{when}") for run in seeds])
            if curve is not None:
                found.append((model, curve))
    axis_of_all = log_axis("norm of the gradient", [one for f in curves.values() for _, one in f])
    parts = []
    for when, found in curves.items():
        words = ". ".join(lag_words(_name(model), curve) for model, curve in found)
        chart = figure(
            [lag_line(_name(model), curve, looks[model], band=False) for model, curve in found],
            label=f"Norm of the output's gradient by lag, {when} training. {words}.",
            x=lag_axes()[0],
            y=axis_of_all,
            numbers_of=("Model", "Lag", "Median"),
        )
        if found:
            parts.append([{"kind": "heading", "text": f"{when.capitalize()} training"}, chart])
    return section("comparison/gradients", columns(*parts), lag=lag, view=view)


def _across(curves: Sequence[LagCurve | None]) -> LagCurve | None:
    """The medians of several seeds as one curve, where they were measured at the same lags."""
    known = [curve for curve in curves if curve is not None]
    alike = [curve for curve in known if np.array_equal(curve.lags, known[0].lags)]
    if len(alike) < 2:
        return alike[0] if alike else None
    return LagCurve.of(alike[0].lags, np.stack([curve.median for curve in alike], axis=1))


def _run_table(runs: Sequence[ComparedRun]) -> Json:
    headings = [
        ("Task", ""), ("Model", ""), ("Lag", "count"), ("Seed", "plain"), ("Weights", "count"),
        ("Updates", "count"), ("Solved after", "count"), ("Error", "percent2"),
        ("Learning rate", "small"), ("Seconds", "fixed1"),
    ]  # fmt: skip
    rows = [
        [
            _name(run.task),
            _name(run.model),
            run.lag,
            run.seed,
            run.parameters,
            run.updates,
            run.solved_after,
            significant(run.error, 3),
            significant(run.learning_rate, 3),
            significant(run.seconds, 3),
        ]
        for run in runs[:RUNS]
    ]
    return table(headings, rows, "All trainings", fold="Every training, seed by seed")


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
    record: ForecastComparison, names: list[str], middles: list[float],
    simple: list[tuple[str, float]],
) -> Json:  # fmt: skip
    """A point a seed, a bar at their median, a dashed line for each simple method."""
    methods = [(name, score) for name, score in simple if np.isfinite(score)]
    # The best on top: plotly draws the first category at the foot.
    order = range(len(names) - 1, -1, -1)
    scores = [
        (float(score), plain(names[place])) for place in order for score in record.scores[place]
    ]
    known = [score for score, _ in (*scores, *((s, n) for n, s in methods)) if np.isfinite(score)]
    low, high = min(known, default=0.0), max(known, default=1.0)
    margin = (high - low or abs(high) or 1.0) * 0.08
    seeds = {"color": "--past", "size": 8, "opacity": 0.7}
    bars = {
        "color": "--blend",
        "size": 22,
        "symbol": "line-ns",
        "line": {"width": 3, "color": "--blend"},
    }
    along = axis("MASE", range=[low - margin, high + margin])
    return figure(
        [
            _points("seed", [(score, name) for score, name in scores if np.isfinite(score)], seeds),
            _points(
                "median",
                [(middles[at], plain(names[at])) for at in order if np.isfinite(middles[at])],
                bars,
            ),
        ],
        label="MASE: "
        + ", ".join(
            f"{name} {as_fixed(score, 3)}"
            for name, score in [*zip(names, middles, strict=True), *methods]
        )
        + ".",
        x=along,
        y=axis("", type="category", showgrid=True),
        height=str(110 + 44 * len(names)),
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


def _points(name: str, places: list[tuple[float, str]], marker: Json) -> Json:
    """Points by score and name: x holds numbers, y names, so it is no `line`."""
    return {
        "name": name,
        "points": [[significant(score), label] for score, label in places],
        "marker": marker,
    }


def _score_table(
    record: ForecastComparison, names: list[str], middles: list[float],
    simple: list[tuple[str, float]],
) -> Json:  # fmt: skip
    """Networks and simple methods, the best first."""
    rows: list[tuple[float, list[object]]] = []
    for place, (name, middle) in enumerate(zip(names, middles, strict=True)):
        seeds = record.scores[place]
        known = seeds[np.isfinite(seeds)]
        ends = [float(known.min()), float(known.max())] if len(known) else [np.nan, np.nan]
        rows.append((middle, [name, int(record.parameters[place]), middle, len(seeds), *ends]))
    rows += [(score, [name, None, score, None, None, None]) for name, score in simple]
    rows.sort(key=lambda row: row[0] if np.isfinite(row[0]) else np.inf)
    cells = [
        [significant(one) if isinstance(one, float) else one for one in row] for _, row in rows
    ]
    headings = [
        ("Method", ""), ("Weights", "count"), ("MASE", "fixed3"), ("Seeds", "count"),
        ("Best seed", "fixed3"), ("Worst seed", "fixed3"),
    ]  # fmt: skip
    return table(
        headings,
        [{"bold": place == 0, "cells": row} for place, row in enumerate(cells)],
        "Scores of networks and simple methods",
    )


def _name(text: str) -> str:
    return shorten(text, NAME_LENGTH)
