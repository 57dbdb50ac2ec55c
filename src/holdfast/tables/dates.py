"""Timestamps in a column, however they are written, told apart from whole numbers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, NoReturn

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option
from holdfast.tables.calendar import YEARS, Calendar, offset_text, to_wall
from holdfast.tables.codes import DAY
from holdfast.tables.numbers import blank_to_null, plain_numbers, shown
from holdfast.tables.raw import RawTable, floats, integers, is_text, matches, missing

if TYPE_CHECKING:
    import pyarrow as pa

NEVER: Final = np.iinfo(np.int64).min
"""Stands for a day that does not exist."""

BEYOND: Final = f"outside the years {YEARS[0]} to {YEARS[1]}; delete or mend the row"


@dataclass(frozen=True, eq=False)
class Stamps:
    """The timestamps of a column, row by row."""

    # int64: the counter, or nanoseconds since 1970: UTC where there is a zone, else wall-clock time
    values: NDArray[np.int64]
    counter: bool = False  # whether time is a whole number and not a date
    zone: str | None = None  # name of the time zone; None where the timestamps carry none
    names: str = "day"  # "day", or the longer span that the form names: "month", "quarter", "week"
    messages: tuple[str, ...] = ()  # what was guessed, one sentence each


def refuse(table: RawTable, name: str, row: int, what: str) -> NoReturn:
    """Say that the value in a row is wrong."""
    raise table.refusal(row, name, f"{shown(table.columns[name][row].as_py())} is {what}.")


def whole_numbers(numbers: NDArray[np.int64]) -> Stamps:
    """Whole numbers: 20200131 and 202001 are dates where all of them are, the rest are counters."""
    months: NDArray[np.int64] | None = None
    names, days = "day", np.ones_like(numbers)
    if ((numbers >= 1678_01_01) & (numbers <= 2261_12_31)).all():
        months, days = numbers // 100, numbers % 100
    elif ((numbers >= 1678_01) & (numbers <= 2261_12)).all() and len(np.unique(numbers)) > 1:
        months, names = numbers, "month"
    if months is not None:
        stamps = compose(months // 100, months % 100, days)
        if (stamps != NEVER).all():
            return Stamps(stamps, names=names)
    return Stamps(numbers, counter=True)


def compose(
    years: NDArray[np.int64], months: NDArray[np.int64], days: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Midnights in nanoseconds, the least integer where there is no such day."""
    valid = (years >= YEARS[0]) & (years <= YEARS[1]) & (months >= 1) & (months <= 12)
    index = np.where(valid, (years - 1970) * 12 + months - 1, 0)
    first = index.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    following = (index + 1).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    valid &= (days >= 1) & (days <= following - first)
    return np.where(valid, (first + days - 1) * DAY, NEVER)


