"""Which series are counts, and whole numbers that cover no less."""

from __future__ import annotations

import numpy as np

from holdfast.forecasting.evaluation.copula import Marginals
from holdfast.forecasting.evaluation.counts import fit_pull, recognise, to_whole
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

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
    result = to_whole(np.array([True, False]), median, lower, upper)
    assert result.median.tolist() == [[0.0, 3.0], [0.4, 2.5]]
    assert result.lower[90.0].tolist()[0] == [0.0, 2.0]
    assert result.upper[90.0].tolist()[0] == [1.0, 3.0]
    np.testing.assert_array_equal(result.upper[90.0][1], upper[90.0][1])


def test_the_pull_makes_the_means_of_past_windows_right() -> None:
    draws = np.random.default_rng(0)
    actual = draws.poisson(0.4, size=(3, 200, 5)).astype(float)
    shape = actual.shape
    high = {50.0: np.full(shape, 0.9), 90.0: np.full(shape, 3.0), 99.0: np.full(shape, 4.0)}
    low = dict.fromkeys(high, np.zeros(shape))
    straight = Marginals.from_bounds(np.zeros(shape), low, high, np.zeros(shape))
    pull = fit_pull(straight, actual, np.ones(shape[:2]))
    pulled = Marginals.from_bounds(np.zeros(shape), low, high, np.zeros(shape), pull)
    assert straight.mean().mean() > 1.3 * actual.mean()
    np.testing.assert_allclose(pulled.mean().mean(), actual.mean(), rtol=0.03)
    assert fit_pull(straight, np.full(shape, np.nan), np.ones(shape[:2])) == 1.0
