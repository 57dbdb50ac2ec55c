"""The ways in which people write dates, as patterns with named parts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MONTH_NAMES: Final = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip

# A name is a month's, whole or its first letters: "shop 12" is no date.
_NAME: Final = (
    r"(?P<name>(?i:"
    + "|".join(f"{name[:3]}(?:{name[3:]})?" for name in MONTH_NAMES)
    + r"|sept"
    + r"))\.?"
)
_TIME: Final = (
    r"(?:[T ,]\s*(?P<hour>\d{1,2}):(?P<minute>\d{2})"
    r"(?::(?P<second>\d{2})(?:[.,](?P<fraction>\d{1,9}))?)?"
    r"\s*(?P<half>[AaPp]\.?[Mm]\.?)?"
    r"\s*(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?)?"
)
_YEAR: Final = r"(?P<year>\d{4})"
_SHORT_YEAR: Final = r"(?P<year>\d{4}|\d{2})"
_WEEKDAY: Final = r"(?:[A-Za-z]{3,9},?\s+)?"


@dataclass(frozen=True)
class Form:
    """One way to write a date.

    Arguments:
        pattern: named parts: year, month, name (of a month), day, first and second (a day and a
            month in an order to be found out), quarter, week, weekday, hour, minute, second,
            fraction, half, zone.
        names: what the form gives: "day", or the longer span "month", "quarter", "week".
        digits_only: whether it could as well be a whole number.
    """

    pattern: str
    names: str = "day"
    digits_only: bool = False


FORMS: Final = (
    Form(rf"^{_YEAR}[-/.](?P<month>\d{{1,2}})[-/.](?P<day>\d{{1,2}}){_TIME}$"),
    # No points here: 2020.12 and 1.2345 are numbers.
    Form(rf"^{_YEAR}[-/](?P<month>\d{{1,2}})$", "month"),
    Form(r"^(?P<month>\d{1,2})[-/](?P<year>\d{4})$", "month"),
    Form(rf"^{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}}){_TIME}$", digits_only=True),
    Form(
        rf"^{_YEAR}(?P<month>\d{{2}})(?P<day>\d{{2}})T(?P<hour>\d{{2}})(?P<minute>\d{{2}})"
        r"(?P<second>\d{2})?(?P<zone>Z|[+-]\d{4})?$"
    ),
    Form(rf"^{_YEAR}(?P<month>\d{{2}})$", "month", digits_only=True),
    Form(
        rf"^(?P<first>\d{{1,2}})(?P<mark>[-/.])(?P<second_part>\d{{1,2}})[-/.]{_SHORT_YEAR}{_TIME}$"
    ),
    Form(
        rf"^{_WEEKDAY}(?P<day>\d{{1,2}})(?:st|nd|rd|th)?[-/. ]+{_NAME}[-/., ]+{_SHORT_YEAR}{_TIME}$"
    ),
    Form(rf"^{_WEEKDAY}{_NAME}[-/. ]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[-/ ]+{_YEAR}{_TIME}$"),
    Form(rf"^{_YEAR}[-/. ]+{_NAME}[-/. ]+(?P<day>\d{{1,2}}){_TIME}$"),
    Form(rf"^{_NAME}[-/., ']+{_SHORT_YEAR}$", "month"),
    Form(rf"^{_YEAR}[-/. ]+{_NAME}$", "month"),
    Form(rf"^{_YEAR}[-/. ]?[Qq](?P<quarter>[1-4])$", "quarter"),
    Form(rf"^[Qq](?P<quarter>[1-4])[-/. ]?{_YEAR}$", "quarter"),
    Form(rf"^{_YEAR}-?[Ww](?P<week>\d{{1,2}})(?:-?(?P<weekday>[1-7]))?$", "week"),
)
