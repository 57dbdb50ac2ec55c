"""A file as columns: text, Parquet or Excel, told apart by what is inside."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path
from typing import Final

from holdfast.errors import ArgumentError, TableError, option
from holdfast.tables.csv import read_text
from holdfast.tables.excel import read_excel
from holdfast.tables.raw import RawTable, row_from_zero

MAX_BYTES: Final = 8 * 2**30
"""Files above this size are refused: they would not fit into memory."""

_PARQUET: Final = b"PAR1"
_GZIP: Final = b"\x1f\x8b"
_WORKBOOKS: Final = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")


def read_file(path: str | Path, *, sheet: str | None = None) -> RawTable:
    """The table in a file: CSV and its relatives (also .gz), Parquet, Excel.

    Arguments:
        path: where it is.
        sheet: the sheet of a workbook; None for the first.

    Raises:
        TableError: there is no such file, it cannot be read, or it is no table.
        ArgumentError: a sheet is named, but it is no workbook, or has no such sheet.
        InputError: it is an Excel file and python-calamine is not installed.
    """
    path = Path(path)
    where = path.name or str(path)
    data = _bytes(path, where)
    if data.startswith(_GZIP):
        data = _unpacked(data, where)
    if data.startswith(_WORKBOOKS):
        return read_excel(data, where, sheet)
    if sheet is not None:
        raise ArgumentError(
            f"{where} is not an Excel file and has no sheets; leave out {option('sheet')}."
        )
    if data.startswith(_PARQUET):
        return _read_parquet(data, where)
    return read_text(data, where)


def _bytes(path: Path, where: str) -> bytes:
    try:
        size = path.stat().st_size
        if path.is_dir():
            raise TableError(f"{path} is a folder; give one file.")
        if size > MAX_BYTES:
            raise TableError(f"{where} has {size / 2**30:.0f} GiB; at most 8 GiB are read.")
        return path.read_bytes()
    except FileNotFoundError:
        raise TableError(f"There is no file {path}; check the path.") from None
    except PermissionError:
        raise TableError(f"{path} cannot be read: permission is denied.") from None
    except (OSError, ValueError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else str(problem)
        raise TableError(f"{path} cannot be read: {reason}.") from None


def _unpacked(data: bytes, where: str) -> bytes:
    import io

    try:
        with gzip.open(io.BytesIO(data)) as stream:
            unpacked = stream.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error):
        raise TableError(f"{where} is not a complete gzip file; pack it again.") from None
    if len(unpacked) > MAX_BYTES:
        raise TableError(f"{where} unpacks to more than 8 GiB, which is the most that is read.")
    return unpacked


def _read_parquet(data: bytes, where: str) -> RawTable:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        table = parquet.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError):
        raise TableError(f"{where} is not a complete Parquet file; write it again.") from None
    return table_of_arrow(table, where)


def table_of_arrow(table: object, where: str) -> RawTable:
    """A pyarrow table as columns."""
    import pyarrow as pa

    assert isinstance(table, pa.Table)
    names = list(table.column_names)
    if not names:
        raise TableError(f"{where} is empty; give a table with columns and rows.")
    if not table.num_rows:
        raise TableError(f"{where} has columns but no rows; give at least one row.")
    for name in names:
        if names.count(name) > 1:
            raise TableError(f"{where} has two columns called {name!r}; give each its own name.")
    columns = {}
    for name in names:
        column = table.column(name).combine_chunks()
        if isinstance(column, pa.ChunkedArray):  # more than one chunk can hold
            raise TableError(f"{where}: column {name!r} is too large to be read.")
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        columns[str(name)] = column
    return RawTable(where, columns, row_from_zero)
