"""The grid of timestamps: every ordinal comes back, and pandas agrees."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import ArgumentError, TableError
from holdfast.tables.calendar import Calendar

PANDAS = (
    "D", "2D", "h", "2h", "min", "15min", "30min", "s", "W-SUN", "W-MON", "W-SAT", "2W-FRI", "B",
    "MS", "ME", "2MS", "3ME", "BMS", "BME", "QS", "QE", "QS-FEB", "QE-NOV", "BQE", "YS", "YE",
    "YS-APR", "YE-JUN", "2YS", "2QE",
)  # fmt: skip
OURS = (*PANDAS, "M@15", "M@30", "1", "7", "ms", "us")


@pytest.mark.parametrize("code", PANDAS)
def test_times_are_those_of_pandas_date_range(code: str) -> None:
    theirs = pd.date_range("1999-11-03", periods=60, freq=code).as_unit("ns").to_numpy()
    calendar = Calendar.parse(code).through(theirs[0])
    start = int(calendar.ordinals(theirs[:1])[0])
    np.testing.assert_array_equal(calendar.times(start + np.arange(60)), theirs)


@settings(max_examples=150, deadline=None)
@given(
    code=st.sampled_from(OURS),
    ordinals=st.lists(st.integers(-140, 140), min_size=1, max_size=20),
)
def test_ordinals_come_back_from_their_times(code: str, ordinals: list[int]) -> None:
    calendar = Calendar.parse(code)
    np.testing.assert_array_equal(calendar.ordinals(calendar.times(ordinals)), ordinals)
    assert Calendar.from_json(calendar.to_json()) == calendar


@pytest.mark.parametrize("code", OURS)
def test_written_codes_read_back_as_the_same_grid(code: str) -> None:
    calendar = Calendar.parse(code)
    again = Calendar.parse(calendar.code).through(calendar.times(np.array(3)))
    assert again == calendar


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("M", "ME"), ("Q", "QE"), ("A", "YE"), ("Y", "YE"), ("H", "h"), ("T", "min"), ("1mo", "MS"),
        ("1q", "QS"), ("1y", "YS"), ("1w", "W-SUN"), ("1d", "D"), ("1h", "h"), ("W", "W-SUN"),
        ("15T", "15min"), ("AS", "YS"), ("monthly", "MS"),
    ],
)  # fmt: skip
def test_older_and_polars_spellings_mean_the_same(old: str, new: str) -> None:
    assert Calendar.parse(old) == Calendar.parse(new)


@pytest.mark.parametrize("code", ["", "fortnight", "W-MAY", "M-MON", "0D", "D@3", "-1h", "M@40"])
def test_unknown_codes_are_refused_with_the_known_ones(code: str) -> None:
    with pytest.raises(ArgumentError, match=r"is not a frequency; give one of .*MS.*1mo"):
        Calendar.parse(code)


def test_integer_steps_below_one_are_refused() -> None:
    with pytest.raises(ArgumentError, match="freq=0"):
        Calendar.integer(0)


@pytest.mark.parametrize(
    ("code", "season"),
    [
        ("h", 24), ("D", 7), ("MS", 12), ("ME", 12), ("QS", 4), ("W", 52), ("B", 5), ("YS", 1),
        ("1", 1), ("30min", 48), ("15min", 96), ("2h", 12), ("2MS", 6), ("7h", 1), ("s", 60),
    ],
)  # fmt: skip
def test_usual_seasons(code: str, season: int) -> None:
    assert Calendar.parse(code).season_default == season


def test_words_name_the_frequency_and_its_code() -> None:
    assert Calendar.parse("M").words == "monthly, month ends (ME)"
    assert Calendar.parse("1w").words == "weekly, Sundays (W-SUN)"
    assert Calendar.integer().words == "whole numbers, step 1 (freq=1)"


def test_a_time_off_the_grid_is_named() -> None:
    with pytest.raises(TableError, match=r"2024-01-15 does not lie .*month starts"):
        Calendar.parse("MS").ordinals(np.array(["2024-01-01", "2024-01-15"], dtype="datetime64"))


@settings(max_examples=100, deadline=None)
@given(
    code=st.sampled_from([code for code in OURS if code not in ("1", "7", "ms", "us", "s")]),
    minute=st.integers(0, 20 * 365 * 1440),
)
def test_each_moment_falls_into_the_period_that_holds_it(code: str, minute: int) -> None:
    calendar = Calendar.parse(code)
    moment = np.datetime64("1990-01-01", "ns") + np.timedelta64(minute, "m")
    period = calendar.bins(np.array([moment]))
    end = int(calendar.period_ends(period)[0])
    before = int(calendar.period_ends(period - 1)[0])
    assert before <= moment.astype(np.int64) < end


def test_a_weekend_behind_the_last_business_day_still_belongs_to_its_month() -> None:
    calendar = Calendar.parse("BME")
    saturday = calendar.bins(np.array(["1990-03-31T12:00"], dtype="datetime64[ns]"))
    assert calendar.texts(calendar.times(saturday)).tolist() == ["1990-03-30"]
    assert calendar.period_ends(saturday).astype("datetime64[ns]")[0] == np.datetime64("1990-04-01")


def test_month_ends_close_their_month_and_weeks_their_week() -> None:
    moments = np.array(["2024-02-01T00:00", "2024-02-29T23:59"], dtype="datetime64[ns]")
    ends = Calendar.parse("ME")
    assert ends.texts(ends.times(ends.bins(moments))).tolist() == ["2024-02-29"] * 2
    weeks = Calendar.parse("W-SUN")
    assert weeks.texts(weeks.times(weeks.bins(moments))).tolist() == ["2024-02-04", "2024-03-03"]


def test_zoned_hours_are_written_with_the_offset_in_force() -> None:
    calendar = Calendar("clock", 3600 * 10**9, zone="Europe/Berlin")
    times = np.array(["2024-10-27T00:00", "2024-10-27T01:00"], dtype="datetime64[ns]")
    written = ["2024-10-27 02:00:00+02:00", "2024-10-27 02:00:00+01:00"]
    assert calendar.texts(times).tolist() == written


def test_a_horizon_beyond_what_nanoseconds_hold_is_refused() -> None:
    with pytest.raises(ArgumentError, match="2261"):
        Calendar.parse("YS").times(np.array([0, 400]))


@pytest.mark.parametrize(
    ("field", "value"),
    [("kind", "moon"), ("step", 0), ("step", 1.5), ("phase", -1), ("day", 0), ("zone", "Moon/Base"),
     ("business", 1)],
)  # fmt: skip
def test_a_tampered_calendar_is_refused(field: str, value: object) -> None:
    data = {**Calendar.parse("MS").to_json(), field: value}
    with pytest.raises(ArgumentError):
        Calendar.from_json(data)


def test_a_calendar_with_foreign_fields_is_refused() -> None:
    with pytest.raises(ArgumentError, match="fields"):
        Calendar.from_json({"kind": "month"})
