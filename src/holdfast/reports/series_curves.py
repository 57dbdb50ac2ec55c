"""The curves that a page draws of each series."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats, FoldRecord, ForecastRecord, Times
from holdfast.reports.anomalies import marks
from holdfast.reports.axis import Axis, Place
from holdfast.reports.curves import Packed, pack, pack_rows
from holdfast.reports.selection import FULL, NO_CURVES, Selection

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
        by_series: dict[int, list[Packed | None]] = {index: [] for index in curves}
        for level in sorted(bounds):
            kept = dict(_packed(bounds[level], drawn if level == brief_level else full))
            for index, levels in by_series.items():
                levels.append(kept.get(index))
        for index, levels in by_series.items():
            curves[index][name] = levels
    _add_members(record.members, full, curves)
    if record.backtest is not None:
        _add_folds(record.backtest.folds, full, axis, curves)
    for index, marked in marks(record, selection).items():
        if index in curves and marked:
            curves[index]["a"] = marked
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


def _add_members(
    members: Mapping[str, Floats], full: NDArray[np.int64], curves: Mapping[int, Curves]
) -> None:
    by_series: dict[int, list[Packed]] = {index: [] for index in full.tolist()}
    for rows in members.values():
        for index, packed in _packed(rows, full):
            by_series[index].append(packed)
    for index, packed_members in by_series.items():
        curves[index]["x"] = packed_members


def _add_folds(
    folds: tuple[FoldRecord, ...],
    full: NDArray[np.int64],
    axis: Axis,
    curves: Mapping[int, Curves],
) -> None:
    by_series: dict[int, list[tuple[int, Place, Packed]]] = {index: [] for index in full.tolist()}
    for number, fold in enumerate(folds):
        places = np.flatnonzero(np.isin(fold.series, full))
        packed_rows = pack_rows(fold.median[places])
        for place, packed in zip(places.tolist(), packed_rows, strict=True):
            where = axis.place(fold.times[place])
            by_series[int(fold.series[place])].append((number, where, packed))
    for index, past in by_series.items():
        curves[index]["b"] = past
