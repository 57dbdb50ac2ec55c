"""New rows for series that are known: read on the calendar that they already have."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, worded
from holdfast.tables.calendar import Calendar
from holdfast.tables.covariate_tables import CovariateSources
from holdfast.tables.covariates import Covariates
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.raw import RawTable
from holdfast.tables.read import ReadOptions, open_source, read_layout
from holdfast.tables.rows import Rows
from holdfast.tables.stamps import NEVER, compose
from holdfast.tables.zones import to_wall


@dataclass(frozen=True, eq=False)
class NewRows:
    """Rows of a table on a calendar that is given.

    Arguments:
        rows: by series and time, one a series and timestamp.
        ordinals: (rows,) where each stands on the calendar.
        named: whether the rows say which series they belong to.
        messages: what was guessed on the way, one sentence each.
        static: (N, S) statics of the rows' series, of use for those that are new; None for none.
    """

    rows: Rows
    ordinals: NDArray[np.int64]
    named: bool
    messages: tuple[str, ...]
    static: NDArray[np.float64] | None = None


def read_new_rows(
    source: object,
    names: ColumnNames,
    calendar: Calendar,
    options: ReadOptions | None = None,
    *,
    like: Covariates | None = None,
    static: object = None,
) -> NewRows:
    """Read a table whose series, calendar and columns are known.

    Arguments:
        source: as `tables.read.read` takes it.
        names: of the columns in the table that was fitted; those that this one has too are taken.
        calendar: on which every row must lie.
        options: the columns where they are called otherwise, how dates and numbers are written,
            the layout and the sheet; the rest is known and not looked at.
        like: the covariates of the fit, whose columns in time the rows must have; None for none.
        static: a table with one row for each new series: a path or a frame; None for none.

    Raises:
        TableError: the table cannot be used; names the file, line, column or series.
        ArgumentError: statics are given that the fit did not have, or columns of a wide table.

    Example:
        >>> names = ColumnNames(("unique_id",), "ds", "y")
        >>> made = read_new_rows({"ds": [3, 4], "y": [1.0, 2.0]}, names, Calendar.integer())
        >>> made.ordinals.tolist()
        [3, 4]
    """
    options = options or ReadOptions()
    raw, _ = open_source(source, options.sheet)
    sources = CovariateSources.again(like, static)
    beside = None
    if sources is not None and sources.named:
        beside = sources.beside(raw, wide=options.wide)
        raw = raw.without(set(sources.named))
    if not options.wide:
        options = _as_in_the_fit(options, raw, names)
    layout = read_layout(raw, options)
    named = options.wide or layout.named
    rows, _ = replace(layout.rows, beside=beside).sorted()
    rows = _in_its_time(rows, calendar)
    _check_unique(rows)
    said = (*raw.messages, *layout.messages)
    statics = None
    if sources is not None:
        statics, noticed = sources.of_new_series(rows.labels, names)
        said = (*said, *noticed)
    said = tuple(map(worded, said))
    return NewRows(rows, _ordinals(rows, calendar), named, said, statics)


def _as_in_the_fit(options: ReadOptions, raw: RawTable, names: ColumnNames) -> ReadOptions:
    """The columns as they were called in the fit, where they are still there."""
    ids = options.id_col
    if ids is None and all(name in raw.columns for name in names.id):
        ids = names.id
    time = options.time_col or (names.time if names.time in raw.columns else None)
    target = options.target_col or (names.target if names.target in raw.columns else None)
    return replace(options, id_col=ids, time_col=time, target_col=target)


def _in_its_time(rows: Rows, calendar: Calendar) -> Rows:
    """The rows in the calendar's kind of time: counters, UTC or the clock on the wall.

    Raises:
        TableError: they are of another kind.
    """
    counter = calendar.kind == "counter"
    if rows.stamps.counter and calendar.kind == "month" and calendar.step % 12 == 0:
        years, ones = rows.stamps.values, np.ones(len(rows), dtype=np.int64)
        dated = compose(years, ones, ones)  # plain years
        if (dated != NEVER).all():
            rows = replace(rows, stamps=replace(rows.stamps, values=dated, counter=False))
    if rows.stamps.counter != counter:
        found = "whole numbers" if rows.stamps.counter else "dates"
        own = "whole numbers" if counter else "dates"
        raise TableError(
            f"{rows.where}: the times are {found}, but the model was fitted on {own}; give the "
            "model's own timestamps."
        )
    zone = rows.stamps.zone
    if (zone is None) != (calendar.zone is None) or (zone != calendar.zone and not calendar.utc):
        found = "no time zone" if zone is None else f"the time zone {zone}"
        own = "none" if calendar.zone is None else calendar.zone
        raise TableError(
            f"{rows.where}: the times have {found}, those of the model {own}; give the model's own "
            "timestamps."
        )
    if zone is not None and not calendar.utc:
        return rows.at_times(to_wall(rows.stamps.values, zone))
    return rows


def named_series(rows: Rows, row: int) -> str:
    """How a sentence names the series of a row, also where it is the only one."""
    return f"series {rows.labels[int(rows.codes[row])]!r}"


def _check_unique(rows: Rows) -> None:
    """Refuse two rows of one series at one time: which of them holds is not ours to say."""
    times = rows.stamps.values
    twice = np.flatnonzero((times[1:] == times[:-1]) & rows.same_series)
    if len(twice):
        row = int(twice[0])
        raise TableError(
            f"{rows.where}: {named_series(rows, row)} has {rows.time(row)} twice, in "
            f"{rows.at(row)} and {rows.at(row + 1)}; delete one of them."
        )


def _ordinals(rows: Rows, calendar: Calendar) -> NDArray[np.int64]:
    stamps = rows.stamps.values
    times = stamps if rows.stamps.counter else stamps.astype("datetime64[ns]")
    off = ~calendar.on_grid(times)
    if off.any():
        row = int(np.flatnonzero(off)[0])
        raise TableError(
            f"{rows.where}, {rows.at(row)}: {rows.time(row)} of "
            f"{named_series(rows, row)} does not lie on the model's calendar "
            f"({calendar.words}); mend the time or leave the row out."
        )
    return calendar.ordinals(times)
