"""`holdfast drift`: are the errors on new rows still those of the backtest?"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen


def drift(
    model: Annotated[Path, typer.Argument(help="A model folder that `holdfast forecast` wrote.")],
    data: Annotated[Path, typer.Argument(help="A CSV, Parquet or Excel file with newer rows.")],
    ids: options.Ids = None,
    time_column: options.Time = None,
    target: options.Target = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Say whether a model's errors on new rows are more than chance; the model stays as it is."""
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.forecasting.model import FittedModel
    from holdfast.tables.read import ReadOptions
    from holdfast.tables.update import read_new_rows

    stored = FittedModel.load(model, networks=False)
    columns = ReadOptions(id_col=ids, time_col=time_column, target_col=target)
    new = read_new_rows(
        data, stored.names, stored.series.calendar, columns, like=stored.series.covariates
    )
    later = stored.updated(new)[0].series

    from holdfast.forecasting.monitoring.drift import check_drift

    made = check_drift(stored, later)
    screen.show(made.sentence)
    screen.result(
        {
            "drifted": made.drifted,
            "ratio": made.ratio,
            "limit": None if math.isnan(made.limit) else made.limit,
            "mase": made.mase,
            "backtest_mase": made.backtest_mase,
            "coverage": made.coverage,
            "windows": made.windows,
            "sentence": made.sentence,
        }
    )
