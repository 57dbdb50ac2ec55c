"""The regular grid of timestamps on which every series of a table lies, in its time zone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Final, Literal, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError, option
from holdfast.records import Times
from holdfast.tables.codes import (
    DAY,
    LAST_DAY,
    Code,
    Kind,
    duration_words,
    frequency_words,
    read_code,
    write_code,
)

_OFFSET = re.compile(r"([+-])(\d{2}):?(\d{2})")
_SECOND = 10**9


def zone_of(name: str) -> tzinfo:
    """The zone called `name`: "Europe/Berlin", "UTC" or an offset such as "+02:00".

    Raises:
        ArgumentError: there is no such zone.
    """
    found = _OFFSET.fullmatch(name)
    if found:
        sign, hours, minutes = found.groups()
        offset = timedelta(hours=int(hours), minutes=int(minutes))
        if offset < timedelta(days=1):
            return timezone(-offset if sign == "-" else offset)
    if name in ("UTC", "Z"):
        return timezone.utc
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ArgumentError(
            f"The time zone {name!r} is not known; give an IANA name such as Europe/Berlin."
        ) from None


def to_wall(instants: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """UTC nanoseconds since 1970 → what a clock on the wall in the zone shows."""
    return instants + _offsets(instants, zone_of(name))


def to_instants(wall: NDArray[np.int64], name: str) -> NDArray[np.int64]:
    """Wall-clock nanoseconds → UTC; a repeated hour is taken as its first pass.

    A wall time that daylight saving skips is moved forward by the length of the skip.
    """
    zone = zone_of(name)
    before = wall - _offsets(wall - DAY, zone)  # the offset in force until the change
    return wall - np.where(
        before + _offsets(before, zone) == wall, wall - before, _offsets(before, zone)
    )


def _offsets(instants: NDArray[np.int64], zone: tzinfo) -> NDArray[np.int64]:
    """Nanoseconds between UTC and the wall at each instant.

    The zone is asked at both ends of each day that occurs; only in a day on which its offset
    changes is it asked for each distinct instant. (`pyarrow.compute.local_timestamp` would be
    faster, but knows no daylight saving after 2037 and no zone where the system has no files of
    them.)
    """
    days, day_of = np.unique(instants // DAY, return_inverse=True)
    opening = np.array([_offset(int(day) * DAY, zone) for day in days], dtype=np.int64)
    closing = np.array([_offset(int(day) * DAY + DAY, zone) for day in days], dtype=np.int64)
    offsets = opening[day_of]
    changing = (opening != closing)[day_of]
    if changing.any():
        distinct, which = np.unique(instants[changing], return_inverse=True)
        exact = np.array([_offset(int(instant), zone) for instant in distinct], dtype=np.int64)
        offsets[changing] = exact[which]
    return offsets


def _offset(instant: int, zone: tzinfo) -> int:
    moment = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(seconds=instant // _SECOND)
    offset = moment.astimezone(zone).utcoffset()
    return int(offset.total_seconds()) * _SECOND if offset is not None else 0


_STAMP = "datetime64[ns]"
YEARS: Final = (1678, 2261)
"""The whole years that fit into 64 bits of nanoseconds."""

_UNITS_A_YEAR: Final = {"clock": 366 * DAY, "business": 262, "month": 12}


@dataclass(frozen=True)
class Calendar:
    """A regular grid: point k is the timestamp of ordinal k.

    A grid counts units (integers, nanoseconds, business days or months); ordinal k lies at unit
    ``phase + k * step``. Timestamps with a time zone are UTC where the step is shorter than a
    day, and wall-clock times where it is a day or longer, so that a day stays one step through a
    change to daylight saving.

    Example:
        >>> calendar = Calendar.parse("ME")
        >>> calendar.times(calendar.ordinals(["2024-01-31"]) + 1).astype("datetime64[D]").tolist()
        [datetime.date(2024, 2, 29)]
    """

    kind: Kind  # "counter", "clock" (nanoseconds), "business" (Monday to Friday) or "month"
    step: int = 1  # units between neighbours, at least 1
    phase: int = 0  # the unit of ordinal 0, 0 ≤ phase < step
    day: int = 1  # month grids: the day of the month, 31 for the last one
    business: bool = False  # month grids: moved to the first (last) business day of the month
    time_of_day: int = 0  # business and month grids: nanoseconds after midnight
    zone: str | None = None  # name of the time zone of the user's timestamps; None for none

    @classmethod
    def integer(cls, step: int = 1) -> Calendar:
        """Time as a counter: 0, step, 2 · step …"""
        if step < 1:
            raise ArgumentError(f"freq={step} is not a step; give a whole number of at least 1.")
        return cls("counter", step)

    @classmethod
    def parse(cls, code: str | int) -> Calendar:
        """The calendar of a frequency code, old or new pandas, polars, or a whole number.

        Raises:
            ArgumentError: the code is not known; the message lists those that are.
        """
        if not isinstance(code, str):
            return cls.integer(int(code))
        found = read_code(code)
        return cls(found.kind, found.step, found.phase, found.day, found.business)

    @classmethod
    def from_json(cls, data: Mapping[str, object]) -> Calendar:
        """The calendar that `to_json` wrote, checked.

        Raises:
            ArgumentError: a field is missing, unknown or out of range.
        """
        kinds: dict[str, type] = {"kind": str, "business": bool}
        if not isinstance(data, Mapping) or set(data) != {field.name for field in fields(cls)}:
            raise ArgumentError("The calendar does not have the fields of a calendar.")
        for name, value in data.items():
            if name == "zone" and (value is None or isinstance(value, str)):
                continue
            expected = kinds.get(name, int)
            if type(value) is not expected:
                raise ArgumentError(f"The calendar's {name} is {value!r}, not {expected.__name__}.")
        calendar = cls(**cast("dict[str, int]", dict(data)))  # type: ignore[arg-type] # checked
        bounds = {"step": (1, 2**60), "phase": (0, calendar.step - 1), "day": (1, LAST_DAY)}
        bounds["time_of_day"] = (0, DAY - 1)
        for name, (low, high) in bounds.items():
            if not low <= getattr(calendar, name) <= high:
                raise ArgumentError(f"The calendar's {name} is not between {low} and {high}.")
        if calendar.kind not in ("counter", "clock", "business", "month"):
            raise ArgumentError(f"The calendar's kind {calendar.kind!r} is not known.")
        if calendar.zone is not None:
            zone_of(calendar.zone)
        return calendar

    def to_json(self) -> dict[str, object]:
        """The fields, for a JSON file."""
        return asdict(self)

    @property
    def code(self) -> str:
        """The frequency in pandas' present spelling, for example "MS"."""
        return write_code(self._code)

    @property
    def freq(self) -> str | int:
        """The frequency as an argument: the step of counters, else `code`."""
        return self.step if self.kind == "counter" else self.code

    @property
    def words(self) -> str:
        """The frequency in words and as a code, for example "monthly, month starts (MS)"."""
        return frequency_words(self._code)

    def duration(self, points: int) -> str:
        """How long some points are in words, for example "96 hours (4 days)"."""
        return duration_words(self._code, points)

    @property
    def whole_days(self) -> bool:
        """Whether every point is a midnight, so that it is written as a date alone."""
        if self.kind == "clock":
            return self.step % DAY == 0 and self.phase % DAY == 0
        return self.kind != "counter" and self.time_of_day == 0

    @property
    def utc(self) -> bool:
        """Whether timestamps are UTC, to be shown in `zone`."""
        return self.zone is not None and self.kind == "clock" and self.step < DAY

    @property
    def yearly(self) -> bool:
        """Whether steps are whole years, which plain numbers such as 2024 can name."""
        return self.kind == "month" and self.step % 12 == 0

    @property
    def labels_end(self) -> bool:
        """Whether a timestamp names the end of its period, as month ends and weeks do."""
        if self.kind == "month":
            return self.day == LAST_DAY
        return self.kind == "clock" and self.step % (7 * DAY) == 0

    @property
    def season_default(self) -> int:
        """Grid points of the season that this frequency usually has; 1 where none is usual."""
        if self.kind == "month":
            return 12 // self.step if 12 % self.step == 0 else 1
        if self.kind == "business":
            return 5 if self.step == 1 else 1
        if self.kind == "counter":
            return 1
        weeks, rest = divmod(self.step, 7 * DAY)
        if weeks and not rest:
            return 52 // weeks if 52 % weeks == 0 else 1
        for span in (60 * 10**9, DAY, 7 * DAY):
            if self.step < span and (span != 60 * 10**9 or self.step >= 10**9):
                return span // self.step if span % self.step == 0 else 1
        return 1

    def units(self, times: object) -> NDArray[np.int64]:
        """The unit that each timestamp lies in: its month, its business day, its nanosecond."""
        if self.kind == "counter":
            return np.asarray(times).astype(np.int64)
        stamps = np.asarray(times, dtype=_STAMP)
        if self.kind == "clock":
            return stamps.astype(np.int64)
        if self.kind == "month":
            return stamps.astype("datetime64[M]").astype(np.int64)
        days = stamps.astype("datetime64[D]")
        # Thursday 1970-01-01 is business day 0; a Saturday and Sunday count as their Friday.
        back = np.busday_offset(days, 0, roll="backward")
        return np.busday_count(np.datetime64("1970-01-01"), back).astype(np.int64)

    def times(self, ordinals: object) -> Times:
        """Ordinals → timestamps: datetime64[ns], or int64 where time is a counter."""
        points = np.asarray(ordinals, dtype=np.int64)
        self._check_years(points)
        units = self.phase + points * self.step
        if self.kind == "counter":
            return units
        if self.kind == "clock":
            return units.astype(_STAMP)
        if self.kind == "business":
            days = np.busday_offset(np.datetime64("1970-01-01"), units, roll="forward")
        else:
            days = self._days_of_months(units)
        return days.astype(_STAMP) + np.timedelta64(self.time_of_day, "ns")

    def ordinals(self, times: object) -> NDArray[np.int64]:
        """Timestamps → ordinals.

        Raises:
            TableError: a timestamp does not lie on the grid; the message names the first.
        """
        units = self.units(times)
        ordinals = (units - self.phase) // self.step
        stamps = units if self.kind == "counter" else np.asarray(times, dtype=_STAMP)
        off = self.times(ordinals) != stamps
        if off.any():
            first = stamps.reshape(-1)[np.flatnonzero(off.reshape(-1))[0]]
            raise TableError(
                f"{self.format(first)} does not lie on the calendar: {self.words}; give another "
                f"{option('freq')} or {option('aggregate')}."
            )
        return ordinals

    def on_grid(self, times: object) -> NDArray[np.bool_]:
        """Whether each timestamp is a point of the grid."""
        units = self.units(times)
        stamps = units if self.kind == "counter" else np.asarray(times, dtype=_STAMP)
        return np.asarray(self.times((units - self.phase) // self.step) == stamps)

    def bins(self, times: object) -> NDArray[np.int64]:
        """The ordinal of the period that each timestamp falls into, on the grid or not.

        A point that names the end of its period closes it: on W-SUN a Wednesday belongs to the
        Sunday that follows. Any other point opens it.
        """
        units = self.units(times)
        if self.labels_end:
            if self.kind == "clock":
                units = units // DAY * DAY
            return -((self.phase - units) // self.step)
        ordinals = (units - self.phase) // self.step
        if self.kind == "month":
            ordinals = ordinals - (np.asarray(times, dtype=_STAMP) < self.times(ordinals))
        return ordinals

    def period_ends(self, ordinals: object) -> NDArray[np.int64]:
        """The unit-free end of each period: nanoseconds, or the counter, at which it is over."""
        points = np.asarray(ordinals, dtype=np.int64)
        if self.labels_end and self.kind == "month":
            # Not the day behind the label: a month's last business day can be two before its end.
            following = (self.phase + points * self.step + 1).astype("datetime64[M]")
            return following.astype(_STAMP).astype(np.int64)
        if self.labels_end:
            days = self.times(points).astype("datetime64[D]")
            return days.astype(_STAMP).astype(np.int64) + DAY
        return np.asarray(self.times(points + 1)).astype(np.int64)

    def through(self, time: object) -> Calendar:
        """The same step, shifted so that `time` is a point of the grid.

        Arguments:
            time: a timestamp; where months are counted its day must already agree.
        """
        if self.kind in ("business", "month"):
            stamp = np.asarray(time, dtype=_STAMP)
            within = (stamp - stamp.astype("datetime64[D]")).astype(np.int64)
            shifted = replace(self, time_of_day=int(within))
        else:
            shifted = self
        return replace(shifted, phase=int(self.units(time)) % self.step)

    def texts(self, times: object) -> NDArray[np.str_]:
        """Timestamps as text: "2024-05-01", "2024-05-01 13:30:00", with an offset in a zone."""
        if self.kind == "counter":
            return np.asarray(times).astype(np.int64).astype(str)
        stamps = np.asarray(times, dtype=_STAMP)
        if self.whole_days and not (stamps.astype(np.int64) % DAY).any():
            return np.datetime_as_string(stamps, unit="D")
        unit: Literal["ns", "s"] = "ns" if (stamps.astype(np.int64) % 10**9).any() else "s"
        if not self.utc or self.zone is None:
            return np.char.replace(np.datetime_as_string(stamps, unit=unit), "T", " ")
        wall = to_wall(stamps.astype(np.int64), self.zone)
        offsets, which = np.unique(wall - stamps.astype(np.int64), return_inverse=True)
        endings = np.array([offset_text(int(offset) // (60 * 10**9)) for offset in offsets])
        texts = np.char.replace(np.datetime_as_string(wall.astype(_STAMP), unit=unit), "T", " ")
        return np.char.add(texts, endings[which].reshape(texts.shape))

    def format(self, time: object) -> str:
        """One timestamp as text."""
        return str(self.texts(np.asarray(time).reshape(1))[0])

    @property
    def _code(self) -> Code:
        return Code(self.kind, self.step, self.phase, self.day, self.business)

    def _check_years(self, ordinals: NDArray[np.int64]) -> None:
        if self.kind == "counter" or not ordinals.size:
            return
        # In floating point, where a far ordinal cannot wrap around.
        ends = self.phase + np.array([ordinals.min(), ordinals.max()]) * float(self.step)
        first, last = ends / _UNITS_A_YEAR[self.kind] + 1970
        if first < YEARS[0] or last >= YEARS[1] + 1:
            raise ArgumentError(
                f"The timestamps reach beyond the years {YEARS[0]} to {YEARS[1]}, which "
                "is as far as nanoseconds go; take a shorter horizon or integer time."
            )

    def _days_of_months(self, months: NDArray[np.int64]) -> NDArray[np.datetime64]:
        first = months.astype("datetime64[M]").astype("datetime64[D]")
        following = (months + 1).astype("datetime64[M]").astype("datetime64[D]")
        if self.business and self.day == LAST_DAY:
            return np.busday_offset(following, -1, roll="forward")
        if self.business:
            return np.busday_offset(first, 0, roll="forward")
        length = (following - first).astype(np.int64)
        return np.asarray(first + np.minimum(self.day, length) - 1)


def offset_text(minutes: int) -> str:
    """An offset from UTC, as in +02:00."""
    sign = "-" if minutes < 0 else "+"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"
