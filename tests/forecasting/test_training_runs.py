"""What the networks of a backtest may learn from: nothing that is watched or scored."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import polars as pl
import torch

from holdfast.forecasting.groundwork import Groundwork, lay
from holdfast.forecasting.network.model import ForecastNetwork
from holdfast.forecasting.tables.reading import read
from holdfast.forecasting.training_runs import TrainingRuns
from holdfast.training.budget import Budget
from holdfast.training.interrupts import Interrupts
from holdfast.training.progress import SilentProgress

HORIZON = 6


def ground(
    *, length: int = 90, folds: int = 3, later: float = 0.0, after: int | None = None
) -> Groundwork:
    """Three series; `later` is added to every value behind ordinal `after`."""
    values = np.random.default_rng(0).normal(size=(3, length)).cumsum(axis=1)
    if after is not None:
        values[:, after + 1 :] += later
    frame = pl.DataFrame(
        {
            "unique_id": np.repeat(["a", "b", "c"], length),
            "ds": np.tile(np.arange(length), 3),
            "y": values.ravel(),
        }
    )
    return lay(read(frame, freq="1", season=6), HORIZON, folds=folds)


def runs(of: Groundwork) -> TrainingRuns:
    return TrainingRuns(
        of,
        seed=0,
        budget=Budget.parse(None, start=time.monotonic()),
        steps=3,
        progress=SilentProgress(),
        folder=None,
        interrupts=Interrupts(),
    )


def test_the_backtest_is_trained_on_nothing_that_is_watched_or_scored() -> None:
    made = ground()
    assert made.folds.stopping is not None
    seen, watched = runs(made).seen, runs(made).watched
    assert watched is not None
    assert (seen.ends + HORIZON <= watched.ends).all()
    assert (watched.ends <= made.folds.scoring[0].cutoff).all()


def test_without_room_for_early_stopping_training_ends_at_the_oldest_cut_off() -> None:
    made = ground(length=20, folds=2)
    assert made.folds.stopping is None
    assert len(made.folds.scoring) == 2
    assert runs(made).watched is None
    assert runs(made).seen.ends.tolist() == [made.folds.scoring[0].cutoff] * 3


def test_what_is_scored_changes_no_network_of_the_backtest() -> None:
    first = ground().folds.scoring[0].cutoff
    before, after = (runs(one) for one in (ground(), ground(later=50.0, after=first)))
    for network, other in zip(before.before_backtest(), after.before_backtest(), strict=True):
        weights, others = network.state_dict(), other.state_dict()
        assert all(torch.equal(weights[name], others[name]) for name in weights)


def test_ctrl_c_between_two_trainings_ends_the_training_and_keeps_what_is_finished() -> None:
    made = runs(ground())
    train = made._train

    def train_and_press(*arguments: Any) -> ForecastNetwork:
        network = train(*arguments)
        made.interrupts.requested = True  # as its handler sets it
        return network

    made._train = train_and_press  # type: ignore[method-assign]  # the moment between two
    networks = made.before_backtest()
    assert len(networks) == 1
    assert made.interrupted
    assert made.summary(networks).steps == 3
