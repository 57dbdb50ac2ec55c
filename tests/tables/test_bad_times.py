"""Times that make no calendar get one sentence that names the place, or are handled and said."""

from __future__ import annotations

import numpy as np
import pytest
from tests.tables.desk import DAYS, Desk, lines, said

from holdfast.errors import ArgumentError


def test_duplicated_timestamp_names_series_time_and_lines(desk: Desk) -> None:
    text = "unique_id,ds,y\na,2020-01-01,1\nb,2020-01-01,1\nb,2020-01-02,2\nb,2020-01-01,3\n"
    sentence = desk.refusal(text)
    assert "series 'b' has 2020-01-01 twice, in line 3 and line 5" in sentence
    assert "aggregate='sum'" in sentence


def test_unsorted_rows_are_sorted_and_said(desk: Desk) -> None:
    shuffled = [*DAYS[10:], *DAYS[:10]]
    table = desk.read("ds,y\n" + "".join(f"{day},{DAYS.index(day)}\n" for day in shuffled))
    np.testing.assert_array_equal(table.series.values, np.arange(30.0))
    assert "sorted" in said(table)


def test_descending_rows_are_read_without_a_word(desk: Desk) -> None:
    table = desk.read("ds,y\n" + "".join(f"{DAYS[k]},{k}\n" for k in reversed(range(30))))
    np.testing.assert_array_equal(table.series.values, np.arange(30.0))
    assert "sorted" not in said(table)


def test_times_with_and_without_an_offset_name_two_lines(desk: Desk) -> None:
    sentence = desk.refusal("ds,y\n2020-03-28T12:00Z,1\n2020-03-29T12:00,2\n")
    assert "mixes times with and without an offset" in sentence
    assert "in line 2" in sentence
    assert "in line 3" in sentence


def test_hours_with_the_offsets_of_summer_and_winter_are_moved_to_utc(desk: Desk) -> None:
    # As pandas writes Europe/Berlin: the repeated hour is two different instants.
    hours = ["00:00+02:00", "01:00+02:00", "02:00+02:00", "02:00+01:00", "03:00+01:00"]
    table = desk.read(lines([f"2020-10-25 {hour}" for hour in hours]))
    assert table.series.calendar.zone == "UTC"
    assert table.summary.frequency == "hourly (h)"
    assert table.summary.first == "2020-10-24 22:00:00+00:00"
    np.testing.assert_array_equal(table.series.values, [10.0, 11.0, 12.0, 13.0, 14.0])
    assert "several offsets from UTC (+01:00, +02:00); they were moved to UTC" in said(table)


def test_days_with_the_offsets_of_summer_and_winter_stay_days(desk: Desk) -> None:
    days = ["2020-10-23T00:00+02:00", "2020-10-24T00:00+02:00", "2020-10-25T00:00+02:00"]
    table = desk.read(lines([*days, "2020-10-26T00:00+01:00", "2020-10-27T00:00+01:00"]))
    assert table.summary.frequency == "daily (D)"
    assert (table.summary.first, table.summary.last) == ("2020-10-23", "2020-10-27")
    assert "the clock on the wall counts" in said(table)


def test_rows_at_no_common_distance_are_told_to_go_into_periods(desk: Desk) -> None:
    times = ["2020-01-01 00:07", "2020-01-01 09:31", "2020-01-01 14:02", "2020-01-02 03:45"]
    sentence = desk.refusal(lines(times))
    assert "line 2, line 3" in sentence
    assert "no distance is that of most rows" in sentence
    assert "freq='D' and aggregate='sum'" in sentence


def test_a_mostly_empty_grid_is_said_with_its_remedies(desk: Desk) -> None:
    table = desk.read(lines([DAYS[day] for day in (0, 1, 5, 9, 13, 20, 29)]))
    assert "23 of 30 grid points have no value" in said(table)
    assert "aggregate=" in said(table)


@pytest.mark.parametrize("minutes", [["00"], ["00", "30"]])
def test_daylight_saving_repeat_is_recognised(desk: Desk, minutes: list[str]) -> None:
    hours = ["00", "01", "02", "02", "03", "04", "05", "06"]
    text = lines([f"2020-10-25 {hour}:{minute}" for hour in hours for minute in minutes])
    sentence = desk.refusal(text)
    assert "2020-10-25 02:00" in sentence
    assert "daylight saving" in sentence
    assert "UTC" in sentence


def test_other_repeats_are_not_taken_for_daylight_saving(desk: Desk) -> None:
    text = lines(["2020-10-25 12:00", "2020-10-25 13:00", "2020-10-25 13:00", "2020-10-25 14:00"])
    assert "daylight" not in desk.refusal(text)


def test_unparseable_date_names_line_and_value(desk: Desk) -> None:
    text = lines([*DAYS[:5], "31 Foo", *DAYS[6:]])
    assert desk.refusal(text).startswith("sales.csv, line 7, column 'ds': '31 Foo' is not a date")


def test_a_day_that_does_not_exist_is_refused(desk: Desk) -> None:
    assert "line 3, column 'ds': '2021-02-29'" in desk.refusal(lines(["2021-02-28", "2021-02-29"]))


def test_missing_date_names_the_line(desk: Desk) -> None:
    assert "line 3, column 'ds': the date is missing" in desk.refusal(lines([DAYS[0], "", DAYS[2]]))


def test_irregular_spacing_names_series_and_two_times(desk: Desk) -> None:
    times = [*DAYS[:6], "2020-01-07 07:30", *DAYS[8:12]]
    text = "store,ds,y\n" + "".join(f"a,{day},1\n" for day in DAYS[:12])
    text += "".join(f"b,{time},1\n" for time in times)
    sentence = desk.refusal(text)
    assert "series 'b' is irregular: 2020-01-06 and 2020-01-07 07:30:00" in sentence
    assert "line 19, line 20" in sentence
    assert "freq='D' and aggregate='sum'" in sentence


def test_one_date_off_a_monthly_calendar_is_named(desk: Desk) -> None:
    months = [f"2020-{month:02d}-{'02' if month == 5 else '01'}" for month in range(1, 13)]
    assert "line 6: 2020-05-02" in desk.refusal(lines(months))


def test_series_on_different_grids_are_named(desk: Desk) -> None:
    text = "id,ds,y\na,2020-01-05,1\na,2020-01-12,1\nb,2020-01-06,1\nb,2020-01-13,2\n"
    sentence = desk.refusal(text)
    assert "series 'b' has 2020-01-06 (line 4)" in sentence
    assert "series 'a' (weekly, Sundays (W-SUN))" in sentence


def test_a_far_timestamp_does_not_fill_the_memory(desk: Desk) -> None:
    sentence = desk.refusal(lines([*DAYS[:5], "2220-01-03"]))
    assert "from 2020-01-05 to 2220-01-03 (line 6, line 7)" in sentence


@pytest.mark.parametrize("year", ["0001", "1500", "9999"])
def test_dates_that_nanoseconds_cannot_hold(desk: Desk, year: str) -> None:
    assert f"line 3, column 'ds': '{year}-12-31'" in desk.refusal(lines([DAYS[0], f"{year}-12-31"]))


def test_a_frequency_for_dates_on_integers_and_the_reverse(desk: Desk) -> None:
    with pytest.raises(ArgumentError, match="freq=1"):
        desk.read(lines(["1", "2", "3"]), freq="D")
    with pytest.raises(ArgumentError, match="freq=1 is for times that are whole numbers"):
        desk.read(lines(DAYS), freq=1)
