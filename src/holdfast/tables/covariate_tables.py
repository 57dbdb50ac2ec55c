"""Covariates from wherever they come: columns of the table, statics, a table of the future."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError, option
from holdfast.tables.columns import check_column, listed
from holdfast.tables.covariate_columns import open_table, read_column, rows_of
from holdfast.tables.covariates import Beside, Column, Covariates
from holdfast.tables.future_table import read_future
from holdfast.tables.holidays import check_country
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.raw import RawTable
from holdfast.tables.series import SeriesSet


@dataclass(frozen=True, eq=False)
class CovariateSources:
    """Which covariates a table has, and where the others are.

    Arguments:
        known: columns of the table that are known ahead, such as prices and promotions.
        historic: columns of the table that are known up to its last row only.
        static: a table with one row a series: a path or a frame; None for none.
        future: a table of the columns that are known ahead, behind the end of each series: a path
            or a frame; None for none.
        country: whose public holidays count, such as "DE"; None for none.
        like: the covariates of the fit whose columns and categories are to be read again.
    """

    known: tuple[str, ...] = ()
    historic: tuple[str, ...] = ()
    static: object = None
    future: object = None
    country: str | None = None
    like: Covariates | None = None

    @classmethod
    def of(
        cls,
        known: str | Sequence[str] = (),
        historic: str | Sequence[str] = (),
        static: object = None,
        future: object = None,
        country: str | None = None,
    ) -> CovariateSources | None:
        """What a caller gave, checked; None for nothing.

        Raises:
            ArgumentError: a column is named twice, or a country is not known.
            InputError: a country is given and the package `holidays` is not installed.
        """
        made = cls(_names("known", known), _names("historic", historic), static, future, country)
        twice = [name for name in made.named if made.named.count(name) > 1]
        if twice:
            raise ArgumentError(f"The column {twice[0]!r} is named twice among known and historic.")
        if country is not None:
            check_country(country)
        if future is not None and not made.known:
            raise ArgumentError(
                "A table of the future is of use where columns are known ahead; name them with "
                f"{option('known')}."
            )
        return made if made.named or static is not None or country is not None else None

    @classmethod
    def again(
        cls, like: Covariates | None, static: object = None, future: object = None
    ) -> CovariateSources | None:
        """The columns of a fit, read from another table; None where the fit had none.

        Raises:
            ArgumentError: statics or a future are given to a fit that had none.
        """
        for given, words, needs in (
            (static, option("static_df"), like is not None and bool(like.statics)),
            (future, option("X_df"), like is not None and bool(like.known.any())),
        ):
            if given is not None and not needs:
                raise ArgumentError(
                    f"The model was fitted without such columns: leave out {words}."
                )
        if like is None:
            return None
        return cls(
            known=tuple(one.name for one in like.columns if one.role == "known"),
            historic=tuple(one.name for one in like.columns if one.role == "historic"),
            static=static,
            future=future,
            country=like.country,
            like=like,
        )

    @property
    def named(self) -> tuple[str, ...]:
        """The columns of the table itself."""
        return (*self.known, *self.historic)

    def beside(self, raw: RawTable, *, wide: bool = False) -> Beside:
        """The named columns of the table, row by row.

        Raises:
            TableError: a column is missing, or holds neither numbers nor categories.
            ArgumentError: the table is wide and has no place for them.
        """
        if wide and self.named:
            raise ArgumentError(
                "Columns of covariates need a long table, one row a series and time, not "
                f"{option('wide', True)}."
            )
        read = [
            read_column(raw, name, "known" if name in self.known else "historic", self.like)
            for name in self.named
        ]
        return Beside(
            columns=tuple(column for column, _ in read),
            values=np.stack([values for _, values in read], axis=1)
            if read
            else np.zeros((len(raw), 0)),
        )

    def of_new_series(
        self, labels: tuple[str, ...], names: ColumnNames
    ) -> tuple[NDArray[np.float64] | None, tuple[str, ...]]:
        """(N, S) the statics of series that a fit may not have seen, and what was noticed.

        Arguments:
            labels: the N series.
            names: what the caller's columns are called.

        Returns:
            None, and nothing, where no table of them was given.

        Raises:
            TableError: the table cannot be used; names the column, row or series.
        """
        if self.static is None:
            return None, ()
        said: list[str] = []
        raw = open_table(self.static, "the static table")
        return _statics(raw, labels, names, self.like, said)[1], tuple(said)

    def complete(
        self, series: SeriesSet, names: ColumnNames, day_first: bool | None
    ) -> tuple[SeriesSet, tuple[str, ...]]:
        """Series whose covariates have statics, the future and a country, and what was noticed.

        Raises:
            TableError: a table cannot be used; names the column, row or series.
        """
        own = series.covariates
        assert own is not None
        said: list[str] = []
        if self.static is not None:
            raw = open_table(self.static, "the static table")
            statics, static, rows = _statics(raw, series.labels, names, self.like, said)
            without = np.setdiff1d(np.arange(len(series)), rows)
            if len(without):
                few = listed(series.labels[row] for row in without[:9].tolist())
                said.append(f"{raw.where} has no row for {len(without):,} series: {few}.")
        else:
            statics = () if self.like is None else self.like.statics
            static = np.full((len(series), len(statics)), np.nan)
        made = replace(own, statics=statics, static=static, country=self.country)
        series = replace(series, covariates=made)
        if self.future is not None:
            series = with_future(series, names, self.future, day_first)
        return series, tuple(said)


def with_future(
    series: SeriesSet, names: ColumnNames, source: object, day_first: bool | None
) -> SeriesSet:
    """Series with what is known ahead behind their ends.

    Arguments:
        series: with covariates.
        names: what the caller's columns are called.
        source: a path or a frame.
        day_first: how to read 01/02/2020; None to tell from the column.

    Raises:
        TableError: the table cannot be used.
    """
    made = series.covariates
    assert made is not None
    raw = open_table(source, "the future table")
    later = read_future(raw, series, names, day_first)
    return replace(series, covariates=made.followed_by(later))


def _names(argument: str, given: str | Sequence[str]) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) and name for name in names):
        raise ArgumentError(f"{argument}={given!r} must be names of columns.")
    return names


def _statics(
    raw: RawTable,
    labels: tuple[str, ...],
    names: ColumnNames,
    like: Covariates | None,
    said: list[str],
) -> tuple[tuple[Column, ...], NDArray[np.float64], NDArray[np.int64]]:
    """The columns with one value a series, in the order of the series, and whose each row is."""
    ids = tuple(name for name in names.id if name in raw.columns)
    if len(ids) < len(names.id) and (len(labels) > 1 or len(raw) > 1):
        check_column(raw, next(name for name in names.id if name not in raw.columns))
    wanted = [name for name in raw.columns if name not in names.id]
    if like is not None:
        wanted = [column.name for column in like.statics]
    read = [read_column(raw, name, "static", like, said) for name in wanted]
    if not read:
        raise TableError(f"{raw.where} has no column beside {listed(raw.columns)}.")
    rows = rows_of(raw, labels, ids)
    repeated = np.flatnonzero(np.bincount(rows[rows >= 0], minlength=len(labels)) > 1)
    if len(repeated):
        twice = np.flatnonzero(rows == repeated[0])
        raise TableError(
            f"{raw.where}: series {labels[repeated[0]]!r} has two rows, {raw.at(twice[0])} "
            f"and {raw.at(twice[1])}; give one row a series."
        )
    values = np.full((len(labels), len(read)), np.nan)
    there = rows >= 0
    values[rows[there]] = np.stack([column for _, column in read], axis=1)[there]
    return tuple(column for column, _ in read), values, rows
