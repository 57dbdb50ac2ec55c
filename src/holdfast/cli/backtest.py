"""`holdfast backtest`: how good would past forecasts have been?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import options, partitions
from holdfast.cli.forecast import open_table
from holdfast.cli.screen import Screen, follows, show_outcome


@options.grouped
def backtest(
    data: options.Data = None,
    horizon: options.Horizon = None,
    example: options.Example = None,
    folds: Annotated[int, typer.Option(min=1, help="How many past horizons to forecast.")] = 3,
    step: Annotated[
        int | None, typer.Option(min=1, help="Periods between them; the horizon unless given.")
    ] = None,
    out: options.Out = Path("holdfast-backtest"),
    *,
    fitting: options.Fitting,
    level: options.Levels = "80,90",
    reading: options.Reading,
    covariates: options.Covariates,
    partitioned: options.Partitioned,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Forecast past horizons of a table and score them against what came.

    Writes backtest.csv, every forecast beside its actual, into the --out folder.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet or follows(), as_json=as_json and not follows())
    levels = options.levels(level)
    if data is not None and example is None and partitions.needed(data, partitioned):
        partitions.run(
            "backtest", screen, data, horizon, out, levels, fitting, reading, covariates,
            partitioned, folds=folds, step=step,
        )  # fmt: skip
        return
    table = open_table(
        data, horizon, example, fitting, **options.arguments(reading), **covariates.arguments()
    )

    from holdfast.cli.results import results_folder, typed_command
    from holdfast.reports import as_json as summary
    from holdfast.reports import terminal

    folder = results_folder(out)
    path = folder / "backtest.csv"
    screen.show(table.about, terminal.understood(table.table.summary))
    table.forecaster.backtest(
        table.table, folds=folds, step=step, level=levels, checkpoints=folder / "training",
        started=started, progress=screen.progress(),
        on_simple_scores=lambda scores, reason: screen.show(
            terminal.scores(scores, "Simple methods"), reason
        ),
        csv=None if follows() else path,
    )  # fmt: skip
    if follows():
        return
    record = table.forecaster.record(level=levels, title=table.title, command=typed_command())
    show_outcome(screen, record)
    files = {"backtest": str(path)}
    screen.show(terminal.written(files), whole_lines=True)
    screen.result(summary(record, files))
