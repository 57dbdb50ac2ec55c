"""Lines of a stream say what a file says; what only a column could show is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from tests.tables.desk import Desk

from holdfast.errors import TableError
from holdfast.tables.calendar import Calendar
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.series import SeriesSet
from holdfast.tables.stream import RowLines

NAMES = ColumnNames(("unique_id",), "ds", "y")
HOURS = replace(Calendar.parse("h"), zone="Europe/Berlin")


def reader(calendar: Calendar) -> RowLines:
    return RowLines(SeriesSet.from_arrays({"a": [1.0], "b": [2.0]}, calendar), NAMES)


@pytest.mark.parametrize(
    ("times", "freq"),
    [
        (["2024-01-31", "2024-02-01", "2024-02-02"], "D"),
        (["31.01.2024", "01.02.2024", "02.02.2024"], "D"),
        (["20240131", "20240201", "20240202"], "D"),
        (["2024-01", "2024-02", "2024-03"], "MS"),
        (["Jan 2024", "Feb 2024", "Mar 2024"], "MS"),
        (["2024", "2025", "2026"], "YS"),
        (["2024-01-31 22:00", "2024-01-31 23:00:00", "2024-02-01T00:00"], "h"),
        (["2024-01-31T22:00:00Z", "2024-01-31T23:00:00Z", "2024-02-01T00:00:00Z"], "h"),
        (["7", "+8", "9"], 1),
    ],
)
def test_a_stream_and_a_file_say_the_same(desk: Desk, times: list[str], freq: str | int) -> None:
    pairs = zip(times, ("1e3", "-.5", "NA"), strict=True)
    lines = ["unique_id,ds,y", *(f"a,{time},{value}" for time, value in pairs)]
    table = desk.read("\n".join(lines) + "\n", freq=freq)
    series = table.series
    rows = reader(series.calendar).read(lines)
    assert rows.complaints == ()
    assert rows.ordinals.tolist() == list(range(int(series.starts[0]), int(series.ends[0]) + 1))
    np.testing.assert_array_equal(rows.values, series.values)


def test_another_delimiter_is_told_from_the_header() -> None:
    rows = reader(Calendar.parse("D")).read(["y;ds;unique_id", '2.5;2024-01-31;"b"'])
    assert (rows.places.tolist(), rows.values.tolist()) == ([1], [2.5])


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("a,01/02/2024,1", "'01/02/2024' is not a date"),
        ("a,13/02/2024,1", "'13/02/2024' is not a date"),
        ('a,2024-01-31,"1,234"', "'1,234' is not a number"),
        ('a,2024-01-31,"1,5"', "'1,5' is not a number"),
        ("a,2024-01-31,inf", "inf is infinite"),
        ("a,,1", "the date is missing"),
        ("a,2024-02-30,1", "'2024-02-30' is not a date"),
        ("a,2024-01-31 10:00,1", "does not lie on the model's calendar"),
        ("a,2024-01-31T00:00Z,1", "has an offset, and the model's times have none"),
    ],
)
def test_what_only_a_column_could_show_is_refused_line_by_line(line: str, says: str) -> None:
    sound = [f"b,2024-01-{day},{day}" for day in range(10, 25)]
    rows = reader(Calendar.parse("D")).read(["unique_id,ds,y", *sound[:7], line, *sound[7:]])
    assert len(rows.values) == len(sound)
    (complaint,) = rows.complaints
    assert complaint.startswith("line 9: ")
    assert says in complaint


def test_times_without_an_offset_do_not_meet_a_calendar_in_utc() -> None:
    rows = reader(HOURS).read(["a,2024-01-31 10:00,1", "a,2024-01-31T10:00+01:00,2"])
    assert rows.values.tolist() == [2.0]
    assert "has no offset" in rows.complaints[0]


def test_a_file_that_mixes_time_zones_is_refused(desk: Desk) -> None:
    mixed = "ds,y\n2024-01-31T10:00,1\n2024-01-31T11:00+01:00,2\n"
    with pytest.raises(TableError, match="mixes times with and without an offset"):
        desk.read(mixed)
