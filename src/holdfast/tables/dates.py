"""Timestamps in a column, however they are written, told apart from whole numbers."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from holdfast.errors import TableError
from holdfast.tables.arrow import floats, integers, is_text, missing
from holdfast.tables.date_forms import FORMS
from holdfast.tables.date_texts import DateTexts, fits
from holdfast.tables.raw import RawTable
from holdfast.tables.stamps import BEYOND, YEARS, Stamps, refuse, whole_numbers
from holdfast.tables.values import blank_to_null, plain_numbers

if TYPE_CHECKING:
    import pyarrow as pa


def read_stamps(table: RawTable, name: str, *, day_first: bool | None = None) -> Stamps:
    """The column `name` as timestamps or whole numbers.

    Arguments:
        day_first: how to read 01/02/2020; None to tell from the column, which needs a value
            above 12.

    Raises:
        TableError: a value is missing or is no date, 01/02/2020 could be read both ways, or time
            zones are mixed; the message names the line.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.columns[name]
    kind = column.type
    if is_text(kind):
        text = blank_to_null(column)
        _check_present(table, name, text)
        encoded = pc.dictionary_encode(text)
        which = integers(encoded.indices)
        distinct = DateTexts(table, name, encoded.dictionary, which)
        stamps = distinct.read(day_first)
        return replace(stamps, values=stamps.values[which])
    _check_present(table, name, column)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _typed(table, name, column)
    if pa.types.is_integer(kind):
        return whole_numbers(integers(column))
    if pa.types.is_floating(kind):
        numbers = floats(column)
        odd = ~(np.abs(numbers) < 2**53) | (numbers != np.round(numbers))
        if odd.any():
            refuse(table, name, int(np.flatnonzero(odd)[0]), "neither a date nor a whole number")
        return whole_numbers(numbers.astype(np.int64))
    raise TableError(f"{table.where}: column {name!r} holds {kind} values, not dates.")


def looks_like_dates(column: pa.Array, sample: int = 50) -> bool:
    """Whether the first values of a column are dates and could not be plain numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return True
    if not is_text(kind):
        return False
    text = pc.drop_null(blank_to_null(column[: 10 * sample]))[:sample]
    if not len(text) or plain_numbers(text) is not None:
        return False
    return any(fits(text, form).mean() > 0.5 for form in FORMS if not form.digits_only)


def _check_present(table: RawTable, name: str, column: pa.Array) -> None:
    if column.null_count:
        row = int(np.flatnonzero(missing(column))[0])
        raise TableError(
            f"{table.where}, {table.at(row)}, column {name!r}: the date is missing; fill it in or "
            "delete the row."
        )


def _typed(table: RawTable, name: str, column: pa.Array) -> Stamps:
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = getattr(column.type, "tz", None)
    try:
        nanoseconds = pc.cast(pc.cast(column, pa.timestamp("ns", tz=zone)), pa.int64())
    except pa.ArrowInvalid:
        years = integers(pc.year(column))
        outside = (years < YEARS[0]) | (years > YEARS[1])
        refuse(table, name, int(np.flatnonzero(outside)[0]), BEYOND)
    return Stamps(integers(nanoseconds), zone=zone)
