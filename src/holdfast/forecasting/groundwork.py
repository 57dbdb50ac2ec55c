"""What is known before any network is trained: folds and the simple methods on them; no torch."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from holdfast.forecasting.judgement.baselines import forecast_simple
from holdfast.forecasting.judgement.folds import Folds, make_folds
from holdfast.forecasting.judgement.metrics import mean_observed, scaled_error, smape
from holdfast.forecasting.tables.reading import Table
from holdfast.records import Floats, MethodScore


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
    """

    table: Table
    horizon: int
    folds: Folds
    actual: Floats
    scales: Floats
    simple: Mapping[str, Floats]
    seconds: float

    def scores(self) -> tuple[MethodScore, ...]:
        """How the simple methods did, before there is anything else."""
        return tuple(
            MethodScore(
                method=name,
                mase=float(mean_observed(scaled_error(self.actual, made, self.scales))),
                smape=float(mean_observed(smape(self.actual, made))),
            )
            for name, made in self.simple.items()
        )


def lay(table: Table, horizon: int, *, folds: int = 3, step: int | None = None) -> Groundwork:
    """Cut the history into folds and let the simple methods forecast each of them.

    Arguments:
        table: from `tables.reading.read`.
        horizon: steps to forecast, at least 1.
        folds: scoring folds wanted.
        step: grid points between cut-offs; the horizon if None.

    Raises:
        ArgumentError: horizon, folds or step is out of range.
    """
    begin = time.monotonic()
    series, season = table.series, table.season
    made = make_folds(series, horizon, season=season, folds=folds, step=step)
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
