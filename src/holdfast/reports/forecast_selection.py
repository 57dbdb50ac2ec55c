"""Which series a page of bounded size lists, and which of them it draws, in how much detail."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.records import CARE, DISTRUST, Floats, ForecastRecord
from holdfast.reports.formatting import shorten, significant, text_bytes

MAX_ROWS = 10_000
"""Most series that the page's table lists: a browser sorts them without a pause."""

LABEL_LENGTH = 120
NOTE_LENGTH = 300

NO_CURVES, BRIEF, FULL = 0, 1, 2
"""Detail of a series: a row of the table; history, median and one level; everything."""

# Bytes at most:
OVERHEAD = 28  # of a packed curve beside its points: origin, exponent, brackets and commas
ROW_BYTES = 70  # of a row's numbers: five numbers and two indices with their commas
SERIES_BYTES = 60  # of a series' keys and positions beside its curves
LEVEL_BYTES = 10  # of a level that a series in brief leaves out: two times "null,"
FOLD_BYTES = 16  # that say of a past forecast which fold it is and where it lies

ROWS_SHARE, BRIEF_SHARE = 0.4, 0.9

GENEROUS_HISTORY = (20_000, 5_000, 1_000)
"""Points of history that are tried before the page is content with what the chart needs."""


@dataclass(frozen=True, eq=False)
class Selection:
    """What a page shows of N series."""

    rows: NDArray[np.int64]  # ascending indices of the series that the table lists
    detail: NDArray[np.int64]  # one of NO_CURVES, BRIEF, FULL for each of `rows`
    history: int  # most points of history that a series in full detail shows
    brief_history: int  # the same for a series in brief

    def points(self, lengths: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of their last points the listed series show, given the `lengths` of all."""
        most = np.choose(self.detail, [0, self.brief_history, self.history])
        return np.asarray(np.minimum(lengths[self.rows], most))


def select(record: ForecastRecord, budget: int) -> Selection:
    """The most that fits into `budget` bytes, important series first.

    Everything is shown where it fits. Where it does not, the table may take 40 % of the bytes; of
    the rest, at most 90 % goes to brief curves of as many series as possible, and what then remains
    raises series from brief to full detail. The order is `importance`.
    """
    order = importance(record)[:MAX_ROWS]
    row_cost = np.array([_row_bytes(record, int(index)) for index in order], dtype=np.int64)
    listed = np.cumsum(row_cost) <= ROWS_SHARE * budget
    order = order[listed]
    left = budget - int(row_cost[listed].sum())

    needed = max(5 * record.horizon, 3 * record.summary.season, 200)
    brief_history = min(max(2 * record.horizon, record.summary.season, 24), 200)
    lengths = np.diff(record.history_offsets)[order]
    fixed = _full_bytes(record, order)
    for history in [*(most for most in GENEROUS_HISTORY if most > needed), needed]:
        full = fixed + packed_bytes(np.minimum(lengths, history))
        if full.sum() <= left:
            detail = np.full(len(order), FULL)
            break
    else:
        brief = _brief_bytes(record, np.minimum(lengths, brief_history))
        in_brief = np.cumsum(brief) <= BRIEF_SHARE * left
        left -= int(brief[in_brief].sum())
        in_full = in_brief & (np.cumsum(np.maximum(full - brief, 0)) <= left)
        detail = np.where(in_full, FULL, np.where(in_brief, BRIEF, NO_CURVES))
    ascending = np.argsort(order)
    return Selection(order[ascending], detail[ascending], history, brief_history)


def importance(record: ForecastRecord) -> NDArray[np.int64]:
    """All series, in the order in which a page of bounded size takes them.

    Five queues take turns: the hardest (highest MASE), the easiest, the largest (mean size of the
    forecast), those not to be trusted, and a spread over the table's own order.
    """
    count = len(record.labels)
    size = np.nan_to_num(_row_means(np.abs(record.median)), nan=-1.0)
    queues = [np.argsort(-size, kind="stable"), _spread(count)]
    if record.backtest is not None:
        error = record.backtest.series_mase
        queues.append(np.argsort(np.where(np.isfinite(error), -error, np.inf), kind="stable"))
        queues.append(np.argsort(np.where(np.isfinite(error), error, np.inf), kind="stable"))
    if record.trust is not None:
        graveness = {DISTRUST: 0, CARE: 1}
        order = np.array([graveness.get(verdict, 2) for verdict in record.trust.verdicts])
        queues.append(np.argsort(order, kind="stable")[: int((order < 2).sum())])
    turn = np.full(count, count, dtype=np.int64)
    for queue in queues:
        turn[queue] = np.minimum(turn[queue], np.arange(len(queue)))
    return np.asarray(np.argsort(turn, kind="stable"))


def packed_bytes(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """An upper bound of the bytes that curves of these lengths take in the page."""
    return 4 * ((2 * points + 2) // 3) + OVERHEAD


def _row_bytes(record: ForecastRecord, index: int) -> int:
    """Bytes of a series' row in the table."""
    label = text_bytes(record.labels[index], LABEL_LENGTH)
    return ROW_BYTES + label + text_bytes(record.note[index], NOTE_LENGTH)


def _spread(count: int) -> NDArray[np.int64]:
    """0 … count − 1 so that every beginning of the sequence is spread evenly (van der Corput)."""
    index = np.arange(count)
    fraction, weight = np.zeros(count), 0.5
    while np.any(index):
        fraction += weight * (index % 2)
        index, weight = index // 2, weight / 2
    return np.asarray(np.argsort(np.argsort(fraction, kind="stable"), kind="stable"))


def _full_bytes(record: ForecastRecord, order: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) bytes of each series in full detail, its history aside."""
    curves = 1 + len(record.lower) + len(record.upper) + len(record.members)
    cost = np.full(len(record.labels), SERIES_BYTES + curves * _step_bytes(record.median))
    for fold in record.backtest.folds if record.backtest is not None else ():
        cost[fold.series] += _step_bytes(fold.median) + FOLD_BYTES
    return np.asarray(cost[order])


def _brief_bytes(record: ForecastRecord, points: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) bytes of each series in brief."""
    fixed = SERIES_BYTES + LEVEL_BYTES * len(record.upper)
    return np.asarray(fixed + packed_bytes(points) + 3 * _step_bytes(record.median))


def _step_bytes(rows: Floats) -> int:
    """Bytes of one of (n, K) packed rows."""
    return int(packed_bytes(np.array([rows.shape[1]]))[0])


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
    mase = naive = np.full(len(rows), np.nan)
    if record.backtest is not None:
        mase, naive = record.backtest.series_mase[rows], record.backtest.series_mase_naive[rows]
    methods, method_of = _indexed(record.method[index] for index in rows)
    notes, note_of = _indexed(record.note[index] for index in rows)
    return {
        "label": [shorten(record.labels[index], LABEL_LENGTH) for index in rows],
        "last": last,
        "mean": [significant(value, DIGITS) for value in mean],
        "change": change,
        "mase": [significant(value) for value in mase],
        "naive": [significant(value) for value in naive],
        "methods": methods,
        "method": method_of,
        "notes": notes,
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


def _indexed(texts: Iterable[str]) -> tuple[list[str], list[int]]:
    """The different texts, short, in order of appearance, and each text's index among them."""
    position: dict[str, int] = {}
    indices = [position.setdefault(shorten(text, NOTE_LENGTH), len(position)) for text in texts]
    return list(position), indices
