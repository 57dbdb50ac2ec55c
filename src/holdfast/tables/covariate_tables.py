"""Covariates from wherever they come: columns of the table, statics, a table of the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError, option
from holdfast.tables.covariates import Column, CovariateRows, Covariates, Role
from holdfast.tables.dates import read_stamps
from holdfast.tables.frames import open_source
from holdfast.tables.frequency import template_for
from holdfast.tables.holidays import check_country
from holdfast.tables.layouts import ColumnNames, identities
from holdfast.tables.numbers import blank_to_null, is_numeric, read_numbers
from holdfast.tables.raw import RawTable, integers, missing, objects
from holdfast.tables.roles import check_column, find_time, listed
from holdfast.tables.rows import Rows
from holdfast.tables.series import SeriesSet


def read_column(
    raw: RawTable, name: str, role: Role, like: Covariates | None, notes: list[str] | None = None
) -> tuple[Column, NDArray[np.float64]]:
    """A column as numbers, or as the codes of its categories."""
    import pyarrow as pa

    check_column(raw, name)
    column = raw.columns[name]
    former = None
    if like is not None:
        every = {one.name: one for one in (*like.columns, *like.statics)}
        former = every.get(name)
    numeric = is_numeric(column) or pa.types.is_boolean(column.type)
    if former is not None and former.levels is None and not numeric:
        raise TableError(f"{raw.where}: column {name!r} held numbers in the fit and now does not.")
    if numeric and (former is None or former.levels is None):
        return Column(name, role), read_numbers(raw, name).values
    return _categories(raw, name, role, None if former is None else former.levels, notes)


def _categories(
    raw: RawTable,
    name: str,
    role: Role,
    levels: tuple[str, ...] | None,
    notes: list[str] | None,
) -> tuple[Column, NDArray[np.float64]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = raw.columns[name]
    try:
        text = blank_to_null(pc.cast(column, pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise TableError(
            f"{raw.where}: column {name!r} holds {column.type} values, which are neither numbers "
            "nor categories."
        ) from None
    encoded = pc.dictionary_encode(text)
    found = [str(value) for value in objects(encoded.dictionary)]
    if levels is None:
        levels = tuple(sorted(found))
    place = {level: float(code) for code, level in enumerate(levels)}
    codes = np.array([place.get(level, np.nan) for level in found] + [np.nan])
    unseen = [level for level in found if level not in place]
    if unseen and notes is not None:
        notes.append(
            f"Column {name!r} has categories that the fit never saw, {listed(unseen)}: what all "
            "series share counts there."
        )
    which = np.where(missing(encoded.indices), len(found), integers(encoded.indices))
    return Column(name, role, levels), codes[which]


def rows_of(raw: RawTable, labels: tuple[str, ...], ids: tuple[str, ...]) -> NDArray[np.int64]:
    """(rows,) which series each row belongs to; −1 for none."""
    if not ids:
        return np.zeros(len(raw), dtype=np.int64)
    codes, found, _ = identities(raw, ids, "")
    places = {label: place for place, label in enumerate(labels)}
    series = np.array([places.get(label, -1) for label in found], dtype=np.int64)
    return series[codes]


def check_future(series: SeriesSet, horizon: int) -> None:
    """Refuse a forecast for which columns that are known ahead have rows missing.

    A series without a single value of a column in its past may lack it in its future, too.
    """
    covariates = series.covariates
    if covariates is None or not covariates.future.any():
        return
    missing = np.isnan(covariates.span(series.ends + 1, horizon)) & covariates.future
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
        f"The column {covariates.names[place]!r} is known ahead, but has no value{which}{more} on "
        f"{dates}; give them in the future table ({option('X_df')})."
    )


def read_future(
    raw: RawTable, series: SeriesSet, names: ColumnNames, day_first: bool | None
) -> Covariates:
    """The columns that are known ahead, from a table of their own.

    A table without the id columns holds for every series.
    """
    covariates = series.covariates
    assert covariates is not None
    time = names.time if names.time in raw.columns else find_time(raw, None)
    if time is None:
        check_column(raw, names.time)
    assert time is not None
    read = [
        read_column(raw, one.name, "future", covariates)[1]
        for one in covariates.columns
        if one.role == "future"
    ]
    ids = tuple(name for name in names.id if name in raw.columns)
    if ids and len(ids) < len(names.id):
        check_column(raw, next(name for name in names.id if name not in raw.columns))
    which = rows_of(raw, series.labels, ids) if ids else np.zeros(len(raw), dtype=np.int64)
    values = np.full((len(raw), len(covariates.columns)), np.nan)
    values[:, covariates.future] = np.stack(read, axis=1)
    rows = Rows(
        labels=series.labels,
        keys=series.keys,
        codes=which,
        stamps=read_stamps(raw, time, day_first=day_first),
        values=np.zeros(len(raw)),
        at=raw.at,
        where=raw.where,
        covariates=CovariateRows(covariates.columns, values),
    )
    rows, _ = rows.where_true(which >= 0).sorted()
    if not len(rows):
        raise TableError(f"{raw.where} has no row of any series of the table; see its ids.")
    rows.check_unique()
    rows, _ = template_for(rows, series.calendar)
    off = rows.off(series.calendar)
    if off is not None:
        raise TableError(
            f"{raw.where}, {rows.at(off)}: {rows.time(off)} does not lie on the calendar of the "
            f"series ({series.calendar.words})."
        )
    ordinals = series.calendar.ordinals(rows.times)
    later = rows.covariates
    assert later is not None
    if not ids:  # the same for all
        count = len(series)
        codes = np.repeat(np.arange(count), len(rows))
        return laid_out(
            covariates, codes, np.tile(ordinals, count), np.tile(later.values, (count, 1))
        )
    return laid_out(covariates, rows.codes, ordinals, later.values)


def laid_out(
    covariates: Covariates,
    codes: NDArray[np.int64],
    ordinals: NDArray[np.int64],
    values: NDArray[np.float64],
) -> Covariates:
    """Rows on the grid, one a series and time.

    Arguments:
        codes: (rows,) which series.
        ordinals: (rows,) when.
        values: (rows, C).

    Raises:
        TableError: they would leave most of the grid empty.
    """
    count = len(covariates)
    first = np.full(count, np.iinfo(np.int64).max)
    last = np.full(count, np.iinfo(np.int64).min)
    np.minimum.at(first, codes, ordinals)
    np.maximum.at(last, codes, ordinals)
    filled = last >= first
    starts = np.where(filled, first, 0)
    lengths = np.where(filled, np.where(filled, last, 0) - starts + 1, 0)
    if lengths.sum() > 50 * len(codes) + 10_000:
        raise TableError("The future table leaps over most of its dates; give one row a date.")
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    grid = np.full((int(offsets[-1]), values.shape[1]), np.nan)
    grid[offsets[codes] + ordinals - starts[codes]] = values
    return replace(covariates, starts=starts.astype(np.int64), offsets=offsets, values=grid)


@dataclass(frozen=True, eq=False)
class CovariateSources:
    """Which covariates a table has, and where the others are."""

    # columns of the table that are known ahead, such as prices and promotions
    future: tuple[str, ...] = ()
    past: tuple[str, ...] = ()  # columns of the table that are known up to its last row only
    static: object = None  # a table with one row a series: a path or a frame; None for none
    # of the columns that are known ahead, behind the end of each series: a path or a frame; None
    # for none
    future_table: object = None
    country: str | None = None  # whose public holidays count, such as "DE"; None for none
    # the covariates of the fit whose columns and categories are to be read again
    like: Covariates | None = None

    @classmethod
    def of(
        cls,
        future: str | Sequence[str] = (),
        past: str | Sequence[str] = (),
        static: object = None,
        future_table: object = None,
        country: str | None = None,
    ) -> CovariateSources | None:
        """What a caller gave, checked; None for nothing.

        Raises:
            ArgumentError: a column is named twice, or a country is not known.
            InputError: a country is given and the package `holidays` is not installed.
        """
        sources = cls(
            _names("future_covariates", future),
            _names("past_covariates", past),
            static,
            future_table,
            country,
        )
        twice = [name for name in sources.named if sources.named.count(name) > 1]
        if twice:
            raise ArgumentError(
                f"The column {twice[0]!r} is named twice among past and future covariates."
            )
        if country is not None:
            check_country(country)
        if future_table is not None and not sources.future:
            raise ArgumentError(
                "A table of the future is of use where columns are known ahead; name them with "
                f"{option('future_covariates')}."
            )
        return sources if sources.named or static is not None or country is not None else None

    @classmethod
    def again(
        cls, like: Covariates | None, static: object = None, future_table: object = None
    ) -> CovariateSources | None:
        """The columns of a fit, read from another table; None where the fit had none."""
        for given, words, needs in (
            (static, option("static_df"), like is not None and bool(like.statics)),
            (future_table, option("X_df"), like is not None and bool(like.future.any())),
        ):
            if given is not None and not needs:
                raise ArgumentError(
                    f"The model was fitted without such columns: leave out {words}."
                )
        if like is None:
            return None
        return cls(
            future=tuple(one.name for one in like.columns if one.role == "future"),
            past=tuple(one.name for one in like.columns if one.role == "past"),
            static=static,
            future_table=future_table,
            country=like.country,
            like=like,
        )

    @property
    def named(self) -> tuple[str, ...]:
        """The columns of the table itself."""
        return (*self.future, *self.past)

    def rows(self, raw: RawTable, *, wide: bool = False) -> CovariateRows:
        """The named columns of the table, row by row."""
        if wide and self.named:
            raise ArgumentError(
                "Columns of covariates need a long table, one row a series and time, not "
                f"{option('wide', True)}."
            )
        read = [
            read_column(raw, name, "future" if name in self.future else "past", self.like)
            for name in self.named
        ]
        return CovariateRows(
            columns=tuple(column for column, _ in read),
            values=np.stack([values for _, values in read], axis=1)
            if read
            else np.zeros((len(raw), 0)),
        )

    def of_new_series(
        self, labels: tuple[str, ...], names: ColumnNames
    ) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
        """(N, S) the statics of series that a fit may not have seen, and what was noticed.

        Returns:
            None, and nothing, where no table of them was given.
        """
        if self.static is None:
            return None, ()
        notes: list[str] = []
        raw = open_source(self.static, name="the static table")[0]
        return _statics(raw, labels, names, self.like, notes)[1], tuple(notes)

    def complete(
        self, series: SeriesSet, names: ColumnNames, day_first: bool | None
    ) -> tuple[SeriesSet, tuple[str, ...]]:
        """Series whose covariates have statics, the future and a country, and what was noticed."""
        covariates = series.covariates
        assert covariates is not None
        notes: list[str] = []
        if self.static is not None:
            raw = open_source(self.static, name="the static table")[0]
            statics, static, rows = _statics(raw, series.labels, names, self.like, notes)
            without = np.setdiff1d(np.arange(len(series)), rows)
            if len(without):
                few = listed(series.labels[row] for row in without[:9].tolist())
                notes.append(f"{raw.where} has no row for {len(without):,} series: {few}.")
        else:
            statics = () if self.like is None else self.like.statics
            static = np.full((len(series), len(statics)), np.nan)
        covariates = replace(covariates, statics=statics, static=static, country=self.country)
        series = replace(series, covariates=covariates)
        if self.future_table is not None:
            series = with_future(series, names, self.future_table, day_first)
        return series, tuple(notes)


def with_future(
    series: SeriesSet, names: ColumnNames, source: object, day_first: bool | None
) -> SeriesSet:
    """Series with what is known ahead behind their ends."""
    covariates = series.covariates
    assert covariates is not None
    raw = open_source(source, name="the future table")[0]
    later = read_future(raw, series, names, day_first)
    return replace(series, covariates=covariates.followed_by(later))


def _names(argument: str, given: str | Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) and name for name in names):
        raise ArgumentError(f"{option(argument, given)} must be names of columns.")
    return names


def _statics(
    raw: RawTable,
    labels: tuple[str, ...],
    names: ColumnNames,
    like: Covariates | None,
    notes: list[str],
) -> tuple[tuple[Column, ...], NDArray[np.float64], NDArray[np.int64]]:
    """The columns with one value a series, in the order of the series, and whose each row is."""
    ids = tuple(name for name in names.id if name in raw.columns)
    if len(ids) < len(names.id) and (len(labels) > 1 or len(raw) > 1):
        check_column(raw, next(name for name in names.id if name not in raw.columns))
    columns = [name for name in raw.columns if name not in names.id]
    if like is not None:
        columns = [column.name for column in like.statics]
    read = [read_column(raw, name, "static", like, notes) for name in columns]
    if not read:
        raise TableError(f"{raw.where} has no column besides {listed(raw.columns)}.")
    rows = rows_of(raw, labels, ids)
    repeated = np.flatnonzero(np.bincount(rows[rows >= 0], minlength=len(labels)) > 1)
    if len(repeated):
        twice = np.flatnonzero(rows == repeated[0])
        raise TableError(
            f"{raw.where}: series {labels[repeated[0]]!r} has two rows, {raw.at(twice[0])} "
            f"and {raw.at(twice[1])}; give one row a series."
        )
    values = np.full((len(labels), len(read)), np.nan)
    known = rows >= 0
    values[rows[known]] = np.stack([column for _, column in read], axis=1)[known]
    return tuple(column for column, _ in read), values, rows
