"""Which series are counts, and whole numbers that cover no less."""

from __future__ import annotations

import numpy as np

from holdfast.forecasting.judgement.counts import recognise, to_whole
from holdfast.forecasting.tables.calendar import Calendar
from holdfast.forecasting.tables.series import SeriesSet

ROWS = {
    "passengers": [112.0, 118.0, 132.0, 129.0],
    "spares": [0.0, 0.0, 3.0, np.nan, 0.0, 0.0],
    "visits": [3.0, 5.0, 4.0, 6.0],
    "weight": [0.0, 1.5, 0.0, 0.0],
    "balance": [0.0, -2.0, 0.0, 3.0],
    "large and rare": [0.0, 800.0, 900.0, 700.0],
    "young": [1.0, 0.0],
    "nothing": [0.0, 0.0, 0.0],
}


def test_counts_are_whole_not_negative_and_small_or_with_zeros() -> None:
    found = recognise(SeriesSet.from_arrays(ROWS, Calendar.integer()))

    def named(marks: np.ndarray) -> set[str]:
        return {name for name, mark in zip(ROWS, marks, strict=True) if mark}

    whole = {"passengers", "spares", "visits", "large and rare", "nothing"}
    assert named(found.whole) == whole
    assert named(found.counts) == whole - {"passengers"}
    assert named(found.intermittent) == {"spares", "weight", "large and rare", "nothing"}
    assert found.zeros[1] == 0.8
    assert found.interval[1] == 5.0
    assert np.isinf(found.interval[-1])


def test_bounds_are_rounded_outwards_and_only_where_the_history_is_whole() -> None:
    median = np.array([[0.4, 2.5], [0.4, 2.5]])
    lower, upper = {90.0: median - 0.3}, {90.0: median + 0.6}
    upper[90.0][0, 1] = 3.0 + 1e-12  # a rounding error is no reason for one more
    made = to_whole(np.array([True, False]), median, lower, upper)
    assert made.median.tolist() == [[0.0, 3.0], [0.4, 2.5]]
    assert made.lower[90.0].tolist()[0] == [0.0, 2.0]
    assert made.upper[90.0].tolist()[0] == [1.0, 3.0]
    np.testing.assert_array_equal(made.upper[90.0][1], upper[90.0][1])
