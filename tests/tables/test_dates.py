"""Dates as people write them."""

from __future__ import annotations

from datetime import date, datetime, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import TableError
from holdfast.tables.dates import Stamps, looks_like_dates, read_stamps
from holdfast.tables.raw import RawTable


def stamps(*values: object, day_first: bool | None = None) -> Stamps:
    table = RawTable("sales.csv", {"when": pa.array(values)}, lambda row: f"line {row + 2}")
    return read_stamps(table, "when", day_first=day_first)


def moments(*values: object, day_first: bool | None = None) -> list[str]:
    read = stamps(*values, day_first=day_first)
    assert not read.counter
    texts = np.datetime_as_string(read.values.astype("datetime64[ns]"), unit="s")
    return [text.removesuffix("T00:00:00") for text in texts.tolist()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2020-02-29", "2020-02-29"),
        ("2020/2/9", "2020-02-09"),
        ("2020-02-29 13:05", "2020-02-29T13:05:00"),
        ("2020-02-29T13:05:59.999", "2020-02-29T13:05:59"),
        ("2020-02-29 24:00", "2020-03-01"),
        ("2020-02", "2020-02-01"),
        ("02/2020", "2020-02-01"),
        ("20200229", "2020-02-29"),
        ("20200229T1305", "2020-02-29T13:05:00"),
        ("29.02.2020", "2020-02-29"),
        ("9.2.2020 6:30", "2020-02-09T06:30:00"),
        ("29/02/2020", "2020-02-29"),
        ("02/29/2020", "2020-02-29"),
        ("2/29/2020 12:05 AM", "2020-02-29T00:05:00"),
        ("2/29/2020 12:05:10 p.m.", "2020-02-29T12:05:10"),
        ("12/31/99", "1999-12-31"),
        ("Feb 2020", "2020-02-01"),
        ("february 2020", "2020-02-01"),
        ("2020 Feb", "2020-02-01"),
        ("Feb-20", "2020-02-01"),
        ("29 February 2020", "2020-02-29"),
        ("29-Feb-2020", "2020-02-29"),
        ("29-Feb-20", "2020-02-29"),
        ("Sept 3, 2020", "2020-09-03"),
        ("Sat, 29 Feb 2020 10:00:00", "2020-02-29T10:00:00"),
        ("2020Q2", "2020-04-01"),
        ("2020-Q2", "2020-04-01"),
        ("Q2 2020", "2020-04-01"),
        ("2020-W01", "2019-12-30"),
        ("2020W53", "2020-12-28"),
        ("2021-W01-3", "2021-01-06"),
    ],
)
def test_one_date_in_many_writings(text: str, expected: str) -> None:
    assert moments(text, text) == [expected] * 2


@settings(max_examples=60, deadline=None)
@given(st.lists(st.datetimes(datetime(1700, 1, 1), datetime(2250, 1, 1)), min_size=1, max_size=8))
def test_iso_texts_are_read_as_datetime_reads_them(expected: list[datetime]) -> None:
    found = stamps(*[moment.isoformat() for moment in expected])
    theirs = np.array(expected, dtype="datetime64[us]").astype("datetime64[ns]").astype(np.int64)
    np.testing.assert_array_equal(found.values, theirs)


@settings(max_examples=60, deadline=None)
@given(st.dates(date(1700, 1, 1), date(2250, 1, 1)))
def test_iso_weeks_are_read_as_datetime_reads_them(day: date) -> None:
    year, week, weekday = day.isocalendar()
    assert moments(f"{year}-W{week:02d}-{weekday}") == [day.isoformat()]


def test_day_first_is_proved_by_any_row_of_the_column() -> None:
    assert moments("01/02/2020", "13/02/2020") == ["2020-02-01", "2020-02-13"]
    assert moments("01/02/2020", "02/13/2020") == ["2020-01-02", "2020-02-13"]


def test_ambiguous_days_are_refused_with_the_arguments() -> None:
    with pytest.raises(TableError, match=r"line 3, .*'01/02/2020' is ambiguous.*day_first=True"):
        stamps("01/01/2020", "01/02/2020", "01/03/2020")
    assert moments("01/02/2020", "02/02/2020", day_first=True) == ["2020-02-01", "2020-02-02"]
    assert moments("01/02/2020", "02/02/2020", day_first=False) == ["2020-01-02", "2020-02-02"]


def test_both_orders_in_one_column_are_refused() -> None:
    with pytest.raises(TableError, match=r"line 3, .*'02/14/2020' is in month-first order"):
        stamps("13/02/2020", "02/14/2020")


def test_points_mean_day_first() -> None:
    assert moments("01.02.2020", "02.02.2020") == ["2020-02-01", "2020-02-02"]


def test_whole_numbers_are_counters_unless_all_are_dates() -> None:
    assert stamps("1871", "1872").counter
    assert stamps(1, 2, 3).values.tolist() == [1, 2, 3]
    assert stamps("1.0", "2.0").values.tolist() == [1, 2]
    assert moments(20200131, 20200201) == ["2020-01-31", "2020-02-01"]
    assert moments("202001", "202012") == ["2020-01-01", "2020-12-01"]
    assert stamps("202001", "202013").counter


def test_a_number_that_is_not_whole_is_no_time() -> None:
    with pytest.raises(TableError, match=r"line 3, .*'1\.5' is neither a date nor a whole number"):
        stamps(1.0, 1.5)
    with pytest.raises(TableError, match=r"line 4, .*'x' is not a whole number like the others"):
        stamps("1", "2", "x")


def test_one_offset_is_kept_and_instants_are_utc() -> None:
    read = stamps("2020-01-31T10:00:00+02:00", "2020-01-31T11:00:00+02:00")
    assert read.zone == "+02:00"
    assert read.values.astype("datetime64[ns]")[0] == np.datetime64("2020-01-31T08:00")
    assert stamps("2020-01-31T10:00Z").zone == "UTC"


def test_typed_columns_keep_their_zone() -> None:
    moment = datetime(2020, 1, 31, 10, tzinfo=timezone.utc)
    column = pa.array([moment], pa.timestamp("us", tz="Europe/Berlin"))
    read = read_stamps(RawTable("t", {"when": column}), "when")
    assert (read.zone, read.values[0]) == ("Europe/Berlin", int(moment.timestamp()) * 10**9)
    assert moments(date(2020, 1, 31)) == ["2020-01-31"]


def test_a_date_no_clock_shows_is_refused() -> None:
    with pytest.raises(TableError, match="not a time of day"):
        stamps("2020-01-01 25:00")
    with pytest.raises(TableError, match=r"'2021-W53' is not a date"):
        stamps("2021-W53")


@pytest.mark.parametrize(
    "texts", [["1234.5", "1120.12"], ["1.2345", "12.2020"], ["20200101"], ["3"], ["", ""]]
)
def test_numbers_are_not_taken_for_dates(texts: list[str]) -> None:
    assert not looks_like_dates(pa.array(texts))
