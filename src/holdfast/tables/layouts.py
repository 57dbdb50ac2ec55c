"""Tables of each layout as rows: long, wide with series in columns, wide with series in rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option
from holdfast.tables.dates import Stamps, looks_like_dates, read_stamps
from holdfast.tables.numbers import Decimal, is_numeric, read_numbers
from holdfast.tables.raw import RawTable, booleans, integers, is_text, missing, objects, text_array
from holdfast.tables.roles import Roles, check_column, find_time, listed, plain_name
from holdfast.tables.rows import Rows


@dataclass(frozen=True)
class ColumnNames:
    """The names under which results are given back."""

    id: tuple[str, ...]  # the columns that tell series apart, "unique_id" where the table had none
    time: str  # of the timestamps, "ds" where the table had none
    target: str  # of the values, "y" where the table had none


@dataclass(frozen=True, eq=False)
class Layout:
    """Rows, the names to give results back under, what was guessed, whether series have names."""

    rows: Rows
    names: ColumnNames
    messages: tuple[str, ...]
    named: bool = True


def long_rows(
    table: RawTable, roles: Roles, *, day_first: bool | None, decimal: Decimal | None
) -> Layout:
    """A table with one timestamp and one value a row."""
    # The dates first: a mistaken column is best noticed there.
    stamps = _stamps(table, roles.time, day_first)
    numbers = read_numbers(table, roles.target, decimal)
    codes, labels, keys = identities(table, roles.id, roles.target)
    rows = Rows(labels, keys, codes, stamps, numbers.values, table.at, table.where)
    names = ColumnNames(roles.id or ("unique_id",), roles.time or "ds", roles.target)
    messages = (*roles.messages, *stamps.messages, *filter(None, [numbers.message]))
    return Layout(rows, names, messages, named=bool(roles.id))


def wide_rows(
    table: RawTable,
    *,
    id_col: str | Sequence[str] | None,
    time_col: str | None,
    day_first: bool | None,
    decimal: Decimal | None,
) -> Layout:
    """A table with a column for each series, or, where its header holds dates, a row for each."""
    dated = [name for name in table.columns if _is_date(name)]
    if time_col is None and len(dated) > 1 and len(dated) >= len(table.columns) // 2:
        return _series_in_rows(table, dated, id_col, day_first, decimal)
    if id_col is not None:
        raise TableError(
            f"{table.where} is wide, with a series in each column, so it has no column for "
            f"{option('id_col')}; leave out {option('id_col')}, or leave out "
            f"{option('wide', True)}."
        )
    time = find_time(table, time_col)
    first = next(iter(table.columns))
    if time is None and plain_name(first) in ("ds", "date", "time", "timestamp", "datetime"):
        time = first  # to be refused there, with the line
    named = [name for name in table.columns if name != time]
    for name in named:
        if not is_numeric(table.columns[name]):
            raise TableError(
                f"{table.where}: column {name!r} of the wide table does not hold numbers; take it "
                f"out, or leave out {option('wide', True)} if it tells series apart."
            )
    if not named:
        raise TableError(f"{table.where} has no column of values besides {time!r}.")
    stamps = _stamps(table, time, day_first)
    numbers = [read_numbers(table, name, decimal) for name in named]
    count = len(table)
    rows = Rows(
        labels=tuple(named),
        keys={"unique_id": np.array(named, dtype=object)},
        codes=np.repeat(np.arange(len(named), dtype=np.int64), count),
        stamps=replace(stamps, values=np.tile(stamps.values, len(named))),
        values=np.concatenate([column.values for column in numbers]),
        at=lambda row: table.at(row % count),
        where=table.where,
    )
    text = f"Read as wide: time {time!r}" if time is not None else "Read as wide: time by row"
    marks = {column.message for column in numbers if column.message}
    names = ColumnNames(("unique_id",), time or "ds", "y")
    messages = (f"{text}, {len(named):,} series in columns.", *stamps.messages, *sorted(marks)[:1])
    return Layout(rows, names, messages)


def _series_in_rows(
    table: RawTable,
    dated: list[str],
    id_col: str | Sequence[str] | None,
    day_first: bool | None,
    decimal: Decimal | None,
) -> Layout:

    others = [name for name in table.columns if name not in dated]
    ids = [id_col] if isinstance(id_col, str) else list(id_col or others)
    for name in ids:
        check_column(table, name)
    header = RawTable(
        f"{table.where}, header", {"times": text_array(dated)}, lambda row: f"column {dated[row]!r}"
    )
    stamps = read_stamps(header, "times", day_first=day_first)
    codes, labels, keys = identities(table, tuple(ids), "y")
    if not ids:
        codes = np.arange(len(table), dtype=np.int64)
        labels = tuple(f"row {number}" for number in range(1, len(table) + 1))
        keys = {"unique_id": np.array(labels, dtype=object)}
    columns = [read_numbers(table, name, decimal).values for name in dated]
    rows = Rows(
        labels=labels,
        keys=keys,
        codes=np.repeat(codes, len(dated)),
        stamps=replace(stamps, values=np.tile(stamps.values, len(table))),
        values=np.stack(columns, axis=1).reshape(-1),
        at=lambda row: f"{table.at(row // len(dated))}, column {dated[row % len(dated)]!r}",
        where=table.where,
    )
    text = f"Read as wide: {len(dated):,} times in the header, a series in each row"
    text += f", told apart by {listed(ids)}." if ids else "."
    names = ColumnNames(tuple(ids) or ("unique_id",), "ds", "y")
    return Layout(rows, names, (text, *stamps.messages))


def _is_date(name: str) -> bool:

    return looks_like_dates(text_array([name])) or (name.isdigit() and 1500 <= int(name) <= 2261)


def _stamps(table: RawTable, time: str | None, day_first: bool | None) -> Stamps:
    if time is None:
        return Stamps(np.arange(1, len(table) + 1, dtype=np.int64), counter=True)
    return read_stamps(table, time, day_first=day_first)


def identities(
    table: RawTable, ids: tuple[str, ...], target: str
) -> tuple[NDArray[np.int64], tuple[str, ...], Mapping[str, NDArray[np.generic]]]:
    """For each row the number of its series, in the order in which series first appear."""
    if not ids:
        codes = np.zeros(len(table), dtype=np.int64)
        return codes, (target,), {"unique_id": np.array([target], dtype=object)}
    codes = np.zeros(len(table), dtype=np.int64)
    for name in ids:
        column, values = _encoded(table, name)
        codes = codes * max(len(values), 1) + column
        if len(ids) > 1:
            codes = np.unique(codes, return_inverse=True)[1]
    distinct, first, codes = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first, kind="stable")
    rank = np.empty(len(distinct), dtype=np.int64)
    rank[order] = np.arange(len(distinct))
    keys: dict[str, NDArray[np.generic]] = {}
    for name in ids:
        column, values = _encoded(table, name)
        keys[name] = values[column[first[order]]]
    texts = [[str(value) for value in column.tolist()] for column in keys.values()]
    labels = tuple(" / ".join(parts) for parts in zip(*texts, strict=True))
    return rank[codes], labels, keys


def _encoded(table: RawTable, name: str) -> tuple[NDArray[np.int64], NDArray[np.generic]]:
    """A column as numbers of its distinct values, and those values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.columns[name]
    if is_text(column.type):
        column = pc.utf8_trim_whitespace(column)
        nameless = missing(column)
        nameless |= booleans(pc.match_substring_regex(column, "^$"))
    else:
        nameless = booleans(pc.is_null(column, nan_is_null=True))
    if nameless.any():
        row = int(np.flatnonzero(nameless)[0])
        raise TableError(
            f"{table.where}, {table.at(row)}, column {name!r}: the name of the series is missing; "
            "fill it in or delete the row."
        )
    try:
        encoded = pc.dictionary_encode(column)
    except pa.ArrowNotImplementedError:
        raise TableError(
            f"{table.where}: column {name!r} holds {column.type} values, which cannot tell series "
            f"apart; name another with {option('id_col')}."
        ) from None
    return integers(encoded.indices), objects(encoded.dictionary)
