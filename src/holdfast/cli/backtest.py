"""`holdfast backtest`: how good would past forecasts have been?"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import options
from holdfast.cli.partitions import in_parts
from holdfast.cli.screen import Screen, follows, show_outcome


def backtest(
    data: options.Data = None,
    horizon: options.Horizon = None,
    example: options.Example = None,
    folds: Annotated[int, typer.Option(min=1, help="How many past horizons to forecast.")] = 3,
    step: Annotated[
        int | None, typer.Option(min=1, help="Periods between them; the horizon unless given.")
    ] = None,
    out: options.Out = Path("holdfast-backtest"),
    budget: options.Budget = "2m",
    steps: options.Steps = None,
    adapt: options.Adapt = "auto",
    baselines: options.Baselines = False,
    level: options.Levels = "80,90",
    seed: options.Seed = 0,
    ids: options.Ids = None,
    time_column: options.Time = None,
    target: options.Target = None,
    freq: options.Frequency = None,
    season: options.Season = None,
    wide: options.Wide = False,
    day_first: options.DayFirst = None,
    decimal: options.Decimal = None,
    missing: options.Missing = "gap",
    aggregate: options.Aggregate = None,
    sheet: options.Sheet = None,
    known: options.Known = None,
    historic: options.Historic = None,
    static: options.Static = None,
    holidays: options.Holidays = None,
    sample: options.Sample = None,
    engine: options.Engine = "processes",
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Forecast past horizons of a table and score them against what came.

    Writes backtest.csv, every forecast beside its actual, into the --out folder.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet or follows(), as_json=as_json and not follows())
    from holdfast.cli.request import check_baselines, covariate_sources, open_request
    from holdfast.cli.results import results_folder, typed_command
    from holdfast.tables.read import ReadOptions

    reading = ReadOptions(
        id_col=ids,
        time_col=time_column,
        target_col=target,
        freq=freq,
        season=season,
        wide=wide,
        day_first=day_first,
        decimal=decimal,
        missing=missing,
        aggregate=aggregate,
        sheet=sheet,
        covariates=covariate_sources(known, historic, static, None, holidays),
    )
    if baselines:
        check_baselines(data)
    if data is not None and example is None and in_parts(data, sample):
        from holdfast.cli.partitions import PARTS_SAMPLE, over_parts

        over_parts(
            "backtest",
            screen,
            data,
            horizon,
            out,
            level,
            reading,
            adapt=adapt,
            budget=budget,
            steps=steps,
            seed=seed,
            sample=sample or PARTS_SAMPLE,
            engine=engine,
            workers=workers,
            folds=folds,
            step=step,
        )
        return
    request = open_request(data, horizon, example, level, budget, reading)
    folder = results_folder(out)

    from holdfast.errors import TableError
    from holdfast.forecasting.forecaster import Forecaster
    from holdfast.reports import as_json as summary
    from holdfast.reports import terminal

    screen.show(request.about, terminal.understood(request.table.summary))
    forecaster = Forecaster(
        request.horizon, season=season, freq=freq, budget=budget, steps=steps, seed=seed,
        adapt=adapt, baselines=baselines,
    )  # fmt: skip
    path = folder / "backtest.csv"
    try:
        forecaster.backtest(
            request.table, folds=folds, step=step, level=request.levels,
            checkpoints=folder / "training", started=started, progress=screen.progress(),
            on_simple_scores=lambda scores, reason: screen.show(
                terminal.scores(scores, "Simple methods"), reason
            ),
            csv=None if follows() else path,
        )  # fmt: skip
    except TableError as error:
        raise TableError(f"{request.title}: {error.template}") from None
    if follows():
        return
    record = forecaster.record(level=request.levels, title=request.title, command=typed_command())
    show_outcome(screen, record)
    files = {"backtest": str(path)}
    screen.show(terminal.written(files), whole_lines=True)
    screen.result(summary(record, files))
