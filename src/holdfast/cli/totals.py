"""Totals that a command was asked for beside its forecasts; no torch before they are made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.tables.periods import Groups, Over, check_period, group_by
from holdfast.tables.read import Table

if TYPE_CHECKING:
    from holdfast.forecasting.model import FittedModel
    from holdfast.records import TotalsRecord

SAMPLES = 1000
"""Paths of each series behind the bounds of a total."""


@dataclass(frozen=True, eq=False)
class Adding:
    """What is to be added up.

    Arguments:
        table: with the series.
        by: the column that groups them; "" for none.
        groups: what they are part of; None for each by itself.
        over: the period; None for each timestamp by itself.
    """

    table: Table
    by: str
    groups: Groups | None
    over: Over | None


def adding(table: Table, by: str | None, over: Over | None) -> Adding | None:
    """What --total-by and --total-over ask for, checked; None where they ask for nothing.

    Raises:
        TableError: there is no such column, or it says different things of one series.
        ArgumentError: the table's calendar cannot fill the period.
    """
    if by is None and over is None:
        return None
    if over is not None:
        check_period(over, table.series.calendar)
    groups = None if by is None else group_by(by, table.series, table.raw, table.columns)
    return Adding(table, by or "", groups, over)


def write_totals(
    folder: Path,
    fitted: FittedModel,
    wanted: Adding,
    levels: tuple[float, ...],
    *,
    seed: int = 0,
    integers: bool = False,
) -> tuple[Path, TotalsRecord]:
    """Make the totals and write totals.csv, whole or not at all.

    Arguments:
        folder: for the results.
        fitted: what forecasts.
        wanted: from `adding`.
        levels: interval levels in percent.
        seed: of the sample paths.
        integers: whether totals of whole numbers are whole numbers.
    """
    from holdfast.forecasting.output import total_columns
    from holdfast.forecasting.totals import totals
    from holdfast.records import TotalsRecord
    from holdfast.tables.frames import write_csv

    series = wanted.table.series
    made = totals(
        fitted,
        series,
        wanted.groups,
        wanted.over,
        levels,
        samples=SAMPLES,
        seed=seed,
        integers=integers,
    )
    path = folder / "totals.csv"
    write_csv(path, total_columns(wanted.table.columns, made), series.calendar)
    columns = [column.tolist() for column in made.keys.values()]
    record = TotalsRecord(
        by=wanted.by,
        over=wanted.over or "",
        labels=tuple(" / ".join(map(str, parts)) for parts in zip(*columns, strict=True)),
        times=tuple(series.calendar.texts(made.times).tolist()),
        median=made.median,
        mean=made.mean,
        lower=made.lower,
        upper=made.upper,
        note=made.note,
    )
    return path, record
