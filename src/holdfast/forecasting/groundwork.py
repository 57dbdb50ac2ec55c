"""What is known before any network is trained: folds and the simple methods on them; no torch."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from holdfast.forecasting.baselines import forecast_simple
from holdfast.forecasting.baselines.statsforecast import SECONDS, forecast_beside, require
from holdfast.forecasting.evaluation.folds import Folds, make_folds
from holdfast.forecasting.evaluation.metrics import mean_observed, scaled_error, smape
from holdfast.records import Floats, MethodScore
from holdfast.tables.read import Table
from holdfast.tables.season import long_season
from holdfast.tables.series import SeriesSet

MOST_WATCHED = 7
"""Horizons that early stopping watches at most."""


BASELINES_SHARE = 1.0 / 3.0
"""The part of what is left of the budget that statsforecast's methods may take."""


@dataclass(frozen=True, eq=False)
class Groundwork:
    """A table, its folds, and what the simple methods make of them.

    Arguments:
        table: what was read.
        horizon: K steps to forecast.
        folds: where the history is cut.
        actual: (F, N, K) what came behind each cut-off.
        scales: (F, N) each fold's MASE unit.
        simple: method → (F, N, K) forecasts of the simple methods, "Mean" among them.
        seconds: that all this took.
        beside: method → (F, N, K) forecasts of methods that are shown and take no part.
        remarks: which of those were not finished, in sentences.
    """

    table: Table
    horizon: int
    folds: Folds
    actual: Floats
    scales: Floats
    simple: Mapping[str, Floats]
    seconds: float
    beside: Mapping[str, Floats] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()

    @cached_property
    def known(self) -> SeriesSet:
        """What lies before every score: all up to the first cut-off; everything without folds."""
        series = self.table.series
        return series.cut(self._first_cutoff) if self.folds.scoring else series

    @cached_property
    def seen(self) -> SeriesSet:
        """What networks may learn from before the backtest: nothing watched, nothing scored."""
        if not self.folds.scoring:
            return self.table.series
        return self.table.series.cut(self._first_cutoff - self._watched_horizons * self.horizon)

    @cached_property
    def watched(self) -> SeriesSet | None:
        """The same and what lies before the first cut-off, for early stopping and nothing else."""
        return self.known if self._watched_horizons else None

    @cached_property
    def long_season(self) -> int | None:
        """Points of a longer season beside the table's own, as `seen` has it; None for none."""
        return long_season(self.seen, self.table.season)

    @property
    def _first_cutoff(self) -> int:
        return self.folds.scoring[0].cutoff

    @cached_property
    def _watched_horizons(self) -> int:
        """Horizons that early stopping watches; none where the history has no room for one.

        One alone may be a single Thursday, so a long history gives more: a twelfth of it at most.
        """
        if self.folds.stopping is None:
            return 0
        lengths = self.known.lengths
        length = int(np.median(lengths[lengths > 0])) if lengths.any() else 0
        return int(np.clip(length // (12 * self.horizon), 1, MOST_WATCHED))

    def scores(self) -> tuple[MethodScore, ...]:
        """How the simple methods did, before there is anything else."""
        return tuple(
            MethodScore(
                method=name,
                mase=float(mean_observed(scaled_error(self.actual, made, self.scales))),
                smape=float(mean_observed(smape(self.actual, made))),
            )
            for name, made in {**self.simple, **self.beside}.items()
        )

    def with_statistical(self, seconds: float) -> Groundwork:
        """The same, with statsforecast's methods beside it.

        Arguments:
            seconds: that they may take; infinite for the usual limit.

        Raises:
            InputError: statsforecast is not installed.
        """
        require()
        cuts = [self.table.series.cut(fold.cutoff) for fold in self.folds.scoring]
        seconds = seconds if math.isfinite(seconds) else SECONDS
        made = forecast_beside(cuts, self.actual, self.table.season, self.horizon, seconds)
        return replace(self, beside=made.forecasts, remarks=made.remarks)


def lay(table: Table, horizon: int, *, folds: int = 3, step: int | None = None) -> Groundwork:
    """Cut the history into folds and let the simple methods forecast each of them.

    Arguments:
        table: from `tables.read.read`.
        horizon: steps to forecast, at least 1.
        folds: scoring folds wanted.
        step: grid points between cut-offs; the horizon if None.

    Raises:
        ArgumentError: horizon, folds or step is out of range.
    """
    made = make_folds(table.series, horizon, season=table.season, folds=folds, step=step)
    return lay_on(table, horizon, made)


def lay_on(table: Table, horizon: int, made: Folds) -> Groundwork:
    """Let the simple methods forecast folds that are settled already.

    Arguments:
        table: from `tables.read.read`.
        horizon: steps to forecast, at least 1.
        made: where its history is cut.
    """
    begin = time.monotonic()
    series, season = table.series, table.season
    rows = [forecast_simple(series.cut(fold.cutoff), season, horizon) for fold in made.scoring]
    methods = list(rows[0]) if rows else []
    return Groundwork(
        table=table,
        horizon=horizon,
        folds=made,
        actual=made.actual(series),
        scales=made.scales(series, season),
        simple={name: np.stack([row[name] for row in rows]) for name in methods},
        seconds=time.monotonic() - begin,
    )
