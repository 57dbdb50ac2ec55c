"""Curves of a forecast's page: packed numbers on one time axis, of each series and their sum."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats, FoldRecord, ForecastRecord, Times
from holdfast.reports.forecast_selection import FULL, NO_CURVES, Selection
from holdfast.reports.formatting import significant

Place = int | list[int]
"""Where a curve lies on the axis: its first position, or every position where it has holes."""

DAY = 86_400_000

MARKED = 40
"""Anomalies of one series that its chart marks at most, the farthest first."""


@dataclass(frozen=True, eq=False)
class Axis:
    """Every timestamp that a curve of the page needs, once."""

    points: NDArray[np.int64]  # (n,) ascending; milliseconds since 1970, or the counter itself
    # how a point is written: "integer", "year", "quarter", "month", "day", "minute", "second" or
    # "millisecond"
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
    for finer, step in (("millisecond", 1000), ("second", 60_000), ("minute", DAY)):
        if np.any(points % step):
            return finer
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


MISSING = 65_535
"""The code of a point without a value."""

LARGEST = 65_533
"""Steps from the lowest to the highest point at most: one code is MISSING, one is for rounding."""

Packed = tuple[int, int, str]
"""Origin, exponent, base64 of little-endian uint16 codes: value = (origin + code) · 10^exponent."""


def pack(values: Floats) -> Packed:
    """One curve as text; the step is a power of ten, so that short decimals stay what they are.

    A curve keeps at least 1/6,553 of its own range (or 12 digits of its largest value, where the
    range asks for more), however far from zero it lies. Gaps are NaN; infinite values count as
    missing.

    Example:
        >>> pack(np.array([112.0, 118.0, np.nan]))
        (1120000, -4, 'AABg6v//')
    """
    return next(pack_rows(values[None, :]))


def pack_rows(rows: Floats) -> Iterator[Packed]:
    """Each of (n, K) rows packed by itself."""
    finite = np.isfinite(rows)
    low = np.min(rows, axis=1, initial=np.inf, where=finite)
    high = np.max(rows, axis=1, initial=-np.inf, where=finite)
    empty = low > high
    low, high = np.where(empty, 0.0, low), np.where(empty, 0.0, high)
    exponents = _exponents(low, high)
    # 10^-1 is no binary fraction, so a negative exponent multiplies by 10^1 instead.
    up, down = 10.0 ** np.maximum(exponents, 0), 10.0 ** np.maximum(-exponents, 0)
    origins = np.floor(low / up * down)
    codes = np.rint(np.where(finite, rows, low[:, None]) / up[:, None] * down[:, None])
    codes = np.where(finite, codes - origins[:, None], MISSING)
    for origin, exponent, row in zip(origins, exponents, codes.astype("<u2"), strict=True):
        yield int(origin), int(exponent), base64.b64encode(row.tobytes()).decode("ascii")


def _exponents(low: Floats, high: Floats) -> NDArray[np.int64]:
    """(n,) powers of ten: the finest step with which a row's range fits the codes."""
    # Halved before subtracting: the range of ±1e308 is not a number otherwise.
    half = high / 2 - low / 2
    largest = np.maximum(np.abs(low), np.abs(high))
    tiny = np.finfo(np.float64).tiny
    by_range = np.ceil(np.log10(np.maximum(half, tiny)) - np.log10(LARGEST / 2))
    by_digits = np.ceil(np.log10(np.maximum(largest, tiny))) - 12
    # A constant needs one code however fine the step, so its digits alone decide.
    exponents = np.where(half > 0, np.maximum(by_range, by_digits), by_digits)
    return np.asarray(np.clip(np.where(largest > 0, exponents, 0), -300, 300), dtype=np.int64)


BRIEF_LEVEL = 90.0
"""The level nearest to this one is the only one that a series in brief keeps."""

Curves = dict[str, object]
"""One series: ``t`` and ``f`` where history and forecast lie on the axis, ``h`` and ``m`` history
and median, ``lo`` and ``hi`` the bounds of each level in ascending order, ``x`` the members, ``b``
past forecasts as [fold, place, median], ``a`` values that were not expected as [points before the
end, lower, upper]. In brief there is one level and neither ``x`` nor ``b``."""


def times_of(record: ForecastRecord, selection: Selection) -> list[Times]:
    """Every timestamp at which the curves of `series_curves` have a point."""
    drawn = selection.rows[selection.detail > NO_CURVES]
    history = [record.history_times[span] for span in _spans(record, selection).values()]
    folds = record.backtest.folds if record.backtest is not None else ()
    return [record.times[drawn].ravel(), *history, *(fold.times.ravel() for fold in folds)]


