"""Which columns hold time, value and identity: named by the user, or guessed, which a note says."""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from holdfast.errors import TableError, option
from holdfast.tables.dates import looks_like_dates
from holdfast.tables.numbers import blank_to_null, is_numeric
from holdfast.tables.raw import RawTable, integers, is_text, text_array

if TYPE_CHECKING:
    import pyarrow as pa

TIME_NAMES: Final = frozenset({
    "ds", "date", "dates", "time", "times", "timestamp", "timestamps", "datetime", "dt",
    "day", "month", "week", "year", "quarter", "hour", "period", "yearmonth", "monthyear",
    "t", "timeindex", "datum", "zeit", "fecha", "data", "step",
})  # fmt: skip
TARGET_NAMES: Final = frozenset({
    "y", "value", "values", "val", "target", "sales", "sale", "count", "counts", "demand",
    "quantity", "qty", "volume", "units", "amount", "price", "revenue", "load", "consumption",
    "passengers", "visits", "orders", "total", "number",
})  # fmt: skip
ID_NAMES: Final = frozenset({
    "uniqueid", "id", "ids", "series", "seriesid", "seriesname", "tsid", "item", "itemid",
    "itemnbr", "itemname", "product", "productid", "sku", "skuid", "store", "storeid",
    "storenbr", "shop", "shopid", "dept", "department", "group", "key", "name", "station",
    "stationid", "sensor", "sensorid", "meter", "meterid", "customer", "customerid",
    "location", "region", "country", "city", "category", "family", "variable",
})  # fmt: skip


@dataclass(frozen=True)
class Roles:
    """The columns of a long table."""

    id: tuple[str, ...]  # the columns that tell series apart; none where there is one series
    time: str | None  # the column of timestamps; None where rows simply follow each other
    target: str  # the column of values
    messages: tuple[str, ...] = ()  # what was guessed, one sentence each


def plain_name(name: str) -> str:
    """A column's name without case, blanks and signs: "Unique_ID" and "#unique id" are equal."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def find_roles(
    table: RawTable,
    *,
    id_col: str | Sequence[str] | None = None,
    time_col: str | None = None,
    target_col: str | None = None,
) -> Roles:
    """Which column means what in a long table.

    A column is taken by its name where the name is a usual one, else by what it holds: the one
    column of dates, the one column of numbers, the columns of text.

    Raises:
        TableError: a named column is missing, or a guess would be ambiguous; the message lists
            the columns and the flags to give.
    """
    given = [id_col] if isinstance(id_col, str) else list(id_col or ())
    for name in (*given, time_col, target_col):
        if name is not None:
            check_column(table, name)
    named = [*given, *(name for name in (time_col, target_col) if name is not None)]
    twice = next((name for name in named if named.count(name) > 1), None)
    if twice is not None:
        raise TableError(
            f"{table.where}: column {twice!r} is named for two things; give {option('id_col')}, "
            f"{option('time_col')} and {option('target_col')} a column each."
        )
    taken = {*given, time_col, target_col} - {None}
    left = [name for name in table.columns if name not in taken and not _counts_rows(table, name)]
    time = time_col if time_col is not None else _find_time(table, left)
    left = [name for name in left if name != time]
    target = target_col if target_col is not None else _find_target(table, left)
    left = [name for name in left if name != target]
    ids = tuple(given) if given else _find_ids(table, left, time)
    if time is None and (ids or len(table.columns) > 1) and target_col is None:
        raise TableError(
            f"{table.where} has no column of dates that is clearly one: its columns are "
            f"{listed(table.columns)}; name it with {option('time_col')}, or give a table with one "
            "column of values if its rows simply follow each other."
        )
    time_guessed = time_col is None and (time is not None or len(table.columns) > 1)
    guessed = (target_col is None, time_guessed, bool(ids and not given))
    usual = {*ids, time, target} == set(table.columns) <= {"unique_id", "ds", "y"}
    messages = _guesses(table, ids, time, target) if any(guessed) and not usual else ()
    return Roles(ids, time, target, messages)


def check_column(table: RawTable, name: str) -> None:
    """Refuse a column's name that the table does not have."""
    if name in table.columns:
        return
    alike = [other for other in table.columns if plain_name(other) == plain_name(name)]
    alike = alike or difflib.get_close_matches(name, list(table.columns), n=3, cutoff=0.6)
    hint = f"did you mean {listed(alike)}?" if alike else f"it has {listed(table.columns)}."
    raise TableError(f"{table.where} has no column {name!r}; {hint}")


def find_time(table: RawTable, time_col: str | None) -> str | None:
    """The column of timestamps, or None where there is none."""
    if time_col is not None:
        check_column(table, time_col)
        return time_col
    return _find_time(table, [name for name in table.columns if not _counts_rows(table, name)])


def listed(names: object) -> str:
    """Column names in a sentence, cut where there are many."""
    every = [repr(str(name)) for name in names]  # type: ignore[attr-defined] # any iterable
    return ", ".join(every[:8]) + (f" … ({len(every)} in all)" if len(every) > 8 else "")


