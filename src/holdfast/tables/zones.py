"""Time zones on whole columns: wall-clock time to UTC and back, with numpy alone."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.tables.codes import DAY

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
    changes is it asked for each distinct instant.
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
