from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import logarithms, positive, trailing_scale

WIDTH = 24
windows = arrays(
    np.float64,
    (2, WIDTH),
    elements=st.one_of(st.floats(-1e6, 1e6), st.just(np.nan)),
)


@settings(max_examples=60, deadline=None)
@given(windows, st.integers(1, WIDTH), st.integers(1, WIDTH), st.floats(-1e9, 1e9))
def test_nothing_at_or_after_an_origin_moves_its_scale(
    values: np.ndarray, origin: int, span: int, other: float
) -> None:
    changed = values.copy()
    changed[:, origin:] = other
    before = trailing_scale(values, np.array([origin]), span)
    after = trailing_scale(changed, np.array([origin]), span)
    np.testing.assert_array_equal(before.level, after.level)
    np.testing.assert_array_equal(before.spread, after.spread)


@settings(max_examples=60, deadline=None)
@given(windows, st.integers(1, WIDTH), st.integers(1, WIDTH))
def test_the_scale_is_mean_and_deviation_of_the_recent_past(
    values: np.ndarray, origin: int, span: int
) -> None:
    scale = trailing_scale(values, np.array([origin]), span)
    for row in range(2):
        recent = values[row, max(origin - span, 0) : origin]
        recent = recent[~np.isnan(recent)]
        if not len(recent):
            recent = values[row, :origin][~np.isnan(values[row, :origin])]
        if not len(recent):
            assert (scale.level[row, 0], scale.spread[row, 0]) == (0.0, 1.0)
            continue
        # Running sums over the window round off against its largest value.
        largest = np.nanmax(np.abs(values[row, :origin])) + 1e-300
        assert abs(scale.level[row, 0] - recent.mean()) <= 1e-12 * largest * WIDTH
        expected = recent.std()
        if expected > 1e-5 * largest:
            assert abs(scale.spread[row, 0] / expected - 1.0) < 1e-4


def test_constants_and_emptiness_stay_finite() -> None:
    values = np.array([[7.0] * 8, [0.0] * 8, [np.nan] * 8, [1e30] * 8])
    scale = trailing_scale(values, np.array([4, 8]), span=4)
    assert np.isfinite(scale.level).all()
    assert (scale.spread > 0).all()
    np.testing.assert_allclose(scale.level[:, 1], [7.0, 0.0, 0.0, 1e30])


def test_a_large_level_costs_no_digits() -> None:
    walk = np.random.default_rng(0).normal(size=(1, 64)).cumsum(axis=1)
    low = trailing_scale(walk, np.array([64]), 32)
    high = trailing_scale(walk + 1e9, np.array([64]), 32)
    # 1e9 leaves steps of 1.2e-7 between the values of a walk whose spread is about 3.
    np.testing.assert_allclose(high.spread, low.spread, rtol=1e-6)
    np.testing.assert_allclose(high.level - 1e9, low.level, atol=1e-6)


def test_logarithms_are_for_series_that_stay_clear_of_zero() -> None:
    series = SeriesSet.from_arrays(
        {
            "ratio": [1.0, np.nan, 100.0],
            "zero": [0.0, 1.0, 2.0],
            "negative": [-1.0, 3.0, 3.0],
            "nearly zero": [1e-5, 1.0, 1.0],
            "empty": [],
            "gaps": [np.nan, np.nan],
        },
        Calendar.integer(),
    )
    where = positive(series)
    assert where.tolist() == [True, False, False, False, False, False]
    inner = logarithms(series, where)
    np.testing.assert_allclose(np.exp(inner.one(0)), series.one(0))
    for index in range(1, 6):
        np.testing.assert_array_equal(inner.one(index), series.one(index))


def test_an_outlier_long_ago_does_not_touch_the_recent_spread() -> None:
    values = np.random.default_rng(0).normal(size=(1, 64))
    expected = values[:, -16:].std()
    values[0, 0] = 1e12
    scale = trailing_scale(values, np.array([64]), 16)
    np.testing.assert_allclose(scale.spread, expected, rtol=1e-12)