def _find_time(table: RawTable, left: Sequence[str]) -> str | None:
    dates = [name for name in left if looks_like_dates(table.columns[name])]
    if not dates:
        dates = [name for name in left if plain_name(name) in TIME_NAMES and _is_whole(table, name)]
        if len(dates) > 1 and {"year", "month"} <= {plain_name(name) for name in dates}:
            raise TableError(
                f"{table.where} spreads its dates over the columns {listed(dates)}; join them into "
                f"one column such as 2020-12-31 and name it with {option('time_col')}."
            )
    if len(dates) > 1:
        usual = [name for name in dates if plain_name(name) == "ds"]
        usual = usual or [name for name in dates if plain_name(name) in TIME_NAMES]
        if len(usual) != 1:
            raise TableError(
                f"{table.where} has several columns of dates, {listed(dates)}; name the one to use "
                f"with {option('time_col')}."
            )
        dates = usual
    return dates[0] if dates else None


def _find_target(table: RawTable, left: Sequence[str]) -> str:
    numeric = [
        name
        for name in left
        if is_numeric(table.columns[name]) and not looks_like_dates(table.columns[name])
    ]
    candidates = [name for name in numeric if plain_name(name) not in ID_NAMES] or numeric
    # A column of mistakes under a usual name: its first is refused with its line.
    candidates = candidates or [name for name in left if plain_name(name) in TARGET_NAMES]
    if len(candidates) == 1:
        return candidates[0]
    if not candidates:
        raise TableError(
            f"{table.where} has no column of numbers to forecast: its columns are "
            f"{listed(table.columns)}; name it with {option('target_col')}."
        )
    for usual in (("y",), TARGET_NAMES):
        found = [name for name in candidates if plain_name(name) in usual]
        if len(found) == 1:
            return found[0]
    if looks_like_dates(text_array(candidates)):
        raise TableError(
            f"{table.where} has dates along its header, {listed(candidates)}; give "
            f"{option('wide', True)} to read a series in each row."
        )
    raise TableError(
        f"{table.where} has several columns of numbers, {listed(candidates)}; name the one to "
        f"forecast with {option('target_col')}, or give {option('wide', True)} if each is a series "
        "of its own."
    )


def _find_ids(table: RawTable, left: Sequence[str], time: str | None) -> tuple[str, ...]:
    exact = [name for name in left if plain_name(name) == "uniqueid"]
    if exact:
        return (exact[0],)
    found = [
        name for name in left if plain_name(name) in ID_NAMES or _names_things(table.columns[name])
    ]
    # A column that differs in every row, beside dates that do as well, numbers the rows.
    if time is not None and _distinct(table, time) == len(table) > 1:
        found = [name for name in found if _distinct(table, name) < len(table)]
    unusual = [name for name in found if plain_name(name) not in ID_NAMES]
    if len(found) > 1 and unusual and _combinations(table, found) * 3 > len(table):
        raise TableError(
            f"{table.where} has several columns that could tell series apart, {listed(found)}; "
            f"name those that do with {option('id_col')}."
        )
    return tuple(found)


def _names_things(column: pa.Array) -> bool:
    """Whether a column is text in every row, and neither numbers nor dates."""
    if not is_text(column.type) or is_numeric(column) or looks_like_dates(column):
        return False
    return not blank_to_null(column).null_count


def _guesses(
    table: RawTable, ids: tuple[str, ...], time: str | None, target: str
) -> tuple[str, ...]:
    parts = [f"value {target!r}"]
    parts.insert(0, f"time {time!r}" if time is not None else "time by the order of the rows")
    parts.append(f"series by {listed(ids)}" if ids else "one series")
    used = {*ids, time, target}
    unused = [name for name in table.columns if name not in used]
    names = ", ".join(map(option, ("time_col", "target_col", "id_col")))
    messages = [f"Columns were guessed: {', '.join(parts)}; {names} set them."]
    if unused:
        messages.append(
            f"Columns left out: {listed(unused)}; {option('past_covariates')} and "
            f"{option('future_covariates')} read columns as covariates."
        )
    return tuple(messages)


def _is_whole(table: RawTable, name: str) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.columns[name][:200]
    if is_text(column.type):
        return bool(pc.all(pc.match_substring_regex(column, r"^\s*[+-]?\d+(\.0*)?\s*$")).as_py())
    return bool(pa.types.is_integer(column.type))


def _counts_rows(table: RawTable, name: str) -> bool:
    """Whether a nameless column only numbers the rows, as saved frames have it."""
    import pyarrow as pa

    if not re.fullmatch(r"column 1|Unnamed: 0|__index_level_0__|index|rowid|", name):
        return False
    if len(table.columns) == 1:
        return False
    try:
        numbers = integers(table.columns[name])
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return bool((numbers == np.arange(len(numbers)) + numbers[0]).all() and numbers[0] in (0, 1))


def _distinct(table: RawTable, name: str) -> int:
    import pyarrow.compute as pc

    return int(pc.count_distinct(table.columns[name]).as_py())


def _combinations(table: RawTable, names: Sequence[str]) -> int:
    import pyarrow.compute as pc

    codes = np.zeros(len(table), dtype=np.int64)
    for name in names:
        encoded = pc.dictionary_encode(table.columns[name], null_encoding="encode")
        codes = codes * len(encoded.dictionary) + integers(encoded.indices)
        codes = np.unique(codes, return_inverse=True)[1]
    return len(np.unique(codes))
