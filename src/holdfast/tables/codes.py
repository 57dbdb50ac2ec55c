"""Frequency codes: what "MS", "1mo", "W-MON" or "30min" mean as steps on a grid."""

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
    """A frequency code taken apart.

    Arguments:
        kind: what the grid counts.
        step: units from one point to the next.
        phase: unit of the point at ordinal 0.
        day: day of the month where months are counted, else 1.
        business: whether that day moves to the nearest business day inside the month.
        anchored: whether the code itself fixes the weekday or the month, as "W-MON" does.
    """

    kind: Kind
    step: int
    phase: int = 0
    day: int = 1
    business: bool = False
    anchored: bool = False


def read_code(text: str) -> Code:
    """The meaning of a frequency code.

    Raises:
        ArgumentError: the code is not known; the message lists those that are.
    """
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
        return _counted(code.step, "B")
    if code.kind == "clock":
        return _write_clock(code)
    months, stem = next((m, s) for m, s in ((12, "Y"), (3, "Q"), (1, "M")) if code.step % m == 0)
    if code.day not in (1, LAST_DAY):
        return f"{_counted(code.step, 'M')}@{code.day}"
    end = code.day == LAST_DAY
    name = ("B" if code.business else "") + stem + ("E" if end else "S")
    if months > 1 and code.phase % months != (months - 1 if end else 0):
        # The quarter named by the month of its last (or first) point in the year.
        month = code.phase % months
        month = month + 12 - months if end else month
        return f"{_counted(code.step // months, name)}-{MONTHS[month]}"
    return _counted(code.step // months, name)


def _write_clock(code: Code) -> str:
    if code.step % (7 * DAY) == 0:
        weekday = (code.phase // DAY + 3) % 7
        return f"{_counted(code.step // (7 * DAY), 'W')}-{WEEKDAYS[weekday]}"
    for name in ("D", "h", "min", "s", "ms", "us"):
        if code.step % _CLOCK[name] == 0:
            return _counted(code.step // _CLOCK[name], name)
    return _counted(code.step, "ns")


def _counted(count: int, name: str) -> str:
    return name if count == 1 else f"{count}{name}"
