"""Periods that a person adds up over: weeks, months, quarters and years of a calendar's points."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, option
from holdfast.tables.calendar import Calendar
from holdfast.tables.codes import DAY
from holdfast.tables.zones import to_wall

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
            "a longer "
            "period."
        )


def period_numbers(calendar: Calendar, ordinals: object, over: Over) -> NDArray[np.int64]:
    """Which period each point lies in, by the date that the point is called by; not descending.

    Weeks begin on Monday. In a time zone the clock on the wall decides.

    Arguments:
        calendar: of the points.
        ordinals: (…) points.
        over: the period; all points lie in one horizon.

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
        calendar: of the points.
        ordinal: a point.
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
