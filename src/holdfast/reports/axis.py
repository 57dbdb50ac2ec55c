"""The time axis that all curves of a page share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Times

Place = int | list[int]
"""Where a curve lies on the axis: its first position, or every position where it has holes."""

DAY = 86_400_000


@dataclass(frozen=True, eq=False)
class Axis:
    """Every timestamp that a curve of the page needs, once.

    Arguments:
        points: (n,) ascending; milliseconds since 1970 for dates, the counter itself otherwise.
        unit: how a point is written: "integer", "year", "quarter", "month", "day", "minute",
            "second" or "millisecond".
    """

    points: NDArray[np.int64]
    unit: str

    @classmethod
    def of(cls, times: Sequence[Times]) -> Axis:
        """The axis that holds all of `times`.

        Example:
            >>> months = np.array(["2024-01", "2024-02"], dtype="datetime64[ns]")
            >>> Axis.of([months]).unit
            'month'
        """
        pieces = [as_integers(piece) for piece in times] or [np.zeros(0, dtype=np.int64)]
        points = np.unique(np.concatenate(pieces))
        is_date = any(np.issubdtype(piece.dtype, np.datetime64) for piece in times)
        return cls(points, _unit(points) if is_date else "integer")

    def place(self, times: Times) -> Place:
        """Where `times`, each a point of this axis, lie on it."""
        if not len(times):
            return 0
        positions = np.searchsorted(self.points, as_integers(times))
        first = int(positions[0])
        if np.array_equal(positions, np.arange(first, first + len(positions))):
            return first
        return [int(position) for position in positions]

    def payload(self) -> dict[str, object]:
        """Unit, first point, and runs of equal steps as [step, times, step, times …]."""
        if not len(self.points):
            return {"unit": self.unit, "first": None, "runs": []}
        steps = np.diff(self.points)
        starts = np.flatnonzero(np.concatenate([[True], steps[1:] != steps[:-1]])[: len(steps)])
        counts = np.diff(np.concatenate([starts, [len(steps)]]))
        runs = np.stack([steps[starts], counts], axis=1).ravel()
        return {"unit": self.unit, "first": int(self.points[0]), "runs": runs.tolist()}


def as_integers(times: Times) -> NDArray[np.int64]:
    """Timestamps as milliseconds since 1970, counters as they are; the shape stays."""
    if np.issubdtype(times.dtype, np.datetime64):
        return np.asarray(times.astype("datetime64[ms]").astype(np.int64))
    return np.asarray(times, dtype=np.int64)


def _unit(points: NDArray[np.int64]) -> str:
    """The coarsest way of writing dates that tells all points apart."""
    if np.any(points % 1000):
        return "millisecond"
    if np.any(points % 60_000):
        return "second"
    if np.any(points % DAY):
        return "minute"
    if len(points) < 2:
        return "day"
    dates = points.astype("datetime64[ms]")
    spacing = float(np.median(np.diff(points))) / DAY
    months = dates.astype("datetime64[M]").astype(np.int64)
    for unit, shortest, labels in (
        ("year", 360, months // 12),
        ("quarter", 85, months // 3),
        ("month", 27, months),
    ):
        if spacing >= shortest and len(np.unique(labels)) == len(points):
            return unit
    return "day"
