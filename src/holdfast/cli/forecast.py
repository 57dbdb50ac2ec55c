"""`holdfast forecast`: a table in; forecasts, a report and a model out."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.cli import options
from holdfast.cli.partitions import in_parts, large
from holdfast.cli.screen import Screen, follows, show_first_forecast, show_outcome

if TYPE_CHECKING:
    from holdfast.forecasting.fit import FitResult
    from holdfast.records import ForecastRecord


def forecast(
    data: options.Data = None,
    horizon: options.Horizon = None,
    example: options.Example = None,
    out: options.Out = Path("holdfast-forecast"),
    budget: options.Budget = "2m",
    steps: options.Steps = None,
    adapt: options.Adapt = "auto",
    start: options.From = None,
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
    future: options.Future = None,
    holidays: options.Holidays = None,
    integers: options.Integers = False,
    total_by: options.TotalBy = None,
    total_over: options.TotalOver = None,
    sample: options.Sample = None,
    engine: options.Engine = "processes",
    workers: options.Workers = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Forecast every series of a table.

    Writes forecast.csv, report.html (open it in a browser) and model/ into the --out folder: once
    within seconds, by a network that is already trained, and again when training on these series
    ends. With --total-by or --total-over it writes totals.csv too.
    """
    started = time.monotonic()
    screen = Screen(quiet=quiet or follows(), as_json=as_json and not follows())
    # Whatever can be refused is refused before torch is loaded.
    from holdfast.cli.request import check_baselines, covariate_sources, open_request
    from holdfast.cli.results import results_folder, typed_command
    from holdfast.tables.covariate_tables import check_future
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
        covariates=covariate_sources(known, historic, static, future, holidays),
    )
    if baselines:
        check_baselines(data)
    if data is not None and example is None and in_parts(data, sample):
        from holdfast.cli.partitions import PARTS_SAMPLE, over_parts, refuse_with_parts

        refuse_with_parts(start=start, integers=integers, total_by=total_by, total_over=total_over)
        over_parts(
            "forecast",
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
        )
        return
    request = open_request(data, horizon, example, level, budget, reading)
    check_future(request.table.series, request.horizon)
    from holdfast.cli.totals import adding, write_totals

    wanted = adding(request.table, total_by, total_over)
    folder = results_folder(out)

    from holdfast.forecasting.backtest import BASELINES_SHARE, backtest_data
    from holdfast.reports import terminal
    from holdfast.training.budget import Budget

    screen.show(request.about, terminal.understood(request.table.summary))
    screen.show(large(request.table.summary.series))
    ground = backtest_data(request.table, request.horizon)
    spent = Budget.parse(None if steps else budget, start=started)
    if baselines:
        ground = ground.with_statistical(spent.share(BASELINES_SHARE))
    if ground.simple:
        screen.show(terminal.scores(ground.scores(), "Simple methods on past horizons"))
    screen.show(ground.folds.reason)

    from holdfast.forecasting.fit import clear_checkpoints, fit
    from holdfast.forecasting.model import KIND, FittedModel
    from holdfast.storage import refuse_what_is_not_ours

    refuse_what_is_not_ours(folder / "model", KIND)  # now, not after minutes of training
    saved = None if start is None else FittedModel.load(start)  # before it may be written over

    def write(made: FitResult) -> tuple[ForecastRecord, dict[str, str]]:
        """Write all results of a fit; what reports show of it, and what is where."""
        record = made.record(
            request.levels,
            title=request.title,
            command=typed_command(),
            started=started,
            integers=integers,
        )
        beside: dict[str, str] = {}
        if wanted is not None:
            path, totals = write_totals(
                folder, made.fitted, wanted, request.levels, seed=seed, integers=integers
            )
            record, beside = replace(record, totals=totals), {"totals": str(path)}
        return record, _write(folder, made, record) | beside

    def show_first(made: FitResult) -> None:
        """Write and show what there is before anything is trained."""
        record, _ = write(made)
        show_first_forecast(screen, record, folder)

    fitted = fit(
        ground,
        adapt=adapt,
        budget=spent,
        steps=steps,
        seed=seed,
        levels=request.levels,
        progress=screen.progress(),
        checkpoints=folder / "training",
        first=None if follows() else show_first,
        start=saved,
    )
    if follows():
        return
    record, files = write(fitted)
    clear_checkpoints(folder / "training")
    show_outcome(screen, record)
    screen.show(terminal.written(files), whole_lines=True)

    from holdfast.reports import as_json as summary

    screen.result(summary(record, files))


def _write(folder: Path, fit: FitResult, record: ForecastRecord) -> dict[str, str]:
    """Write the three results, each whole or not at all; say what is where."""
    from holdfast.forecasting.output import forecast_columns
    from holdfast.reports import save
    from holdfast.tables.frames import write_csv

    files = {
        "forecast": folder / "forecast.csv",
        "report": folder / "report.html",
        "model": folder / "model",
    }
    fitted = fit.fitted
    columns = forecast_columns(fitted.names, fitted.series, record, members=True)
    write_csv(files["forecast"], columns, fitted.series.calendar)
    save(record, files["report"])
    fitted.save(files["model"])
    return {name: str(path) for name, path in files.items()}
