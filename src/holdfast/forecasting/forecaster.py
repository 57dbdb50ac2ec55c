"""The forecaster: tables in, quantile forecasts of every series out.

What takes long to import is imported by the methods that need it, torch last of all: tables and
arguments that cannot be used are refused at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from holdfast.errors import ArgumentError, option
from holdfast.forecasting.arguments import check_levels, check_whole_number
from holdfast.storage import refuse_what_is_not_ours
from holdfast.tables.covariate_tables import CovariateSources, check_future
from holdfast.tables.frames import Backend, to_frame, write_csv
from holdfast.tables.read import ReadOptions, Table, read
from holdfast.training.budget import Budget, duration
from holdfast.training.parameters import Parameters
from holdfast.training.progress import Progress, progress_for_terminal

if TYPE_CHECKING:
    from holdfast.forecasting.backtest import BacktestData
    from holdfast.forecasting.fit import FitResult
    from holdfast.forecasting.model import FittedModel
    from holdfast.forecasting.monitoring.drift import Drift
    from holdfast.forecasting.output import Columns
    from holdfast.forecasting.predict import Forecasts
    from holdfast.forecasting.totals import Totals
    from holdfast.records import (
        ForecastRecord,
        MethodScore,
        TableSummary,
        TotalsRecord,
        TrainingSummary,
    )
    from holdfast.tables.layouts import ColumnNames
    from holdfast.tables.numbers import Decimal
    from holdfast.tables.periods import Over
    from holdfast.tables.raw import RawTable
    from holdfast.tables.rows import Aggregate, Missing
    from holdfast.tables.series import SeriesSet
    from holdfast.tables.update import Appended

Adapt = Literal["none", "auto", "full"]
"""How far to go: no training; where it promises something; or wherever it is possible."""


class Forecaster(Parameters):
    """Quantile forecasts for every series of a table, from an ensemble that a backtest weighted.

    A small LSTM that was trained on synthetic series ships with Holdfast and forecasts at once; it
    is then fine-tuned on the series, and another is trained on them from scratch, where that
    promises more. Simple methods stand beside them, each with the weight that it has earned.

    Arguments:
        horizon: how many steps to forecast.
        season: grid points of one season (season_length), 1 for none; None to infer it.
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

    Attributes, after `fit` or `load`; those marked * after `fit` alone:
        season_, freq_: of the series, in the form of the arguments.
        weights_: member of the ensemble → weight.
        scores_ *: a `MethodScore` for the ensemble and each method, out of fold.
        training_ *: how each network was trained.
        notes_ *: what was not trained, and why, in sentences.
        summary_ *: what was understood of the table.

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

    season_: int
    freq_: str | int
    weights_: dict[str, float]
    scores_: tuple[MethodScore, ...]
    training_: tuple[TrainingSummary, ...]
    notes_: tuple[str, ...]
    summary_: TableSummary
    update_: Appended
    totals_: TotalsRecord

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
        check_whole_number("horizon", horizon, 1)
        check_whole_number("seed", seed, 0)
        if season is not None:
            check_whole_number("season", season, 1)
        if steps is not None:
            check_whole_number("steps", steps, 1, most=10**9)
        if budget is not None:
            duration(budget)
        if adapt not in get_args(Adapt):
            choices = " or ".join(f'"{one}"' for one in get_args(Adapt))
            raise ArgumentError(f"{option('adapt', adapt)} must be {choices}.")
        if not isinstance(baselines, bool):
            raise ArgumentError(f"{option('baselines', baselines)} must be True or False.")
        self.horizon = horizon
        self.season = season
        self.freq = freq
        self.budget = budget
        self.steps = steps
        self.seed = seed
        self.adapt: Adapt = adapt
        self.baselines = baselines
        self._model: FittedModel | None = None
        self._result: FitResult | None = None
        self._backtested: FitResult | None = None
        self._backend: Backend | None = None
        self._raw: RawTable | None = None
        self._checkpoints: Path | None = None
        self._started: float | None = None
        self._forecasts: tuple[tuple[object, ...], Forecasts] | None = None
        self._sums: tuple[tuple[object, ...], Totals] | None = None

    def read(
        self, df: Any, *,
        id_col: str | Sequence[str] | None = None, time_col: str | None = None,
        target_col: str | None = None,
        static_df: Any = None, X_df: Any = None,
        past_covariates: str | Sequence[str] = (), future_covariates: str | Sequence[str] = (),
        holidays: str | None = None,
        wide: bool = False, day_first: bool | None = None, decimal: Decimal | None = None,
        missing: Missing = "gap", aggregate: Aggregate | None = None, sheet: str | None = None,
    ) -> Table:  # fmt: skip
        """Read and check a table as `fit` does, to see what is understood before it is used.

        `fit`, `predict` and the others take the result in place of `df`. After `fit` or `load` a
        table is read as `predict` reads it: with the columns, on the calendar and with the
        covariates of the fitted one.

        Arguments:
            df: a pandas, polars or pyarrow frame in the long format, a pandas Series with dates,
                or the path of a CSV, Parquet or Excel file. A table of one series needs no ids.
            id_col, time_col, target_col: the columns; several id columns as a list. None for
                unique_id, ds and y, or what else is unambiguous.
            static_df: covariates with one row a series: a frame or a path with the id columns.
            X_df: future covariates behind each series' end: ids, timestamps and those columns;
                without ids it holds for every series.
            past_covariates: columns of `df` that are known up to its end only (hist_exog).
            future_covariates: columns that are known ahead, such as prices (futr_exog).
            holidays: a country whose public holidays count, as in "DE" or "US-CA".
            wide: whether each column but the time is a series (or each row, under dates).
            day_first: how to read 01/02/2020; None to tell from the column.
            decimal: the decimal mark; None to tell from the values.
            missing: whether a grid point without a value is a "gap" or "zero".
            aggregate: "sum" or "mean", to combine rows of one series in one period of `freq`;
                None to refuse repeated timestamps.
            sheet: the sheet of a workbook; None for the first.

        Raises:
            ArgumentError: the covariates contradict each other, or the country is not known.
            TableError: the table cannot be used; the message names the column, row or series.
        """
        if isinstance(df, Table):
            return df
        options = ReadOptions(
            id_col=id_col, time_col=time_col, target_col=target_col, freq=self.freq,
            season=None if self.season is None else int(self.season), wide=wide,
            day_first=day_first, decimal=decimal, missing=missing, aggregate=aggregate, sheet=sheet,
        )  # fmt: skip
        if self._model is not None:
            if past_covariates or future_covariates or holidays:
                raise ArgumentError("Past and future covariates and holidays are those of the fit.")
            from holdfast.forecasting.predict import read_like

            return read_like(self._model, df, options, static_df, X_df)
        covariates = CovariateSources.of(
            future_covariates, past_covariates, static_df, X_df, holidays
        )
        return read(df, replace(options, covariates=covariates))

    def fit(
        self, df: Any, y: None = None, *,
        id_col: str | Sequence[str] | None = None, time_col: str | None = None,
        target_col: str | None = None,
        static_df: Any = None, X_df: Any = None,
        past_covariates: str | Sequence[str] = (), future_covariates: str | Sequence[str] = (),
        holidays: str | None = None,
        wide: bool = False, day_first: bool | None = None, decimal: Decimal | None = None,
        missing: Missing = "gap", aggregate: Aggregate | None = None, sheet: str | None = None,
        level: Sequence[float] = (),
        checkpoints: str | Path | None = None, warm_start: str | Path | None = None,
        started: float | None = None, progress: Progress | None = None,
        on_simple_scores: Callable[[tuple[MethodScore, ...], str], None] | None = None,
        on_first_forecast: Callable[[Forecaster], None] | None = None,
    ) -> Forecaster:  # fmt: skip
        """Learn from a table: backtest every method, then train what is worth it on everything.

        Arguments:
            df, id_col … sheet: as `read` has them.
            y: not used; scikit-learn's pipelines pass it.
            level: interval levels in percent to calibrate beside 50, 80, 90, 95 and 99.
            checkpoints: folder from which a fit that was killed goes on; `save` empties it.
            warm_start: a model folder from whose networks training goes on, with half of the
                updates. The backtest does without them, since they have seen what it scores.
            started: the reading of ``time.monotonic`` from which the budget counts; None for now.
            progress: is told of every update; None for a bar on a terminal.
            on_simple_scores: is given the simple methods' scores, before torch is loaded, and why
                there are not more folds ("" where all were made).
            on_first_forecast: is given the forecaster as it is before anything is trained, where
                training follows; future covariates must then be in `X_df`.

        Returns:
            itself.

        Raises:
            ArgumentError, TableError: as `read` does.
            ModelError: `warm_start` is no model folder.
            NonFiniteLossError: training failed; names the step and the series.
        """
        from holdfast.forecasting.backtest import backtest_data
        from holdfast.forecasting.baselines.statsforecast import require
        from holdfast.forecasting.model import FittedModel

        self._started, begin = started, time.monotonic() if started is None else started
        levels = check_levels(level)
        if self.baselines:
            require()
        unfitted = type(self)(**self.get_params())
        table = unfitted.read(
            df, id_col=id_col, time_col=time_col, target_col=target_col, static_df=static_df,
            X_df=X_df, past_covariates=past_covariates, future_covariates=future_covariates,
            holidays=holidays, wide=wide, day_first=day_first, decimal=decimal, missing=missing,
            aggregate=aggregate, sheet=sheet,
        )  # fmt: skip
        if on_first_forecast is not None:
            check_future(table.series, int(self.horizon))
        data = backtest_data(table, int(self.horizon))

        def first(result: FitResult) -> None:
            if on_first_forecast is not None:
                on_first_forecast(self._fitted_with(result))

        result = self._train(
            data, begin, levels=levels, refit=True, checkpoints=checkpoints, progress=progress,
            warm_start=None if warm_start is None else FittedModel.load(warm_start, networks=False),
            on_simple_scores=on_simple_scores, on_first_result=first,
        )  # fmt: skip
        self._checkpoints = None if checkpoints is None else Path(checkpoints)
        return self._fitted_with(result)

    def predict(
        self, df: Any = None, *,
        X_df: Any = None, static_df: Any = None,
        level: Sequence[float] = (80, 90), members: bool = False, integers: bool = False,
        id_col: str | Sequence[str] | None = None, time_col: str | None = None,
        target_col: str | None = None,
        wide: bool = False, day_first: bool | None = None, decimal: Decimal | None = None,
        missing: Missing = "gap", aggregate: Aggregate | None = None, sheet: str | None = None,
        csv: str | Path | None = None,
    ) -> Any:  # fmt: skip
        """Forecast every series from its last value on.

        Arguments:
            df: histories to forecast from, also of series that `fit` never saw; None for those of
                `fit`.
            level: interval levels in percent.
            members: whether to add a column for each member of the ensemble.
            integers: whether series of whole numbers get whole numbers: lower bounds are rounded
                down and upper ones up, so that no interval covers less; the mean is not rounded.
            X_df, static_df, id_col … sheet: as `read` has them; the columns of `fit` for None.
            csv: a file to write the rows into, whole or not at all; nothing is returned then.

        Returns:
            A frame of the caller's kind: ids, timestamps, ``holdfast`` (the median),
            ``holdfast-lo-90`` …, ``method`` and ``note``; ``holdfast-mean`` too where any series
            of the fit counts something, as the median of rare demand is zero.

        Raises:
            ArgumentError: not fitted, or a level is out of range.
            TableError: a table cannot be used, lies on another calendar, or lacks future
                covariates; names the column and the dates.
        """
        from holdfast.forecasting import output

        model, levels = self._fitted_model(), check_levels(level)
        options = ReadOptions(
            id_col=id_col, time_col=time_col, target_col=target_col, wide=wide,
            day_first=day_first, decimal=decimal, missing=missing, aggregate=aggregate, sheet=sheet,
        )  # fmt: skip
        series, names, backend, _ = self._histories(df, static_df, X_df, options, ahead=True)
        forecasts = self._forecast(model, series, levels, integers=integers)
        columns = output.forecast_columns(names, series, forecasts, members=members)
        return _frame(columns, backend, series, csv)

    def backtest(
        self, df: Any = None, *,
        folds: int = 3, step: int | None = None, level: Sequence[float] = (80, 90),
        id_col: str | Sequence[str] | None = None, time_col: str | None = None,
        target_col: str | None = None,
        static_df: Any = None,
        past_covariates: str | Sequence[str] = (), future_covariates: str | Sequence[str] = (),
        holidays: str | None = None,
        wide: bool = False, day_first: bool | None = None, decimal: Decimal | None = None,
        missing: Missing = "gap", aggregate: Aggregate | None = None, sheet: str | None = None,
        checkpoints: str | Path | None = None,
        started: float | None = None, progress: Progress | None = None,
        on_simple_scores: Callable[[tuple[MethodScore, ...], str], None] | None = None,
        csv: str | Path | None = None,
    ) -> Any:  # fmt: skip
        """Forecasts of past horizons beside what came, every one out of fold.

        Arguments:
            df: a table to backtest on; after `fit`, one with the columns and on the calendar of
                the fitted one. None for the fitted one itself, whose own three folds need no
                further training.
            folds: cut-offs (n_windows); the newest lies one horizon before the end.
            step: grid points between cut-offs (step_size); the horizon if None.
            id_col … sheet: as `read` has them; level, csv: as `predict` has them.
            checkpoints … on_simple_scores: as `fit` has them; checkpoints are emptied at the end.

        Returns:
            A frame of the caller's kind: ids, timestamps, ``cutoff``, the target, ``holdfast``,
            bounds, and every member.

        Raises:
            ArgumentError: there is no table, or an argument is out of range.
            TableError: the history is too short for a single fold.
        """
        from holdfast.forecasting import output
        from holdfast.forecasting.backtest import backtest_data, check_folds
        from holdfast.forecasting.baselines.statsforecast import require

        levels, table = check_levels(level), df
        result = self._result
        if df is not None or result is None or (folds, step) != (3, None):
            self._started, begin = started, time.monotonic() if started is None else started
            if self.baselines:
                require()
            if df is None and result is not None:
                table = result.data.table
            elif df is None:
                raise ArgumentError("backtest() needs a table: give df, or call fit first.")
            else:
                table = self.read(
                    df, id_col=id_col, time_col=time_col, target_col=target_col,
                    static_df=static_df, past_covariates=past_covariates,
                    future_covariates=future_covariates, holidays=holidays, wide=wide,
                    day_first=day_first, decimal=decimal, missing=missing, aggregate=aggregate,
                    sheet=sheet,
                )  # fmt: skip
            data = backtest_data(table, int(self.horizon), folds=folds, step=step)
            check_folds(data)
            result = self._train(
                data, begin, levels=levels, refit=False, checkpoints=checkpoints,
                progress=progress, on_simple_scores=on_simple_scores,
            )  # fmt: skip
        check_folds(result.data)
        calibrated = sorted(result.backtest.evaluation.intervals.lower)
        if not set(levels) <= set(calibrated):
            known = ", ".join(f"{one:g}" for one in calibrated)
            raise ArgumentError(f"{option('level', tuple(level))}: this backtest has {known}.")
        self._backtested, table = result, result.data.table
        columns = output.backtest_columns(result.data, result.backtest, levels)
        frame = _frame(columns, table.backend, table.series, csv)
        if checkpoints is not None:
            from holdfast.forecasting.fit import clear_checkpoints

            clear_checkpoints(Path(checkpoints))
        return frame

    def evaluate(
        self, df: Any = None, *, folds: int = 3, step: int | None = None,
        static_df: Any = None, progress: Progress | None = None,
    ) -> Any:  # fmt: skip
        """Scores of the ensemble and of every method on past horizons, out of fold.

        Arguments:
            df, folds, step, static_df, progress: as `backtest` has them.

        Returns:
            A frame of the caller's kind: ``method``, ``mase`` and ``smape`` (means over series,
            folds and steps), ``weight`` in the ensemble; the ensemble itself, "holdfast", first.

        Raises:
            ArgumentError, TableError: as `backtest` does.
        """
        from holdfast.forecasting import output

        self.backtest(df, folds=folds, step=step, static_df=static_df, progress=progress)
        result = self._backtested
        assert result is not None
        table, scores = result.data.table, result.backtest.evaluation.methods
        return _frame(output.score_columns(scores), table.backend, table.series)

    def update(
        self, df: Any, *, static_df: Any = None, correct: bool = False,
        id_col: str | Sequence[str] | None = None, time_col: str | None = None,
        target_col: str | None = None,
        wide: bool = False, day_first: bool | None = None, decimal: Decimal | None = None,
        missing: Missing = "gap", aggregate: Aggregate | None = None, sheet: str | None = None,
    ) -> Forecaster:  # fmt: skip
        """Take new rows in without fitting again: `predict` then goes on from the new ends.

        Rows behind the end of a series make it longer, rows in a gap fill it, rows that say what is
        known change nothing, and those of a series that is not known make a new one. Weights of
        the ensemble, widths of the intervals and networks stay as the fit left them. It takes time
        in proportion to the new rows, beside one copy of the values, and no torch. Where the fit
        had past or future covariates the rows have them too; those of the time behind the new ends
        go to `predict`, as ever. ``update_`` then says what became of the rows.

        Arguments:
            df: only the new rows, in the columns and on the calendar of the table that was fitted.
            static_df: one row for each series that is new, where the fit had statics.
            correct: whether a row may take the place of another value; else such rows are refused.
            missing: whether a period without a value between a series' known end and its last new
                row is a "gap" or "zero".
            aggregate: "sum" or "mean", to combine new rows of one period; refused for a period that
                has a value already, unless `correct`, as rows may be part of it or come on top.
            id_col … sheet: as `read` has them; the columns of `fit` for None.

        Returns:
            itself.

        Raises:
            ArgumentError: not fitted, or statics are given that the fit did not have.
            TableError: a row cannot be used; names it, and nothing is changed.

        Example:
            >>> table = {"ds": range(48), "y": [float(step % 4) for step in range(48)]}
            >>> forecaster = Forecaster(2, season=4, adapt="none").fit(table)
            >>> forecaster.update({"ds": [48, 49], "y": [0.0, 1.0]}).predict()["ds"].to_pylist()
            [50, 51]
        """
        from holdfast.tables.update import read_new_rows

        model = self._fitted_model()
        options = ReadOptions(
            id_col=id_col, time_col=time_col, target_col=target_col, wide=wide,
            day_first=day_first, decimal=decimal, missing=missing, aggregate=aggregate, sheet=sheet,
        )  # fmt: skip
        new = read_new_rows(
            df, model.names, model.series.calendar, options,
            like=model.series.covariates, static=static_df,
        )  # fmt: skip
        self._model, self.update_ = model.updated(new, correct=correct)
        return self

    def anomalies(self, df: Any = None, *, level: float = 99) -> Any:
        """Every value of the past beside what was expected one step before it.

        The forecasts are the pretrained network's, which has learnt from none of these values; the
        intervals are calibrated on the other four fifths of the time. Covariates are not read.

        Arguments:
            df: as `predict` has it.
            level: of the intervals, in percent: about as many values lie inside anyway.

        Returns:
            A frame of the caller's kind, a row a value: ids, timestamps, the target, ``holdfast``,
            ``holdfast-lo-99``, ``holdfast-hi-99``, ``score`` (distance from the forecast in
            half-widths, negative below it), ``anomaly`` and ``note``. The first values of a series
            have no bounds and are no anomaly.

        Raises:
            ArgumentError, TableError: as `predict` does.

        Example:
            >>> y = [10.0 + step % 4 for step in range(80)]
            >>> y[60] = 50.0
            >>> forecaster = Forecaster(2, season=4, adapt="none").fit({"ds": range(80), "y": y})
            >>> found = forecaster.anomalies().to_pandas()
            >>> found.loc[found["score"].abs().idxmax(), "ds"].item()
            60
        """
        from holdfast.forecasting import output
        from holdfast.forecasting.monitoring.anomalies import find_anomalies

        model = self._fitted_model()
        (level,) = check_levels((level,))
        series, names, backend, _ = self._histories(df)
        found = find_anomalies(model, series, level)
        return _frame(output.anomaly_columns(names, series, found, level), backend, series)

    def drift(
        self, df: Any, *,
        id_col: str | Sequence[str] | None = None, time_col: str | None = None,
        target_col: str | None = None,
        wide: bool = False, day_first: bool | None = None, decimal: Decimal | None = None,
        sheet: str | None = None,
    ) -> Drift:  # fmt: skip
        """Whether the errors on new rows are those of the backtest.

        Arguments:
            df: new rows behind the end of the model, as `update` takes them; the model stays as
                it is.
            id_col … sheet: as `read` has them; the columns of `fit` for None.

        Returns:
            What was measured, and a ``sentence`` that says whether to fit again.

        Raises:
            ArgumentError: not fitted.
            TableError: the rows cannot be used, none of them is new, or there was no backtest.
        """
        from holdfast.forecasting.monitoring.drift import check_drift
        from holdfast.tables.update import read_new_rows

        model = self._fitted_model()
        options = ReadOptions(
            id_col=id_col, time_col=time_col, target_col=target_col, wide=wide,
            day_first=day_first, decimal=decimal, sheet=sheet,
        )  # fmt: skip
        covariates, calendar = model.series.covariates, model.series.calendar
        new = read_new_rows(df, model.names, calendar, options, like=covariates)
        return check_drift(model, model.updated(new)[0].series)

    def embed(self, df: Any = None) -> Any:
        """One vector a series: what the pretrained network knows of its shape.

        Series of one shape have one vector, whatever their unit and level: ``a·y + b`` has that of
        ``y`` for every a other than 0, up to rounding. What was fine-tuned takes no part, so that
        vectors of two tables can be compared where both are read by the same network.

        Arguments:
            df: as `predict` has it.

        Returns:
            A frame of the caller's kind: ids and columns ``e0``, ``e1`` …

        Raises:
            ArgumentError, TableError: as `predict` does.
        """
        from holdfast.forecasting import output

        model = self._fitted_model()
        series, names, backend, _ = self._histories(df)

        from holdfast.forecasting.pretrained.forecast import embed

        member = model.pretrained
        vectors = embed(member.network, series, member.season, member.long_season)
        return _frame(output.embedding_columns(names, series, vectors), backend, series)

    def paths(
        self, df: Any = None, *, X_df: Any = None, static_df: Any = None,
        n: int = 200, seed: int = 0, integers: bool = False,
    ) -> Any:  # fmt: skip
        """Sample paths: n futures of every series, for whatever depends on several steps at once.

        Every step has the distribution that `predict` gives it; which values come together is
        learnt from errors of past windows, between steps and between series.

        Arguments:
            df, X_df, static_df: as `predict` has them.
            n: how many paths.
            seed: of the draws; equal seeds give equal paths.
            integers: whether series of whole numbers are drawn in whole numbers.

        Returns:
            A frame of the caller's kind: ids, timestamps, ``sample`` from 0, ``holdfast``.

        Raises:
            ArgumentError, TableError: as `predict` does.

        Example:
            >>> table = {"ds": range(48), "y": [float(step % 4) for step in range(48)]}
            >>> forecaster = Forecaster(2, season=4, adapt="none").fit(table)
            >>> forecaster.paths(n=3)["sample"].to_pylist()
            [0, 0, 1, 1, 2, 2]
        """
        from holdfast.forecasting import output
        from holdfast.forecasting.paths import sample_paths

        model = self._fitted_model()
        samples, start = check_whole_number("n", n, 1), check_whole_number("seed", seed, 0)
        series, names, backend, _ = self._histories(df, static_df, X_df, ahead=True)
        times, values = sample_paths(model, series, samples, start, integers=integers)
        return _frame(output.path_columns(names, series, times, values), backend, series)

    def totals(
        self, df: Any = None, *, X_df: Any = None, static_df: Any = None,
        by: str | None = None, over: Over | None = None, level: Sequence[float] = (80, 90),
        n: int = 1000, seed: int = 0, integers: bool = False, csv: str | Path | None = None,
    ) -> Any:  # fmt: skip
        """Totals of groups of series, of periods, or of both, with intervals of their own.

        The bounds of a total are not the sums of its parts' bounds: how far errors cancel is
        learnt from past windows. The mean of a total is the sum of the means of its parts, and
        values of a period that have been observed already count with it.

        Arguments:
            df, X_df, static_df, level, csv: as `predict` has them.
            by: a column that says one thing of each series, such as a region; "all" for one total
                of all series; None to keep series apart.
            over: "week" (from Monday), "month", "quarter", "year" or "horizon"; None to keep
                timestamps apart.
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
            >>> table = {"ds": range(48), "y": [float(step % 4) for step in range(48)]}
            >>> forecaster = Forecaster(4, season=4, adapt="none").fit(table)
            >>> forecaster.totals(over="horizon")["points"].to_pylist()
            [4]
        """
        from holdfast.forecasting import output
        from holdfast.tables.periods import check_period

        model, levels = self._fitted_model(), check_levels(level)
        samples, start = check_whole_number("n", n, 2), check_whole_number("seed", seed, 0)
        if by is None and over is None:
            raise ArgumentError(
                'totals() needs something to add up: by="region" for groups of series, '
                'over="month" for periods, or both.'
            )
        if over is not None:
            check_period(over, model.series.calendar)
        series, names, backend, raw = self._histories(df, static_df, X_df, ahead=True)
        result = self._totals(
            model, series, names, raw, by, over, levels, n=samples, seed=start, integers=integers
        )
        self.totals_ = output.totals_record(result, series.calendar, by, over)
        return _frame(output.total_columns(names, result), backend, series, csv)

    def check(
        self, table: Table, *, total_by: str | None = None, total_over: Over | None = None,
        folder: str | Path | None = None,
    ) -> None:  # fmt: skip
        """Refuse what could not be forecast, added up or saved, before anything is trained.

        Arguments:
            table: from `read`.
            total_by, total_over: totals to be made, as `totals` has them.
            folder: where the model will be saved.

        Raises:
            TableError: future covariates are missing; there is no such column to add up by, or it
                says different things of one series.
            ArgumentError: the table's calendar cannot fill the period.
            ModelError: the folder holds something that is not ours.
            InputError: `baselines` need statsforecast, which is not installed.
        """
        from holdfast.forecasting.baselines.statsforecast import require
        from holdfast.forecasting.model import KIND
        from holdfast.tables.periods import check_period, group_by

        if self.baselines:
            require()
        check_future(table.series, int(self.horizon))
        if total_over is not None:
            check_period(total_over, table.series.calendar)
        if total_by is not None:
            group_by(total_by, table.series, table.raw, table.columns)
        if folder is not None:
            refuse_what_is_not_ours(folder, KIND)

    def record(
        self, *, X_df: Any = None, level: Sequence[float] = (80, 90), integers: bool = False,
        total_by: str | None = None, total_over: Over | None = None,
        title: str = "Forecast", command: str = "",
    ) -> ForecastRecord:  # fmt: skip
        """All that a report shows; `holdfast.reports.save` makes a page of it.

        After `update` the histories and forecasts are those with the new rows; the backtest, its
        scores and what was trained stay those of the fit, and new series have no scores.

        Arguments:
            X_df, level, integers: as `predict` has them.
            total_by, total_over: totals to show, as `totals` makes them with the same seed.
            title: what was forecast.
            command: that was given.

        Raises:
            ArgumentError: nothing was fitted in this process (a loaded model has no backtest).
        """
        from holdfast.forecasting import output
        from holdfast.forecasting.predict import own_series

        result = self._result or self._backtested
        if result is None:
            raise ArgumentError("There is nothing to report: call fit in this process first.")
        levels, model = check_levels(level), result.model
        series = model.series
        if self._result is not None:
            model = self._fitted_model()  # with the rows of `update`
            series = own_series(model, None, X_df)
        forecasts = self._forecast(model, series, levels, integers=integers)
        record = output.forecast_record(
            result, levels, title=title, command=command, started=self._started,
            model=model, series=series, forecasts=forecasts,
        )  # fmt: skip
        if total_by is None and total_over is None:
            return record
        added = self._totals(
            model, series, model.names, self._raw, total_by, total_over, levels,
            n=1000, seed=int(self.seed), integers=integers,
        )  # fmt: skip
        shown = output.totals_record(added, series.calendar, total_by, total_over)
        return replace(record, totals=shown)

    def save(self, folder: str | Path) -> None:
        """Write a model folder: weights, histories and calibration; whole or not at all.

        Raises:
            ArgumentError: not fitted.
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        self._fitted_model().save(folder)
        if self._checkpoints is not None:
            from holdfast.forecasting.fit import clear_checkpoints

            clear_checkpoints(self._checkpoints)
            self._checkpoints = None

    @classmethod
    def load(cls, folder: str | Path, *, networks: bool = True) -> Forecaster:
        """A fitted forecaster from a model folder.

        Of the arguments of the fit `horizon`, `season` and `freq` are those of the model, also
        where the fit inferred them; the others are not kept and have their defaults.

        Arguments:
            folder: from `save`.
            networks: whether to read the networks, with torch, now; else when they are needed:
                `update` needs none.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        from holdfast.forecasting.model import FittedModel

        model = FittedModel.load(folder, networks=networks)
        forecaster = cls(model.horizon, season=model.season, freq=model.series.calendar.freq)
        forecaster._set_model(model)
        return forecaster

    @classmethod
    def of_result(cls, result: FitResult, started: float | None = None) -> Forecaster:
        """A fitted forecaster from the result of `forecasting.fit.fit`; `started`: as in `fit`."""
        model = result.model
        forecaster = cls(model.horizon, season=model.season, freq=model.series.calendar.freq)
        forecaster._started = started
        return forecaster._fitted_with(result)

    def __sklearn_is_fitted__(self) -> bool:
        """Whether `fit` or `load` has been called."""
        return self._model is not None

    def _fitted_model(self) -> FittedModel:
        if self._model is None:
            raise ArgumentError("The forecaster is not fitted yet; call fit first.")
        return self._model

    def _set_model(self, model: FittedModel) -> None:
        self._model = model
        self.season_, self.freq_ = model.season, model.series.calendar.freq
        weights = model.ensemble.weights.tolist()
        self.weights_ = dict(zip(model.ensemble.names, weights, strict=True))

    def _fitted_with(self, result: FitResult) -> Forecaster:
        self._result, table = result, result.data.table
        self._raw, self._backend = table.raw, table.backend
        self._set_model(result.model)
        self.scores_, self.training_ = result.backtest.evaluation.methods, result.training
        self.notes_, self.summary_ = result.notes, table.summary
        return self

    def _train(
        self, data: BacktestData, begin: float, *, levels: Sequence[float], refit: bool,
        checkpoints: str | Path | None, progress: Progress | None,
        on_simple_scores: Callable[[tuple[MethodScore, ...], str], None] | None,
        warm_start: FittedModel | None = None,
        on_first_result: Callable[[FitResult], None] | None = None,
    ) -> FitResult:  # fmt: skip
        from holdfast.forecasting.backtest import BASELINES_SHARE

        budget = Budget.parse(None if self.steps else self.budget, start=begin)
        if self.baselines:
            data = data.with_statistical(budget.share(BASELINES_SHARE))
        if on_simple_scores is not None:
            on_simple_scores(data.scores(), data.folds.reason)

        from holdfast.forecasting.fit import fit  # torch comes with it

        return fit(
            data,
            adapt=self.adapt,
            budget=budget,
            steps=None if self.steps is None else int(self.steps),
            seed=int(self.seed),
            levels=levels,
            progress=progress_for_terminal() if progress is None else progress,
            checkpoints=None if checkpoints is None else Path(checkpoints),
            refit=refit,
            on_first_result=on_first_result,
            warm_start=warm_start,
        )

    def _histories(
        self, df: Any, static_df: Any = None, X_df: Any = None,
        options: ReadOptions | None = None, *, ahead: bool = False,
    ) -> tuple[SeriesSet, ColumnNames, Backend | None, RawTable | None]:  # fmt: skip
        """The series to forecast from, what their columns are called, and what they came in."""
        from holdfast.forecasting.predict import own_series, read_like

        model = self._fitted_model()
        if df is None:
            series = own_series(model, static_df, X_df) if ahead else model.series
            return series, model.names, self._backend, self._raw
        table = read_like(model, df, options, static_df, X_df)
        if ahead:
            check_future(table.series, model.horizon)
        return table.series, table.columns, table.backend, table.raw

    def _forecast(
        self, model: FittedModel, series: SeriesSet, levels: tuple[float, ...], *, integers: bool
    ) -> Forecasts:
        """Forecasts; those of the fitted series are kept, since a report shows the same ones."""
        from holdfast.forecasting.predict import forecast

        key = (model, series, levels)
        if self._forecasts is not None and self._forecasts[0] == key:
            forecasts = self._forecasts[1]
        else:
            forecasts = forecast(model, series, levels)
            self._forecasts = (key, forecasts) if series is model.series else None
        return forecasts.whole(series) if integers else forecasts

    def _totals(
        self, model: FittedModel, series: SeriesSet, names: ColumnNames, raw: RawTable | None,
        by: str | None, over: Over | None, levels: tuple[float, ...], *,
        n: int, seed: int, integers: bool,
    ) -> Totals:  # fmt: skip
        """Totals; the latest are kept, since a report shows the same ones."""
        from holdfast.forecasting.totals import totals
        from holdfast.tables.periods import group_by

        key = (model, series, by, over, levels, n, seed, integers)
        if self._sums is None or self._sums[0] != key:
            groups = None if by is None else group_by(by, series, raw, names)
            added = totals(
                model, series, groups, over, levels, samples=n, seed=seed, integers=integers
            )
            self._sums = (key, added)
        return self._sums[1]


def _frame(
    columns: Columns, backend: Backend | None, series: SeriesSet, csv: str | Path | None = None
) -> Any:
    """Columns as a frame of the caller's kind, or written to a file."""
    if csv is None:
        return to_frame(columns, backend, series.calendar)
    write_csv(csv, columns, series.calendar)
    return None
