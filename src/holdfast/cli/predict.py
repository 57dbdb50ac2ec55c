"""`holdfast predict`, `update`, `drift`: a saved model and newer rows, without training."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen


@options.grouped
def predict(
    model: options.ForecasterFolder,
    data: options.Table,
    out: options.Out = Path("holdfast-predict"),
    level: options.Levels = "80,90",
    *,
    reading: options.Reading,
    static_df: options.Static = None,
    X_df: options.Future = None,
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
    levels = options.levels(level)
    from holdfast import Forecaster
    from holdfast.cli.results import model_folder, results_folder
    from holdfast.reports import terminal

    forecaster = Forecaster.load(model_folder(model, "holdfast forecast"))
    table = forecaster.read(data, static_df=static_df, X_df=X_df, **options.arguments(reading))
    forecaster.check(table, total_by=total_by, total_over=total_over)
    folder = results_folder(out)
    screen.show(terminal.understood(table.summary))
    shown: dict[str, Any] = {"level": levels, "integers": integers}
    files = {"forecast": folder / "forecast.csv"}
    forecaster.predict(table, **shown, members=True, csv=files["forecast"])
    if total_by is not None or total_over is not None:
        files["totals"] = folder / "totals.csv"
        forecaster.totals(table, **shown, by=total_by, over=total_over, csv=files["totals"])
        screen.show(terminal.totals(forecaster.totals_))
    written = {name: str(path) for name, path in files.items()}
    screen.show(terminal.written(written), whole_lines=True)
    screen.result({
        "series": table.summary.series, "horizon": forecaster.horizon, "files": written,
    })  # fmt: skip


@options.grouped
def update(
    model: options.ForecasterFolder,
    data: Annotated[Path, typer.Argument(help="A CSV, Parquet or Excel file of new rows.")],
    correct: Annotated[
        bool, typer.Option("--correct", help="Let rows take the place of values that are known.")
    ] = False,
    *,
    reading: options.Reading,
    static_df: options.Static = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Take new rows into a saved model: it then forecasts from their end on.

    The file needs nothing but the new rows, with the past and future covariates of the fit;
    --static has a row for each series that is new. --aggregate combines new rows of one period,
    --missing zero fills the periods between a series' known end and its last new row. The model
    folder is replaced whole, or left as it was where a row cannot be used.
    """
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast import Forecaster
    from holdfast.cli.results import model_folder

    forecaster = Forecaster.load(model_folder(model, "holdfast forecast"), networks=False)
    forecaster.update(data, static_df=static_df, correct=correct, **options.arguments(reading))
    forecaster.save(model)
    result = forecaster.update_
    screen.show("\n".join([*result.messages, result.words]))
    screen.result(
        {
            "model": str(model),
            "series": len(result.series),
            "behind": result.behind,
            "filled": result.filled,
            "corrected": result.corrected,
            "repeated": result.repeated,
            "created": result.created,
            "last": result.last,
        }
    )


@options.grouped
def drift(
    model: options.ForecasterFolder,
    data: Annotated[Path, typer.Argument(help="A CSV, Parquet or Excel file with newer rows.")],
    *,
    layout: options.Layout,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Say whether a model's errors on new rows are more than chance; the model stays as it is."""
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast import Forecaster
    from holdfast.cli.results import model_folder

    forecaster = Forecaster.load(model_folder(model, "holdfast forecast"), networks=False)
    result = forecaster.drift(data, **options.arguments(layout))
    screen.show(result.sentence)
    screen.result(
        {
            "drifted": result.drifted,
            "ratio": result.ratio,
            "limit": None if math.isnan(result.limit) else result.limit,
            "mase": result.mase,
            "backtest_mase": result.backtest_mase,
            "coverage": result.coverage,
            "windows": result.windows,
            "sentence": result.sentence,
        }
    )
