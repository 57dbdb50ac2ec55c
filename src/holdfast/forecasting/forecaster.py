"""What a caller may give the forecaster: levels, counts."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar, get_args

import numpy as np

from holdfast.errors import ArgumentError, TableError
from holdfast.forecasting.backtest import BASELINES_SHARE, BacktestData, backtest_data
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.fit import Adapt, FitResult, clear_checkpoints, fit
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.monitoring.anomalies import find_anomalies
from holdfast.forecasting.monitoring.drift import Drift, check_drift
from holdfast.forecasting.output import (
    anomaly_columns,
    backtest_columns,
    embedding_columns,
    forecast_columns,
    path_columns,
    total_columns,
)
from holdfast.forecasting.paths import sample_paths
from holdfast.forecasting.predict import forecast, own_series, read_like
from holdfast.forecasting.pretrained.forecast import embed
from holdfast.forecasting.totals import totals
from holdfast.records import ForecastRecord
from holdfast.tables.covariate_tables import CovariateSources
from holdfast.tables.frames import Backend, to_frame
from holdfast.tables.periods import Over, check_period, group_by
from holdfast.tables.raw import RawTable
from holdfast.tables.read import ReadOptions, Table, read
from holdfast.tables.update import read_new_rows
from holdfast.training.budget import Budget, duration
from holdfast.training.parameters import Parameters
from holdfast.training.progress import progress_for_terminal

MOST = 100_000
"""The longest horizon, the longest season, the most steps and the largest seed."""


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Interval levels in ascending order, once each.

    Raises:
        ArgumentError: a level is not between 0 and 100.
    """
    listed = np.asarray(levels)
    if listed.ndim != 1 or listed.dtype.kind not in "if":
        raise ArgumentError(f"level={levels!r} must be a list of percentages, as in (80, 90).")
    for level in listed.tolist():
        if not 0 < level < 100:
            raise ArgumentError(f"level={level!r} must be a percentage between 0 and 100.")
    return tuple(sorted({float(level) for level in listed.tolist()}))


