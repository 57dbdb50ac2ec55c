"""Faults of reading tables: dates, numbers, rows, calendars, seasons."""

from __future__ import annotations

from typing import Any

import numpy as np

from faults.fault import Fault, does_nothing, reads, returns

TIMES = "tests/tables/test_bad_times.py::"
BAD = "tests/tables/test_bad_tables.py::"
READING = "tests/tables/test_reading.py::"
SEASON = "tests/tables/test_season.py::"
DATES = "tests/tables/test_dates.py::"

TABLE = "a table is read as something else than it says"


def gaps_are_filled(found: Any, _: Any) -> Any:
    """A missing value is the one before it."""
    series, messages = found
    values = series.values
    for place in np.flatnonzero(np.isnan(values)):
        values[place] = values[place - 1]
    return series, messages


def rows_stay_as_they_are(_: Any, given: Any) -> Any:
    """Rows are taken for sorted."""
    return given.self, False


def zones_are_dropped(found: Any, _: Any) -> Any:
    """Offsets from UTC are read over."""
    _, minutes = found
    return None, minutes * 0


FAULTS: tuple[Fault, ...] = (
    Fault(
        TABLE, "an ambiguous date is read with its day first, without a word",
        "holdfast.tables.dates:DateTexts.read",
        reads(day_first=lambda day_first, _: True if day_first is None else day_first),
        (DATES + "test_ambiguous_days_are_refused_with_the_arguments",),
    ),
    Fault(
        TABLE, "offsets from UTC are dropped",
        "holdfast.tables.dates:DateTexts._zone", returns(zones_are_dropped),
        (DATES + "test_one_offset_is_kept_and_instants_are_utc",),
    ),
    Fault(
        TABLE, "a decimal comma is taken for a mark between thousands",
        "holdfast.tables.numbers:read_numbers", reads(decimal=lambda *_: "."),
        (BAD + "test_semicolons_and_decimal_commas",
         BAD + "test_decimal_commas_that_could_be_thousands_are_refused"),
    ),
    Fault(
        TABLE, "two rows of one series and time are accepted",
        "holdfast.tables.rows:Rows.check_unique", does_nothing,
        (TIMES + "test_duplicated_timestamp_names_series_time_and_lines",),
    ),
    Fault(
        TABLE, "gaps are filled with the value before",
        "holdfast.tables.rows:lay_out", returns(gaps_are_filled),
        (READING + "test_gaps_stay_gaps_or_become_zero",),
    ),
    Fault(
        TABLE, "a usual season is one point too long",
        "holdfast.tables.season:infer_season",
        returns(lambda found, _: (found[0] + 1, found[1])),
        (SEASON + "test_the_usual_season_is_kept_where_it_is_and_dropped_where_it_is_not",),
    ),
    Fault(
        TABLE, "unsorted rows are taken for sorted",
        "holdfast.tables.rows:Rows.sorted", returns(rows_stay_as_they_are),
        (TIMES + "test_unsorted_rows_are_sorted_and_said",),
    ),
)  # fmt: skip
