"""Lines of a stream as rows: each is taken or refused by itself, with its number.

Cells, numbers and dates are read by the code that reads files (`csv`, `numbers`, `dates`), told to
judge each value alone: a stream has no column that would show what an unusual value means.
"""

from __future__ import annotations

import csv
import math
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError
from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import Column
from holdfast.tables.csv import DELIMITERS, cells
from holdfast.tables.dates import read_units
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.numbers import read_numbers, shown
from holdfast.tables.raw import RawTable, text_array
from holdfast.tables.series import SeriesSet
from holdfast.tables.update import identities

_MOST_KNOWN: Final = 100_000
"""Timestamps remembered with their ordinal, so that each is read once."""

_AHEAD: Final = 64

_DIGITS: Final = re.compile(r"\d+")

_TRUTHS: Final = {"true": "1", "false": "0"}
"""Truth values were numbers to the fit, where they came in a frame."""


@dataclass(frozen=True, eq=False)
class LineRows:
    """Rows out of some lines, in their order."""

    lines: NDArray[np.int64]  # (rows,) the number of each one's line, from 1
    places: NDArray[np.int64]  # (rows,) which series
    ordinals: NDArray[np.int64]  # (rows,) where on the calendar
    values: NDArray[np.float64]  # (rows,) NaN where nothing was written
    # (rows, C) those in time of the series; NaN where nothing was written, or a category that the
    # fit never saw
    covariates: NDArray[np.float64]
    # what was wrong with the other lines, a sentence each, in their order
    complaints: tuple[str, ...]


class _Dialect(NamedTuple):
    """The delimiter of the lines, and in which column each thing stands."""

    delimiter: str
    width: int
    ids: tuple[int, ...]
    time: int
    target: int
    covariates: tuple[int, ...]

    @classmethod
    def of(cls, delimiter: str, width: int, places: Sequence[int], ids: int) -> _Dialect:
        """Places in the order ids, time, target, covariates."""
        time, target, *covariates = places[ids:]
        return cls(delimiter, width, tuple(places[:ids]), time, target, tuple(covariates))


class RowLines:
    """Reads lines of CSV as rows of series that are known.

    The first line may be a header with the model's column names in any order; without one the
    columns are ids, time, value, or time and value where there is one series, and then the
    covariates in time where the series have such.
    """

    def __init__(self, series: SeriesSet, names: ColumnNames) -> None:
        self._names = names
        self._calendar = series.calendar
        found = identities(series.labels, series.keys)
        self._places: dict[object, int] = {name: place for place, name in enumerate(found)}
        self._only = len(series) == 1
        self._covariates = () if series.covariates is None else series.covariates.columns
        self._dialect: _Dialect | None = None
        self._read = 0
        self._ordinals: dict[str, int | str] = {}

    def read(self, lines: Sequence[str]) -> LineRows:
        """The rows in the next lines.

        Raises:
            TableError: the first line is neither a header of the model's columns nor a row.
        """
        wrong: dict[int, str] = {}
        rows: list[tuple[int, int, list[str]]] = []  # line, series, cells
        for line in lines:
            self._read += 1
            text = line.strip()
            if not text:
                continue
            if self._dialect is None:
                self._dialect, is_header = self._begin(text)
                if is_header:
                    continue
            row = _cells(text, self._dialect.delimiter)
            place = self._place(row, self._dialect)
            if isinstance(place, str):
                wrong[self._read] = place
            else:
                rows.append((self._read, place, row))
        numbers, covariates, ordinals = self._judge(rows, wrong)
        taken = [k for k, (line, _, _) in enumerate(rows) if line not in wrong]
        return LineRows(
            np.array([rows[k][0] for k in taken], dtype=np.int64),
            np.array([rows[k][1] for k in taken], dtype=np.int64),
            np.array([ordinals[k] for k in taken], dtype=np.int64),
            np.array([numbers[k] for k in taken], dtype=np.float64),
            np.array(
                [[column[k] for column in covariates] for k in taken], dtype=np.float64
            ).reshape(len(taken), len(covariates)),
            tuple(f"line {line}: {wrong[line]}" for line in sorted(wrong)),
        )

    def _judge(
        self, rows: Sequence[tuple[int, int, list[str]]], wrong: dict[int, str]
    ) -> tuple[list[float | str], list[list[float | str]], list[float | str]]:
        """Values, covariates and ordinals of rows; what cannot be used is noted by its line."""
        if self._dialect is None or not rows:
            return [], [[] for _ in self._covariates], []
        _, _, _, time, target, places = self._dialect

        def note(found: Sequence[float | str], column: str = "") -> None:
            for (line, _, _), one in zip(rows, found, strict=True):
                if isinstance(one, str):
                    wrong.setdefault(line, column + one)

        values = _each([row[target] for _, _, row in rows], _plain)
        note(values)
        covariates = []
        for column, place in zip(self._covariates, places, strict=True):
            covariates.append(_covariate([row[place] for _, _, row in rows], column))
            note(covariates[-1], f"column {column.name!r}: ")
        texts = [row[time] for _, _, row in rows]
        self._learn({text for text in texts if text not in self._ordinals})
        ordinals: list[float | str] = [self._ordinals[text] for text in texts]
        note(ordinals)
        if len(self._ordinals) > _MOST_KNOWN:
            self._ordinals.clear()
        return values, covariates, ordinals

    def _begin(self, line: str) -> tuple[_Dialect, bool]:
        """The columns, told by the first line, and whether it is a header."""
        others = tuple(one.name for one in self._covariates)
        needed = (*self._names.id, self._names.time, self._names.target, *others)
        for delimiter in DELIMITERS:
            names = [name.lstrip("\ufeff") for name in _cells(line, delimiter)]
            alone = self._only and not set(self._names.id) & set(names)
            count = 0 if alone else len(self._names.id)
            columns = needed[len(self._names.id) - count :]
            if set(columns) <= set(names):
                places = [names.index(name) for name in columns]
                return _Dialect.of(delimiter, len(names), places, count), True
        row = _cells(line, ",")
        count = 0 if self._only and len(row) == 2 + len(others) else len(self._names.id)
        width = count + 2 + len(others)
        if len(row) != width or isinstance(_each([row[count + 1]], _plain)[0], str):
            raise TableError(
                f"line {self._read}: {', '.join(row)[:200]!r} is neither a row nor a header with "
                f"the model's columns; give {', '.join(needed)}."
            )
        return _Dialect.of(",", width, range(width), count), False

    def _place(self, row: Sequence[str], dialect: _Dialect) -> int | str:
        """Which series a line belongs to, or what is wrong with it."""
        if len(row) != dialect.width:
            return f"{len(row)} values where there are {dialect.width} columns; mend the line."
        ids = [row[one] for one in dialect.ids]
        place = self._places.get(tuple(ids) if len(ids) > 1 else ids[0]) if ids else 0
        if place is not None:
            return place
        name = " / ".join(ids)
        if not name:
            return "the name of the series is missing; fill it in."
        return f"the series {shown(name)} is not in the model; add it with holdfast update."

    def _learn(self, texts: set[str]) -> None:
        """Put the ordinals of timestamps, or what is wrong with them, where they are found."""
        calendar = self._calendar
        found = _each(list(texts), lambda table: read_units(table, "", calendar))
        units = dict(zip(texts, found, strict=True))
        self._ordinals |= {text: one for text, one in units.items() if isinstance(one, str)}
        sound = [text for text, one in units.items() if not isinstance(one, str)]
        stamps = np.array([units[text] for text in sound], dtype=np.int64)
        times = stamps if calendar.kind == "counter" else stamps.astype("datetime64[ns]")
        on_grid = calendar.on_grid(times)
        ordinals = np.zeros(len(times), dtype=np.int64)
        ordinals[on_grid] = calendar.ordinals(times[on_grid])
        for text, ordinal, fits in zip(sound, ordinals.tolist(), on_grid.tolist(), strict=True):
            off = f"{shown(text)} does not lie on the model's calendar ({calendar.words})."
            self._ordinals[text] = ordinal if fits else off
            if fits and len(texts) == 1:  # lines come one by one; many are read as fast as one
                self._learn(_following(text, ordinal, calendar))


