"""The numbers in a column, however they are written: 1234.5, 1,234.5, 1.234,5, 1 234,5."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option
from holdfast.tables.raw import RawTable, floats, is_text, mask_array, matches, missing

if TYPE_CHECKING:
    import pyarrow as pa

Decimal = Literal[".", ","]

LARGEST: Final = 1e100
"""Values beyond this are refused: their squares would leave double precision."""

MISSING: Final = (
    "", "-", "--", ".", "?", "NA", "N/A", "n/a", "#N/A", "na", "NaN", "nan", "NAN", "NULL", "null",
    "Null", "None", "none", "<NA>", "missing",
)  # fmt: skip

_ABSENT: Final = f"^({'|'.join(re.escape(text) for text in MISSING)})$"
_SPACES: Final = "[ '’\u00a0\u202f]"
_PLAIN: Final = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_DECIMAL_COMMA: Final = r"^[+-]?(\d+,\d*|,\d+|\d+)([eE][+-]?\d+)?$"
_THOUSANDS_COMMA: Final = r"^[+-]?([1-9]\d{0,2}(,\d{3})+|\d+)(\.\d*)?$"
_THOUSANDS_POINT: Final = r"^[+-]?([1-9]\d{0,2}(\.\d{3})+|\d+)(,\d*)?$"
_THOUSANDS_SPACE: Final = rf"^[+-]?([1-9]\d{{0,2}}({_SPACES}\d{{3}})+|\d+)([.,]\d*)?$"


@dataclass(frozen=True)
class Numbers:
    """A column read as numbers."""

    values: NDArray[np.float64]  # float64, NaN where nothing was written
    message: str = ""  # how the numbers were read, where that was not plain; else ""


def read_numbers(
    table: RawTable, name: str, decimal: Decimal | None = None, *, plain_only: bool = False
) -> Numbers:
    """The column `name` as numbers.

    Arguments:
        decimal: the decimal mark; None to tell it from the values.
        plain_only: refuse marks between thousands and decimal commas, as where values come one by
            one and no column shows what a mark means.

    Raises:
        TableError: a value is not a number, is infinite or is beyond 1e100, or a comma could be
            a decimal mark as well as a thousands mark; the message names the line.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.columns[name]
    message = ""
    kind = column.type
    if pa.types.is_null(kind):
        values = np.full(len(column), np.nan)
    elif is_text(kind):
        plain = None if decimal == "," else plain_numbers(column)
        text = column if plain is not None else blank_to_null(column)
        if plain is None and decimal != ",":
            plain = plain_numbers(text)
        if plain is None:
            readings = () if plain_only else _readings(decimal)
            values, message = _read_marks(table, name, text, readings)
        else:
            values = plain
    elif pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        values = floats(column)
    elif pa.types.is_boolean(kind):
        values = floats(pc.cast(column, pa.int8()))
    else:
        raise TableError(f"{table.where}: column {name!r} holds {kind} values, not numbers.")
    _check_size(table, name, values)
    return Numbers(values, message)


def blank_to_null(column: pa.Array) -> pa.Array:
    """Text without spaces around it, null where it stands for a missing value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.utf8_trim_whitespace(pc.cast(column, pa.string()))
    absent = matches(text, _ABSENT)
    return (
        pc.if_else(mask_array(absent), pa.nulls(len(text), pa.string()), text)
        if absent.any()
        else text
    )


def is_numeric(column: pa.Array, sample: int = 200) -> bool:
    """Whether a column is numbers by type, or by its first values where it is text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if not is_text(kind):
        return bool(
            pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        )
    text = pc.drop_null(blank_to_null(column[: 10 * sample]))[:sample]
    if not len(text) or plain_numbers(text) is not None:
        return True  # also where nothing is written: a column of missing values
    forms = (_PLAIN, _DECIMAL_COMMA, _THOUSANDS_COMMA, _THOUSANDS_POINT, _THOUSANDS_SPACE)
    fits = np.zeros(len(text), dtype=bool)
    for form in (*forms, r"^[+-]?(?i:inf|infinity)$"):
        fits |= _matches(text, form)
    # One bad value among many must not hide that the column was meant as numbers.
    return bool(fits.mean() >= 0.5)


