"""Values of the past that were not expected, for the page of a forecast."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.records import AnomalyRecord, ForecastRecord
from holdfast.reports.curves import significant
from holdfast.reports.selection import LABEL_LENGTH, Selection, shorten

LISTED = 100
"""Values that the table lists at most, the farthest first."""

MARKED = 40
"""Values of one series that its chart marks at most, the farthest first."""

Json = dict[str, object]


def listed(record: ForecastRecord, rows: NDArray[np.int64]) -> Json | None:
    """The table below the chart; None where nothing was judged.

    Arguments:
        record: the forecast.
        rows: indices of the series that the page lists.
    """
    found = record.anomalies
    if found is None:
        return None
    at = {int(index): place for place, index in enumerate(rows.tolist())}
    return {
        "level": float(found.level),
        "judged": found.scored,
        "calibrated": found.calibrated,
        "count": len(found.series),
        "rows": [
            {
                "at": at.get(int(found.series[number])),
                "label": shorten(record.labels[int(found.series[number])], LABEL_LENGTH),
                "time": _time(record, found, number),
                "value": significant(found.values[number]),
                "lower": significant(found.lower[number]),
                "upper": significant(found.upper[number]),
                "score": significant(found.scores[number], 3),
            }
            for number in range(min(LISTED, len(found.series)))
        ],
    }


def marks(record: ForecastRecord, selection: Selection) -> dict[int, list[list[object]]]:
    """Series → [points before the end of its history, lower, upper], of those that are drawn."""
    found = record.anomalies
    if found is None:
        return {}
    shown = dict(
        zip(
            selection.rows.tolist(),
            selection.points(np.diff(record.history_offsets)).tolist(),
            strict=True,
        )
    )
    made: dict[int, list[list[object]]] = {}
    for number, index in enumerate(found.series.tolist()):
        place = int(found.places[number])
        of_series = made.setdefault(index, [])
        if place < shown.get(index, 0) and len(of_series) < MARKED:
            bounds = (significant(found.lower[number]), significant(found.upper[number]))
            of_series.append([place, *bounds])
    return made


def _time(record: ForecastRecord, found: AnomalyRecord, number: int) -> int:
    """When, as points of the page's axis are written: milliseconds, or the counter itself."""
    end = int(record.history_offsets[int(found.series[number]) + 1])
    time = record.history_times[end - 1 - int(found.places[number])]
    if np.issubdtype(record.history_times.dtype, np.datetime64):
        return int(np.datetime64(time, "ms").astype(np.int64))
    return int(time)
