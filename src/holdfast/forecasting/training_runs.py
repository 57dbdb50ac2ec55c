"""The networks of one forecaster: how many, how long, and from where a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path

import numpy as np

from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.network.design import choose_design
from holdfast.forecasting.network.fit import (
    NetworkTask,
    fit_network,
    network_plan,
    steps_for,
    useful_steps,
)
from holdfast.forecasting.network.forecast import CHUNK, forecast_quantiles
from holdfast.forecasting.network.model import ForecastNetwork
from holdfast.forecasting.tables.season import long_season
from holdfast.forecasting.tables.series import SeriesSet
from holdfast.records import TrainingSummary
from holdfast.storage import write_text_atomically
from holdfast.training.budget import Budget
from holdfast.training.interrupts import Interrupts
from holdfast.training.loop import Trained
from holdfast.training.progress import Progress
from holdfast.version import __version__

NETWORKS = 2
"""Networks averaged in the LSTM member, before the backtest and after it."""

LEAST_WINDOWS = 30
"""Different training windows below which a network has nothing to learn from."""

MOST_WATCHED = 7
"""Horizons that early stopping watches at most."""

_LATEST = 0.95
"""Share of the whole budget at which training ends even where the machine has become slow."""

_PHASES = ("Backtest", "Forecast")
_STEPS = "steps.json"

_PLANNED = 0.92
"""Share of the remaining budget that training plans for; judging and writing take the rest."""


class TrainingRuns:
    """Trains the networks of a forecaster within its budget.

    Arguments:
        ground: the table and its folds.
        seed: of everything random.
        budget: of the whole command; its clock is already running.
        steps: updates of each network; None to take them from the budget.
        progress: is told of every update.
        folder: for snapshots and the step count; None for none.
        interrupts: watches for Ctrl-C, during training and between.
    """

    def __init__(
        self,
        ground: Groundwork,
        *,
        seed: int,
        budget: Budget,
        steps: int | None,
        progress: Progress,
        folder: Path | None,
        interrupts: Interrupts,
    ) -> None:
        table = ground.table
        self.folds = ground.folds
        self.series = table.series
        self.seed = seed
        self.budget = budget
        self.steps = steps
        self.progress = progress
        self.folder = folder
        self.interrupts = interrupts
        self.design = choose_design(
            self.seen.lengths,
            ground.horizon,
            table.season,
            long_season(self.seen, table.season),
        )
        self._done: list[Trained] = []
        self._planned = 2 * NETWORKS

    @cached_property
    def seen(self) -> SeriesSet:
        """What networks may learn from before the backtest: nothing watched, nothing scored."""
        if not self.folds.scoring:
            return self.series
        return self.series.cut(self._first_cutoff - self._watched_horizons * self.folds.horizon)

    @cached_property
    def watched(self) -> SeriesSet | None:
        """The same and what lies before the first cut-off, for early stopping and nothing else."""
        return self.series.cut(self._first_cutoff) if self._watched_horizons else None

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
        lengths = self.series.cut(self._first_cutoff).lengths
        length = int(np.median(lengths[lengths > 0])) if lengths.any() else 0
        return int(np.clip(length // (12 * self.folds.horizon), 1, MOST_WATCHED))

    @property
    def possible(self) -> bool:
        """Whether there is a backtest to prove a network in, and enough to learn from."""
        return bool(self.folds.scoring) and self._early_task(0).windows >= LEAST_WINDOWS

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self._cut_short or self.interrupts.requested

    @property
    def _cut_short(self) -> bool:
        """Whether the newest network is not finished."""
        return bool(self._done) and self._done[-1].stopped == "interrupted"

    def before_backtest(self) -> tuple[ForecastNetwork, ...]:
        """Networks that have seen nothing behind the first cut-off."""
        steps = self._settled_steps()
        networks: list[ForecastNetwork] = []
        for number in range(NETWORKS):
            if self.interrupted:
                break
            seed = self.seed * NETWORKS + number
            networks.append(
                self._train(self._early_task(seed), steps, seed, _description(_PHASES[0], number))
            )
        if self._cut_short and len(networks) > 1:
            networks.pop()  # what was finished before it is better
        return tuple(networks)

    def on_everything(self) -> tuple[ForecastNetwork, ...]:
        """Networks that have seen the whole history, with as many updates as the others kept.

        Only finished ones: none where Ctrl-C, or a machine that has become slow, ended the first.
        """
        kept = [_kept_steps(trained) for trained in self._done]
        steps = max(sum(kept) // len(kept), 1)
        networks: list[ForecastNetwork] = []
        for number in range(NETWORKS):
            if self.interrupted:
                break
            seed = self.seed * NETWORKS + number
            task = NetworkTask(self.design, self.series, None, seed)
            networks.append(self._train(task, steps, seed, _description(_PHASES[1], number)))
        ended = self._done[len(self._done) - len(networks) :]
        return tuple(
            network
            for network, trained in zip(networks, ended, strict=True)
            if trained.stopped == "steps"
        )

    def summary(self, networks: Sequence[ForecastNetwork]) -> TrainingSummary:
        """What was trained and for how long; `networks` are those that forecast."""
        endings = {trained.stopped for trained in self._done}
        ending = next(one for one in ("interrupted", "budget", "early", "steps") if one in endings)
        first = self._done[0]
        useful = useful_steps(len(self.seen.values))
        if ending == "steps" and self.steps is None and first.steps < useful:
            ending = "budget"  # which set the number of steps
        return TrainingSummary(
            parameters=sum(parameter.numel() for parameter in networks[0].parameters()),
            networks=len(networks),
            steps=max(trained.steps for trained in self._done),
            seconds=sum(trained.seconds for trained in self._done),
            context=self.design.context,
            patch=self.design.patch,
            hidden=self.design.hidden,
            layers=self.design.layers,
            curve_steps=tuple(step for step, _ in first.curve),
            curve_loss=tuple(loss for _, loss in first.curve),
            stopped=ending,
        )

    def _early_task(self, seed: int) -> NetworkTask:
        return NetworkTask(self.design, self.seen, self.watched, seed)

    def _train(self, task: NetworkTask, steps: int, seed: int, description: str) -> ForecastNetwork:
        network, trained = fit_network(
            task,
            network_plan(self.design, steps, seed, stop_early=task.can_validate),
            progress=self.progress,
            description=description,
            folder=None if self.folder is None else self.folder / _folder_name(description),
            identity=self._identity(),
            deadline=self._deadline(),
            interrupts=self.interrupts,
        )
        self._done.append(trained)
        return network

    def _settled_steps(self) -> int:
        """The step count: stored by a run that was killed, or given or measured once and stored."""
        if self.folder is None:
            return self._wanted_steps()
        stored, identity = self.folder / _STEPS, self._identity()
        try:
            found = json.loads(stored.read_text(encoding="utf-8"))
            if found["identity"] == identity:
                return max(int(found["steps"]), 1)
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not a step count of ours: settle it again and replace it
        clear_snapshots(self.folder)  # those of a run with other data or options
        steps = self._wanted_steps()
        write_text_atomically(stored, json.dumps({"identity": identity, "steps": steps}))
        return steps

    def _wanted_steps(self) -> int:
        """The step count as given, or what the budget allows."""
        if self.steps is not None:
            return self.steps
        task = self._early_task(self.seed)
        left = _PLANNED * self.budget.remaining() - self._forecasting_seconds(task.module.eval())
        return steps_for(task, max(left, 0.0) / self._planned, self.seed)

    def _forecasting_seconds(self, network: ForecastNetwork) -> float:
        """What forecasting every fold, the end and the report will take, from a sample."""
        sample = self.seen.take(np.arange(min(len(self.seen), CHUNK)))
        begin = time.monotonic()
        forecast_quantiles([network], self.design, sample)
        chunks = len(self.seen) / max(len(sample), 1)
        return (time.monotonic() - begin) * chunks * NETWORKS * (len(self.folds.scoring) + 2)

    def _deadline(self) -> float | None:
        """When this network must end even if the machine has become slow; None without a budget."""
        if self.steps is not None or self.budget.seconds is None:
            return None
        left = self.budget.remaining() - (1.0 - _LATEST) * self.budget.seconds
        return time.monotonic() + max(left, 1.0) / max(self._planned - len(self._done), 1)

    def _identity(self) -> str:
        """A hash of the data and of everything that shapes the networks."""
        series = self.series
        digest = hashlib.sha256()
        for array in (series.starts, series.offsets, series.values):
            digest.update(array.tobytes())
        shaped_by = {
            "design": self.design.to_json(),
            "seen": int(self.seen.offsets[-1]),
            "seed": self.seed,
            "steps": self.steps,
            "budget": self.budget.seconds,
            "version": __version__,
        }
        digest.update(json.dumps(shaped_by, sort_keys=True).encode())
        return digest.hexdigest()


def clear_snapshots(folder: Path) -> None:
    """Remove the snapshots of a forecaster that is done, and nothing that lies beside them."""
    for phase in _PHASES:
        for number in range(NETWORKS):
            name = _folder_name(_description(phase, number))
            shutil.rmtree(folder / name, ignore_errors=True)
    with suppress(OSError):  # what cannot be removed is in nobody's way
        (folder / _STEPS).unlink(missing_ok=True)
        folder.rmdir()  # refused where the caller keeps something of his own in it


def _description(phase: str, number: int) -> str:
    """What the progress calls a network."""
    return f"{phase}, network {number + 1}"


def _folder_name(description: str) -> str:
    """What its snapshots are called."""
    return description.lower().replace(", ", "-").replace(" ", "-")


def _kept_steps(trained: Trained) -> int:
    """Updates behind the weights that were kept: all, or up to the best validation."""
    if trained.weights == "best" and trained.validations:
        return min(trained.validations, key=lambda point: point[1])[0]
    return trained.steps
