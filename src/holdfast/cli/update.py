"""`holdfast update`: new rows for a saved model, without fitting again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from holdfast.cli import options
from holdfast.cli.screen import Screen


def update(
    model: Annotated[Path, typer.Argument(help="A model folder that `holdfast forecast` wrote.")],
    data: Annotated[Path, typer.Argument(help="A CSV, Parquet or Excel file of new rows.")],
    correct: Annotated[
        bool, typer.Option("--correct", help="Let rows take the place of values that are known.")
    ] = False,
    ids: options.Ids = None,
    time_column: options.Time = None,
    target: options.Target = None,
    wide: options.Wide = False,
    day_first: options.DayFirst = None,
    decimal: options.Decimal = None,
    sheet: options.Sheet = None,
    static: options.Static = None,
    quiet: options.Quiet = False,
    as_json: options.Json = False,
) -> None:
    """Take new rows into a saved model: it then forecasts from their end on.

    The file needs nothing but the new rows, with the columns that the fit was told are known or
    historic; --static has a row for each series that is new. The model folder is replaced whole,
    or left as it was where a row cannot be used.
    """
    screen = Screen(quiet=quiet, as_json=as_json)
    from holdfast.forecasting.model import FittedModel
    from holdfast.tables.read import ReadOptions
    from holdfast.tables.update import read_new_rows

    stored = FittedModel.load(model, networks=False)
    reading = ReadOptions(
        id_col=ids,
        time_col=time_column,
        target_col=target,
        wide=wide,
        day_first=day_first,
        decimal=decimal,
        sheet=sheet,
    )
    new = read_new_rows(
        data,
        stored.names,
        stored.series.calendar,
        reading,
        like=stored.series.covariates,
        static=static,
    )
    updated, made = stored.updated(new, correct=correct)
    updated.save(model)
    screen.show("\n".join([*new.messages, made.words]))
    calendar = stored.series.calendar
    screen.result(
        {
            "model": str(model),
            "series": len(made.series),
            "behind": made.behind,
            "filled": made.filled,
            "corrected": made.corrected,
            "repeated": made.repeated,
            "created": made.created,
            "last": calendar.format(calendar.times(made.series.ends.max())),
        }
    )