def _following(text: str, ordinal: int, calendar: Calendar) -> set[str]:
    """The next timestamps of a calendar where `text` is written as it writes its own."""
    try:
        texts = calendar.texts(calendar.times(ordinal + np.arange(_AHEAD))).tolist()
    except ArgumentError:
        return set()  # beyond the last year that there is
    texts = [one.replace(" ", text[10:11])[: len(text)] for one in texts]
    return set(texts[1:]) if texts[0] == text else set()


def _cells(line: str, delimiter: str) -> list[str]:
    """The values of a line; one alone where its quotes make no sense."""
    try:
        return cells(line, delimiter)
    except csv.Error:
        return [line]


def _plain(table: RawTable) -> NDArray[np.float64]:
    return read_numbers(table, "", plain_only=True).values


def _covariate(texts: Sequence[str], column: Column) -> list[float | str]:
    """Numbers, or the codes of categories that the fit saw."""
    if column.levels is None:
        return _each([_TRUTHS.get(text.lower(), text) for text in texts], _plain)
    codes = {level: float(code) for code, level in enumerate(column.levels)}
    return [codes.get(text, math.nan) for text in texts]


def _each(
    texts: Sequence[str], read: Callable[[RawTable], NDArray[np.int64] | NDArray[np.float64]]
) -> list[float | str]:
    """What each text says, or what is wrong with it.

    All are read at once. Where one is refused, texts of one shape are, since they mostly share
    their fate; within a shape both halves.
    """
    if not texts:
        return []
    try:
        together: list[float | str] = read(RawTable("", {"": text_array(texts)})).tolist()
        return together
    except TableError as problem:
        if len(texts) == 1:
            return [str(problem)]
    alike = defaultdict(list)
    for row, text in enumerate(texts):
        alike[_DIGITS.sub("0", text)].append(row)
    every, half = range(len(texts)), len(texts) // 2
    found: dict[int, float | str] = {}
    for rows in alike.values() if len(alike) > 1 else (every[:half], every[half:]):
        found |= zip(rows, _each([texts[row] for row in rows], read), strict=True)
    return [found[row] for row in every]
