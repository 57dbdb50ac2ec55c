"""Calendar features: the time of day, the day of the week, the year, public holidays."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, InputError, option
from holdfast.tables.calendar import Calendar, to_wall
from holdfast.tables.codes import DAY


def check_country(country: object) -> None:
    """Refuse a country whose holidays cannot be had.

    Arguments:
        country: a code such as "DE", or with a part of it, "DE-BY".

    Raises:
        ArgumentError: there is no such country; names those that are spelled nearly so.
        InputError: the package `holidays` is not installed.
    """
    package = _package()
    if not isinstance(country, str) or not country:
        raise ArgumentError(
            f"{option('holidays', country)} must be a country's code, as in DE or US-CA."
        )
    nation, _, part = country.partition("-")
    known: dict[str, list[str]] = package.list_supported_countries(include_aliases=True)
    if nation not in known:
        near = difflib.get_close_matches(nation.upper(), known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise ArgumentError(
            f"{option('holidays', country)} is not a country that the package holidays knows, such "
            f"as DE, US or CN{hint}"
        )
    if part and part not in known[nation]:
        raise ArgumentError(
            f"{option('holidays', country)}: {nation} has no part {part!r}; it has "
            f"{', '.join(sorted(known[nation])[:20])}."
        )


def holiday_names(country: str, days: NDArray[np.datetime64]) -> NDArray[np.object_]:
    """(D,) the name of the public holiday on each day, "" where there is none.

    Arguments:
        days: (D,) datetime64[D].

    Example:
        >>> holiday_names("DE", np.array(["2024-10-03", "2024-10-04"], dtype="datetime64[D]"))
        array(['German Unity Day', ''], dtype=object)
    """
    distinct, which = np.unique(days, return_inverse=True)
    years: Sequence[int] = (
        np.unique(distinct.astype("datetime64[Y]")).astype(np.int64) + 1970
    ).tolist()
    nation, _, part = country.partition("-")
    found: Any = _package().country_holidays(
        nation, subdiv=part or None, years=years, language="en_US"
    )
    names = np.empty(len(distinct), dtype=object)
    names[:] = [found.get(day, "") for day in distinct.astype(object).tolist()]
    return np.asarray(names[which])


def _package() -> Any:
    try:
        import holidays
    except ImportError:
        raise InputError(
            "Public holidays come from the package holidays, which is not installed; pip install "
            f"'holdfast[holidays]', or leave out {option('holidays')}."
        ) from None
    return holidays


_HARMONICS_OF_DAY: Final = 4
_HARMONICS_OF_YEAR: Final = 3
_YEAR: Final = 365.2425


def calendar_features(
    calendar: Calendar, ordinals: NDArray[np.int64]
) -> tuple[tuple[str, ...], NDArray[np.float64]]:
    """Numbers of about size one that a timestamp gives: none where time is a counter.

    Sines and cosines for the time of day (where a step is shorter than a day) and of the year, an
    indicator for each day of the week (where it is a day or shorter).

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
    features: dict[str, NDArray[np.float64]] = {}
    fine = calendar.kind == "clock" and calendar.step < DAY
    if fine:
        features |= _waves("day", (wall % DAY) / DAY, _HARMONICS_OF_DAY)
    if fine or calendar.kind == "business" or (calendar.kind == "clock" and calendar.step == DAY):
        names = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
        weekday = (days + 3) % 7  # 1970-01-01 was a Thursday
        features |= {name: (weekday == place).astype(float) for place, name in enumerate(names)}
    if calendar.kind != "month" or calendar.step < 12:
        dates = days.astype("datetime64[D]")
        begin = dates.astype("datetime64[Y]").astype("datetime64[D]")
        features |= _waves("year", (dates - begin).astype(np.int64) / _YEAR, _HARMONICS_OF_YEAR)
    return tuple(features), np.stack(list(features.values()), axis=1)


def holiday_features(
    calendar: Calendar, ordinals: NDArray[np.int64], country: str | None
) -> dict[str, NDArray[np.float64]]:
    """Public holidays: whether there is one, the day before and after, and each by its name.

    Where a step is longer than a day, how many of its days are holidays, and nothing else.

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
    features = {
        "holiday": (~free).astype(float),
        "eve of a holiday": (free & (before != "")).astype(float),
        "day after a holiday": (free & (after != "")).astype(float),
    }
    for name in sorted(set(today) - {""}):
        features[f"holiday {name}"] = (today == name).astype(float)
        features[f"eve of {name}"] = (free & (before == name)).astype(float)
    return features


def _wall(calendar: Calendar, ordinals: NDArray[np.int64]) -> NDArray[np.int64]:
    """(D,) nanoseconds on the wall's clock."""
    stamps = np.asarray(calendar.times(ordinals)).astype("datetime64[ns]").astype(np.int64)
    return to_wall(stamps, calendar.zone) if calendar.utc and calendar.zone else stamps


def _waves(name: str, turn: NDArray[np.float64], count: int) -> dict[str, NDArray[np.float64]]:
    features = {}
    for number in range(1, count + 1):
        angle = 2 * np.pi * number * turn
        features[f"sin {number} of the {name}"] = np.sin(angle)
        features[f"cos {number} of the {name}"] = np.cos(angle)
    return features


def _holidays_of_periods(
    calendar: Calendar, ordinals: NDArray[np.int64], country: str
) -> NDArray[np.float64]:
    """(D,) holidays in each period."""
    first, last = int(ordinals.min()), int(ordinals.max())
    ends = np.asarray(calendar.times(np.array([first - 1, last + 1]))).astype("datetime64[D]")
    days = np.arange(ends[0], ends[1] + 1)
    free = holiday_names(country, days) != ""
    periods = calendar.bins(days[free].astype("datetime64[ns]"))
    inside = (periods >= first) & (periods <= last)
    counts = np.bincount(periods[inside] - first, minlength=last - first + 1)
    return counts[ordinals - first].astype(np.float64)
