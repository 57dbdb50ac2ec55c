"""Text tables (CSV and its relatives): encoding, delimiter, header, rows."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from holdfast.errors import TableError
from holdfast.tables.raw import RawTable, integers

MAX_COLUMNS: Final = 100_000
MAX_LINE: Final = 16 * 2**20
_SNIFFED: Final = 64 * 1024
_MARKS: Final = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
_CONTROLS: Final = bytes(set(range(32)) - {9, 10, 12, 13, 26})
DELIMITERS: Final = ("\t", ";", "|", ",")  # the rarer ones first: they win a tie
_NUMBER: Final = re.compile(r"[+-]?(\d[\d.,' ]*|\.\d+)([eE][+-]?\d+)?%?")
_DATE: Final = re.compile(
    r"\d{1,4}[-/.]\d{1,2}([-/.]\d{1,4})?([T ].*)?|\d{4}-?[QW]\d{1,2}|[A-Za-z]{3,9}[- ]\d{2,4}"
)
_OTHERS: Final = (
    (b"<!doctype", "a web page"), (b"<html", "a web page"), (b"<?xml", "XML"),
    (b"[{", "JSON"), (b'{"', "JSON"), (b"{\n", "JSON"), (b"{\r\n", "JSON"),
)  # fmt: skip
"""How files begin that are text but no tables, and what to call them."""


def read_text(data: bytes, where: str) -> RawTable:
    """A delimited text file as columns of text.

    Raises:
        TableError: the file is empty, is not text, has only a header, or a line has more or
            fewer values than the header.
    """
    text, messages = _as_utf8(data, where)
    if not text.strip():
        raise TableError(f"{where} is empty; give a file with a header and rows.")
    other = next((name for start, name in _OTHERS if text.lstrip().lower().startswith(start)), None)
    if other is not None:
        raise TableError(f"{where} is {other}, not a table; give CSV, Parquet or Excel.")
    sheet = _Sheet.of(text, where)
    if not sheet.has_header:
        shown = ", ".join(sheet.names[:4]) + (" …" if len(sheet.names) > 4 else "")
        messages = (*messages, f"{where} has no header; its columns are called {shown}.")
    return _rows(sheet).saying(*messages)


def _as_utf8(data: bytes, where: str) -> tuple[bytes, tuple[str, ...]]:
    """The same text in UTF-8 without a byte-order mark, and what was guessed."""
    messages: tuple[str, ...] = ()
    marked = [encoding for mark, encoding in _MARKS if data.startswith(mark)]
    try:
        if marked:
            data = data.decode(marked[0]).encode("utf-8")
        elif not _is_text(data):
            raise _not_a_table(where)
        else:
            data.decode("utf-8")
    except UnicodeDecodeError:
        if marked:
            raise _not_a_table(where) from None
        undefined = re.search(rb"[\x81\x8d\x8f\x90\x9d]", data)  # in Windows-1252
        encoding = "Latin-1" if undefined else "Windows-1252"
        data = data.decode("latin-1" if undefined else "cp1252").encode("utf-8")
        messages = (f"{where} is not UTF-8; it was read as {encoding}.",)
    if b"\n" not in data:
        data = data.replace(b"\r", b"\n")  # line ends of old Macintosh files
    return data, messages


def _is_text(data: bytes) -> bool:
    start = data[:_SNIFFED]
    controls = len(start) - len(start.translate(None, _CONTROLS))
    return b"\0" not in data and controls <= len(start) // 200


def _not_a_table(where: str) -> TableError:
    return TableError(
        f"{where} is not a table that can be read; give CSV, Parquet or Excel (.xlsx, .xls)."
    )


@dataclass(frozen=True)
class _Sheet:
    """What the first lines say about the rest."""

    where: str
    delimiter: str
    names: tuple[str, ...]  # of the columns
    has_header: bool
    body: bytes  # the text from the first row of values on
    skipped: int  # lines before it

    @classmethod
    def of(cls, text: bytes, where: str) -> _Sheet:
        # Excel's own way to name the delimiter, then blank lines.
        named = re.match(rb'"?sep=(.)"?\r?\n', text[:20])
        blank = re.compile(rb"(?:[ \r]*\n)*").match(text, named.end() if named else 0)
        start = blank.end() if blank else 0
        delimiter = named.group(1).decode("latin-1") if named else _sniff(text[start:][:_SNIFFED])
        end = _record_end(text, start, where)
        first = _cells(text[start:end], delimiter, where)
        # A stray quote in the first row (5" pipe) is the row reader's business, not the sniffer's.
        line_end = text.find(b"\n", end)
        second = _cells(text[end : line_end if line_end >= 0 else None], delimiter, where)
        if len(first) > MAX_COLUMNS:
            raise TableError(
                f"{where} has {len(first):,} columns; at most {MAX_COLUMNS:,} are read."
            )
        has_header = not _same_kind(first, second)
        names = _names(first) if has_header else _names([""] * len(first))
        for name, times in Counter(names).items():
            if times > 1:
                raise TableError(
                    f"{where} has {times} columns called {name!r}; give each its own name."
                )
        if has_header:
            start = end
        if not text[start:].strip():
            raise TableError(f"{where} has a header but no rows; give at least one row.")
        body = text[start:]
        if len(names) > 1 and b"\n " in body:
            body = re.sub(rb"(?m)^ +(?=\r?$)", b"", body)  # a line of spaces is a blank line
        return cls(where, delimiter, names, has_header, body, text[:start].count(b"\n"))

    @cached_property
    def line_numbers(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """The line on which each row begins; needed only to say where something is wrong."""
        numbers, open_quote, begin = [], False, 0
        for number, line in enumerate(self.body.split(b"\n"), start=self.skipped + 1):
            if not open_quote:
                begin = number
            open_quote ^= line.count(b'"') % 2 == 1
            if not open_quote and (len(self.names) == 1 or line.strip(b"\r")):
                numbers.append(begin)
        if open_quote:
            numbers.append(begin)  # a quote that never closes takes the rest of the file
        return np.array(numbers, dtype=np.int64)

    def place(self, row: int) -> str:
        """Where row `row` (from 0) stands in the file."""
        numbers = self.line_numbers
        # Stray quotes (5" pipe) are counted otherwise by the row reader: then rows must do.
        return f"line {numbers[row]}" if row < len(numbers) else f"row {row + 1} of the values"


def _sniff(head: bytes) -> str:
    """The delimiter that cuts the first lines into equally many cells."""
    lines = [line for line in head.split(b"\n")[:50] if line.strip()]
    if len(lines) > 1 and len(head) == _SNIFFED:
        lines = lines[:-1]  # the last one may be cut off
    unquoted = [b"".join(line.split(b'"')[::2]) for line in lines]
    best, best_share = ",", 0.0
    for delimiter in DELIMITERS:
        counts = [line.count(delimiter.encode()) for line in unquoted]
        share = sum(count == counts[0] for count in counts) / len(counts) if counts[0] else 0.0
        if share > best_share:
            best, best_share = delimiter, share
    return best


def _record_end(text: bytes, start: int, where: str) -> int:
    """Just behind the line break that ends the record at `start`, quoted line breaks aside."""
    end, quotes = start, 0
    while end < len(text):
        found = text.find(b"\n", end)
        line_end = len(text) if found < 0 else found + 1
        quotes += text.count(b'"', end, line_end)
        end = line_end
        if quotes % 2 == 0 and text[start:end].strip(b"\r\n"):
            break
        if end - start > MAX_LINE:
            break
    if end - start > MAX_LINE or quotes % 2:
        line = text.count(b"\n", 0, start) + 1
        raise TableError(f"{where}, line {line}: a quote does not close, or the line is too long.")
    return end


def cells(line: str, delimiter: str) -> list[str]:
    """The values of a line, without spaces around them.

    Raises:
        csv.Error: its quotes make no sense.
    """
    if '"' not in line and "\r" not in line:
        return [cell.strip() for cell in line.split(delimiter)] if line else []
    return [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter), [])]


def _cells(record: bytes, delimiter: str, where: str) -> list[str]:
    try:
        return cells(record.decode("utf-8", errors="replace").strip("\r\n"), delimiter)
    except csv.Error as problem:
        raise TableError(
            f"{where}: the first lines cannot be cut into cells ({problem})."
        ) from None


def _names(cells: Sequence[str]) -> tuple[str, ...]:
    return tuple(cell or f"column {number}" for number, cell in enumerate(cells, start=1))


def _same_kind(first: Sequence[str], second: Sequence[str]) -> bool:
    """Whether the first record holds values like the second, and so is no header."""
    kinds = [_kind(cell) for cell in first]
    if kinds != [_kind(cell) for cell in second]:
        same_length = len(second) in (0, len(first))
        return "text" not in kinds and "blank" not in kinds and same_length
    if "number" not in kinds and "date" not in kinds:
        return False
    # Years along the top of a wide table are names: 1990, 1991, 1992.
    years = [cell for cell in first if re.fullmatch(r"(1[5-9]|20|21)\d\d", cell)]
    return not (len(years) > 2 and years == sorted(set(years)))


def _kind(cell: str) -> str:
    if not cell:
        return "blank"
    if _NUMBER.fullmatch(cell):
        return "number"
    return "date" if _DATE.fullmatch(cell) else "text"


def _rows(sheet: _Sheet) -> RawTable:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    wrong: list[tuple[int | None, int]] = []

    def remember(row: arrow_csv.InvalidRow) -> str:
        if not wrong:
            wrong.append((row.number, row.actual_columns))
        return "skip"

    handles = [str(number) for number in range(len(sheet.names))]
    several = len(handles) > 1

    def parsed(use_threads: bool) -> pa.Table:
        return arrow_csv.read_csv(
            pa.BufferReader(sheet.body),
            read_options=arrow_csv.ReadOptions(
                column_names=handles,
                block_size=min(max(len(sheet.body), 1024), MAX_LINE),
                use_threads=use_threads,
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=sheet.delimiter,
                newlines_in_values=b'"' in sheet.body,
                ignore_empty_lines=several,
                invalid_row_handler=remember,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(handles, pa.string()), strings_can_be_null=False
            ),
        )

    try:
        read = parsed(use_threads=True)
        if wrong:
            wrong.clear()
            read = parsed(use_threads=False)  # only one thread counts the rows
    except pa.ArrowInvalid:
        raise TableError(
            f"{sheet.where} cannot be cut into rows; look for a quote that does not close."
        ) from None
    if wrong:
        number, cells = wrong[0]
        place = sheet.place((number or 1) - 1)
        raise TableError(
            f"{sheet.where}, {place}: {cells} value{'' if cells == 1 else 's'}, but the first row "
            f"has {len(sheet.names)}; mend the line, quote values that contain the delimiter, or "
            "delete what stands above the header."
        )
    columns = {
        name: read.column(handle).combine_chunks()
        for name, handle in zip(sheet.names, handles, strict=True)
    }
    table = RawTable(sheet.where, columns, sheet.place, sheet.delimiter)
    return _without_blanks(table, sheet)


def _without_blanks(table: RawTable, sheet: _Sheet) -> RawTable:
    """Without rows, and nameless columns, in which nothing is written."""
    import pyarrow.compute as pc

    def written(name: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        return integers(pc.binary_length(table.columns[name])) > 0

    filled = np.zeros(len(table), dtype=bool)
    for name in table.columns:
        if filled.all():
            break
        filled |= written(name)
    nameless = {
        name
        for number, name in enumerate(sheet.names, start=1)
        if sheet.has_header and name == f"column {number}" and not written(name).any()
    }
    if nameless:
        table = table.without(nameless)
    if len(sheet.names) == 1:
        # An empty line in a column of values is a missing value; behind the last it is nothing.
        last = int(np.flatnonzero(filled)[-1]) + 1 if filled.any() else 0
        filled = np.arange(len(table)) < last
    return table if filled.all() else table.keep(filled)
