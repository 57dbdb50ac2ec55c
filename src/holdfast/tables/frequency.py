"""The calendar of rows: inferred from their spacing, or given and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError, option
from holdfast.tables.calendar import Calendar, to_wall
from holdfast.tables.codes import DAY, LAST_DAY, read_code
from holdfast.tables.rows import Rows

_RARE: Final = 0.05
"""The smallest spacing is taken for the grid's step when at least this share of rows has it."""

_CLEAR: Final = 0.8
"""Where this share of dates are month starts (ends), the others are called out as mistakes."""

_SPANS: Final = (
    (365 * DAY, "YS"), (90 * DAY, "QS"), (28 * DAY, "MS"), (7 * DAY, "W"), (DAY, "D"),
    (3600 * 10**9, "h"), (60 * 10**9, "min"), (10**9, "s"),
)  # fmt: skip


def infer_calendar(rows: Rows) -> tuple[Rows, Calendar, str]:
    """The calendar on which the rows lie.

    Gaps are tolerated: the most common distance between neighbours is the step, and all others
    must be multiples of it.

    Arguments:
        rows: sorted, without repeated timestamps.

    Returns:
        The rows (as wall-clock times where a day or more is the step), the calendar, and a
        sentence where it is a guess; "" otherwise.

    Raises:
        TableError: the spacing is irregular; names the series and the first two odd timestamps.
    """
    rows = _on_the_wall(rows)
    zone = rows.stamps.zone
    times = rows.stamps.values
    steps = np.diff(times)[rows.same_series]
    if not len(steps):
        return _guess(rows)
    if rows.stamps.counter:
        step = _step(steps)
        calendar = Calendar.integer(step if step else _irregular(rows, steps))
        calendar = calendar.through(times[0])
    else:
        found = _dates(rows, steps)
        if found is None:
            step = _step(steps)
            found = Calendar("clock", step if step else _irregular(rows, steps))
            found = found.through(times[:1].astype("datetime64[ns]")[0])
        calendar = replace(found, zone=zone)
    _check_one_grid(rows, calendar)
    return rows, calendar, ""


