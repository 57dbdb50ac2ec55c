"""Frames of every kind come in, and go out as they came."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from holdfast.errors import InputError, TableError
from holdfast.tables.calendar import Calendar
from holdfast.tables.frames import to_frame, write_csv
from holdfast.tables.read import ReadOptions, Table, read

HOURS = [datetime(2024, 10, 26) + timedelta(hours=hour) for hour in range(30)]


def continued(table: Table, steps: int = 2) -> Any:
    """The index of a forecast, as a frame of the caller's kind."""
    series = table.series
    ordinals = series.ends[:, None] + np.arange(1, steps + 1)
    columns: dict[str, np.ndarray[Any, Any]] = {
        name: np.repeat(key, steps) for name, key in series.keys.items()
    }
    columns[table.columns.time] = series.calendar.times(ordinals).reshape(-1)
    columns["holdfast"] = np.ones(ordinals.size)
    return to_frame(columns, table.backend, series.calendar)


def data(zone: str | None = None) -> pa.Table:
    times = pa.array(HOURS * 2, pa.timestamp("us", tz=zone))
    ids = pa.array([7] * 30 + [3] * 30, pa.int64())
    return pa.table({"unique_id": ids, "ds": times, "y": np.arange(60.0)})


@pytest.mark.parametrize("zone", [None, "Europe/Berlin"])
@pytest.mark.parametrize("library", ["pandas", "polars", "pyarrow"])
def test_integer_ids_times_and_zones_come_back_as_they_were(library: str, zone: str | None) -> None:
    arrow = data(zone)
    kinds = {"pandas": arrow.to_pandas, "polars": lambda: pl.from_arrow(arrow)}
    frame = kinds.get(library, lambda: arrow)()
    table = read(frame)
    assert table.series.labels == ("7", "3")
    back = continued(table)
    assert type(back) is type(frame)
    as_arrow = back if library == "pyarrow" else pa.Table.from_pandas(pd.DataFrame(back.to_dict())
        ) if library == "pandas" else back.to_arrow()  # fmt: skip
    assert as_arrow.column("unique_id").to_pylist() == [7, 7, 3, 3]
    if library == "pandas":
        assert back["ds"].dtype == frame["ds"].dtype
        assert back["unique_id"].dtype == frame["unique_id"].dtype
    else:
        assert as_arrow.column("ds").type == arrow.column("ds").type
    expected = pa.array([HOURS[-1] + timedelta(hours=1)], pa.timestamp("us", tz=zone))
    assert as_arrow.column("ds").cast(pa.timestamp("us", tz=zone))[0] == expected[0]


def test_days_in_a_zone_come_back_as_its_midnights() -> None:
    days = pl.datetime_range(
        datetime(2024, 10, 21), datetime(2024, 10, 27), "1d", time_zone="Europe/Berlin", eager=True
    )
    frame = pl.DataFrame({"ds": days, "y": range(7)})
    table = read(frame)
    assert table.series.calendar.code == "D"
    expected = days.dt.offset_by("7d")[:2]
    assert continued(table)["ds"].to_list() == expected.to_list()


def test_a_slice_of_a_frame_is_read_from_where_it_begins() -> None:
    flags = pa.array([True, None, False] * 6)
    values = pa.array([None if k % 5 == 0 else float(k) for k in range(18)])
    table = pa.table({"ds": pa.array(range(18)), "y": values, "flag": flags})
    part = table.slice(3, 11)
    np.testing.assert_array_equal(
        read(part, ReadOptions(target_col="y")).series.values,
        [3, 4, np.nan, 6, 7, 8, 9, np.nan, 11, 12, 13],
    )
    np.testing.assert_array_equal(
        read(part, ReadOptions(time_col="ds", target_col="flag")).series.values,
        [1, np.nan, 0, 1, np.nan, 0, 1, np.nan, 0, 1, np.nan],
    )


def test_polars_dates_stay_dates_and_lazy_frames_are_read() -> None:
    days = [date(2024, 1, 29) + timedelta(days=k) for k in range(8)]
    table = read(pl.LazyFrame({"unique_id": ["a"] * 8, "ds": days, "y": range(8)}))
    assert continued(table)["ds"].to_list() == [date(2024, 2, 6), date(2024, 2, 7)]


