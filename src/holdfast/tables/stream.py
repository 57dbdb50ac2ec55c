"""Lines of a stream as rows: each is taken or refused by itself, with its number."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError
from holdfast.tables.calendar import to_wall
from holdfast.tables.covariates import Column
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.numbers import shown
from holdfast.tables.series import SeriesSet
from holdfast.tables.update import identities

_MOST_KNOWN: Final = 100_000
"""Timestamps remembered with their ordinal, so that each is read once."""

_ISO = re.compile(
    r"(\d{4})-?(\d\d)?-?(\d\d)?(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?))?(Z|[+-]\d\d:?\d\d)?"
)
_NOTHING: Final = frozenset({"", "nan", "na", "null", "none"})
_TRUTHS: Final = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True, eq=False)
class LineRows:
    """Rows out of some lines, in their order.

    Arguments:
        lines: (rows,) the number of each one's line, from 1.
        places: (rows,) which series.
        ordinals: (rows,) where on the calendar.
        values: (rows,) NaN where nothing was written.
        beside: (rows, C) the covariates in time of the series; NaN where nothing was written, or
            a category that the fit never saw.
        complaints: what was wrong with the other lines, a sentence each.
    """

    lines: NDArray[np.int64]
    places: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    values: NDArray[np.float64]
    beside: NDArray[np.float64]
    complaints: tuple[str, ...]


class RowLines:
    """Reads lines of CSV as rows of series that are known.

    The first line may be a header with the model's column names in any order; without one the
    columns are ids, time, value, or time and value where there is one series, and then the
    covariates in time where the series have such.

    Arguments:
        series: those that are known.
        names: what their columns are called.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> known = SeriesSet.from_arrays({"a": [1.0]}, Calendar.integer())
        >>> reader = RowLines(known, ColumnNames(("unique_id",), "ds", "y"))
        >>> made = reader.read(["unique_id,ds,y", "a,1,2.5", "b,1,2.5", "a,1"])
        >>> made.values.tolist(), len(made.complaints)
        ([2.5], 2)
    """

    def __init__(self, series: SeriesSet, names: ColumnNames) -> None:
        self._names = names
        self._calendar = series.calendar
        found = identities(series.labels, series.keys)
        self._places: Mapping[object, int] = {name: place for place, name in enumerate(found)}
        self._only = len(series) == 1
        own = series.covariates
        self._covariates = () if own is None else tuple(map(_CovariateCell, own.columns))
        self._columns: tuple[tuple[int, ...], int, int, tuple[int, ...]] | None = None
        self._width = 0
        self._read = 0
        self._ordinals: dict[str, int | str] = {}

    def read(self, lines: Sequence[str]) -> LineRows:
        """The rows in the next lines.

        Raises:
            TableError: the first line is neither a header of the model's columns nor a row.
        """
        complaints: list[str] = []
        rows: list[tuple[int, int, str, float, tuple[float, ...]]] = []
        for line in lines:
            self._read += 1
            text = line.strip()
            if not text:
                continue
            cells = _cells(text)
            if self._columns is None and self._begin(cells):
                continue
            assert self._columns is not None
            made = self._row(cells)
            if isinstance(made, str):
                complaints.append(f"line {self._read}: {made}")
            else:
                rows.append((self._read, *made))
        self._learn({time for _, _, time, _, _ in rows})
        taken = []
        for number, place, time, value, beside in rows:
            ordinal = self._ordinals[time]
            if isinstance(ordinal, str):
                complaints.append(f"line {number}: {ordinal}")
            else:
                taken.append((number, place, ordinal, value, beside))
        if len(self._ordinals) > _MOST_KNOWN:
            self._ordinals.clear()
        columns = list(zip(*taken, strict=True)) or [(), (), (), (), ()]
        numbers, places, ordinals, values, others = columns
        return LineRows(
            np.array(numbers, dtype=np.int64),
            np.array(places, dtype=np.int64),
            np.array(ordinals, dtype=np.int64),
            np.array(values, dtype=np.float64),
            np.array(others, dtype=np.float64).reshape(len(values), len(self._covariates)),
            tuple(complaints),
        )

    def _begin(self, cells: Sequence[str]) -> bool:
        """Settle the columns by the first line; whether it is a header."""
        named = [cell.strip().lstrip("\ufeff") for cell in cells]
        names = self._names
        others = tuple(one.name for one in self._covariates)
        wanted = (*names.id, names.time, names.target, *others)
        alone = self._only and not set(names.id) & set(named)
        if set(wanted[len(names.id) :] if alone else wanted) <= set(named):
            ids = () if alone else tuple(named.index(name) for name in names.id)
            beside = tuple(named.index(name) for name in others)
            self._columns = ids, named.index(names.time), named.index(names.target), beside
            self._width = len(named)
            return True
        short = self._only and len(cells) == 2 + len(others)
        count = 0 if short else len(names.id)
        beside = tuple(range(count + 2, count + 2 + len(others)))
        self._columns = tuple(range(count)), count, count + 1, beside
        self._width = count + 2 + len(others)
        if len(cells) != self._width or not _is_number(cells[count + 1]):
            self._columns = None
            raise TableError(
                f"line {self._read}: {', '.join(named)[:200]!r} is neither a row nor a header with "
                f"the model's columns; give {', '.join(wanted)}."
            )
        return False

    def _row(self, cells: Sequence[str]) -> tuple[int, str, float, tuple[float, ...]] | str:
        """Series, time as text, value and covariates of a line, or what is wrong with it."""
        assert self._columns is not None
        ids, time, target, others = self._columns
        if len(cells) != self._width:
            return f"{len(cells)} values where there are {self._width} columns; mend the line."
        place: int | None = 0
        if len(ids) == 1:
            place = self._places.get(cells[ids[0]].strip())
        elif ids:
            place = self._places.get(tuple(cells[one].strip() for one in ids))
        if place is None:
            name = " / ".join(cells[one].strip() for one in ids)
            return (
                f"the series {shown(name)} is not in the model; add it with holdfast update."
                if name
                else "the name of the series is missing; fill it in."
            )
        value = _number(cells[target].strip())
        if isinstance(value, str):
            return value
        beside = []
        for one, where in zip(self._covariates, others, strict=True):
            read = one.read(cells[where].strip())
            if isinstance(read, str):
                return f"column {one.name!r}: {read}"
            beside.append(read)
        return place, cells[time].strip(), value, tuple(beside)

    def _learn(self, texts: set[str]) -> None:
        """Put the ordinals of timestamps, or what is wrong with them, where they are found."""
        new = [text for text in texts if text not in self._ordinals]
        units: list[int] = []
        read: list[str] = []
        for text in new:
            unit = self._unit(text)
            if isinstance(unit, str):
                self._ordinals[text] = unit
            else:
                units.append(unit)
                read.append(text)
        if not read:
            return
        calendar = self._calendar
        stamps = np.array(units, dtype=np.int64)
        times = stamps if calendar.kind == "counter" else stamps.astype("datetime64[ns]")
        on_grid = calendar.on_grid(times)
        ordinals = np.zeros(len(times), dtype=np.int64)
        ordinals[on_grid] = calendar.ordinals(times[on_grid])
        for text, ordinal, fits in zip(read, ordinals.tolist(), on_grid.tolist(), strict=True):
            self._ordinals[text] = (
                ordinal
                if fits
                else f"{shown(text)} does not lie on the model's calendar ({calendar.words})."
            )

    def _unit(self, text: str) -> int | str:
        """A timestamp as a counter or as nanoseconds in the calendar's clock, or what is wrong."""
        calendar = self._calendar
        if calendar.kind == "counter":
            if re.fullmatch(r"[+-]?\d{1,18}", text):
                return int(text)
            return f"{shown(text)} is not a whole number, as the model's times are."
        found = _ISO.fullmatch(text)
        odd = f"{shown(text)} is not a date as in 2024-12-31 or 2024-12-31 13:30:00."
        if not found:
            return odd
        year, month, day, clock, zone = found.groups()
        try:
            moment = np.datetime64(f"{year}-{month or '01'}-{day or '01'}T{clock or '00:00'}")
        except ValueError:
            return odd
        if not 1678 <= int(year) <= 2261:
            return f"{shown(text)} lies outside the years 1678 to 2261."
        stamp = int(moment.astype("datetime64[ns]").astype(np.int64))
        if (zone is None) != (calendar.zone is None) and not (
            zone is None and clock is None and not calendar.utc
        ):
            if zone is None:
                return f"{shown(text)} has no offset, as in +01:00 or Z; the model's times have."
            return f"{shown(text)} has an offset, and the model's times have none."
        if zone is None or calendar.zone is None:
            return stamp
        if zone != "Z":
            minutes = int(zone[1:3]) * 60 + int(zone[-2:])
            stamp -= (minutes if zone[0] == "+" else -minutes) * 60 * 10**9
        if calendar.utc:
            return stamp
        return int(to_wall(np.array([stamp]), calendar.zone)[0])


class _CovariateCell:
    """Reads a column of covariates, as the fit did."""

    def __init__(self, column: Column) -> None:
        self.name = column.name
        self._codes: dict[str, float] | None = None
        if column.levels is not None:
            self._codes = {level: float(code) for code, level in enumerate(column.levels)}

    def read(self, text: str) -> float | str:
        """A number, the code of a category, or what is wrong."""
        if self._codes is not None:
            return self._codes.get(text, math.nan)
        if text.lower() in _TRUTHS:
            return _TRUTHS[text.lower()]
        return _number(text)


def _number(text: str) -> float | str:
    """A number, NaN for nothing, or what is wrong."""
    try:
        value = float(text)
    except ValueError:
        if text.lower() not in _NOTHING:
            return f"{shown(text)} is not a number; mend the line."
        return math.nan
    if math.isinf(value) or "_" in text:
        return f"{shown(text)} is not a finite number; mend the line."
    return value


def _cells(text: str) -> list[str]:
    """The values of a line; one alone where its quotes make no sense."""
    if '"' not in text:
        return text.split(",")
    try:
        return next(csv.reader([text]), [])
    except csv.Error:  # such as a carriage return in the middle, or a value without an end
        return [text]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.strip().lower() in _NOTHING
    return True
