from __future__ import annotations

import numpy as np

from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet


def three() -> SeriesSet:
    series = SeriesSet.from_arrays(
        {"a": [1, 2, 3, 4], "b": [5, 6], "c": [7, 8, 9]}, Calendar.integer()
    )
    return SeriesSet(
        labels=series.labels,
        keys=series.keys,
        starts=np.array([0, 3, 1]),
        offsets=series.offsets,
        values=series.values,
        calendar=series.calendar,
    )


def test_a_cut_leaves_nothing_after_it_and_keeps_the_places() -> None:
    cut = three().cut(2)
    assert cut.labels == ("a", "b", "c")
    assert [cut.one(i).tolist() for i in range(3)] == [[1, 2, 3], [], [7, 8]]
    assert cut.ends.tolist() == [2, 2, 2]
    each = three().cut(np.array([0, 4, 9]))
    assert [each.one(i).tolist() for i in range(3)] == [[1], [5, 6], [7, 8, 9]]


def test_a_span_lines_series_up_by_time() -> None:
    nan = np.nan
    np.testing.assert_array_equal(three().span(2, 3), [[3, 4, nan], [nan, 5, 6], [8, 9, nan]])
    np.testing.assert_array_equal(three().last(3), [[2, 3, 4], [nan, 5, 6], [7, 8, 9]])


def test_taking_series_takes_all_of_them() -> None:
    taken = three().take(np.array([2, 0]))
    assert taken.labels == ("c", "a")
    assert taken.keys["unique_id"].tolist() == ["c", "a"]
    assert [taken.one(i).tolist() for i in range(2)] == [[7, 8, 9], [1, 2, 3, 4]]
    assert taken.starts.tolist() == [1, 0]


def test_no_series_at_all_is_a_set_too() -> None:
    empty = three().take(np.array([], dtype=np.int64))
    assert len(empty) == 0
    assert empty.span(0, 2).shape == (0, 2)
