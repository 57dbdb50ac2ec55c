"""The table of what is known ahead: read onto the calendar, and asked for what is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option
from holdfast.tables.columns import check_column, find_time
from holdfast.tables.covariate_columns import read_column, rows_of
from holdfast.tables.covariates import Beside, Covariates
from holdfast.tables.dates import read_stamps
from holdfast.tables.frequency import template_for
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.raw import RawTable
from holdfast.tables.rows import Rows
from holdfast.tables.series import SeriesSet


def check_future(series: SeriesSet, horizon: int) -> None:
    """Refuse a forecast for which columns that are known ahead have rows missing.

    A series without a single value of a column in its past may lack it in its future, too.

    Arguments:
        series: with covariates, or without.
        horizon: steps behind each series' end.

    Raises:
        TableError: names the column, the series and the dates.
    """
    made = series.covariates
    if made is None or not made.known.any():
        return
    missing = np.isnan(made.span(series.ends + 1, horizon)) & made.known
    if not missing.any():
        return
    place = int(np.flatnonzero(missing.any(axis=(0, 1)))[0])
    row = int(np.flatnonzero(missing[:, :, place].any(axis=1))[0])
    steps = np.flatnonzero(missing[row, :, place])
    calendar = series.calendar
    first, last = (
        calendar.format(calendar.times(np.array([series.ends[row] + 1 + step])))
        for step in (steps[0], steps[-1])
    )
    dates = first if len(steps) == 1 else f"{len(steps)} dates from {first} to {last}"
    which = f" of series {series.labels[row]!r}" if len(series) > 1 else ""
    others = int(missing[:, :, place].any(axis=1).sum()) - 1
    more = f" (and of {others:,} more series)" if others else ""
    raise TableError(
        f"The column {made.names[place]!r} is known ahead, but has no value{which}{more} on "
        f"{dates}; give them in the future table ({option('X_df')})."
    )


def read_future(
    raw: RawTable, series: SeriesSet, names: ColumnNames, day_first: bool | None
) -> Covariates:
    """The columns that are known ahead, from a table of their own.

    A table without the id columns holds for every series.
    """
    own = series.covariates
    assert own is not None
    time = names.time if names.time in raw.columns else find_time(raw, None)
    if time is None:
        check_column(raw, names.time)
    assert time is not None
    read = [
        read_column(raw, one.name, "known", own)[1] for one in own.columns if one.role == "known"
    ]
    ids = tuple(name for name in names.id if name in raw.columns)
    if ids and len(ids) < len(names.id):
        check_column(raw, next(name for name in names.id if name not in raw.columns))
    which = rows_of(raw, series.labels, ids) if ids else np.zeros(len(raw), dtype=np.int64)
    values = np.full((len(raw), len(own.columns)), np.nan)
    values[:, own.known] = np.stack(read, axis=1)
    rows = Rows(
        labels=series.labels,
        keys=series.keys,
        codes=which,
        stamps=read_stamps(raw, time, day_first=day_first),
        values=np.zeros(len(raw)),
        at=raw.at,
        where=raw.where,
        beside=Beside(own.columns, values),
    )
    rows, _ = rows.where_true(which >= 0).sorted()
    if not len(rows):
        raise TableError(f"{raw.where} has no row of any series of the table; see its ids.")
    rows.check_unique()
    rows, _ = template_for(rows, series.calendar.code)
    stamps = rows.stamps.values
    times = stamps if rows.stamps.counter else stamps.astype("datetime64[ns]")
    off = np.flatnonzero(~series.calendar.on_grid(times))
    if len(off):
        raise TableError(
            f"{raw.where}, {rows.at(int(off[0]))}: {rows.time(int(off[0]))} does not lie on the "
            f"calendar of the series ({series.calendar.words})."
        )
    ordinals = series.calendar.ordinals(times)
    beside = rows.beside
    assert beside is not None
    if not ids:  # the same for all
        count = len(series)
        codes = np.repeat(np.arange(count), len(rows))
        return laid_out(own, codes, np.tile(ordinals, count), np.tile(beside.values, (count, 1)))
    return laid_out(own, rows.codes, ordinals, beside.values)


def laid_out(
    own: Covariates,
    codes: NDArray[np.int64],
    ordinals: NDArray[np.int64],
    values: NDArray[np.float64],
) -> Covariates:
    """Rows on the grid, one a series and time.

    Arguments:
        own: of the N series.
        codes: (rows,) which series.
        ordinals: (rows,) when.
        values: (rows, C).

    Raises:
        TableError: they would leave most of the grid empty.
    """
    count = len(own)
    first = np.full(count, np.iinfo(np.int64).max)
    last = np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(first, codes, ordinals)
    np.maximum.at(last, codes, ordinals)
    there = last >= first
    starts = np.where(there, first, 0)
    lengths = np.where(there, np.where(there, last, 0) - starts + 1, 0)
    if lengths.sum() > 50 * len(codes) + 10_000:
        raise TableError("The future table leaps over most of its dates; give one row a date.")
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    laid = np.full((int(offsets[-1]), values.shape[1]), np.nan)
    laid[offsets[codes] + ordinals - starts[codes]] = values
    return replace(own, starts=starts.astype(np.int64), offsets=offsets, values=laid)
