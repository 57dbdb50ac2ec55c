"""New rows find their place in series that are known, or are refused with their line."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from holdfast.errors import TableError
from holdfast.tables.calendar import Calendar
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.read import ReadOptions, read
from holdfast.tables.series import SeriesSet
from holdfast.tables.update import Appended, append, read_new_rows

NAMES = ColumnNames(("unique_id",), "ds", "y")
NAN = float("nan")


def known() -> SeriesSet:
    return SeriesSet.from_arrays({"a": [1.0, NAN, 3.0], "b": [5.0, 6.0]}, Calendar.integer())


def added(rows: object, series: SeriesSet | None = None, *, correct: bool = False) -> Appended:
    series = series or known()
    return append(series, read_new_rows(rows, NAMES, series.calendar), correct=correct)


def rows(*cells: tuple[str, int, float]) -> dict[str, list[object]]:
    ids, times, values = zip(*cells, strict=True)
    return {"unique_id": list(ids), "ds": list(times), "y": list(values)}


def values_of(made: Appended) -> dict[str, list[float]]:
    return {label: made.series.one(i).tolist() for i, label in enumerate(made.series.labels)}


def test_rows_behind_in_gaps_before_and_of_new_series_find_their_places() -> None:
    made = added(rows(("b", 3, 8.0), ("c", 7, 1.5), ("a", 1, 2.0), ("a", 0, 1.0), ("b", -1, 4.0)))
    np.testing.assert_array_equal(made.series.one(0), [1.0, 2.0, 3.0])
    np.testing.assert_array_equal(made.series.one(1), [4.0, 5.0, 6.0, NAN, 8.0])
    np.testing.assert_array_equal(made.series.one(2), [1.5])
    assert made.series.starts.tolist() == [0, -1, 7]
    assert made.series.keys["unique_id"].tolist() == ["a", "b", "c"]
    assert (made.behind, made.filled, made.repeated, made.created) == (2, 2, 1, 1)
    assert made.words == "2 values added, 2 gaps filled, 1 row known already, 1 new series."


def test_what_was_known_stays_as_it_was() -> None:
    before = known()
    values = before.values.copy()
    added(rows(("a", 3, 9.0), ("a", 1, 2.0)), before)
    np.testing.assert_array_equal(before.values, values)


def test_a_table_cut_anywhere_and_put_together_again_is_the_whole_table() -> None:
    random = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(["x", "y", "z"], 50),
            "ds": np.tile(pd.date_range("2024-01-01", periods=50, freq="D"), 3),
            "y": np.where(random.random(150) < 0.2, NAN, random.normal(size=150)),
        }
    )
    frame.loc[[0, 50, 100], "y"] = 1.0
    whole = read(frame, ReadOptions(season=7)).series
    for _ in range(20):
        first = random.random(150) < 0.5
        first[[0, 50, 100]] = True
        start = read(frame[first], ReadOptions(freq="D", season=7)).series
        made = append(start, read_new_rows(frame[~first], NAMES, start.calendar)).series
        assert made.labels == whole.labels
        np.testing.assert_array_equal(made.starts, whole.starts)
        np.testing.assert_array_equal(made.offsets, whole.offsets)
        np.testing.assert_array_equal(made.values, whole.values)


def test_another_value_is_refused_unless_it_is_a_correction() -> None:
    with pytest.raises(TableError, match=r"row 1 .*series 'b' has 6 at 1, and the row says 7; "):
        added(rows(("a", 3, 4.0), ("b", 1, 7.0)))
    made = added(rows(("a", 3, 4.0), ("b", 1, 7.0)), correct=True)
    assert made.corrected == 1
    assert made.series.one(1).tolist() == [5.0, 7.0]


def test_a_row_without_a_value_is_a_gap_behind_the_end_and_nothing_elsewhere() -> None:
    made = added(rows(("a", 4, NAN), ("b", 0, NAN)))
    np.testing.assert_array_equal(made.series.one(0), [1.0, NAN, 3.0, NAN, NAN])
    assert made.series.one(1).tolist() == [5.0, 6.0]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("unique_id,ds,y\na,3,4\na,3,4\n", r"'a' has 3 twice, in line 2 and line 3"),
        ("unique_id,ds,y\na,3,4\na,four,5\n", r"line 3, column 'ds': 'four' is"),
        ("unique_id,ds,y\na,3,4\na,4,much\n", r"line 3, column 'y': 'much'"),
        ("unique_id,ds,y\na,3,4\n,4,5\n", r"line 3, column 'unique_id'"),
        ("unique_id,ds,y\na,3,4\na,4,5,6\n", r"line 3: 4 values"),
        ("unique_id,ds,y\na,3,4\nc,4,\n", r"line 3: series 'c' is new and has no value"),
        ("unique_id,ds,y\na,3,4\na,900000,5\n", r"line 3: 900000 of series 'a' is too far"),
        ("unique_id,ds,y\nc,3,4\nc,900000,5\n", r"line 3: 900000 of series 'c' is too far"),
        ("ds,y\n3,4\n", r"tells series apart by no column, the model by unique_id"),
        ("unique_id,ds,y\na,2024-01-03,4\n", r"the times are dates, but the model"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "new.csv"
    path.write_text(text)
    with pytest.raises(TableError, match=said):
        added(path)


def test_a_time_off_the_calendar_is_named() -> None:
    monthly = read({"ds": ["2024-01-01", "2024-02-01", "2024-03-01"], "y": [1.0, 2.0, 3.0]}).series
    with pytest.raises(TableError, match=r"2024-04-02 of series .* does not lie on the model's"):
        added({"ds": ["2024-04-02"], "y": [4.0]}, monthly)
    with pytest.raises(TableError, match="time zone UTC, those of the model none"):
        added({"ds": ["2024-04-01 00:00:00+00:00"], "y": [4.0]}, monthly)


def test_a_series_without_a_name_is_the_only_one_of_the_model() -> None:
    one = read({"ds": [1, 2, 3], "sales": [1.0, 2.0, 3.0]}).series
    assert values_of(added({"ds": [4], "y": [4.0]}, one)) == {"sales": [1.0, 2.0, 3.0, 4.0]}
    assert added({"unique_id": ["b"], "ds": [4], "y": [4.0]}, one).created == 1


def test_a_series_with_rows_in_the_last_unfinished_period_only_is_not_there_yet() -> None:
    weeks = pd.date_range("2024-01-01", periods=4, freq="W-MON")
    series = read(pd.DataFrame({"unique_id": "a", "ds": weeks, "y": 1.0})).series
    days = pd.date_range("2024-01-29", periods=9)  # a Monday, a week, and a day
    frame = pd.DataFrame({"unique_id": [*"aaaaaaaab"], "ds": days, "y": 2.0})
    new = read_new_rows(frame, NAMES, series.calendar, ReadOptions(aggregate="sum"))
    made = append(series, new)
    assert values_of(made) == {"a": [1.0, 1.0, 1.0, 1.0, 2.0, 14.0]}
    assert "not over in the data" in " ".join(made.messages)
