"""`holdfast predict`: a saved model forecasts from new histories, without training."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen


def predict(
    model: Annotated[Path, typer.Argument(help="A model folder that `holdfast forecast` wrote.")],
    data: options.Table,
    out: options.Out = Path("holdfast-predict"),
    level: options.Levels = "80,90",
    ids: options.Ids = None,
    time_column: options.Time = None,
    target: options.Target = None,
    wide: options.Wide = False,
    day_first: options.DayFirst = None,
    decimal: options.Decimal = None,
    missing: options.Missing = "gap",
    aggregate: options.Aggregate = None,
    sheet: options.Sheet = None,
    static: options.Static = None,
    future: options.Future = None,
    integers: options.Integers = False,
    total_by: options.TotalBy = None,
    total_over: options.TotalOver = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Forecast from the end of other histories with a saved model.

    Writes forecast.csv into the --out folder, with --total-by or --total-over also totals.csv.
    Series that the model never saw are forecast too.
    """
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.cli.request import read_levels
    from holdfast.cli.results import results_folder
    from holdfast.storage import exists

    levels = read_levels(level)
    if not exists(model):
        from holdfast.errors import ModelError

        raise ModelError(
            f"{model} is not a model folder; give the model/ folder that holdfast forecast wrote."
        )

    from holdfast.forecasting.model import FittedModel

    fitted = FittedModel.load(model)
    from holdfast.tables.covariate_tables import CovariateSources
    from holdfast.tables.read import ReadOptions, read

    reading = ReadOptions(
        id_col=ids,
        time_col=time_column,
        target_col=target,
        freq=fitted.series.calendar.code,
        season=fitted.season,
        wide=wide,
        day_first=day_first,
        decimal=decimal,
        missing=missing,
        aggregate=aggregate,
        sheet=sheet,
        covariates=CovariateSources.again(fitted.series.covariates, static, future),
    )
    table = read(data, reading)

    from holdfast.cli.totals import adding, write_totals
    from holdfast.forecasting.output import forecast_columns
    from holdfast.forecasting.predict import forecast
    from holdfast.reports import terminal
    from holdfast.tables.covariate_tables import check_future
    from holdfast.tables.frames import write_csv

    fitted.check_calendar(table)
    check_future(table.series, fitted.horizon)
    wanted = adding(table, total_by, total_over)
    folder = results_folder(out)
    screen.show(terminal.understood(table.summary))
    made = forecast(fitted, table.series, levels)
    made = made.whole(table.series) if integers else made
    path = folder / "forecast.csv"
    columns = forecast_columns(table.columns, table.series, made, members=True)
    write_csv(path, columns, table.series.calendar)
    files = {"forecast": str(path)}
    if wanted is not None:
        from holdfast.reports.terminal import totals

        written, record = write_totals(folder, fitted, wanted, levels, integers=integers)
        files["totals"] = str(written)
        screen.show(totals(record))
    screen.show(terminal.written(files), whole_lines=True)
    screen.result({"series": len(table.series), "horizon": fitted.horizon, "files": files})
