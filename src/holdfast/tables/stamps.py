"""What a column of timestamps says, row by row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError
from holdfast.tables.codes import DAY
from holdfast.tables.raw import RawTable
from holdfast.tables.values import shown

YEARS: Final = (1678, 2261)
"""The whole years that fit into 64 bits of nanoseconds."""

NEVER: Final = np.iinfo(np.int64).min
"""Stands for a day that does not exist."""

BEYOND: Final = f"outside the years {YEARS[0]} to {YEARS[1]}; delete or mend the row"


@dataclass(frozen=True, eq=False)
class Stamps:
    """The timestamps of a column, row by row.

    Arguments:
        values: int64: the counter, or nanoseconds since 1970: UTC where there is a zone, else
            wall-clock time.
        counter: whether time is a whole number and not a date.
        zone: name of the time zone; None where the timestamps carry none.
        names: "day", or the longer span that the form names: "month", "quarter", "week".
        messages: what was guessed, one sentence each.
    """

    values: NDArray[np.int64]
    counter: bool = False
    zone: str | None = None
    names: str = "day"
    messages: tuple[str, ...] = ()


def refuse(table: RawTable, name: str, row: int, what: str) -> NoReturn:
    """Say that the value in a row is wrong."""
    value = table.columns[name][row].as_py()
    raise TableError(f"{table.where}, {table.at(row)}, column {name!r}: {shown(value)} is {what}.")


def whole_numbers(numbers: NDArray[np.int64]) -> Stamps:
    """Whole numbers: 20200131 and 202001 are dates where all of them are, the rest are counters."""
    months: NDArray[np.int64] | None = None
    names, days = "day", np.ones_like(numbers)
    if ((numbers >= 1678_01_01) & (numbers <= 2261_12_31)).all():
        months, days = numbers // 100, numbers % 100
    elif ((numbers >= 1678_01) & (numbers <= 2261_12)).all() and len(np.unique(numbers)) > 1:
        months, names = numbers, "month"
    if months is not None:
        stamps = compose(months // 100, months % 100, days)
        if (stamps != NEVER).all():
            return Stamps(stamps, names=names)
    return Stamps(numbers, counter=True)


def compose(
    years: NDArray[np.int64], months: NDArray[np.int64], days: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Midnights in nanoseconds, the least integer where there is no such day."""
    valid = (years >= YEARS[0]) & (years <= YEARS[1]) & (months >= 1) & (months <= 12)
    index = np.where(valid, (years - 1970) * 12 + months - 1, 0)
    first = index.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (index + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    valid &= (days >= 1) & (days <= following - first)
    return np.where(valid, (first + days - 1) * DAY, NEVER)
