"""How far to trust a forecast, as its page, the terminal and JSON say it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from holdfast.records import CARE, DISTRUST, TRUST, ForecastRecord, TrustRecord
from holdfast.reports.curves import significant
from holdfast.reports.selection import LABEL_LENGTH, NOTE_LENGTH, shorten

ORDER = (DISTRUST, CARE, TRUST)
"""Verdicts, the gravest first: the table of series sorts by their place."""

LISTED = 40
"""Series that are listed with their reasons at most."""

Json = dict[str, object]


def trust_payload(record: ForecastRecord, rows: NDArray[np.int64]) -> Json | None:
    """The section of the page; None where a record says nothing of it.

    Arguments:
        record: the forecast.
        rows: ascending indices of the series that the page lists; the others have no place.
    """
    trust = record.trust
    if trust is None:
        return None
    doubted = np.flatnonzero([verdict != TRUST for verdict in trust.verdicts]).tolist()
    doubted.sort(key=lambda index: ORDER.index(trust.verdicts[index]))
    errors = None if record.backtest is None else record.backtest.series_mase
    return {
        "headline": headline(trust),
        "counts": [trust.count(verdict) for verdict in ORDER],
        "doubted": [
            {
                "at": _place(rows, index),
                "label": shorten(record.labels[index], LABEL_LENGTH),
                "verdict": ORDER.index(trust.verdicts[index]),
                "why": shorten("; ".join(trust.findings[index]), NOTE_LENGTH),
            }
            for index in doubted[:LISTED]
        ],
        "unlisted": max(len(doubted) - LISTED, 0),
        "common": [shorten(sentence, NOTE_LENGTH) for sentence in trust.common],
        "hard": [
            {
                "at": _place(rows, index),
                "label": shorten(record.labels[index], LABEL_LENGTH),
                "mase": None if errors is None else significant(float(errors[index])),
            }
            for index in trust.hard
        ],
        "rests_on": [shorten(sentence, NOTE_LENGTH) for sentence in trust.rests_on],
        "verdicts": [ORDER.index(trust.verdicts[index]) for index in rows],
    }


def trust_json(record: ForecastRecord) -> Mapping[str, object]:
    """Counts of verdicts, the series that are not to be trusted blindly, and what holds for all."""
    trust = record.trust
    if trust is None:
        return {}
    doubted = [index for verdict in ORDER[:2] for index in trust.series(verdict)]
    return {
        "counts": {verdict: trust.count(verdict) for verdict in ORDER},
        "series": {
            record.labels[index]: [trust.verdicts[index], *trust.findings[index]]
            for index in doubted[:LISTED]
        },
        "common": list(trust.common),
        "hard": [record.labels[index] for index in trust.hard],
        "rests_on": list(trust.rests_on),
    }


def headline(trust: TrustRecord) -> str:
    """How many series are not to be trusted, in a sentence.

    Example:
        >>> headline(TrustRecord(("trust", "care", "do not trust"), ((), ("a",), ("b",))))
        '1 of 3 series: do not trust; 1 of 3: care.'
        >>> headline(TrustRecord(("trust",), ((),)))
        'Nothing in the past of the series speaks against its forecast.'
    """
    count = len(trust.verdicts)
    doubts = [(trust.count(verdict), verdict) for verdict in ORDER[:2] if trust.count(verdict)]
    if not doubts:
        which = "the series" if count == 1 else f"any of the {count:,} series"
        if trust.common:
            return f"Nothing in the past of {which} speaks against its forecast, but mind this:"
        return f"Nothing in the past of {which} speaks against its forecast."
    if count == 1:
        verdict = doubts[0][1]
        return f"{verdict[:1].upper()}{verdict[1:]}: {'; '.join(trust.findings[0])}."
    parts = [f"{found:,} of {count:,}" for found, _ in doubts]
    parts[0] += " series"
    return "; ".join(f"{part}: {one[1]}" for part, one in zip(parts, doubts, strict=True)) + "."


def _place(rows: NDArray[np.int64], index: int) -> int | None:
    """Where a series is among the listed ones; None where it is not."""
    place = int(np.searchsorted(rows, index))
    return place if place < len(rows) and rows[place] == index else None
