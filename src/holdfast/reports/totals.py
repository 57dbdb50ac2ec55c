"""The sum over all series, by time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from holdfast.records import Floats, ForecastRecord, Times
from holdfast.reports.axis import as_integers

MOST_POINTS = 1_000
"""Points of summed history that a page shows at most."""


@dataclass(frozen=True, eq=False)
class Totals:
    """Sums over N series that end at the same time.

    Arguments:
        history_times: (P,) the last timestamps of the longest series.
        history: (P,) sums over the series that have begun, gaps bridged by straight lines.
        counted: (P,) how many series are in each sum.
        times: (K,) timestamps of the forecast.
        median: (K,) sums of medians, which are not the median of the sum.
        members: member → (K,).
    """

    history_times: Times
    history: Floats
    counted: Floats
    times: Times
    median: Floats
    members: dict[str, Floats]


def totals(record: ForecastRecord, points: int) -> Totals | None:
    """Sums over all series; None for a single series or where series end at different times.

    Arguments:
        record: the forecast.
        points: how many points of history to sum, at most `MOST_POINTS`.
    """
    count = len(record.labels)
    ends = as_integers(record.times[:, 0]) if count else np.zeros(0, dtype=np.int64)
    if count < 2 or not np.array_equal(ends, np.broadcast_to(ends[:1], ends.shape)):
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