def series_curves(record: ForecastRecord, selection: Selection, axis: Axis) -> list[Curves | None]:
    """The curves of each listed series; None where there was no room for them."""
    drawn = selection.rows[selection.detail > NO_CURVES]
    full = selection.rows[selection.detail == FULL]
    curves: dict[int, Curves] = {}
    for index, span in _spans(record, selection).items():
        curves[index] = {
            "t": axis.place(record.history_times[span]),
            "h": pack(record.history_values[span]),
            "f": axis.place(record.times[index]),
        }
    for index, packed in _packed(record.median, drawn):
        curves[index]["m"] = packed
    brief_level = min(record.upper, key=lambda level: abs(level - BRIEF_LEVEL), default=None)
    for name, bounds in (("lo", record.lower), ("hi", record.upper)):
        levels = [
            dict(_packed(bounds[level], drawn if level == brief_level else full))
            for level in sorted(bounds)
        ]
        for index, curve in curves.items():
            curve[name] = [packed_rows.get(index) for packed_rows in levels]
    members = [dict(_packed(rows, full)) for rows in record.members.values()]
    for index in full.tolist():
        curves[index]["x"] = [packed_rows[index] for packed_rows in members]
    if record.backtest is not None:
        for index, past in _past(record.backtest.folds, full, axis).items():
            curves[index]["b"] = past
    for index, marked in _anomalies(record, selection).items():
        curves[index]["a"] = marked[:MARKED]
    return [curves.get(index) for index in selection.rows.tolist()]


def _spans(record: ForecastRecord, selection: Selection) -> dict[int, slice]:
    """Series → the part of the flat history that its curve shows."""
    points = selection.points(np.diff(record.history_offsets))
    ends = record.history_offsets[selection.rows + 1]
    shown = selection.detail > NO_CURVES
    return {
        int(index): slice(int(end - count), int(end))
        for index, end, count in zip(selection.rows[shown], ends[shown], points[shown], strict=True)
    }


def _packed(rows: Floats, indices: NDArray[np.int64]) -> zip[tuple[int, Packed]]:
    return zip(indices.tolist(), pack_rows(rows[indices]), strict=True)


def _anomalies(record: ForecastRecord, selection: Selection) -> dict[int, list[list[object]]]:
    """Series → [points before the end of its history, lower, upper], of those that are drawn."""
    found = record.anomalies
    if found is None:
        return {}
    points = selection.points(np.diff(record.history_offsets))
    shown = dict(zip(selection.rows.tolist(), points.tolist(), strict=True))
    marked: dict[int, list[list[object]]] = {}
    for number, (index, place) in enumerate(zip(found.series, found.places, strict=True)):
        if place < shown.get(int(index), 0):
            bounds = significant(found.lower[number]), significant(found.upper[number])
            marked.setdefault(int(index), []).append([int(place), *bounds])
    return marked


def _past(
    folds: tuple[FoldRecord, ...], full: NDArray[np.int64], axis: Axis
) -> dict[int, list[tuple[int, Place, Packed]]]:
    """Series → [fold, place, median] of its past forecasts."""
    past: dict[int, list[tuple[int, Place, Packed]]] = {index: [] for index in full.tolist()}
    for number, fold in enumerate(folds):
        places = np.flatnonzero(np.isin(fold.series, full))
        for place, packed in _packed(fold.median, places):
            where = axis.place(fold.times[place])
            past[int(fold.series[place])].append((number, where, packed))
    return past


MOST_POINTS = 1_000
"""Points of summed history that a page shows at most."""


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over N series that end at the same time."""

    history_times: Times  # (P,) the last timestamps of the longest series
    history: Floats  # (P,) sums over the series that have begun, gaps bridged by straight lines
    counted: Floats  # (P,) how many series are in each sum
    times: Times  # (K,) of the forecast
    median: Floats  # (K,) sums of medians, which are not the median of the sum
    members: dict[str, Floats]  # member → (K,)


def totals(record: ForecastRecord, points: int) -> Totals | None:
    """Sums over all series and the last `points` of history, at most `MOST_POINTS`.

    None for a single series or where series end at different times.
    """
    if len(record.labels) < 2 or len(np.unique(as_integers(record.times[:, 0]))) > 1:
        return None
    lengths = np.diff(record.history_offsets)
    longest = int(np.argmax(lengths))
    points = min(points, MOST_POINTS, int(lengths[longest]))
    history, counted = np.zeros(points), np.zeros(points)
    for start, end in zip(record.history_offsets[:-1], record.history_offsets[1:], strict=True):
        values = record.history_values[max(start, end - points) : end]
        seen = np.flatnonzero(np.isfinite(values))
        if not len(seen):
            continue
        begun = len(values) - seen[0]
        history[points - begun :] += np.interp(np.arange(seen[0], len(values)), seen, values[seen])
        counted[points - begun :] += 1
    last = int(record.history_offsets[longest + 1])
    return Totals(
        history_times=record.history_times[last - points : last],
        history=np.where(counted > 0, history, np.nan),
        counted=counted,
        times=record.times[0],
        median=_sum(record.median),
        members={name: _sum(rows) for name, rows in record.members.items()},
    )


def _sum(rows: Floats) -> Floats:
    """(K,) sums over the series that have a forecast at each step."""
    return np.asarray(np.sum(rows, axis=0, where=np.isfinite(rows)))