def count(name: str, value: object, least: int) -> int:
    """A whole number, numpy's too, of at least `least`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    number = int(value) if isinstance(value, int | np.integer) else least - 1
    if not whole or not least <= number <= MOST:
        raise ArgumentError(f"{name}={value!r} must be a whole number from {least} to {MOST:,}.")
    return number


Self = TypeVar("Self", bound="FittedForecaster")


class FittedForecaster(Parameters):
    """A forecaster as far as it needs no trainer and no backtest; made by `Forecaster`."""

    _fitted: FittedModel | None = None
    _backend: Backend | None = None

    def update(
        self: Self,
        df: Any,
        *,
        id_col: str | Sequence[str] | None = None,
        time_col: str | None = None,
        target_col: str | None = None,
        static_df: Any = None,
        correct: bool = False,
    ) -> Self:
        """Take new rows in without fitting again: `predict` then goes on from the new ends.

        Rows behind the end of a series make it longer, rows in a gap fill it, rows that say what is
        known change nothing, and those of a series that is not known make a new one. Weights of
        the blend, widths of the intervals and networks stay as the fit left them. It takes time
        in proportion to the new rows, beside one copy of the values. Where the fit had historic
        or known columns the rows have them too; what is known ahead of the new ends goes to
        `predict`, as ever.

        Arguments:
            df: only the new rows, in the columns and on the calendar of the table that was fitted.
            id_col, time_col, target_col: the columns, where they are called otherwise.
            static_df: one row for each series that is new, where the fit had statics.
            correct: whether a row may take the place of another value; else such rows are refused.

        Returns:
            itself.

        Raises:
            ArgumentError: not fitted, or statics are given that the fit did not have.
            TableError: a row cannot be used; names it, and nothing is changed.

        Example:
            >>> from holdfast import Forecaster
            >>> table = {"ds": range(48), "y": [float(step % 4) for step in range(48)]}
            >>> forecaster = Forecaster(2, season=4, adapt="none").fit(table)
            >>> forecaster.update({"ds": [48, 49], "y": [0.0, 1.0]}).predict()["ds"].to_pylist()
            [50, 51]
        """
        fitted = self._require()
        new = read_new_rows(
            df,
            fitted.names,
            fitted.series.calendar,
            ReadOptions(id_col=id_col, time_col=time_col, target_col=target_col),
            like=fitted.series.covariates,
            static=static_df,
        )
        self._fitted, _ = fitted.updated(new, correct=correct)
        return self

    def anomalies(self, df: Any = None, *, level: float = 99) -> Any:
        """Every value of the past beside what was expected one step before it.

        The forecasts are the pretrained network's, which has learnt from none of these values; the
        intervals are calibrated on the other four fifths of the time. Covariates are not read.

        Arguments:
            df: histories, also of series that `fit` never saw; None for those of the model.
            level: of the intervals, in percent: about as many values lie inside anyway.

        Returns:
            A frame of the caller's kind, a row a value: ids, timestamps, the target, ``holdfast``,
            ``holdfast-lo-99``, ``holdfast-hi-99``, ``score`` (distance from the forecast in
            half-widths, negative below it), ``anomaly`` and ``note``. The first values of a series
            have no bounds and are no anomaly.

        Raises:
            ArgumentError: not fitted, or a level is out of range.
            TableError: `df` cannot be used, or lies on another calendar.

        Example:
            >>> from holdfast import Forecaster
            >>> y = [10.0 + step % 4 for step in range(80)]
            >>> y[60] = 50.0
            >>> forecaster = Forecaster(2, season=4, adapt="none").fit({"ds": range(80), "y": y})
            >>> found = forecaster.anomalies().to_pandas()
            >>> found.loc[found["score"].abs().idxmax(), "ds"].item()
            60
        """
        fitted = self._require()
        (level,) = check_levels((level,))
        series, backend = fitted.series, self._backend
        if df is not None:
            table = read_like(fitted, df)
            series, backend = table.series, table.backend
        found = find_anomalies(fitted, series, level)
        columns = anomaly_columns(fitted.names, series, found, level)
        return to_frame(columns, backend, series.calendar)

    def drift(self, df: Any) -> Drift:
        """Whether the errors on new rows are those of the backtest.

        Arguments:
            df: new rows behind the end of the model, as `update` takes them; the model stays as
                it is.

        Returns:
            What was measured, and a ``sentence`` that says whether to fit again.

        Raises:
            ArgumentError: not fitted.
            TableError: the rows cannot be used, none of them is new, or there was no backtest.
        """
        fitted = self._require()
        series = fitted.series
        new = read_new_rows(df, fitted.names, series.calendar, like=series.covariates)
        return check_drift(fitted, fitted.updated(new)[0].series)

    def embed(self, df: Any = None) -> Any:
        """One vector a series: what the pretrained network knows of its shape.

        Series of one shape have one vector, whatever their unit and level: ``a·y + b`` has that of
        ``y`` for every a other than 0, up to rounding. What was adapted takes no part, so that
        vectors of two tables can be compared where both are read by the same network.

        Arguments:
            df: histories, also of series that `fit` never saw; None for those of `fit`.

        Returns:
            A frame of the caller's kind: ids and columns ``e0``, ``e1`` …

        Raises:
            ArgumentError: not fitted.
            TableError: `df` cannot be used, or lies on another calendar.
        """
        fitted = self._require()
        series, backend = fitted.series, self._backend
        if df is not None:
            table = read_like(fitted, df)
            series, backend = table.series, table.backend
        reader = fitted.pretrained
        made = embed(reader.network, series, reader.season, reader.long_season)
        columns = embedding_columns(fitted.names, series, made)
        return to_frame(columns, backend, series.calendar)

    def save(self, folder: str | Path) -> None:
        """Write a model folder: weights, histories and calibration; whole or not at all.

        Raises:
            ArgumentError: not fitted.
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        self._require().save(folder)

    def _require(self) -> FittedModel:
        if self._fitted is None:
            raise ArgumentError("The forecaster is not fitted yet; call fit first.")
        return self._fitted


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


