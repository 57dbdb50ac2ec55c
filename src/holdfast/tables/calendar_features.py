"""What a timestamp says by itself: the time of day, the day of the week, the year, holidays."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.calendar import Calendar
from holdfast.tables.codes import DAY
from holdfast.tables.holidays import holiday_names
from holdfast.tables.zones import to_wall

_HARMONICS_OF_DAY: Final = 4
_HARMONICS_OF_YEAR: Final = 3
_YEAR: Final = 365.2425


def calendar_features(
    calendar: Calendar, ordinals: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Numbers of about size one that a timestamp gives: none where time is a counter.

    Sines and cosines for the time of day (where a step is shorter than a day) and of the year, an
    indicator for each day of the week (where it is a day or shorter).

    Arguments:
        calendar: of the series.
        ordinals: (D,).

    Returns:
        F names and (D, F) numbers.

    Example:
        >>> names, numbers = calendar_features(Calendar.parse("D"), np.arange(2))
        >>> names[:2], numbers.shape
        (('monday', 'tuesday'), (2, 13))
    """
    if calendar.kind == "counter" or not len(ordinals):
        return (), np.zeros((len(ordinals), 0))
    wall = _wall(calendar, ordinals)
    days = wall // DAY
    made: dict[str, NDArray[np.float64]] = {}
    fine = calendar.kind == "clock" and calendar.step < DAY
    if fine:
        made |= _waves("day", (wall % DAY) / DAY, _HARMONICS_OF_DAY)
    if fine or calendar.kind == "business" or (calendar.kind == "clock" and calendar.step == DAY):
        names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
        made |= {name: (weekday == place).astype(float) for place, name in enumerate(names)}
    if calendar.kind != "month" or calendar.step < 12:
        dates = days.astype("datetime64[D]")
        begin = dates.astype("datetime64[Y]").astype("datetime64[D]")
        made |= _waves("year", (dates - begin).astype(np.int64) / _YEAR, _HARMONICS_OF_YEAR)
    return tuple(made), np.stack(list(made.values()), axis=1)


def holiday_features(
    calendar: Calendar, ordinals: NDArray[np.int64], country: str | None
) -> dict[str, NDArray[np.float64]]:
    """Public holidays: whether there is one, the day before and after, and each by its name.

    Where a step is longer than a day, how many of its days are holidays, and nothing else.

    Arguments:
        calendar: of the series.
        ordinals: (D,).
        country: as the package `holidays` names it; None for none.

    Returns:
        name → (D,); nothing without a country, or where time is a counter.
    """
    if country is None or calendar.kind == "counter" or not len(ordinals):
        return {}
    long = calendar.kind == "month" or (calendar.kind == "clock" and calendar.step > DAY)
    if long:
        return {"holidays": _holidays_of_periods(calendar, ordinals, country)}
    days = (_wall(calendar, ordinals) // DAY).astype("datetime64[D]")
    today, before, after = (holiday_names(country, days + shift) for shift in (0, 1, -1))
    free = today == ""
    made = {
        "holiday": (~free).astype(float),
        "eve of a holiday": (free & (before != "")).astype(float),
        "day after a holiday": (free & (after != "")).astype(float),
    }
    for name in sorted(set(today) - {""}):
        made[f"holiday {name}"] = (today == name).astype(float)
        made[f"eve of {name}"] = (free & (before == name)).astype(float)
    return made


def _wall(calendar: Calendar, ordinals: NDArray[np.int64]) -> NDArray[np.int64]:
    """(D,) nanoseconds on the wall's clock."""
    stamps = np.asarray(calendar.times(ordinals)).astype("datetime64[ns]").astype(np.int64)
    return to_wall(stamps, calendar.zone) if calendar.utc and calendar.zone else stamps


def _waves(name: str, turn: NDArray[np.float64], count: int) -> dict[str, NDArray[np.float64]]:
    made = {}
    for number in range(1, count + 1):
        angle = 2 * np.pi * number * turn
        made[f"sin {number} of the {name}"] = np.sin(angle)
        made[f"cos {number} of the {name}"] = np.cos(angle)
    return made


def _holidays_of_periods(
    calendar: Calendar, ordinals: NDArray[np.int64], country: str
) -> NDArray[np.float64]:
    """(D,) holidays in each period."""
    first, last = int(ordinals.min()), int(ordinals.max())
    ends = np.asarray(calendar.times(np.array([first - 1, last + 1]))).astype("datetime64[D]")
    days = np.arange(ends[0], ends[1] + 1)
    there = holiday_names(country, days) != ""
    periods = calendar.bins(days[there].astype("datetime64[ns]"))
    inside = (periods >= first) & (periods <= last)
    counts = np.bincount(periods[inside] - first, minlength=last - first + 1)
    return counts[ordinals - first].astype(np.float64)