def fit_calendar(rows: Rows, freq: str | int | Calendar) -> tuple[Rows, Calendar, str]:
    """The calendar of a frequency, shifted so that the rows lie on it.

    Arguments:
        freq: a code that the user named, or the calendar of a fitted table.

    Returns:
        As `infer_calendar`; the sentence says where the code's weekday or day of the month gave
        way to the one in the dates.
    """
    rows, template = template_for(rows, freq)
    code = freq.code if isinstance(freq, Calendar) else freq
    if not len(rows):
        return rows, template, ""
    times = rows.times
    calendar = template
    fixed = isinstance(code, str) and template.kind != "counter" and read_code(code).anchored
    if not (fixed and template.on_grid(times).all()):
        if template.kind == "month":
            rule = month_rule(rows.stamps.values // DAY)
            if rule is not None and not template.through(times[0]).on_grid(times).all():
                template = replace(template, day=rule[0], business=rule[1])
        calendar = template.through(times[0])
    row = rows.off(calendar)
    if row is not None:
        asked = (
            f"the calendar that {option('freq', code)} asks for ({calendar.words}); give another"
        )
        if isinstance(freq, Calendar):
            asked = f"the model's calendar ({calendar.words}); give the model's own timestamps"
        raise TableError(
            f"{rows.where}, {rows.at(row)}: {rows.time(row)} of "
            f"{rows.series(int(rows.codes[row]))} does not lie on {asked}, or "
            f"{option('aggregate', 'sum')} or mean to put rows into its periods."
        )
    named = freq if isinstance(freq, Calendar) else Calendar.parse(code)
    moved = (calendar.day, calendar.business) != (named.day, named.business)
    moved |= fixed and calendar.phase != named.phase
    message = (
        f"The dates are not those of {option('freq', code)}; the calendar is {calendar.words}."
    )
    return rows, calendar, message if moved else ""


def template_for(rows: Rows, freq: str | int | Calendar) -> tuple[Rows, Calendar]:
    """The calendar of a frequency with the rows' zone, and the rows in its kind of time."""
    code = freq.code if isinstance(freq, Calendar) else freq
    template = Calendar.parse(code)
    rows = rows.as_years(template)  # the user, or the model, says that they are
    counter = template.kind == "counter"
    if isinstance(freq, Calendar) and rows.stamps.counter != counter:
        found, expected = ("dates", "whole numbers") if counter else ("whole numbers", "dates")
        raise TableError(
            f"{rows.where}: the times are {found}, but those of the fitted table are {expected}; "
            "give times of that kind."
        )
    if rows.stamps.counter and not counter:
        raise ArgumentError(
            f"{option('freq', code)} is for dates, but the times in {rows.where} are whole "
            f"numbers; give {option('freq', 1)} or leave it out."
        )
    if not rows.stamps.counter and counter:
        raise ArgumentError(
            f"{option('freq', code)} is for times that are whole numbers, but {rows.where} holds "
            "dates; give a code such as D or MS, or leave it out."
        )
    template = replace(template, zone=rows.stamps.zone)
    if rows.stamps.zone is not None and not template.utc:
        rows = rows.at_times(to_wall(rows.stamps.values, rows.stamps.zone))
    return rows, template


def month_rule(days: NDArray[np.int64]) -> tuple[int, bool] | None:
    """(day of the month, business days only) that all days since 1970 obey, or None."""
    return next((rule for rule, fits in _month_rules(days) if fits.all()), None)


def _month_rules(days: NDArray[np.int64]) -> list[tuple[tuple[int, bool], NDArray[np.bool_]]]:
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    rules = [(1, False), (LAST_DAY, False), (1, True), (LAST_DAY, True)]
    latest = int((dates - months.astype("datetime64[D]")).astype(np.int64).max()) + 1
    rules.append((latest, False))
    index = months.astype(np.int64)
    grids = [Calendar("month", day=day, business=business) for day, business in rules]
    return [
        (rule, np.asarray(grid.times(index).astype("datetime64[D]") == dates))
        for rule, grid in zip(rules, grids, strict=True)
    ]


def _on_the_wall(rows: Rows) -> Rows:
    """Rows of days and longer steps in a zone as wall-clock times; others unchanged."""
    if rows.stamps.zone is None:
        return rows
    wall = to_wall(rows.stamps.values, rows.stamps.zone)
    same_time_of_day = len(np.unique(wall % DAY)) == 1
    return rows.at_times(wall) if same_time_of_day and len(rows) > 1 else rows


def _step(steps: NDArray[np.int64]) -> int | None:
    distances, counts = np.unique(steps, return_counts=True)
    common = int(distances[np.argmax(counts)])
    if not (distances % common).any():
        return common
    smallest = int(distances[0])
    if not (distances % smallest).any() and counts[0] >= _RARE * len(steps):
        return smallest
    return None


def _dates(rows: Rows, steps: NDArray[np.int64]) -> Calendar | None:
    """A grid of months or business days, where the rows lie on one."""
    times = rows.stamps.values
    if (times % DAY != times[0] % DAY).any() or int(steps.min()) < DAY:
        return None
    days = times // DAY
    time_of_day = int(times[0] % DAY)
    if int(steps.min()) >= 28 * DAY:
        return _months(rows, days, time_of_day)
    weekdays = (days + 3) % 7
    distances, counts = np.unique(steps, return_counts=True)
    over_weekend = (np.diff(weekdays)[rows.same_series] < 0) & (steps <= 7 * DAY)
    if distances[np.argmax(counts)] == DAY and (weekdays < 5).all() and over_weekend.sum() >= 2:
        return Calendar("business", time_of_day=time_of_day)
    return None


def _months(rows: Rows, days: NDArray[np.int64], time_of_day: int) -> Calendar | None:
    rule = month_rule(days)
    if rule is None:
        for candidate, fits in _month_rules(days)[:2]:
            if fits.mean() >= _CLEAR and len(rows) > 4:
                row = int(np.flatnonzero(~fits)[0])
                words = Calendar("month", day=candidate[0]).words
                raise TableError(
                    f"{rows.where}, {rows.at(row)}: {rows.time(row)} of "
                    f"{rows.series(int(rows.codes[row]))} breaks the calendar of the others "
                    f"({words}); mend it, or give {option('freq')} and {option('aggregate')}."
                )
        return None
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    step = _step(np.diff(months)[rows.same_series])
    step = step or 1
    day, business = rule
    return Calendar("month", step, int(months[0]) % step, day, business, time_of_day)


def _guess(rows: Rows) -> tuple[Rows, Calendar, str]:
    """No series has two rows: take what the form of the dates suggests."""
    stamps = rows.stamps
    if stamps.counter:
        return rows, Calendar.integer(), ""
    times = stamps.values
    if (times % DAY == times[0] % DAY).all():
        code = {"month": "MS", "quarter": "QS", "week": "W"}.get(stamps.names, "D")
    else:
        code = "ns"
    for finer, span in (("s", 10**9), ("min", 60 * 10**9), ("h", 3600 * 10**9)):
        if code not in ("D", "W", "MS", "QS") and not ((times - times[0]) % span).any():
            code = finer
    calendar = Calendar.parse(code).through(times[:1].astype("datetime64[ns]")[0])
    calendar = replace(calendar, zone=stamps.zone)
    message = (
        f"With one row a series the frequency is a guess, {calendar.words}; give it with "
        f"{option('freq')}."
    )
    _check_one_grid(rows, calendar)
    return rows, calendar, message


def _irregular(rows: Rows, steps: NDArray[np.int64]) -> NoReturn:
    distances, counts = np.unique(steps, return_counts=True)
    common = int(distances[np.argmax(counts)])
    odd = np.flatnonzero((np.diff(rows.stamps.values) % common != 0) & rows.same_series)
    row = int(odd[0])
    counter = rows.stamps.counter
    apart: Callable[[int], str] = str if counter else _span
    distance = int(rows.stamps.values[row + 1] - rows.stamps.values[row])
    start = (
        f"{rows.where}: {rows.series(int(rows.codes[row]))} is irregular: {rows.time(row)} and "
        f"{rows.time(row + 1)} ({rows.at(row)}, {rows.at(row + 1)}) are {apart(distance)} apart"
    )
    mostly = counts.max() > len(steps) // 2
    if mostly:
        code = next((code for span, code in _SPANS if common >= span), "s")
    else:  # the finest period that holds a row as a rule
        usual = int(np.median(steps))
        code = next((code for span, code in reversed(_SPANS) if usual <= span), "YS")
    example = f"{option('freq', code)} and {option('aggregate', 'sum')} (or mean)"
    example = option("freq", 1) if counter else example
    if mostly:
        raise TableError(
            f"{start}, but most rows {apart(common)}; mend the times, or put them on a grid with "
            f"{example}."
        )
    raise TableError(
        f"{start}, and no distance is that of most rows; put them into equal periods, for example "
        f"with {example}."
    )


def _span(nanoseconds: int) -> str:
    minute = 60 * 10**9
    lengths = {"day": DAY, "hour": 60 * minute, "minute": minute, "second": 10**9}
    for noun, length in lengths.items():
        if nanoseconds >= length:
            count = nanoseconds / length
            return f"{count:.4g} {noun}{'' if count == 1 else 's'}"
    return f"{nanoseconds} ns"


def _check_one_grid(rows: Rows, calendar: Calendar) -> None:
    row = rows.off(calendar)
    if row is not None:
        raise TableError(
            f"{rows.where}: {rows.series(int(rows.codes[row]))} has {rows.time(row)} "
            f"({rows.at(row)}), which is not on the calendar of {rows.series(int(rows.codes[0]))} "
            f"({calendar.words}); shift one of them, or give {option('freq')} and "
            f"{option('aggregate')}."
        )