def plain_numbers(text: pa.Array) -> NDArray[np.float64] | None:
    """Numbers as programs write them, None where one is written otherwise."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        return floats(pc.cast(text, pa.float64()))
    except pa.ArrowInvalid:
        return None


class _Reading(NamedTuple):
    """One way to read numbers with marks: their form, marks to drop, the decimal mark, in words."""

    form: str
    dropped: str
    point: str
    words: str


def _readings(decimal: Decimal | None) -> tuple[_Reading, ...]:
    """The ways that a decimal mark allows; all of them where none is given."""
    every = (
        _Reading(_DECIMAL_COMMA, "", ",", "with a decimal comma"),
        _Reading(_THOUSANDS_POINT, r"\.", ",", "with points between thousands"),
        _Reading(_THOUSANDS_COMMA, ",", ".", "with commas between thousands"),
        _Reading(_THOUSANDS_SPACE, _SPACES, "", "with spaces between thousands"),
    )
    return tuple(one for one in every if decimal is None or one.point in (decimal, ""))


def _read_marks(
    table: RawTable, name: str, text: pa.Array, readings: Sequence[_Reading]
) -> tuple[NDArray[np.float64], str]:
    """Numbers with decimal commas or thousands marks."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fitting = [reading for reading in readings if _matches(text, reading.form).all()]
    if {",", "."} <= {reading.point for reading in fitting}:
        example = next(str(value) for value in text.to_pylist() if value and "," in value)
        raise TableError(
            f"{table.where}, column {name!r}: {example} may be {example.replace(',', '')} or "
            f"{example.replace(',', '.')}; say which with {option('decimal', '.')} or "
            f"{option('decimal', ',')}."
        )
    if fitting:
        _, marks, point, words = fitting[0]
        cleaned = pc.replace_substring_regex(text, marks, "") if marks else text
        cleaned = pc.replace_substring(cleaned, ",", ".") if point != "." else cleaned
        values = floats(pc.cast(cleaned, pa.float64()))
        return values, f"The numbers of column {name!r} were read {words}."
    # No reading fits all: name the first value that does not fit the one that fits most.
    points = any(reading.point == "." for reading in readings)
    forms = [*(reading.form for reading in readings), *([_PLAIN] if points or not readings else [])]
    best = max((_matches(text, form) for form in forms), key=lambda fits: int(fits.sum()))
    row = int(np.flatnonzero(~best)[0])
    value = text[row].as_py()
    if re.fullmatch(r"[+-]?(inf|infinity)", value, flags=re.IGNORECASE):
        raise _infinite(table, name, row, value)
    raise table.refusal(row, name, f"{shown(value)} is not a number; mend it or leave it empty.")


def shown(value: object) -> str:
    """A value in quotes, cut where it is long."""
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "…")


def _matches(text: pa.Array, form: str) -> NDArray[np.bool_]:
    return matches(text, form) | missing(text)


def _check_size(table: RawTable, name: str, values: NDArray[np.float64]) -> None:
    with np.errstate(invalid="ignore"):
        wrong = np.abs(values) > LARGEST
    if not wrong.any():
        return
    row = int(np.flatnonzero(wrong)[0])
    if np.isinf(values[row]):
        raise _infinite(table, name, row, table.columns[name][row].as_py())
    raise table.refusal(
        row,
        name,
        f"{values[row]:g} is too large; values up to {LARGEST:g} can be forecast, so give it in a "
        "larger unit.",
    )


def _infinite(table: RawTable, name: str, row: int, value: object) -> TableError:
    what = f"the value {value} is infinite; mend it or leave it empty."
    return table.refusal(row, name, what)
