"""From folds and simple methods to a fitted forecaster: train, judge, train on everything."""

from __future__ import annotations

import datetime
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from holdfast.forecasting.fitted import LSTM, Fitted
from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.judged import Judged, judge_members
from holdfast.forecasting.network.model import ForecastNetwork
from holdfast.forecasting.predictor import forecast
from holdfast.forecasting.training_runs import TrainingRuns
from holdfast.records import ForecastRecord, TrainingSummary
from holdfast.training.budget import Budget
from holdfast.training.interrupts import Interrupts
from holdfast.training.progress import Progress
from holdfast.version import __version__


@dataclass(frozen=True, eq=False)
class Fit:
    """What a fit came to.

    Arguments:
        ground: the table and its folds.
        judged: the backtest.
        fitted: what forecasts from now on.
        training: what was trained; None where nothing was.
        seed: of the fit.
    """

    ground: Groundwork
    judged: Judged
    fitted: Fitted
    training: TrainingSummary | None
    seed: int

    def record(
        self, levels: Sequence[float], *, title: str, command: str, started: float | None
    ) -> ForecastRecord:
        """All that a report shows.

        Arguments:
            levels: interval levels in percent.
            title: what was forecast.
            command: that made it.
            started: the reading of ``time.monotonic`` from which seconds count; None for none.
        """
        fitted, series = self.fitted, self.fitted.series
        made = forecast(fitted, series, levels)
        first = np.repeat(series.starts - series.offsets[:-1], series.lengths)
        return ForecastRecord(
            title=title,
            command=command,
            created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
            version=__version__,
            seed=self.seed,
            seconds=0.0 if started is None else time.monotonic() - started,
            summary=self.ground.table.summary,
            horizon=fitted.horizon,
            labels=series.labels,
            history_offsets=series.offsets,
            history_times=series.calendar.times(first + np.arange(len(series.values))),
            history_values=series.values,
            times=made.times,
            median=made.median,
            lower=made.lower,
            upper=made.upper,
            members=made.members,
            method=made.method,
            note=made.note,
            backtest=self.judged.record(self.ground, levels),
            training=self.training,
        )


def fit(
    ground: Groundwork,
    *,
    budget: Budget,
    steps: int | None,
    seed: int,
    levels: Sequence[float] = (),
    progress: Progress,
    snapshots: Path | None = None,
    refit: bool = True,
) -> Fit:
    """Train networks, judge them beside the simple methods, and train again on everything.

    Arguments:
        ground: from `groundwork.lay`.
        budget: of the whole command; its clock is already running.
        steps: updates of each network in place of the budget.
        seed: of everything random.
        levels: interval levels in percent to calibrate, beside the usual ones.
        progress: is told of every update.
        snapshots: folder from which a fit that was killed goes on; None for none. They stay, so
            that a kill before the results are written costs nothing: `clear_snapshots`.
        refit: whether to train on the whole history after the backtest.

    Raises:
        NonFiniteLossError: training failed; names the step and the series.
    """
    table = ground.table
    networks: tuple[ForecastNetwork, ...] = ()
    training: TrainingSummary | None = None
    with Interrupts() as interrupts:
        runs = TrainingRuns(
            ground,
            seed=seed,
            budget=budget,
            steps=steps,
            progress=progress,
            folder=snapshots,
            interrupts=interrupts,
        )
        if runs.possible:
            networks = runs.before_backtest()
        judged = judge_members(ground, runs.design, networks, levels, seed)
        rule = judged.judgement.rule
        if networks:
            # Without weight the network is shown beside the others but not trained again.
            if refit and rule.weight(LSTM) > 0 and not runs.interrupted:
                networks = runs.on_everything() or networks
            training = runs.summary(networks)
    fitted = Fitted(
        horizon=ground.horizon,
        season=table.season,
        rule=rule,
        design=runs.design if networks else None,
        networks=networks,
        series=table.series,
        names=table.columns,
    )
    return Fit(ground, judged, fitted, training, seed)