def first_days(years: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first midnight of each year, the least integer where there is no such year."""
    return compose(years, np.ones_like(years), np.ones_like(years))


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
    """One way to write a date."""

    # named parts: year, month, name (of a month), day, first and second (a day and a month in an
    # order to be found out), quarter, week, weekday, hour, minute, second, fraction, half, zone
    pattern: str
    names: str = "day"  # what the form gives: "day", or the longer span "month", "quarter", "week"
    digits_only: bool = False  # whether it could as well be a whole number


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


_MINUTE: Final = 60 * 10**9
_CENTURY_TURNS: Final = 69  # two-digit years 69 to 99 are 1969 to 1999, as in POSIX
_WHOLE: Final = r"^[+-]?\d{1,18}(\.0*)?$"
_SAMPLED: Final = 100
_NO_DATE: Final = "not a date; write it as 2020-12-31 or 2020-12-31 23:59"


def _counters(texts: pa.Array) -> NDArray[np.int64]:
    """Texts that are whole numbers as such."""
    import pyarrow.compute as pc

    return integers(pc.replace_substring_regex(texts, r"^\+|\.0*$", ""))


@dataclass(frozen=True, eq=False)
class DateTexts:
    """The distinct texts of a column, as dates."""

    table: RawTable  # table, name: the column, for sentences
    name: str
    texts: pa.Array  # its distinct texts, none missing
    which: NDArray[np.int64]  # for each row, the index of its text

    def refuse(self, distinct: int, what: str) -> NoReturn:
        """Say that a text is wrong, and where it first stands."""
        refuse(self.table, self.name, int(np.flatnonzero(self.which == distinct)[0]), what)

    def read(self, day_first: bool | None) -> Stamps:
        """One timestamp for each distinct text."""
        whole = matches(self.texts, _WHOLE)
        if whole.all():
            return whole_numbers(_counters(self.texts))
        form = self._form(whole)
        parts = _Parts.of(self.texts, form)
        wall, messages = self._days(parts, day_first)
        wall = wall + self._times(parts)
        zone, offsets = self._zone(parts)
        if zone is not None and len(np.unique(offsets)) > 1:
            zone, offsets, note = self._clock(wall, offsets)
            messages = (*messages, note)
        return Stamps(wall - offsets, zone=zone, names=form.names, messages=messages)

    def read_each(self) -> tuple[NDArray[np.int64], NDArray[np.int64] | None]:
        """What the clock on the wall shows, and offsets from UTC (None: none), text by text.

        Nothing is told from the other texts: 01/02/2020 is refused.
        """
        form = self._form(np.zeros(len(self.texts), dtype=bool))
        parts = _Parts.of(self.texts, form)
        if "first" in parts.found:
            slashed = np.flatnonzero(parts.text("mark") != ".")
            if len(slashed):
                self.refuse(int(slashed[0]), _NO_DATE)
        days, _ = self._days(parts, day_first=True)
        zone, offsets = self._zone(parts)
        return days + self._times(parts), None if zone is None else offsets

    def _clock(
        self, wall: NDArray[np.int64], offsets: NDArray[np.int64]
    ) -> tuple[str | None, NDArray[np.int64], str]:
        """UTC for times with several offsets, as daylight saving has them.

        Except where all show the same time of day, as days do: on UTC they would jump.
        """
        named = [_offset_name(int(offset) // _MINUTE) for offset in np.unique(offsets)]
        start = f"The times in {self.name!r} have several offsets from UTC ({', '.join(named)})"
        if len(np.unique(wall % DAY)) == 1:
            return None, offsets * 0, f"{start}; the clock on the wall counts, offsets do not."
        return "UTC", offsets, f"{start}; they were moved to UTC."

    def _form(self, whole: NDArray[np.bool_]) -> Form:
        """The form that fits all texts; the first that does not fit is refused."""
        start = self.texts[:_SAMPLED]
        found = []
        for form in FORMS:
            found.append(matches(start, form.pattern))
            if found[-1].all() and matches(self.texts[_SAMPLED:], form.pattern).all():
                return form
        if len(start) < len(self.texts):
            found = [matches(self.texts, form.pattern) for form in FORMS]
        most = max(range(len(FORMS)), key=lambda k: int(found[k].sum()))
        fitting, kind = found[most], "a date"
        if whole.sum() > fitting.sum():
            fitting, kind = whole, "a whole number"
        if not fitting.all():
            first = int(np.flatnonzero(~fitting)[0])
            if not fitting.any():
                self.refuse(first, _NO_DATE)
            example = shown(self.texts[int(np.flatnonzero(fitting)[0])].as_py())
            self.refuse(first, f"not {kind} like the others ({example}); mend it or delete the row")
        return FORMS[most]

    def _days(
        self, parts: _Parts, day_first: bool | None
    ) -> tuple[NDArray[np.int64], tuple[str, ...]]:
        messages: tuple[str, ...] = ()
        years = parts.number("year")
        short = parts.lengths("year") == 2
        if short.any():
            years = years + np.where(short, np.where(years < _CENTURY_TURNS, 2000, 1900), 0)
            messages = (f"Two-digit years in {self.name!r} were read as 1969 to 2068.",)
        if "week" in parts.found:
            return self._weeks(parts, years), messages
        if "quarter" in parts.found:
            return self._checked(years, parts.number("quarter") * 3 - 2, parts.ones()), messages
        if "first" in parts.found:
            months, days = self._order(parts, years, day_first)
            return self._checked(years, months, days), messages
        months = self._named(parts) if "name" in parts.found else parts.number("month")
        days = parts.number("day") if "day" in parts.found else parts.ones()
        return self._checked(years, months, days), messages

    def _checked(
        self, years: NDArray[np.int64], months: NDArray[np.int64], days: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        outside = (years < YEARS[0]) | (years > YEARS[1])
        if outside.any():
            self.refuse(int(np.flatnonzero(outside)[0]), BEYOND)
        stamps = compose(years, months, days)
        if (stamps == NEVER).any():
            self.refuse(int(np.flatnonzero(stamps == NEVER)[0]), _NO_DATE)
        return stamps

    def _order(
        self, parts: _Parts, years: NDArray[np.int64], day_first: bool | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(months, days) of 31/12/2020 or 12/31/2020, whichever the column proves."""
        first, second = parts.number("first"), parts.number("second_part")
        if day_first is None:
            days_lead, months_lead = bool((first > 12).any()), bool((second > 12).any())
            if days_lead and months_lead:
                one = self.texts[int(np.flatnonzero(first > 12)[0])].as_py()
                self.refuse(
                    int(np.flatnonzero(second > 12)[0]),
                    f"in month-first order, but {one!r} is day-first; write all dates alike, "
                    "best as 2020-12-31",
                )
            pointed = set(parts.text("mark")) == {"."}  # 31.12.2020 is written day-first only
            if not (days_lead or months_lead or pointed or (first == second).all()):
                doubtful = int(np.flatnonzero(first != second)[0])
                self.refuse(
                    doubtful,
                    f"ambiguous, as is every date of the column: say {option('day_first', True)} "
                    f"if the day stands first or {option('day_first', False)} if the month does",
                )
            day_first = not months_lead
        return (second, first) if day_first else (first, second)

    def _named(self, parts: _Parts) -> NDArray[np.int64]:
        months = np.zeros(len(self.texts), dtype=np.int64)
        names = np.char.lower(parts.text("name"))
        for number, full in enumerate(MONTH_NAMES, start=1):
            months[(names == full) | (names == full[:3])] = number
        months[names == "sept"] = 9
        return months

    def _weeks(self, parts: _Parts, years: NDArray[np.int64]) -> NDArray[np.int64]:
        """ISO weeks: week 1 holds 4 January; a week is named by its Monday."""
        weeks = parts.number("week")
        self._checked(years, parts.ones(), parts.ones())
        fourth = (years - 1970).astype("datetime64[Y]").astype("datetime64[D]").astype(np.int64) + 3
        monday = fourth - (fourth + 3) % 7
        next_fourth = (years - 1969).astype("datetime64[Y]").astype("datetime64[D]").astype(int) + 3
        in_year = (next_fourth - (next_fourth + 3) % 7 - monday) // 7
        if ((weeks < 1) | (weeks > in_year)).any():
            self.refuse(int(np.flatnonzero((weeks < 1) | (weeks > in_year))[0]), _NO_DATE)
        weekday = np.maximum(parts.number("weekday"), 1)
        return np.asarray((monday + (weeks - 1) * 7 + weekday - 1) * DAY)

    def _times(self, parts: _Parts) -> NDArray[np.int64]:
        if "hour" not in parts.found:
            return parts.ones() * 0
        hours, minutes = parts.number("hour"), parts.number("minute")
        seconds = parts.number("second")
        halves = np.char.lower(parts.text("half"))
        halved = halves != ""
        wrong = (minutes > 59) | (seconds > 59) | (hours > 24)
        wrong |= (hours == 24) & (minutes + seconds > 0)
        wrong |= halved & ((hours < 1) | (hours > 12))
        if wrong.any():
            self.refuse(int(np.flatnonzero(wrong)[0]), "not a time of day; mend it")
        after_noon = np.char.startswith(halves, "p")
        hours = np.where(halved, hours % 12 + np.where(after_noon, 12, 0), hours)
        fractions = parts.number("fraction") * 10 ** (9 - np.maximum(parts.lengths("fraction"), 0))
        return np.asarray((hours * 60 + minutes) * _MINUTE + seconds * 10**9 + fractions)

    def _zone(self, parts: _Parts) -> tuple[str | None, NDArray[np.int64]]:
        """A zone for rows that carry an offset from UTC (all or none do), and each row's."""
        zero = parts.ones() * 0
        if "zone" not in parts.found:
            return None, zero
        texts = parts.text("zone")
        distinct, example, which = np.unique(texts, return_index=True, return_inverse=True)
        minutes = np.array([_offset_minutes(text) for text in distinct])
        written = np.array([text != "" for text in distinct])
        if not written.any():
            return None, zero
        if not written.all():
            other = int(np.flatnonzero(written != written[0])[0])
            places = [int(np.flatnonzero(self.which == example[k])[0]) for k in (0, other)]
            first, second = sorted(places)
            values = [shown(self.table.columns[self.name][row].as_py()) for row in (first, second)]
            raise TableError(
                f"{self.table.where}, column {self.name!r}, mixes times with and without an "
                f"offset from UTC: {values[0]} in {self.table.at(first)}, but {values[1]} in "
                f"{self.table.at(second)}; write all times in UTC or with their offset."
            )
        return _offset_name(int(minutes[0])), minutes[which].reshape(-1) * _MINUTE


def _offset_name(minutes: int) -> str:
    return offset_text(minutes) if minutes else "UTC"


def _offset_minutes(text: str) -> int:
    if text[:1] not in ("+", "-"):
        return 0
    digits = text[1:].replace(":", "").ljust(4, "0")
    total = int(digits[:2]) * 60 + int(digits[2:])
    return -total if text[0] == "-" else total


@dataclass(frozen=True, eq=False)
class _Parts:
    """The named parts of texts in one form."""

    found: dict[str, pa.Array]
    rows: int

    @classmethod
    def of(cls, texts: pa.Array, form: Form) -> _Parts:
        import pyarrow.compute as pc

        struct = pc.extract_regex(texts, form.pattern)
        names = [field.name for field in struct.type]
        return cls(dict(zip(names, struct.flatten(), strict=True)), len(texts))

    def ones(self) -> NDArray[np.int64]:
        return np.ones(self.rows, dtype=np.int64)

    def number(self, name: str) -> NDArray[np.int64]:
        """A part as whole numbers, 0 where it is not written."""
        import pyarrow.compute as pc

        if name not in self.found:
            return self.ones() * 0
        return integers(pc.utf8_lpad(self.found[name], 1, "0"))

    def text(self, name: str) -> NDArray[np.str_]:
        """A part as text, "" where it is not written."""
        if name not in self.found:
            return np.full(self.rows, "", dtype=np.str_)
        return np.asarray(self.found[name].to_pylist(), dtype=np.str_)

    def lengths(self, name: str) -> NDArray[np.int64]:
        """How many characters of a part are written."""
        import pyarrow.compute as pc

        if name not in self.found:
            return self.ones() * 0
        return integers(pc.binary_length(self.found[name]))


def read_stamps(table: RawTable, name: str, *, day_first: bool | None = None) -> Stamps:
    """The column `name` as timestamps or whole numbers.

    Arguments:
        day_first: how to read 01/02/2020; None to tell from the column, which needs a value
            above 12.

    Raises:
        TableError: a value is missing or is no date, 01/02/2020 could be read both ways, or time
            zones are mixed; the message names the line.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = table.columns[name]
    kind = column.type
    if is_text(kind):
        text = blank_to_null(column)
        _check_present(table, name, text)
        encoded = pc.dictionary_encode(text)
        which = integers(encoded.indices)
        distinct = DateTexts(table, name, encoded.dictionary, which)
        stamps = distinct.read(day_first)
        return replace(stamps, values=stamps.values[which])
    _check_present(table, name, column)
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return _typed(table, name, column)
    if pa.types.is_integer(kind):
        return whole_numbers(integers(column))
    if pa.types.is_floating(kind):
        numbers = floats(column)
        odd = ~(np.abs(numbers) < 2**53) | (numbers != np.round(numbers))
        if odd.any():
            refuse(table, name, int(np.flatnonzero(odd)[0]), "neither a date nor a whole number")
        return whole_numbers(numbers.astype(np.int64))
    raise TableError(f"{table.where}: column {name!r} holds {kind} values, not dates.")


def read_units(table: RawTable, name: str, calendar: Calendar) -> NDArray[np.int64]:
    """Texts as times of a calendar that is known: counters, or nanoseconds on its clock.

    Each text is read by itself, as the rows of a stream have to be.
    """
    texts = blank_to_null(table.columns[name])
    _check_present(table, name, texts)
    whole = matches(texts, _WHOLE)
    if calendar.kind == "counter":
        if not whole.all():
            wrong = int(np.flatnonzero(~whole)[0])
            refuse(table, name, wrong, "not a whole number, as the model's times are")
        return _counters(texts)
    if calendar.yearly and whole.all():
        stamps = first_days(_counters(texts))
        if (stamps != NEVER).all():
            return stamps
    wall, offsets = DateTexts(table, name, texts, np.arange(len(texts))).read_each()
    first = shown(texts[0].as_py()) if len(texts) else ""
    if offsets is None:
        # A day without an offset is meant on the wall's clock, where the calendar is on it too.
        on_its_clock = calendar.zone is None or (not calendar.utc and not (wall % DAY).any())
        if not on_its_clock:
            raise table.refusal(0, name, f"{first} has no offset, as in +01:00; the model's have.")
        return wall
    if calendar.zone is None:
        raise table.refusal(0, name, f"{first} has an offset, and the model's times have none.")
    instants = wall - offsets
    return instants if calendar.utc else to_wall(instants, calendar.zone)


def looks_like_dates(column: pa.Array, sample: int = 50) -> bool:
    """Whether the first values of a column are dates and could not be plain numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_date(kind):
        return True
    if not is_text(kind):
        return False
    text = pc.drop_null(blank_to_null(column[: 10 * sample]))[:sample]
    if not len(text) or plain_numbers(text) is not None:
        return False
    return any(matches(text, form.pattern).mean() > 0.5 for form in FORMS if not form.digits_only)


def _check_present(table: RawTable, name: str, column: pa.Array) -> None:
    if column.null_count:
        row = int(np.flatnonzero(missing(column))[0])
        raise table.refusal(row, name, "the date is missing; fill it in or delete the row.")


def _typed(table: RawTable, name: str, column: pa.Array) -> Stamps:
    import pyarrow as pa
    import pyarrow.compute as pc

    zone = getattr(column.type, "tz", None)
    try:
        nanoseconds = pc.cast(pc.cast(column, pa.timestamp("ns", tz=zone)), pa.int64())
    except pa.ArrowInvalid:
        years = integers(pc.year(column))
        outside = (years < YEARS[0]) | (years > YEARS[1])
        refuse(table, name, int(np.flatnonzero(outside)[0]), BEYOND)
    return Stamps(integers(nanoseconds), zone=zone)