class Forecaster(SampledForecaster):
    """Forecasts many series with LSTMs, blended with simple methods as far as each has earned.

    A small LSTM that was trained on synthetic series ships with Holdfast and forecasts at once; it
    is then adapted to the series, and another is trained on them alone, where that promises more.

    Arguments:
        horizon: how many steps to forecast.
        season: grid points of one season, 1 for none; None to infer it.
        freq: distance of the timestamps, as in pandas ("MS", "h", "15min") or polars ("1mo"); 1
            for counters; None to infer it.
        budget: how long `fit` may take, backtest and all: "90s", "5m", "1h30m", seconds, or None
            for as long as the data can use.
        steps: updates of each network in place of the budget; with it, equal seeds give equal
            forecasts bit for bit (equal threads and machine).
        seed: of everything random; global random numbers are neither read nor changed.
        adapt: "none" trains nothing and takes seconds; "auto" trains where data and budget promise
            something of it; "full" wherever it is possible.
        baselines: whether statsforecast's AutoETS, AutoARIMA and AutoTheta are scored on the same
            folds and shown beside (extra `baselines`); they take up to a third of the budget.

    Raises:
        ArgumentError: an argument is out of range.

    Example:
        >>> import math
        >>> import pyarrow as pa
        >>> y = [10 + 3 * math.sin(2 * math.pi * month / 12) for month in range(48)]
        >>> table = pa.table({"ds": range(48), "y": y})
        >>> forecaster = Forecaster(horizon=12, season=12, adapt="none").fit(table)
        >>> forecaster.predict(level=(80,)).column_names[:5]
        ['unique_id', 'ds', 'holdfast', 'holdfast-lo-80', 'holdfast-hi-80']
    """

    def __init__(
        self,
        horizon: int,
        *,
        season: int | None = None,
        freq: str | int | None = None,
        budget: str | float | None = "2m",
        steps: int | None = None,
        seed: int = 0,
        adapt: Adapt = "auto",
        baselines: bool = False,
    ) -> None:
        # What was given stays as it is: scikit-learn's clone compares by identity.
        count("horizon", horizon, 1)
        count("seed", seed, 0)
        for name, value in (("season", season), ("steps", steps)):
            if value is not None:
                count(name, value, 1)
        if budget is not None:
            duration(budget)
        if adapt not in get_args(Adapt):
            named = " or ".join(f'"{one}"' for one in get_args(Adapt))
            raise ArgumentError(f"adapt={adapt!r} must be {named}.")
        self.horizon = horizon
        self.season = season
        self.freq = freq
        self.budget = budget
        self.steps = steps
        self.seed = seed
        if not isinstance(baselines, bool):
            raise ArgumentError(f"baselines={baselines!r} must be True or False.")
        self.adapt: Adapt = adapt
        self.baselines = baselines
        self._fit: FitResult | None = None

    def fit(
        self,
        df: Any,
        *,
        id_col: str | Sequence[str] = "unique_id",
        time_col: str = "ds",
        target_col: str = "y",
        static_df: Any = None,
        known: str | Sequence[str] = (),
        historic: str | Sequence[str] = (),
        holidays: str | None = None,
        checkpoints: str | Path | None = None,
        start: str | Path | None = None,
    ) -> Forecaster:
        """Learn from a table: backtest every method, then train what is worth it on everything.

        Arguments:
            df: a pandas, polars or pyarrow frame in the long format, a pandas Series with dates,
                or the path of a file. A table of one series needs no id column, and columns with
                other names than the defaults are guessed where that is unambiguous.
            id_col, time_col, target_col: the columns; several id columns as a list.
            static_df: covariates with one row a series: a frame or a path with the id columns.
            known: columns of `df` that are known ahead, such as prices; `predict` then needs
                them in `X_df`.
            historic: columns of `df` that are known up to its end only.
            holidays: a country whose public holidays count, as in "DE" or "US-CA".
            checkpoints: folder from which a fit that was killed goes on.
            start: a model folder from whose networks training goes on, with half of the updates.
                The backtest does without them, since they have seen what it scores.

        Returns:
            itself.

        Raises:
            ArgumentError: the covariates contradict each other, or the country is not known.
            TableError: the table cannot be used; the message names the column, row or series.
            NonFiniteLossError: training failed; names the step and the series.
        """
        started = time.monotonic()
        covariates = CovariateSources.of(known, historic, static_df, None, holidays)
        table = self._read(df, id_col, time_col, target_col, covariates)
        saved = None if start is None else FittedModel.load(start)
        ground = backtest_data(table, int(self.horizon))
        self._fit = self._fit_ground(ground, started, checkpoints, refit=True, saved=saved)
        self._fitted, self._raw = self._fit.fitted, table.raw
        self._backend = table.backend
        return self

    def predict(
        self,
        df: Any = None,
        *,
        X_df: Any = None,
        static_df: Any = None,
        level: Sequence[float] = (80, 90),
        members: bool = False,
        integers: bool = False,
    ) -> Any:
        """Forecast every series from its last value on.

        Arguments:
            df: histories to forecast from, also of series that `fit` never saw; None for those of
                `fit`.
            X_df: what is known ahead: ids, timestamps behind each series' end, and the columns
                that `fit` was told are known; without ids it holds for every series.
            static_df: one row a series of `df`, with the columns that `fit` had.
            level: interval levels in percent.
            members: whether to add a column for each member of the blend.
            integers: whether series of whole numbers get whole numbers: lower bounds are rounded
                down and upper ones up, so that no interval covers less; the mean is not rounded.

        Returns:
            A frame of the caller's kind: ids, timestamps, ``holdfast`` (the median),
            ``holdfast-lo-90`` …, ``method`` and ``note``; ``holdfast-mean`` too where any series
            of the fit counts something, as the median of rare demand is zero.

        Raises:
            ArgumentError: not fitted, or a level is out of range.
            TableError: a table cannot be used, or lies on another calendar; or a value that must
                be known ahead is missing, which names the column and the dates.
        """
        fitted = self._require()
        levels = check_levels(level)
        backend = self._backend
        if df is None:
            series = own_series(fitted, static_df, X_df)
        else:
            table = read_like(fitted, df, static_df, X_df, ahead=True)
            series, backend = table.series, table.backend
        made = forecast(fitted, series, levels)
        made = made.whole(series) if integers else made
        columns = forecast_columns(fitted.names, series, made, members=members)
        return to_frame(columns, backend, series.calendar)

    def backtest(
        self,
        df: Any = None,
        *,
        folds: int = 3,
        step: int | None = None,
        static_df: Any = None,
        level: Sequence[float] = (80, 90),
    ) -> Any:
        """Forecasts of past horizons beside what came, every one out of fold.

        Arguments:
            df: a table to backtest on, with the columns and on the calendar of the fitted one;
                None for the fitted one itself, whose own three folds need no further training.
            folds: cut-offs; the newest lies one horizon before the end.
            step: grid points between cut-offs; the horizon if None.
            static_df: one row a series of `df`, where `fit` had statics.
            level: interval levels in percent, of 50, 80, 90, 95 and 99.

        Returns:
            A frame of the caller's kind: ids, timestamps, ``cutoff``, the target, ``holdfast``,
            bounds, and every member.

        Raises:
            ArgumentError: there is no table, or an argument is out of range.
            TableError: the history is too short for a single fold.
        """
        levels = check_levels(level)
        if not set(levels) <= set(LEVELS):
            known = ", ".join(f"{one:g}" for one in LEVELS)
            raise ArgumentError(f"level={tuple(level)!r}: a backtest calibrates {known}.")
        made = self._fit
        if df is not None or made is None or (folds, step) != (3, None):
            started = time.monotonic()
            table = self._table_for_backtest(df, static_df)
            ground = backtest_data(table, int(self.horizon), folds=folds, step=step)
            made = self._fit_ground(ground, started, None, refit=False)
        if not made.ground.folds.scoring:
            raise TableError(made.ground.folds.reason)
        table = made.ground.table
        columns = backtest_columns(made.ground, made.judged, levels)
        return to_frame(columns, table.backend, table.series.calendar)

    @classmethod
    def load(cls, folder: str | Path) -> Forecaster:
        """A fitted forecaster from a model folder.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        fitted = FittedModel.load(folder)
        made = cls(fitted.horizon, season=fitted.season, freq=fitted.series.calendar.code)
        made._fitted = fitted
        return made

    def record(
        self, *, X_df: Any = None, level: Sequence[float] = (80, 90), title: str = "Forecast"
    ) -> ForecastRecord:
        """All that a report shows; `holdfast.reports.save` makes a page of it.

        Arguments:
            X_df: what is known ahead, as `predict` takes it.
            level: interval levels in percent.
            title: what was forecast.

        Raises:
            ArgumentError: not fitted in this process (a loaded model has no backtest to show).
        """
        if self._fit is None:
            raise ArgumentError("There is nothing to report: call fit in this process first.")
        levels, series = check_levels(level), own_series(self._require(), None, X_df)
        return self._fit.record(levels, title=title, command="", started=None, series=series)

    def _read(
        self,
        df: Any,
        id_col: str | Sequence[str],
        time_col: str,
        target_col: str,
        covariates: CovariateSources | None,
    ) -> Table:
        return read(
            df,
            ReadOptions(
                id_col=None if id_col == "unique_id" else id_col,
                time_col=None if time_col == "ds" else time_col,
                target_col=None if target_col == "y" else target_col,
                freq=self.freq,
                season=None if self.season is None else int(self.season),
                covariates=covariates,
            ),
        )

    def _table_for_backtest(self, df: Any, static_df: Any) -> Table:
        if df is not None:
            if self._fitted is not None:
                return read_like(self._fitted, df, static_df)
            covariates = CovariateSources.of(static=static_df)
            return self._read(df, "unique_id", "ds", "y", covariates)
        if self._fit is None:
            raise ArgumentError("backtest() needs a table: give df, or call fit first.")
        return self._fit.ground.table

    def _fit_ground(
        self,
        ground: BacktestData,
        started: float,
        checkpoints: str | Path | None,
        *,
        refit: bool,
        saved: FittedModel | None = None,
    ) -> FitResult:
        folder = None if checkpoints is None else Path(checkpoints)
        budget = Budget.parse(None if self.steps else self.budget, start=started)
        if self.baselines:
            ground = ground.with_statistical(budget.share(BASELINES_SHARE))
        made = fit(
            ground,
            adapt=self.adapt,
            budget=budget,
            steps=None if self.steps is None else int(self.steps),
            seed=int(self.seed),
            progress=progress_for_terminal(),
            checkpoints=folder,
            refit=refit,
            start=saved,
        )
        if folder is not None:
            clear_checkpoints(folder)
        return made
