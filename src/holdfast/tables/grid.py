"""Rows laid onto the calendar's grid: gaps appear, edges are cut, periods are filled."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option
from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import Column, Covariates
from holdfast.tables.rows import Rows
from holdfast.tables.series import SeriesSet

Aggregate = Literal["sum", "mean"]
Missing = Literal["gap", "zero"]

MAX_THINNING: Final = 50
"""A grid may have this many points for each row; beyond that a timestamp is taken for a slip."""

_SMALL_GRID: Final = 10_000


@dataclass(frozen=True, eq=False)
class Gridded:
    """Series on their grid and what was done to get them there, one sentence each."""

    series: SeriesSet
    messages: tuple[str, ...]


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
        beside=None if rows.beside is None else rows.beside.combined(starts),
    )


def into_periods(rows: Rows, calendar: Calendar, how: Aggregate) -> tuple[Rows, tuple[str, ...]]:
    """Transactions added up (or averaged) over the calendar's periods.

    The last period is dropped from a sum when the rows end well before it does: further than
    nineteen in twenty of their neighbours lie apart.

    Arguments:
        rows: sorted, in any spacing.
    """
    stamps = rows.stamps.values
    times = stamps if rows.stamps.counter else stamps.astype("datetime64[ns]")
    bins = calendar.bins(times)
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
            combined = _before(combined, int(np.asarray(calendar.times(last)).astype(np.int64)))
            messages.append(f"The last period ({name}) is not over in the data and was left out.")
        else:
            messages.append(f"The last period ({name}) is not over in the data; its mean was kept.")
    return combined, tuple(messages)


def _before(rows: Rows, time: int) -> Rows:
    return rows.where_true(rows.stamps.values < time)


def lay_out(
    rows: Rows, calendar: Calendar, missing: Missing, *, whole_span: bool = False
) -> Gridded:
    """Each series as a regular grid from its first value to its last row.

    Rows without a value are gaps; those before the first value are cut off, those behind the
    last stay, so that forecasts begin where the table ends. Series without any value are left
    out.

    Arguments:
        rows: sorted, one a series and timestamp, on the calendar.
        missing: what a grid point without a value is: a gap, or zero.
        whole_span: whether all series go on to the last timestamp of the table.

    Raises:
        TableError: no series has a value, or the grid would be far larger than the table.
    """
    observed = ~np.isnan(rows.values)
    if not observed.any():
        raise TableError(f"{rows.where} has no values: every value of {_all(rows)} is missing.")
    stamps = rows.stamps.values
    ordinals = calendar.ordinals(stamps if rows.stamps.counter else stamps.astype("datetime64[ns]"))
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
        messages = (*messages, *_zeros(values))
        values = np.nan_to_num(values, nan=0.0)
    series = SeriesSet(
        labels=tuple(rows.labels[code] for code in present),
        keys={name: column[present] for name, column in rows.keys.items()},
        starts=starts.astype(np.int64),
        offsets=offsets,
        values=values,
        calendar=calendar,
    )
    if rows.beside is not None:
        laid = np.full((len(values), len(rows.beside.columns)), np.nan)
        laid[positions] = rows.beside.values[inside]
        series = replace(series, covariates=_covariates(series, rows.beside.columns, laid))
    return Gridded(series, messages)


def _covariates(
    series: SeriesSet, columns: tuple[Column, ...], values: NDArray[np.float64]
) -> Covariates:
    """Columns on the grid of the series themselves."""
    return Covariates(
        columns=columns,
        starts=series.starts,
        offsets=series.offsets,
        values=values,
        statics=(),
        static=np.zeros((len(series), 0)),
    )


def _all(rows: Rows) -> str:
    return "the series" if len(rows.labels) == 1 else f"all {len(rows.labels)} series"


def _empty(rows: Rows, place: NDArray[np.int64]) -> tuple[str, ...]:
    empty = [rows.labels[code] for code in np.flatnonzero(place < 0)]
    if not empty:
        return ()
    shown = ", ".join(repr(label) for label in empty[:3]) + (" …" if len(empty) > 3 else "")
    verb = "has" if len(empty) == 1 else "have"
    return (f"{shown}: {len(empty)} series {verb} no value at all and no forecast.",)


def _zeros(values: NDArray[np.float64]) -> tuple[str, ...]:
    gaps = int(np.isnan(values).sum())
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
