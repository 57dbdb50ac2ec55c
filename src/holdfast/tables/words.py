"""A frequency in plain words."""

from __future__ import annotations

from typing import Final

from holdfast.tables.codes import DAY, LAST_DAY, WEEKDAYS, Code, write_code

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
        own = span == 12
    else:
        length = points * code.step
        weeks = code.step % (7 * DAY) == 0
        span, many = next((row[0], row[2]) for row in _SPANS if code.step % row[0] == 0)
        words = _counted(length // (7 * DAY), "weeks") if weeks else _counted(length // span, many)
        if not weeks and code.step != span:
            words = _counted(points, "points")
        larger, unit = (length / (365.25 * DAY), "years") if span == DAY else (length / DAY, "days")
        own = False
    return words if own or larger < 1 else f"{words} ({_short(larger, unit)})"


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
