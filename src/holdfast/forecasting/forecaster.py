"""The forecaster: fit, predict, backtest."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from holdfast.errors import ArgumentError, TableError
from holdfast.forecasting.arguments import check_levels, count
from holdfast.forecasting.columns import backtest_columns, forecast_columns
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.fitting import Adapt, Fit, fit
from holdfast.forecasting.groundwork import BASELINES_SHARE, Groundwork, lay
from holdfast.forecasting.histories import own_series, read_like
from holdfast.forecasting.predictor import forecast
from holdfast.forecasting.run_folder import clear_checkpoints
from holdfast.forecasting.sampled_forecaster import SampledForecaster
from holdfast.records import ForecastRecord
from holdfast.tables.covariate_tables import CovariateSources
from holdfast.tables.frames import to_frame
from holdfast.tables.read import ReadOptions, Table, read
from holdfast.training.budget import Budget, duration
from holdfast.training.progress import progress_for_terminal


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
        self._fit: Fit | None = None

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
        saved = None if start is None else Fitted.load(start)
        ground = lay(table, int(self.horizon))
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
            ground = lay(table, int(self.horizon), folds=folds, step=step)
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
        fitted = Fitted.load(folder)
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
        ground: Groundwork,
        started: float,
        checkpoints: str | Path | None,
        *,
        refit: bool,
        saved: Fitted | None = None,
    ) -> Fit:
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
