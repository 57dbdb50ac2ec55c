"""Excel sheets, read by python-calamine (extra ``excel``)."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from holdfast.errors import ArgumentError, InputError, TableError, option
from holdfast.tables.raw import RawTable

if TYPE_CHECKING:
    import pyarrow as pa


def read_excel(data: bytes, where: str, sheet: str | None) -> RawTable:
    """A sheet of a workbook (.xlsx, .xls, .xlsb, .ods) as columns.

    Raises:
        InputError: python-calamine is not installed.
        ArgumentError: there is no such sheet.
        TableError: the file is corrupt, or the sheet is empty or has only a header.
    """
    try:
        from python_calamine import CalamineError, CalamineWorkbook
    except ImportError:
        raise InputError(
            f'{where} is an Excel file; to read it, run: pip install "holdfast[excel]".'
        ) from None
    import io

    try:
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(data))
        names = workbook.sheet_names
        if sheet is not None and sheet not in names:
            raise ArgumentError(
                f"{option('sheet', sheet)} is not in {where}; it has {', '.join(names)}."
            )
        chosen = sheet if sheet is not None else names[0]
        rows = workbook.get_sheet_by_name(chosen).to_python(skip_empty_area=False)
    except (CalamineError, IndexError, OSError):
        raise TableError(f"{where} is not a workbook that can be read; save it again.") from None
    table = _table(rows, where, chosen)
    if sheet is None and len(names) > 1:
        # Whatever will be wrong with it: the table may well stand on another sheet.
        table = replace(table, where=f"{where} (sheet {chosen!r}; {option('sheet')} takes another)")
        table = table.saying(f"{where} has {len(names)} sheets; {chosen!r}, the first, was read.")
    return table


def _table(rows: Sequence[Sequence[object]], where: str, sheet: str) -> RawTable:

    filled = [number for number, row in enumerate(rows) if any(cell != "" for cell in row)]
    if not filled:
        raise TableError(
            f"{where}, sheet {sheet!r}, is empty; give a sheet with a header and rows."
        )
    if len(filled) == 1:
        raise TableError(
            f"{where}, sheet {sheet!r}, has a header but no rows; give at least one row."
        )
    header = [_header(cell) for cell in rows[filled[0]]]
    columns: dict[str, pa.Array] = {}
    for place, name in enumerate(header):
        cells = [rows[number][place] for number in filled[1:]]
        if name == "" and all(cell == "" for cell in cells):
            continue
        name = name or f"column {place + 1}"
        if name in columns:
            raise TableError(f"{where} has two columns called {name!r}; give each its own name.")
        columns[name] = _column(cells)
    return RawTable(where, columns, lambda row: f"row {filled[row + 1] + 1}")


def _header(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def _column(cells: Sequence[object]) -> pa.Array:
    """Cells of one kind keep it; a mixture becomes text, to be judged like a text file's."""
    import pyarrow as pa

    present = [cell for cell in cells if cell != ""]
    blank_is_null = [None if cell == "" else cell for cell in cells]
    if present and all(type(cell) in (float, int) for cell in present):
        return pa.array([None if c is None else float(str(c)) for c in blank_is_null])
    if present and all(isinstance(cell, datetime.date) for cell in present):
        moments = [_moment(cell) for cell in blank_is_null]
        return pa.array(moments, type=pa.timestamp("us"))
    return pa.array([_text(cell) for cell in cells], type=pa.string())


def _moment(cell: object) -> datetime.datetime | None:
    if cell is None or isinstance(cell, datetime.datetime):
        return cell
    assert isinstance(cell, datetime.date)
    return datetime.datetime(cell.year, cell.month, cell.day)


def _text(cell: object) -> str:
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, datetime.datetime) and cell.time() == datetime.time():
        return cell.date().isoformat()
    return str(cell).strip()