def test_text_dates_become_timestamps_and_integers_stay_integers() -> None:
    texts = pd.DataFrame({"ds": ["2024-01-01", "2024-01-02"], "y": [1, 2]})
    assert continued(read(texts))["ds"].dtype.kind == "M"
    counters = pd.DataFrame({"ds": [5, 6, 7], "y": [1, 2, 3]})
    assert continued(read(counters))["ds"].tolist() == [8, 9]


def test_a_series_with_dates_as_index() -> None:
    index = pd.date_range("2020-01-31", periods=14, freq="ME")
    table = read(pd.Series(np.arange(14.0), index=index, name="sales"))
    assert (table.columns.time, table.columns.target) == ("ds", "sales")
    assert table.series.calendar.code == "ME"
    assert read(pd.Series(np.arange(3.0), index=index[:3])).columns.target == "y"


def test_a_series_with_periods_as_index() -> None:
    index = pd.period_range("2020-01", periods=6, freq="M", name="month")
    table = read(pd.Series(np.arange(6.0), index=index))
    assert (table.columns.time, table.series.calendar.code) == ("month", "MS")


def test_a_frame_with_dates_or_levels_as_index() -> None:
    frame = data().to_pandas()
    both = read(frame.set_index(["unique_id", "ds"]))
    assert both.series.labels == ("7", "3")
    one = frame[frame["unique_id"] == 7].drop(columns="unique_id").set_index("ds")
    assert read(one).series.values.tolist() == list(range(30))
    wide = frame.pivot(index="ds", columns="unique_id", values="y")
    assert read(wide, ReadOptions(wide=True)).series.labels == ("3", "7")


def test_a_plain_index_is_left_out_even_after_filtering() -> None:
    frame = data().to_pandas()
    table = read(frame[frame["unique_id"] == 3])
    assert table.series.values.tolist() == list(range(30, 60))


@pytest.mark.parametrize("kind", [list, tuple, np.array, pl.Series, pd.Series])
def test_bare_numbers_are_one_series_in_order(kind: Any) -> None:
    table = read(kind([5.0, 6.0, 7.0]))
    assert table.series.values.tolist() == [5.0, 6.0, 7.0]
    assert table.summary.frequency == "whole numbers, step 1 (freq=1)"


def test_a_mapping_of_columns_is_a_table() -> None:
    hours = np.array(HOURS, dtype="datetime64[ns]")
    table = read({"station": np.array(["a"] * 30, dtype=object), "time": hours, "hires": range(30)})
    assert (table.columns.id, table.series.calendar.code) == (("station",), "h")


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(TableError, match="int is not a table"):
        read(5)
    with pytest.raises(TableError, match="'ds', 'y' do not make a table"):
        read({"ds": [1, 2], "y": [1, 2, 3]})
    with pytest.raises(TableError, match="not a number"):
        read(["a", "b"])
    with pytest.raises(TableError, match="shape"):
        read(np.ones((2, 2)))
    with pytest.raises(TableError, match="no rows"):
        read(pd.DataFrame({"ds": [], "y": []}))
    with pytest.raises(TableError, match="one kind of values"):
        read(pd.DataFrame({"unique_id": ["a", 1], "ds": [1, 2], "y": [1, 2]}, dtype=object))


def test_a_wrong_value_in_a_frame_is_named_by_its_row() -> None:
    frame = pd.DataFrame({"ds": [1, 2, 3], "y": [1.0, np.inf, 2.0]})
    with pytest.raises(TableError, match=r"the table, row 1 \(counting from 0\), column 'y'"):
        read(frame)


def test_csv_files_hold_plain_dates_and_replace_their_forerunner(tmp_path: Path) -> None:
    path = tmp_path / "forecast.csv"
    path.write_text("old")
    calendar = Calendar.parse("MS")
    times = calendar.times(np.array([600, 601]))
    ids = np.array(['my "shop"', "b,c"], dtype=object)
    write_csv(path, {"unique_id": ids, "ds": times, "holdfast": np.array([1.5, np.nan])}, calendar)
    assert path.read_text().splitlines() == [
        "unique_id,ds,holdfast",
        '"my ""shop""",2020-01-01,1.5',
        '"b,c",2020-02-01,',
    ]
    assert [found.name for found in tmp_path.iterdir()] == ["forecast.csv"]
    assert read(path, ReadOptions(target_col="holdfast")).series.calendar.code == "D"


def test_a_csv_that_cannot_be_written_is_an_input_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="Cannot write"):
        write_csv(tmp_path / "file" / "forecast.csv", {"y": np.ones(1)})
