"""`holdfast compare`: which recurrent network remembers for how long."""

from __future__ import annotations

import time
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from holdfast.cli import options
from holdfast.cli.forecast import OpenTable, open_table
from holdfast.cli.screen import Screen

if TYPE_CHECKING:
    from holdfast.lens import ModelName
    from holdfast.training.budget import Budget


@options.grouped
def compare(
    data: Annotated[
        Path | None, typer.Argument(help="A CSV, Parquet or Excel file; a task without it.")
    ] = None,
    horizon: options.Horizon = None,
    example: options.Example = None,
    task: Annotated[
        Literal["adding", "copy", "order", "order-three", "noisy-lag", "latch", "parity"],
        typer.Option(help="What has to be remembered."),
    ] = "adding",
    lags: Annotated[
        str, typer.Option(help="For how many steps, as in 10,100.")
    ] = "10,30,100,300,1000",
    seeds: Annotated[int, typer.Option(min=1, help="Runs of each model at each lag.")] = 3,
    budget: Annotated[
        str,
        typer.Option(help="How long all runs may take: 10m, 2h; a folder's earlier ones count."),
    ] = "10m",
    updates: Annotated[
        int | None,
        typer.Option(
            min=1, help="Of each run, at most; 2000 for a task, from --budget for a table."
        ),
    ] = None,
    model: Annotated[
        list[str] | None,
        typer.Option("--model", help='As in "plain RNN"; repeat it for several. All without it.'),
    ] = None,
    out: options.Out = Path("compare"),
    *,
    columns: options.Columns,
    freq: options.Frequency = None,
    season: options.Season = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Train plain RNN, GRU, LSTMs and sLSTM on a task whose lag is known, and say who solves it.

    With a table and --horizon, train them as its forecasters instead, beside the simple methods.
    All have as many weights, updates and tried learning rates. A command that was killed, or whose
    budget was spent, goes on when it is given again, with more time where it is to do more.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet, as_json=as_json)
    # Whatever can be refused is refused before torch is loaded.
    from holdfast.cli.results import results_folder, typed_command
    from holdfast.training.budget import Budget

    limit = Budget.parse(budget, start=started)
    if data is not None or example is not None:
        fitting = options.Fitting(freq=freq, season=season)
        table = open_table(data, horizon, example, fitting, **options.arguments(columns))
        _forecasters(screen, table, results_folder(out), limit, seeds, updates, model)
        return
    steps = _lags(lags)
    folder = results_folder(out)

    from holdfast import lens, reports
    from holdfast.reports import terminal_research

    plan = lens.MemoryPlan(task, steps, seeds, _models(model), updates=updates or 2000)
    record = lens.compare_memory(
        plan, folder, budget=limit, progress=screen.progress(), command=typed_command()
    )
    screen.show(terminal_research.memory_comparison(record))
    page = folder / "compare.html"
    reports.save(record, page)
    kept = folder / "runs.jsonl"
    screen.show(f"Page: {page}" + (f"\nResults: {kept}" if kept.exists() else ""), whole_lines=True)
    curves = ("gradient_before", "gradient_after")
    runs = [
        {field.name: getattr(run, field.name) for field in fields(run) if field.name not in curves}
        for run in record.runs
    ]
    screen.result(
        {
            "runs": runs,
            "planned": record.planned,
            "success": record.success,
            "findings": list(record.findings),
            "facts": dict(record.facts),
        }
    )


def _forecasters(
    screen: Screen,
    table: OpenTable,
    folder: Path,
    limit: Budget,
    seeds: int,
    updates: int | None,
    model: list[str] | None,
) -> None:
    """Compare the networks as forecasters of a table."""
    from holdfast import lens, reports
    from holdfast.cli.results import typed_command
    from holdfast.reports import terminal, terminal_research

    screen.show(table.about, terminal.understood(table.table.summary))
    record = lens.compare_forecasters(
        table.table,
        table.forecaster.horizon,
        folder,
        models=_models(model),
        seeds=seeds,
        budget=limit,
        updates=updates,
        title=f"Forecasters: {table.title}",
        progress=screen.progress(),
        command=typed_command(),
    )
    screen.show(terminal_research.forecast_comparison(record))
    page = folder / "compare.html"
    reports.save(record, page)
    screen.show(f"Page: {page}\nResults: {folder / 'forecasters.json'}", whole_lines=True)
    screen.result(
        {
            "models": list(record.models),
            "parameters": list(record.parameters),
            "scores": record.scores.tolist(),
            "simple": record.simple,
            "findings": list(record.findings),
        }
    )


def _models(names: list[str] | None) -> tuple[ModelName, ...]:
    """The networks of these names, which the comparison checks; all of them without names."""
    from holdfast.lens import MODELS

    return cast("tuple[ModelName, ...]", tuple(names or MODELS))


def _lags(text: str) -> tuple[int, ...]:
    from holdfast.errors import ArgumentError

    words = [word.strip() for word in text.split(",")]
    if not all(word.isdecimal() and 0 < int(word) <= 100_000 for word in words):
        raise ArgumentError(
            f"--lags={text!r} must be whole numbers of steps up to 100,000, as in 10,100."
        )
    return tuple(int(word) for word in words)
