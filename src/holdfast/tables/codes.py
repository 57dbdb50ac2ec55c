"""Frequency codes: what "MS", "1mo", "W-MON" or "30min" mean as steps on a grid, and in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal

from holdfast.errors import ArgumentError, option

Kind = Literal["counter", "clock", "business", "month"]
"""What a grid counts: integers, nanoseconds, business days or months."""

DAY: Final = 86_400 * 10**9
"""Nanoseconds in a day."""

LAST_DAY: Final = 31
"""The day of a month-based grid that means the last day of whatever month it is."""

WEEKDAYS: Final = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
MONTHS: Final = (
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
)  # fmt: skip

_CLOCK: Final[dict[str, int]] = {
    **dict.fromkeys(("ns",), 1),
    **dict.fromkeys(("us",), 10**3),
    **dict.fromkeys(("ms", "L"), 10**6),
    **dict.fromkeys(("s", "S", "sec"), 10**9),
    **dict.fromkeys(("min", "T", "m"), 60 * 10**9),
    **dict.fromkeys(("h", "H", "hourly"), 3600 * 10**9),
    **dict.fromkeys(("D", "d", "daily"), DAY),
    **dict.fromkeys(("W", "w", "weekly"), 7 * DAY),
}
# name → (months of one step, day of the month, business days only)
_MONTHLY: Final[dict[str, tuple[int, int, bool]]] = {
    **dict.fromkeys(("MS", "mo", "monthly"), (1, 1, False)),
    **dict.fromkeys(("M", "ME"), (1, LAST_DAY, False)),
    **dict.fromkeys(("BMS",), (1, 1, True)),
    **dict.fromkeys(("BM", "BME"), (1, LAST_DAY, True)),
    **dict.fromkeys(("QS", "q", "quarterly"), (3, 1, False)),
    **dict.fromkeys(("Q", "QE"), (3, LAST_DAY, False)),
    **dict.fromkeys(("BQS",), (3, 1, True)),
    **dict.fromkeys(("BQ", "BQE"), (3, LAST_DAY, True)),
    **dict.fromkeys(("YS", "AS", "y", "yearly", "annual"), (12, 1, False)),
    **dict.fromkeys(("Y", "YE", "A"), (12, LAST_DAY, False)),
    **dict.fromkeys(("BYS", "BAS"), (12, 1, True)),
    **dict.fromkeys(("BY", "BYE", "BA"), (12, LAST_DAY, True)),
}
_CODE: Final = re.compile(r"(\d{1,6})?\s*([A-Za-z]+)(?:-([A-Za-z]{3})|@(\d{1,2}))?")
ACCEPTED: Final = (
    "s, min, h, D, B, W, W-MON … W-SUN, MS, ME, QS, QE, YS, YE, multiples such as 15min or 2h, "
    "pandas' older M, Q, A, H, T, polars' 1mo, 1q, 1y, 1w, 1d, 1h, "
    "or a whole number for integer time"
)


@dataclass(frozen=True)
class Code:
    """A frequency code taken apart."""

    kind: Kind  # what the grid counts
    step: int  # units from one point to the next
    phase: int = 0  # unit of the point at ordinal 0
    day: int = 1  # day of the month where months are counted, else 1
    business: bool = False  # whether that day moves to the nearest business day inside the month
    # whether the code itself fixes the weekday or the month, as "W-MON" does
    anchored: bool = False


def read_code(text: str) -> Code:
    """The meaning of a frequency code."""
    found = _CODE.fullmatch(text.strip())
    if found:
        count, name, anchor, day = found.groups()
        code = _read_parts(int(count or 1), name, (anchor or "").upper(), int(day or 0))
        if code is not None:
            return code
    elif re.fullmatch(r"\s*[1-9]\d{0,8}\s*", text):
        return Code("counter", int(text))
    raise ArgumentError(f"{option('freq', text)} is not a frequency; give one of {ACCEPTED}.")


def _read_parts(count: int, name: str, anchor: str, day: int) -> Code | None:
    if count < 1:
        return None
    if name in _CLOCK:
        weekly = name in ("W", "w", "weekly")
        if day or (anchor and (not weekly or anchor not in WEEKDAYS)):
            return None
        # Weeks are named by their last day, so a plain week, Monday to Sunday, is W-SUN.
        weekday = WEEKDAYS.index(anchor) if anchor else 6
        phase = week_phase(weekday) if weekly else 0
        return Code("clock", count * _CLOCK[name], phase=phase, anchored=bool(anchor))
    if name in ("B", "b") and not anchor and not day:
        return Code("business", count)
    if name == "M" and day:
        return Code("month", count, day=day, anchored=True) if 1 <= day <= LAST_DAY else None
    if name in _MONTHLY and not day:
        months, day, business = _MONTHLY[name]
        if anchor and (months == 1 or anchor not in MONTHS):
            return None
        # A year that starts in January has index 0; one that ends in December has index 11.
        month = MONTHS.index(anchor) if anchor else (11 if day == LAST_DAY else 0)
        step = count * months
        phase = month % months if months > 1 else 0
        return Code("month", step, phase % step, day, business, anchored=bool(anchor))
    return None


def week_phase(weekday: int) -> int:
    """The first `weekday` (Monday is 0) of 1970, in nanoseconds: 1970-01-01 was a Thursday."""
    return (weekday - 3) % 7 * DAY


def write_code(code: Code) -> str:
    """The code in pandas' present spelling; ``M@15`` for every month's 15th."""
    if code.kind == "counter":
        return str(code.step)
    if code.kind == "business":
        return _multiple(code.step, "B")
    if code.kind == "clock":
        return _write_clock(code)
    months, stem = next((m, s) for m, s in ((12, "Y"), (3, "Q"), (1, "M")) if code.step % m == 0)
    if code.day not in (1, LAST_DAY):
        return f"{_multiple(code.step, 'M')}@{code.day}"
    end = code.day == LAST_DAY
    name = ("B" if code.business else "") + stem + ("E" if end else "S")
    if months > 1 and code.phase % months != (months - 1 if end else 0):
        # The quarter named by the month of its last (or first) point in the year.
        month = code.phase % months
        month = month + 12 - months if end else month
        return f"{_multiple(code.step // months, name)}-{MONTHS[month]}"
    return _multiple(code.step // months, name)


def _write_clock(code: Code) -> str:
    if code.step % (7 * DAY) == 0:
        weekday = (code.phase // DAY + 3) % 7
        return f"{_multiple(code.step // (7 * DAY), 'W')}-{WEEKDAYS[weekday]}"
    for name in ("D", "h", "min", "s", "ms", "us"):
        if code.step % _CLOCK[name] == 0:
            return _multiple(code.step // _CLOCK[name], name)
    return _multiple(code.step, "ns")


def _multiple(count: int, name: str) -> str:
    return name if count == 1 else f"{count}{name}"


_WEEKDAY_NAMES: Final = (
    "Mondays", "Tuesdays", "Wednesdays", "Thursdays", "Fridays", "Saturdays", "Sundays",
)  # fmt: skip
_SPANS: Final = (
    (DAY, "daily", "days"),
    (3600 * 10**9, "hourly", "hours"),
    (60 * 10**9, "every minute", "minutes"),
    (10**9, "every second", "seconds"),
    (10**6, "every millisecond", "milliseconds"),
    (10**3, "every microsecond", "microseconds"),
    (1, "every nanosecond", "nanoseconds"),
)
_MONTH_SPANS: Final = (
    (12, "yearly", "years", "year"),
    (3, "quarterly", "quarters", "quarter"),
    (1, "monthly", "months", "month"),
)


def frequency_words(code: Code) -> str:
    """The frequency in words and as a code, for example "monthly, month starts (MS)"."""
    text = write_code(code)
    if code.kind == "counter":
        return f"whole numbers, step {code.step} (freq={code.step})"
    if code.kind == "business":
        return f"{_each(code.step, 'business daily', 'business days')} ({text})"
    if code.kind == "month":
        return f"{_month_words(code)} ({text})"
    weeks, rest = divmod(code.step, 7 * DAY)
    if weeks and not rest:
        weekday = _WEEKDAY_NAMES[WEEKDAYS.index(text[-3:])]
        return f"{_each(weeks, 'weekly', 'weeks')}, {weekday} ({text})"
    span, one, many = next(row for row in _SPANS if code.step % row[0] == 0)
    return f"{_each(code.step // span, one, many)} ({text})"


def duration_words(code: Code, points: int) -> str:
    """How long some points of a calendar are, also in a larger unit where that says more.

    Example:
        >>> from holdfast.tables.codes import read_code
        >>> duration_words(read_code("h"), 96), duration_words(read_code("MS"), 24)
        ('96 hours (4 days)', '24 months (2 years)')
        >>> duration_words(read_code("30min"), 672)
        '672 points (14 days)'
    """
    if code.kind == "counter":
        return _counted(points, "points")
    if code.kind == "business":
        return _counted(points * code.step, "business days")
    if code.kind == "month":
        span, _, many, _ = next(row for row in _MONTH_SPANS if code.step % row[0] == 0)
        larger = points * code.step / 12
        words, unit = _counted(points * (code.step // span), many), "years"
        longest = span == 12
    else:
        length = points * code.step
        weeks = code.step % (7 * DAY) == 0
        span, many = next((row[0], row[2]) for row in _SPANS if code.step % row[0] == 0)
        words = _counted(length // (7 * DAY), "weeks") if weeks else _counted(length // span, many)
        if not weeks and code.step != span:
            words = _counted(points, "points")
        larger, unit = (length / (365.25 * DAY), "years") if span == DAY else (length / DAY, "days")
        longest = False
    return words if longest or larger < 1 else f"{words} ({_short(larger, unit)})"


def _counted(count: int, many: str) -> str:
    return f"1 {many.removesuffix('s')}" if count == 1 else f"{count:,} {many}"


def _short(count: float, many: str) -> str:
    text = f"{count:.1f}".removesuffix(".0")
    return f"1 {many.removesuffix('s')}" if text == "1" else f"{text} {many}"


def _month_words(code: Code) -> str:
    span, one, many, noun = next(row for row in _MONTH_SPANS if code.step % row[0] == 0)
    if code.day not in (1, LAST_DAY):
        return f"{_each(code.step, 'monthly', 'months')}, day {code.day} of the month"
    where = "starts" if code.day == 1 else "ends"
    days = " on business days" if code.business else ""
    return f"{_each(code.step // span, one, many)}, {noun} {where}{days}"


def _each(count: int, one: str, many: str) -> str:
    return one if count == 1 else f"every {count} {many}"
