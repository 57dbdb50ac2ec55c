"""What a fitted forecaster does later: take new rows in, be saved."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

from holdfast.errors import ArgumentError
from holdfast.forecasting.arguments import check_levels
from holdfast.forecasting.columns import anomaly_columns, embedding_columns
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.histories import read_like
from holdfast.forecasting.monitoring.anomalies import find_anomalies
from holdfast.forecasting.monitoring.drift import Drift, check_drift
from holdfast.forecasting.pretrained.forecast import embed
from holdfast.tables.frames import Backend, to_frame
from holdfast.tables.read import ReadOptions
from holdfast.tables.update import read_new_rows
from holdfast.training.parameters import Parameters

Self = TypeVar("Self", bound="FittedForecaster")


class FittedForecaster(Parameters):
    """A forecaster as far as it needs no trainer and no backtest; made by `Forecaster`."""

    _fitted: Fitted | None = None
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

    def _require(self) -> Fitted:
        if self._fitted is None:
            raise ArgumentError("The forecaster is not fitted yet; call fit first.")
        return self._fitted
