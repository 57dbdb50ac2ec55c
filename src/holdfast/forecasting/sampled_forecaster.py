"""Sample paths and totals of a fitted forecaster."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from holdfast.errors import ArgumentError
from holdfast.forecasting.arguments import check_levels, count
from holdfast.forecasting.columns import path_columns, total_columns
from holdfast.forecasting.fitted_forecaster import FittedForecaster
from holdfast.forecasting.histories import own_series, read_like
from holdfast.forecasting.sampling import sample_paths
from holdfast.forecasting.totals import totals
from holdfast.tables.frames import to_frame
from holdfast.tables.periods import Over, check_period, group_by
from holdfast.tables.raw import RawTable


class SampledForecaster(FittedForecaster):
    """What depends on several steps or several series at once; made by `Forecaster`."""

    _raw: RawTable | None = None

    def paths(
        self,
        df: Any = None,
        *,
        X_df: Any = None,
        static_df: Any = None,
        n: int = 200,
        seed: int = 0,
        integers: bool = False,
    ) -> Any:
        """Sample paths: n futures of every series, for whatever depends on several steps at once.

        Every step has the distribution that `predict` gives it; which values come together is
        learnt from errors of past windows, between steps and between series.

        Arguments:
            df: histories, also of series that `fit` never saw; None for those of `fit`.
            X_df, static_df: covariates, as `predict` takes them.
            n: how many paths.
            seed: of the draws; equal seeds give equal paths.
            integers: whether series of whole numbers are drawn in whole numbers.

        Returns:
            A frame of the caller's kind: ids, timestamps, ``sample`` from 0, ``holdfast``.

        Raises:
            ArgumentError: not fitted, or an argument is out of range.
            TableError: `df` cannot be used, or lies on another calendar.

        Example:
            >>> from holdfast import Forecaster
            >>> table = {"ds": range(48), "y": [float(step % 4) for step in range(48)]}
            >>> forecaster = Forecaster(2, season=4, adapt="none").fit(table)
            >>> forecaster.paths(n=3)["sample"].to_pylist()
            [0, 0, 1, 1, 2, 2]
        """
        fitted = self._require()
        samples, start = count("n", n, 1), count("seed", seed, 0)
        backend = self._backend
        if df is None:
            series = own_series(fitted, static_df, X_df)
        else:
            table = read_like(fitted, df, static_df, X_df, ahead=True)
            series, backend = table.series, table.backend
        times, values = sample_paths(fitted, series, samples, start, integers=integers)
        columns = path_columns(fitted.names, series, times, values)
        return to_frame(columns, backend, series.calendar)

    def totals(
        self,
        df: Any = None,
        *,
        X_df: Any = None,
        static_df: Any = None,
        by: str | None = None,
        over: Over | None = None,
        level: Sequence[float] = (80, 90),
        n: int = 1000,
        seed: int = 0,
        integers: bool = False,
    ) -> Any:
        """Totals of groups of series, of periods, or of both, with intervals of their own.

        The bounds of a total are not the sums of its parts' bounds: how far errors cancel is
        learnt from past windows. The mean of a total is the sum of the means of its parts, and
        values of a period that have been observed already count with it.

        Arguments:
            df: histories; None for those of `fit`.
            X_df, static_df: covariates, as `predict` takes them.
            by: a column that says one thing of each series, such as a region; "all" for one total
                of all series; None to keep series apart.
            over: "week" (from Monday), "month", "quarter", "year" or "horizon"; None to keep
                timestamps apart.
            level: interval levels in percent.
            n: sample paths of each series behind the bounds.
            seed: of the draws.
            integers: whether totals of whole numbers are whole numbers, bounds rounded outwards.

        Returns:
            A frame of the caller's kind: the group, the first timestamp of the period,
            ``holdfast`` (the median), bounds, ``holdfast-mean``, ``observed`` (what had come
            already and is part of it), ``points`` and ``note``, which marks what is partial.

        Raises:
            ArgumentError: not fitted, or an argument is out of range.
            TableError: there is no such column, or it says different things of one series.

        Example:
            >>> from holdfast import Forecaster
            >>> table = {"ds": range(48), "y": [float(step % 4) for step in range(48)]}
            >>> forecaster = Forecaster(4, season=4, adapt="none").fit(table)
            >>> forecaster.totals(over="horizon")["points"].to_pylist()
            [4]
        """
        fitted = self._require()
        levels = check_levels(level)
        samples, start = count("n", n, 2), count("seed", seed, 0)
        if by is None and over is None:
            raise ArgumentError(
                'totals() needs something to add up: by="region" for groups of series, '
                'over="month" for periods, or both.'
            )
        if over is not None:
            check_period(over, fitted.series.calendar)
        backend, raw = self._backend, self._raw
        if df is None:
            series = own_series(fitted, static_df, X_df)
        else:
            table = read_like(fitted, df, static_df, X_df, ahead=True)
            series, backend, raw = table.series, table.backend, table.raw
        groups = None if by is None else group_by(by, series, raw, fitted.names)
        made = totals(
            fitted,
            series,
            groups,
            over,
            levels,
            samples=samples,
            seed=start,
            integers=integers,
        )
        return to_frame(total_columns(fitted.names, made), backend, series.calendar)
