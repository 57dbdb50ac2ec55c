"""The columns of the page's table of series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats, ForecastRecord
from holdfast.reports.curves import significant
from holdfast.reports.selection import LABEL_LENGTH, NOTE_LENGTH, shorten

DIGITS = 7
"""Significant digits of values in the table: a float32 has as many."""


def series_rows(record: ForecastRecord, rows: NDArray[np.int64]) -> dict[str, object]:
    """Column name → one entry for each of `rows`; notes and methods are indices into lists.

    ``last`` is the last observed value, ``mean`` the mean forecast over the horizon, ``change``
    that mean against the mean of as many last observed values, in percent; ``mase`` and ``naive``
    are the blend's and seasonal naive's error out of fold.
    """
    last, change = [], []
    mean = _row_means(record.median[rows])
    for index, expected in zip(rows, mean, strict=True):
        start, end = record.history_offsets[index], record.history_offsets[index + 1]
        final, percent = _against_recent(record.history_values[start:end], record.horizon, expected)
        last.append(significant(final, DIGITS))
        change.append(significant(percent, 4))
    mase, naive = _errors(record, rows)
    methods = [shorten(record.method[index], NOTE_LENGTH) for index in rows]
    notes = [shorten(record.note[index], NOTE_LENGTH) for index in rows]
    method_names, method_of = _indexed(methods)
    note_texts, note_of = _indexed(notes)
    return {
        "label": [shorten(record.labels[index], LABEL_LENGTH) for index in rows],
        "last": last,
        "mean": [significant(value, DIGITS) for value in mean],
        "change": change,
        "mase": [significant(value) for value in mase],
        "naive": [significant(value) for value in naive],
        "methods": method_names,
        "method": method_of,
        "notes": note_texts,
        "note": note_of,
    }


def _against_recent(history: Floats, horizon: int, expected: float) -> tuple[float, float]:
    """The last observed value, and `expected` against the mean of the last `horizon` in percent."""
    # A few gaps near the end must not cost the look at the whole history.
    observed = history[np.isfinite(history)][-horizon:]
    if not len(observed):
        return np.nan, np.nan
    recent = float(np.mean(observed))
    percent = 100 * (expected - recent) / abs(recent) if recent else np.nan
    return float(observed[-1]), percent


def _row_means(rows: Floats) -> Floats:
    """(n,) means over the finite entries of each row, NaN where there are none."""
    finite = np.isfinite(rows)
    count = finite.sum(axis=1)
    total = np.sum(rows, axis=1, where=finite)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _errors(record: ForecastRecord, rows: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """MASE of the blend and of seasonal naive for each of `rows`."""
    if record.backtest is None:
        unknown = np.full(len(rows), np.nan)
        return unknown, unknown
    return record.backtest.series_mase[rows], record.backtest.series_mase_naive[rows]


def _indexed(texts: list[str]) -> tuple[list[str], list[int]]:
    """The different texts in order of appearance, and each text's index among them."""
    position: dict[str, int] = {}
    indices = [position.setdefault(text, len(position)) for text in texts]
    return list(position), indices
