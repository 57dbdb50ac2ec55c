"""`holdfast forecast`: a table in; forecasts, a report and a model out."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.cli import options
from holdfast.cli.partitions import in_parts, large
from holdfast.cli.screen import Screen, follows, show_first_forecast, show_outcome

if TYPE_CHECKING:
    from holdfast.forecasting.forecaster import Forecaster
    from holdfast.records import ForecastRecord, MethodScore


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
    from holdfast.forecasting.forecaster import Forecaster
    from holdfast.reports import as_json as summary
    from holdfast.reports import save, terminal

    forecaster = Forecaster(
        request.horizon, season=season, freq=freq, budget=budget, steps=steps, seed=seed,
        adapt=adapt, baselines=baselines,
    )  # fmt: skip
    forecaster.check(request.table, total_by=total_by, total_over=total_over, folder=out / "model")
    folder = results_folder(out)
    screen.show(request.about, terminal.understood(request.table.summary))
    screen.show(large(request.table.summary.series))

    def show_simple(scores: tuple[MethodScore, ...], reason: str) -> None:
        if scores:
            screen.show(terminal.scores(scores, "Simple methods on past horizons"))
        screen.show(reason)

    def write(made: Forecaster) -> tuple[ForecastRecord, dict[str, str]]:
        """Write all results; what reports show of them, and what is where."""
        record = made.record(
            level=request.levels, integers=integers, total_by=total_by, total_over=total_over,
            title=request.title, command=typed_command(),
        )  # fmt: skip
        files = {
            "forecast": folder / "forecast.csv",
            "report": folder / "report.html",
            "model": folder / "model",
        }
        made.predict(level=request.levels, members=True, integers=integers, csv=files["forecast"])
        save(record, files["report"])
        made.save(files["model"])
        if total_by is not None or total_over is not None:
            files["totals"] = folder / "totals.csv"
            made.totals(
                by=total_by, over=total_over, level=request.levels, seed=seed, integers=integers,
                csv=files["totals"],
            )  # fmt: skip
        return record, {name: str(path) for name, path in files.items()}

    def show_first(made: Forecaster) -> None:
        """Write and show what there is before anything is trained."""
        if not follows():
            record, _ = write(made)
            show_first_forecast(screen, record, folder)

    forecaster.fit(
        request.table, level=request.levels, checkpoints=folder / "training", warm_start=start,
        started=started, progress=screen.progress(), on_simple_scores=show_simple,
        on_first_forecast=show_first,
    )  # fmt: skip
    if follows():
        return
    record, files = write(forecaster)
    show_outcome(screen, record)
    screen.show(terminal.written(files), whole_lines=True)
    screen.result(summary(record, files))
