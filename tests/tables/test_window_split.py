"""What a network is watched on lies behind everything that it learns from."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import WATCHED_WINDOWS, WindowShape, WindowSplit

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
def test_watched_horizons_follow_each_other_from_the_end_of_the_training_part(
    sizes: list[tuple[int, int]], horizon: int
) -> None:
    seen, held_out = [size[0] for size in sizes], [size[1] for size in sizes]
    watched = split_of(seen, held_out, horizon).watched
    expected = [
        (row, end)
        for row, (first, behind) in enumerate(sizes)
        for end in range(first, first + behind, horizon)
        if end >= LEAST
    ]
    if watched is None:
        assert not expected
    else:
        assert list(zip(watched.rows, watched.ends, strict=True)) == expected


def test_of_many_watched_windows_some_are_taken_from_the_first_to_the_last() -> None:
    watched = split_of([5] * 4, [1000] * 4, 1).watched
    assert watched is not None
    places = set(zip(watched.rows.tolist(), watched.ends.tolist(), strict=True))
    assert len(places) == len(watched.rows) == WATCHED_WINDOWS
    assert (watched.rows[0], watched.ends[0]) == (0, 5)
    assert (watched.rows[-1], watched.ends[-1]) == (3, 1004)


def test_windows_to_learn_from_lie_in_the_training_part() -> None:
    split = split_of([20, 2, 30], [10, 40, 0], 4)
    drawn = split.draw(np.random.default_rng(0), 500)
    assert drawn.series is split.series
    assert set(drawn.rows.tolist()) == {0, 2}
    # A complete horizon lies behind each.
    assert (drawn.ends >= LEAST).all()
    assert (drawn.ends + 4 <= np.array([20, 2, 30])[drawn.rows]).all()
    assert (split.points, len(split)) == (52, (16 - 3 + 1) + (26 - 3 + 1))


def test_where_nothing_is_held_out_nothing_is_watched() -> None:
    split = split_of([20, 30], [0, 0], 4)
    assert split.watched is None
    assert WindowSplit(split.series, None, WindowShape(8, 2, 4), LEAST).watched is None
