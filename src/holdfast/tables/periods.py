"""What a person adds up over: periods of time, and groups of series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError, option
from holdfast.tables.calendar import Calendar, to_wall
from holdfast.tables.codes import DAY
from holdfast.tables.layouts import ColumnNames, identities
from holdfast.tables.raw import RawTable
from holdfast.tables.roles import listed
from holdfast.tables.series import SeriesSet

Over = Literal["week", "month", "quarter", "year", "horizon"]

PERIODS: Final = ("week", "month", "quarter", "year", "horizon")
"""What can be added up over; the horizon is one period for all that is forecast."""

_DAYS: Final = {"week": 7, "month": 31, "quarter": 92, "year": 366}
_MONDAY: Final = 3  # days from the Monday before 1970-01-01, a Thursday


def check_period(over: str, calendar: Calendar) -> None:
    """Refuse a period that is not known, or that the calendar cannot fill.

    Raises:
        ArgumentError: says what can be given.

    Example:
        >>> check_period("quarter", Calendar.parse("MS"))
    """
    if over not in PERIODS:
        raise ArgumentError(f"{option('over', over)} is not a period; give {', '.join(PERIODS)}.")
    if over == "horizon":
        return
    if calendar.kind == "counter":
        raise ArgumentError(
            f"{option('over', over)} needs dates, and the table's times are whole numbers; give "
            "horizon."
        )
    days = {"clock": calendar.step / DAY, "business": calendar.step, "month": calendar.step * 28}
    if days[calendar.kind] > _DAYS[over]:
        raise ArgumentError(
            f"{option('over', over)} is shorter than a step of the table ({calendar.words}); give "
            "a longer period."
        )


def period_numbers(calendar: Calendar, ordinals: object, over: Over) -> NDArray[np.int64]:
    """Which period each point lies in, by the date that the point is called by; not descending.

    Weeks begin on Monday. In a time zone the clock on the wall decides.

    Example:
        >>> calendar = Calendar.parse("D")
        >>> days = calendar.ordinals(["2024-01-31", "2024-02-01", "2024-02-29"])
        >>> period_numbers(calendar, days, "month").tolist()
        [648, 649, 649]
    """
    points = np.asarray(ordinals, dtype=np.int64)
    if over == "horizon":
        return np.zeros(points.shape, dtype=np.int64)
    stamps = calendar.times(points)
    if calendar.utc and calendar.zone is not None:
        wall = to_wall(stamps.astype(np.int64).ravel(), calendar.zone)
        stamps = wall.reshape(points.shape).astype("datetime64[ns]")
    if over == "week":
        days = stamps.astype("datetime64[D]").astype(np.int64)
        return np.asarray((days + _MONDAY) // 7)
    months = stamps.astype("datetime64[M]").astype(np.int64)
    return np.asarray(months // {"month": 1, "quarter": 3, "year": 12}[over])


def period_span(calendar: Calendar, ordinal: int, over: Over) -> tuple[int, int]:
    """The first and the last point of the period that a point lies in.

    Arguments:
        over: the period, not the horizon.

    Example:
        >>> calendar = Calendar.parse("D")
        >>> first, last = period_span(calendar, int(calendar.ordinals(["2024-02-10"])[0]), "month")
        >>> last - first + 1
        29
    """
    number = int(period_numbers(calendar, [ordinal], over)[0])

    def edge(direction: int) -> int:
        """The farthest point in one direction that still lies in the period."""
        reach = 1
        while int(period_numbers(calendar, [ordinal + direction * reach], over)[0]) == number:
            reach *= 2
        inside, outside = reach // 2, reach
        while outside - inside > 1:
            middle = (inside + outside) // 2
            found = int(period_numbers(calendar, [ordinal + direction * middle], over)[0])
            inside, outside = (middle, outside) if found == number else (inside, middle)
        return ordinal + direction * inside

    return edge(-1), edge(1)


EVERYTHING = "all"
"""The group of all series, where no column has this name."""


@dataclass(frozen=True, eq=False)
class Groups:
    """What each of N series is part of."""

    name: str  # of the column
    values: NDArray[np.generic]  # (N,) its value for each series


def group_by(name: str, series: SeriesSet, raw: RawTable | None, names: ColumnNames) -> Groups:
    """The groups that a column makes: an id column, a static covariate, or a column of the table.

    Arguments:
        name: of the column, or "all" for one group of all series.

    Raises:
        TableError: there is no such column, or it says different things of one series.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> series = SeriesSet.from_arrays({"a": [1.0], "b": [2.0]}, Calendar.integer())
        >>> group_by("unique_id", series, None, ColumnNames(("unique_id",), "ds", "y")).values
        array(['a', 'b'], dtype=object)
    """
    if name in series.keys:
        return Groups(name, series.keys[name])
    covariates = series.covariates
    for place, column in enumerate(covariates.statics if covariates is not None else ()):
        if column.name == name and covariates is not None:
            return Groups(name, _words(covariates.static[:, place], column.levels))
    if raw is not None and name in raw.columns and name not in (names.time, names.target):
        return Groups(name, _column(name, series, raw, names))
    if name == EVERYTHING:
        return Groups("total", np.full(len(series), EVERYTHING, dtype=object))
    known = [*series.keys, *(column.name for column in (covariates.statics if covariates else ()))]
    if raw is not None:
        known += [one for one in raw.columns if one not in (*known, names.time, names.target)]
    elsewhere = "" if raw is not None else "; give the table with that column"
    raise TableError(
        f"There is no column {name!r} to add up by: series can be told apart by {listed(known)}, "
        f"and {EVERYTHING!r} adds up all of them{elsewhere}."
    )


def _words(codes: NDArray[np.float64], levels: tuple[str, ...] | None) -> NDArray[np.generic]:
    """A static covariate as the caller wrote it."""
    if levels is None:
        return codes
    named = [levels[int(code)] if code == code else "" for code in codes.tolist()]
    return np.array(named, dtype=object)


def _column(name: str, series: SeriesSet, raw: RawTable, names: ColumnNames) -> NDArray[np.generic]:
    """A column of the table, one value a series."""
    ids = tuple(one for one in names.id if one in raw.columns)
    codes, labels, _ = identities(raw, ids, names.target)
    found, texts, values = identities(raw, (name,), name)
    first = np.zeros(len(labels), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    differs = np.flatnonzero(found != found[first[codes]])
    if len(differs):
        row = int(differs[0])
        label, place = labels[codes[row]], raw.at(row)
        raise TableError(
            f"{raw.where}, {place}, column {name!r}: series {label!r} has {texts[found[row]]!r} "
            f"here and {texts[found[first[codes[row]]]]!r} before; a column to add up by says one "
            "thing of each series."
        )
    places = {label: place for place, label in enumerate(labels)}
    missing = [label for label in series.labels if label not in places]
    if missing:
        raise TableError(
            f"{raw.where} has no series {missing[0]!r}, so that its {name!r} is not known; give a "
            "table with all series."
        )
    rows = np.array([first[places[label]] for label in series.labels], dtype=np.int64)
    return values[name][found[rows]]
