"""Totals of groups and periods, for the page of a forecast."""

from __future__ import annotations

from holdfast.records import TotalsRecord
from holdfast.reports.curves import significant
from holdfast.reports.selection import LABEL_LENGTH, NOTE_LENGTH, shorten

ROWS = 600
"""Totals that the page lists at most; totals.csv has all of them."""

Json = dict[str, object]


def group_totals(record: TotalsRecord | None) -> Json | None:
    """Totals with intervals of their own, group by group; None where none were asked for.

    Arguments:
        record: of the totals.
    """
    if record is None:
        return None
    levels = sorted(record.upper)
    groups: dict[str, list[Json]] = {}
    for place in range(min(ROWS, len(record.labels))):
        groups.setdefault(record.labels[place], []).append(
            {
                "time": record.times[place],
                "median": significant(record.median[place]),
                "mean": significant(record.mean[place]),
                "bounds": [
                    [significant(record.lower[one][place]), significant(record.upper[one][place])]
                    for one in levels
                ],
                "note": shorten(record.note[place], NOTE_LENGTH),
            }
        )
    return {
        "by": record.by,
        "over": record.over,
        "levels": [float(level) for level in levels],
        "unlisted": max(len(record.labels) - ROWS, 0),
        "groups": [
            {"label": shorten(label, LABEL_LENGTH), "rows": rows} for label, rows in groups.items()
        ],
    }
