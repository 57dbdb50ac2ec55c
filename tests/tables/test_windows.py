from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import WindowSampler, WindowShape, window_values


def counters(lengths: list[int]) -> SeriesSet:
    """Series i holds i·1000, i·1000 + 1, …: a value tells where it comes from."""
    return SeriesSet.from_arrays(
        {str(i): 1000.0 * i + np.arange(n) for i, n in enumerate(lengths)}, Calendar.integer()
    )


def test_a_window_ends_where_it_was_asked_to_and_never_reads_a_neighbour() -> None:
    series = counters([5, 9, 3])
    shape = WindowShape(context=4, patch=2, horizon=3)
    window = window_values(series, np.array([1, 0, 2]), np.array([6, 5, 1]), shape)
    nan = np.nan
    np.testing.assert_array_equal(
        window,
        [
            [1002, 1003, 1004, 1005, 1006, 1007, 1008],
            [1, 2, 3, 4, nan, nan, nan],
            [nan, nan, nan, 2000, 2001, 2002, nan],
        ],
    )


def test_origins_end_at_the_context() -> None:
    assert WindowShape(context=12, patch=4, horizon=1).origins.tolist() == [4, 8, 12]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.integers(0, 40), min_size=1, max_size=5),
    st.integers(1, 12),
    st.integers(1, 8),
    st.integers(0, 2**31),
)
def test_every_window_has_something_behind_it_and_something_ahead(
    lengths: list[int], horizon: int, least: int, seed: int
) -> None:
    series = counters(lengths)
    sampler = WindowSampler(series, WindowShape(8, 2, horizon), least)
    expected = [i for i, n in enumerate(lengths) if n > least and n > 1]
    assert sampler.eligible.tolist() == expected
    if not expected:
        return
    indices, ends = sampler.draw(np.random.default_rng(seed), 50)
    assert (ends >= least).all()
    assert (ends < series.lengths[indices]).all()
    long = series.lengths[indices] >= least + horizon
    assert (ends + horizon <= series.lengths[indices])[long].all()


def test_every_series_is_drawn_equally_often_and_every_end_too() -> None:
    sampler = WindowSampler(counters([30, 300]), WindowShape(8, 2, 5), least=5)
    indices, ends = sampler.draw(np.random.default_rng(0), 26_000)
    # Five standard deviations of a fair coin.
    assert abs(indices.mean() - 0.5) < 5 * 0.5 / np.sqrt(26_000)
    drawn = np.bincount(ends[indices == 0])
    assert np.flatnonzero(drawn).tolist() == list(range(5, 26))
    assert drawn[5:].min() > 0.6 * drawn[5:].mean()


def test_leading_gaps_do_not_count_as_history() -> None:
    series = SeriesSet.from_arrays({"a": [np.nan] * 10 + list(range(10))}, Calendar.integer())
    sampler = WindowSampler(series, WindowShape(4, 1, 2), least=3)
    _, ends = sampler.draw(np.random.default_rng(0), 200)
    assert ends.min() == 13
    assert ends.max() == 18


def test_series_that_all_begin_later_have_windows_of_gaps() -> None:
    empty = SeriesSet.from_arrays({"a": np.arange(5.0), "b": np.arange(3.0)}, Calendar.integer())
    empty = empty.cut(-1)
    assert not len(empty.values)
    rows, ends = np.array([1, 0]), np.array([0, 0])
    values = window_values(empty, rows, ends, WindowShape(4, 2, 3))
    assert values.shape == (2, 7)
    assert np.isnan(values).all()
