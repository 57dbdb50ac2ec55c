"""Tables that are read as the table of a fit was: its columns, its calendar, its covariates."""

from __future__ import annotations

from typing import Any

from holdfast.errors import ArgumentError
from holdfast.forecasting.fitted import Fitted
from holdfast.tables.covariate_tables import CovariateSources, check_future, with_future
from holdfast.tables.read import ReadOptions, Table, read
from holdfast.tables.series import SeriesSet


def read_like(
    fitted: Fitted,
    source: Any,
    static: Any = None,
    future: Any = None,
    *,
    ahead: bool = False,
) -> Table:
    """A table with the columns and on the calendar of the one that was fitted.

    Arguments:
        fitted: what a fit left.
        source: a path or a frame.
        static: a table with one row a series; None for none.
        future: what is known ahead, behind each series' end; None for none.
        ahead: whether its horizon will be forecast, so that what is known ahead must be there.

    Raises:
        TableError: a column is missing, or the timestamps lie on another calendar; or a value that
            must be known ahead is missing.
        ArgumentError: covariates are given that the fit did not have.
    """
    names = fitted.names
    table = read(
        source,
        ReadOptions(
            id_col=None if names.id == ("unique_id",) else names.id,
            time_col=None if names.time == "ds" else names.time,
            target_col=None if names.target == "y" else names.target,
            freq=fitted.series.calendar.code,
            season=fitted.season,
            covariates=CovariateSources.again(fitted.series.covariates, static, future),
        ),
    )
    fitted.check_calendar(table)
    if ahead:
        check_future(table.series, fitted.horizon)
    return table


def own_series(fitted: Fitted, static: Any = None, future: Any = None) -> SeriesSet:
    """The series of the fit, with what is known ahead.

    Arguments:
        fitted: what a fit left.
        static: refused: they are those of the fit.
        future: what is known ahead, behind each series' end; None for none.

    Raises:
        TableError: the future table cannot be used, or a value that must be known is missing.
        ArgumentError: covariates are given that the fit did not have.
    """
    if static is not None:
        raise ArgumentError("static_df belongs to histories: give both, or leave out static_df.")
    CovariateSources.again(fitted.series.covariates, None, future)
    series = fitted.series
    if future is not None:
        series = with_future(series, fitted.names, future, None)
    check_future(series, fitted.horizon)
    return series
