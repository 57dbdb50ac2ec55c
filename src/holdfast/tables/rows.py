"""Rows of many series: sorted, combined into periods, laid onto the calendar's grid."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option
from holdfast.records import Times
from holdfast.tables.calendar import Calendar
from holdfast.tables.codes import DAY
from holdfast.tables.covariates import CovariateRows, Covariates
from holdfast.tables.dates import NEVER, Stamps, first_days
from holdfast.tables.series import SeriesSet

_HOUR = DAY // 24


@dataclass(frozen=True, eq=False)
class Rows:
    """One timestamp and one value a row."""

    labels: tuple[str, ...]  # N names to show
    keys: Mapping[str, NDArray[np.generic]]  # the id columns, name → N values
    codes: NDArray[np.int64]  # (rows,) which series
    stamps: Stamps  # the (rows,) timestamps and what they are
    values: NDArray[np.float64]  # (rows,) float64, NaN where nothing was written
    at: Callable[[int], str]  # row → where a person finds it
    where: str  # what to call the table in a sentence
    covariates: CovariateRows | None = None  # of each row; None for none

    def __len__(self) -> int:
        return len(self.codes)

    def series(self, code: int) -> str:
        """How a sentence names a series."""
        return f"series {self.labels[code]!r}" if len(self.labels) > 1 else "the series"

    def time(self, row: int) -> str:
        """A row's timestamp as text, for sentences."""
        stamp = int(self.stamps.values[row])
        return str(stamp) if self.stamps.counter else moment_text(stamp)

    @property
    def times(self) -> Times:
        """(rows,) the timestamps as a calendar takes them."""
        stamps = self.stamps.values
        return stamps if self.stamps.counter else stamps.astype("datetime64[ns]")

    def off(self, calendar: Calendar) -> int | None:
        """The first row that does not lie on a calendar; None where all do."""
        off = np.flatnonzero(~calendar.on_grid(self.times))
        return int(off[0]) if len(off) else None

    def as_years(self, calendar: Calendar) -> Rows:
        """Whole numbers as years, where the calendar counts years and all of them can be."""
        if not self.stamps.counter or not calendar.yearly:
            return self
        dated = first_days(self.stamps.values)
        if (dated == NEVER).any():
            return self
        return replace(self, stamps=replace(self.stamps, values=dated, counter=False))

    @property
    def same_series(self) -> NDArray[np.bool_]:
        """(rows − 1,) whether a row's successor belongs to the same series."""
        return np.asarray(self.codes[1:] == self.codes[:-1])

    def at_times(self, values: NDArray[np.int64]) -> Rows:
        """The same rows with other timestamps."""
        return replace(self, stamps=replace(self.stamps, values=values))

    def sorted(self) -> tuple[Rows, bool]:
        """The rows by series and time, and whether they had to be moved.

        Descending rows and interleaved series count as sorted as long as each series runs in one
        direction, so that no message mentions them.
        """
        times = self.stamps.values
        steps = np.diff(times)
        if (np.diff(self.codes) >= 0).all() and ((steps >= 0) | ~self.same_series).all():
            return self, False
        by_series = np.argsort(self.codes, kind="stable")
        inside = np.diff(self.codes[by_series]) == 0
        steps = np.diff(times[by_series])[inside]
        moved = bool((steps < 0).any() and (steps > 0).any())
        return self._in_order(np.lexsort((times, self.codes))), moved

    def where_true(self, kept: NDArray[np.bool_]) -> Rows:
        """Only some rows, which still know where they came from."""
        return self._in_order(np.flatnonzero(kept))

    def without_empty_series(self) -> Rows:
        """The same rows, and of the series those that have one."""
        kept, codes = np.unique(self.codes, return_inverse=True)
        keys = {name: column[kept] for name, column in self.keys.items()}
        return replace(self, labels=tuple(self.labels[one] for one in kept), keys=keys, codes=codes)

    def _in_order(self, order: NDArray[np.int64]) -> Rows:
        at = self.at
        return replace(
            self.at_times(self.stamps.values[order]),
            codes=self.codes[order],
            values=self.values[order],
            at=lambda row: at(int(order[row])),
            covariates=None if self.covariates is None else self.covariates.take(order),
        )

    def check_unique(self, advice: str = "") -> None:
        """Refuse two rows of one series at one time; rows must be sorted.

        Arguments:
            advice: what to do; "" to combine them.
        """
        times = self.stamps.values
        twice = np.flatnonzero((times[1:] == times[:-1]) & self.same_series)
        if not len(twice):
            return
        row = int(twice[0])
        code = int(self.codes[row])
        name = f"series {self.labels[code]!r}" if advice else self.series(code)
        places = f"{self.at(row)} and {self.at(row + 1)}"
        start = f"{self.where}: {name} has {self.time(row)} twice, in {places}"
        if advice:
            raise TableError(f"{start}; {advice}.")
        if self._summer_time(twice):
            raise TableError(
                f"{start}; it looks like the hour that daylight saving repeats: give the times in "
                f"UTC or with their offset, or combine the rows with {option('aggregate', 'mean')}."
            )
        advice = (
            f"combine such rows with {option('aggregate', 'sum')} or {option('aggregate', 'mean')}"
        )
        if len(self.labels) == 1:
            advice += f", or name the column that tells series apart with {option('id_col')}"
        raise TableError(f"{start}; {advice}.")

    def _summer_time(self, twice: NDArray[np.int64]) -> bool:
        """Whether repeated timestamps are what a clock shows when it is put back.

        At most one night a year and series, each time no more than the hours before four.
        """
        if self.stamps.counter or self.stamps.zone is not None:
            return False
        times = self.stamps.values
        if not (times % DAY != 0).any():
            return False
        repeated = times[twice]
        nights = np.unique(repeated // DAY)
        years = np.unique(repeated.astype("datetime64[ns]").astype("datetime64[Y]"))
        in_threes = (np.diff(twice) == 1) & (np.diff(repeated) == 0)
        return bool(
            len(nights) <= len(years)
            and (repeated % DAY < 4 * _HOUR).all()
            and all(
                np.ptp(repeated[repeated // DAY == night]) < 2 * _HOUR for night in nights.tolist()
            )
            and not in_threes.any()
        )


def moment_text(stamp: int) -> str:
    """Nanoseconds since 1970 as text, without a time of day where there is none."""
    moment = np.datetime64(stamp, "ns")
    if stamp % DAY == 0:
        return str(np.datetime_as_string(moment, unit="D"))
    unit = "s" if stamp % 10**9 == 0 else "ns"
    return str(np.datetime_as_string(moment, unit=unit)).replace("T", " ")  # type: ignore[call-overload] # a str is fine here


Aggregate = Literal["sum", "mean"]
Missing = Literal["gap", "zero"]

MAX_THINNING: Final = 50
"""A grid may have this many points for each row; beyond that a timestamp is taken for a slip."""

_SMALL_GRID: Final = 10_000


def combine(rows: Rows, how: Aggregate) -> Rows:
    """One row for each series and timestamp; missing values are left out of a sum or mean.

    Arguments:
        rows: sorted.
    """
    times = rows.stamps.values
    starts = np.flatnonzero(np.concatenate([[True], (times[1:] != times[:-1]) | ~rows.same_series]))
    if len(starts) == len(rows):
        return rows
    present = ~np.isnan(rows.values)
    counts = np.add.reduceat(present.astype(np.float64), starts)
    sums = np.add.reduceat(np.where(present, rows.values, 0.0), starts)
    totals = sums if how == "sum" else np.divide(sums, counts, where=counts > 0, out=sums)
    at = rows.at
    return replace(
        rows.at_times(times[starts]),
        codes=rows.codes[starts],
        values=np.where(counts > 0, totals, np.nan),
        at=lambda row: at(int(starts[row])),
        covariates=None if rows.covariates is None else rows.covariates.combined(starts),
    )


def into_periods(rows: Rows, calendar: Calendar, how: Aggregate) -> tuple[Rows, tuple[str, ...]]:
    """Transactions added up (or averaged) over the calendar's periods.

    The last period is dropped from a sum when the rows end well before it does: further than
    nineteen in twenty of their neighbours lie apart.

    Arguments:
        rows: sorted, in any spacing.
    """
    stamps = rows.stamps.values
    bins = calendar.bins(rows.times)
    last = int(bins.max())
    points = np.asarray(calendar.times(bins)).astype(np.int64)
    combined = combine(rows.at_times(points), how)
    over = int(calendar.period_ends(np.array([last]))[0])
    distances = np.diff(np.unique(stamps))
    usual = int(np.quantile(distances, 0.95)) if len(distances) else 0
    verb = "summed" if how == "sum" else "averaged"
    named = "last day" if calendar.labels_end else "start"
    messages = [
        f"{len(rows):,} rows were {verb} into periods, each named by its {named}: {calendar.words}."
    ]
    if over - int(stamps.max()) > max(usual, 1) and last > int(bins.min()):
        name = calendar.format(calendar.times(np.array(last)))
        if how == "sum":
            before = combined.stamps.values < np.asarray(calendar.times(last)).astype(np.int64)
            combined = combined.where_true(before)
            messages.append(f"The last period ({name}) is not over in the data and was left out.")
        else:
            messages.append(f"The last period ({name}) is not over in the data; its mean was kept.")
    return combined, tuple(messages)


def lay_out(
    rows: Rows, calendar: Calendar, missing: Missing, *, whole_span: bool = False
) -> tuple[SeriesSet, tuple[str, ...]]:
    """Each series as a regular grid from its first value to its last row.

    Rows without a value are gaps; those before the first value are cut off, those behind the
    last stay, so that forecasts begin where the table ends. Series without any value are left
    out.

    Arguments:
        rows: sorted, one a series and timestamp, on the calendar.
        whole_span: whether all series go on to the last timestamp of the table.

    Returns:
        The series and what was done to get there, one sentence each.

    Raises:
        TableError: no series has a value, or the grid would be far larger than the table.
    """
    observed = ~np.isnan(rows.values)
    if not observed.any():
        count = len(rows.labels)
        every = "the series" if count == 1 else f"all {count} series"
        raise TableError(f"{rows.where} has no values: every value of {every} is missing.")
    ordinals = calendar.ordinals(rows.times)
    present, first = np.unique(rows.codes[observed], return_index=True)
    starts = ordinals[observed][first]
    rows_behind = np.append(np.flatnonzero(~rows.same_series), len(rows) - 1)
    ends = np.zeros(len(rows.labels), dtype=np.int64)
    ends[rows.codes[rows_behind]] = ordinals[rows_behind]
    if whole_span:
        ends[:] = ordinals.max()
    lengths = ends[present] - starts + 1
    _check_size(rows, lengths, ordinals)
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    place = np.full(len(rows.labels), -1, dtype=np.int64)
    place[present] = np.arange(len(present))
    which = place[rows.codes]
    inside = (which >= 0) & (ordinals >= starts[which])
    values = np.full(int(offsets[-1]), np.nan)
    positions = offsets[which[inside]] + ordinals[inside] - starts[which[inside]]
    values[positions] = rows.values[inside]
    messages = _empty(rows, place)
    if missing == "zero":
        messages = (*messages, *zeros_set(int(np.isnan(values).sum())))
        values = np.nan_to_num(values, nan=0.0)
    series = SeriesSet(
        labels=tuple(rows.labels[code] for code in present),
        keys={name: column[present] for name, column in rows.keys.items()},
        starts=starts.astype(np.int64),
        offsets=offsets,
        values=values,
        calendar=calendar,
    )
    if rows.covariates is not None:
        grid = np.full((len(values), len(rows.covariates.columns)), np.nan)
        grid[positions] = rows.covariates.values[inside]
        covariates = Covariates(
            columns=rows.covariates.columns,
            starts=series.starts,
            offsets=offsets,
            values=grid,
            statics=(),
            static=np.zeros((len(series), 0)),
        )
        series = replace(series, covariates=covariates)
    return series, messages


def _empty(rows: Rows, place: NDArray[np.int64]) -> tuple[str, ...]:
    empty = [rows.labels[code] for code in np.flatnonzero(place < 0)]
    if not empty:
        return ()
    shown = ", ".join(repr(label) for label in empty[:3]) + (" …" if len(empty) > 3 else "")
    verb = "has" if len(empty) == 1 else "have"
    return (f"{shown}: {len(empty)} series {verb} no value at all and no forecast.",)


def zeros_set(gaps: int) -> tuple[str, ...]:
    """That so many missing values are zero now, in a sentence; nothing for none."""
    points = "1 missing value was" if gaps == 1 else f"{gaps:,} missing values were"
    return (f"{points} set to 0.",) if gaps else ()


def _check_size(rows: Rows, lengths: NDArray[np.int64], ordinals: NDArray[np.int64]) -> None:
    points = int(lengths.sum())
    if points <= max(MAX_THINNING * len(rows), _SMALL_GRID):
        return
    jumps = np.where(rows.same_series, np.diff(ordinals), 0)
    row = int(np.argmax(jumps))
    raise TableError(
        f"{rows.where}: from {rows.time(row)} to {rows.time(row + 1)} ({rows.at(row)}, "
        f"{rows.at(row + 1)}) {rows.series(int(rows.codes[row]))} leaps over {int(jumps[row]):,} "
        f"points of its calendar, more than {MAX_THINNING} for each row of the table; mend the "
        f"time or give a longer {option('freq')}."
    )
