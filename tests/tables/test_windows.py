"""Windows hold what lies before them; validation lies behind everything that is learnt from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import VALIDATION_WINDOWS, WindowShape, WindowSplit, window_values


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
    split = WindowSplit(series, None, WindowShape(8, 2, horizon), least)
    expected = [i for i, n in enumerate(lengths) if n > least and n > 1]
    assert split.eligible.tolist() == expected
    if not expected:
        return
    drawn = split.draw(np.random.default_rng(seed), 50)
    indices, ends = drawn.rows, drawn.ends
    assert (ends >= least).all()
    assert (ends < series.lengths[indices]).all()
    long = series.lengths[indices] >= least + horizon
    assert (ends + horizon <= series.lengths[indices])[long].all()


def test_every_series_is_drawn_equally_often_and_every_end_too() -> None:
    split = WindowSplit(counters([30, 300]), None, WindowShape(8, 2, 5), least=5)
    windows = split.draw(np.random.default_rng(0), 26_000)
    indices, ends = windows.rows, windows.ends
    # Five standard deviations of a fair coin.
    assert abs(indices.mean() - 0.5) < 5 * 0.5 / np.sqrt(26_000)
    drawn = np.bincount(ends[indices == 0])
    assert np.flatnonzero(drawn).tolist() == list(range(5, 26))
    assert drawn[5:].min() > 0.6 * drawn[5:].mean()


def test_leading_gaps_do_not_count_as_history() -> None:
    series = SeriesSet.from_arrays({"a": [np.nan] * 10 + list(range(10))}, Calendar.integer())
    split = WindowSplit(series, None, WindowShape(4, 1, 2), least=3)
    ends = split.draw(np.random.default_rng(0), 200).ends
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


LEAST = 3


def split_of(seen: list[int], held_out: list[int], horizon: int) -> WindowSplit:
    """Of series with so many points to learn from and so many behind them."""
    lengths = np.array(seen) + np.array(held_out)
    rows = {str(i): np.arange(float(length)) for i, length in enumerate(lengths)}
    whole = SeriesSet.from_arrays(rows, Calendar.integer())
    training = whole.cut(np.array(seen) - 1)
    return WindowSplit(training, whole, WindowShape(8, 2, horizon), LEAST)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 20)), min_size=1, max_size=5),
    st.integers(1, 7),
)
def test_validation_horizons_follow_each_other_from_the_end_of_the_training_part(
    sizes: list[tuple[int, int]], horizon: int
) -> None:
    seen, held_out = [size[0] for size in sizes], [size[1] for size in sizes]
    validation = split_of(seen, held_out, horizon).validation
    expected = [
        (row, end)
        for row, (first, behind) in enumerate(sizes)
        for end in range(first, first + behind, horizon)
        if end >= LEAST
    ]
    if validation is None:
        assert not expected
    else:
        assert list(zip(validation.rows, validation.ends, strict=True)) == expected


def test_of_many_validation_windows_some_are_taken_from_the_first_to_the_last() -> None:
    validation = split_of([5] * 4, [1000] * 4, 1).validation
    assert validation is not None
    places = set(zip(validation.rows.tolist(), validation.ends.tolist(), strict=True))
    assert len(places) == len(validation.rows) == VALIDATION_WINDOWS
    assert (validation.rows[0], validation.ends[0]) == (0, 5)
    assert (validation.rows[-1], validation.ends[-1]) == (3, 1004)


def test_windows_to_learn_from_lie_in_the_training_part() -> None:
    split = split_of([20, 2, 30], [10, 40, 0], 4)
    drawn = split.draw(np.random.default_rng(0), 500)
    assert drawn.series is split.series
    assert set(drawn.rows.tolist()) == {0, 2}
    # A complete horizon lies behind each.
    assert (drawn.ends >= LEAST).all()
    assert (drawn.ends + 4 <= np.array([20, 2, 30])[drawn.rows]).all()
    assert (split.points, len(split)) == (52, (16 - 3 + 1) + (26 - 3 + 1))


def test_where_nothing_is_held_out_nothing_is_validation() -> None:
    split = split_of([20, 30], [0, 0], 4)
    assert split.validation is None
    assert WindowSplit(split.series, None, WindowShape(8, 2, 4), LEAST).validation is None
