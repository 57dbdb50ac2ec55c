"""Columns of texts and labels in a table that a command was given."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.errors import TableError

if TYPE_CHECKING:
    from holdfast.tables.raw import RawTable


def text_column(table: RawTable, name: str, option: str) -> list[str]:
    """A column as texts; every row must have one.

    Arguments:
        table: read from a file.
        name: of the column.
        option: that names the column, such as "--text".

    Raises:
        TableError: there is no such column, it has no rows, or a row has no text.
    """
    if name not in table.columns:
        named = ", ".join(list(table.columns)[:12])
        raise TableError(f"{table.where} has no column {name!r}; it has {named}. See {option}.")
    values = table.columns[name].to_pylist()
    for row, value in enumerate(values):
        if value is None or not str(value).strip():
            raise TableError(
                f"{table.where}, {table.at(row)}: {name} is empty; fill it in or leave the row out."
            )
    if not values:
        raise TableError(f"{table.where} has no rows.")
    return [str(value) for value in values]
