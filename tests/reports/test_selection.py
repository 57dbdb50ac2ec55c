from __future__ import annotations

from dataclasses import replace

import numpy as np
from tests.reports.records import forecast_record, wave

from holdfast.records import ForecastRecord
from holdfast.reports.forecast_selection import BRIEF, FULL, NO_CURVES, importance, select


def _scored() -> ForecastRecord:
    record = forecast_record(wave(64, 60, 12))
    assert record.backtest is not None
    errors = np.linspace(0.5, 1.5, 64)[np.random.default_rng(0).permutation(64)]
    errors[7] = np.nan
    return replace(record, backtest=replace(record.backtest, series_mase=errors))


def test_the_hardest_the_easiest_and_the_largest_come_first() -> None:
    record = _scored()
    assert record.backtest is not None
    errors = record.backtest.series_mase
    first = set(importance(record)[:4].tolist())
    assert int(np.nanargmax(errors)) in first
    assert int(np.nanargmin(errors)) in first
    assert int(np.abs(record.median).mean(axis=1).argmax()) in first
    assert sorted(importance(record)) == list(range(64))


def test_less_room_takes_detail_first_then_curves_then_rows() -> None:
    record = _scored()
    seen = []
    for budget in (10_000_000, 60_000, 40_000, 20_000, 5_000, 0):
        selection = select(record, budget)
        seen.append([len(selection.rows), *np.bincount(selection.detail, minlength=3).tolist()])
    rows, none, brief, full = np.array(seen).T
    assert rows[0] == 64
    assert full[0] == 64
    assert np.all(np.diff(rows) <= 0)
    assert np.all(np.diff(full) <= 0)
    assert brief[1] > 0
    assert rows[1] == 64
    assert rows[-1] == 0
    assert np.array_equal(none + brief + full, rows)
    assert (NO_CURVES, BRIEF, FULL) == (0, 1, 2)


def test_what_is_spread_covers_the_whole_table() -> None:
    record = replace(forecast_record(wave(64, 60, 12)), backtest=None)
    constant = replace(record, median=np.ones_like(record.median))
    # Among equals the queue of the largest goes in the table's order, the other one spreads.
    assert importance(constant)[:8].max() >= 32
