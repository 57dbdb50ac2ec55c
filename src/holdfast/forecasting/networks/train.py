"""Training forecasting networks: the task, the plan, and how many updates a time allows."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.model import Features, ForecastNetwork, features, targets
from holdfast.forecasting.pretrained.fine_tuning import LEAST_EVERY
from holdfast.forecasting.quantile_head import pinball
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import Windows, WindowSplit, logarithms, positive, window_values
from holdfast.training.budget import steps_within
from holdfast.training.loop import StepTiming, Trained, train
from holdfast.training.plan import Plan
from holdfast.training.progress import Interrupts, Progress
from holdfast.training.seed import generator, seeded, torch_seed
from holdfast.training.task import Task, validation
from holdfast.training.threads import one_thread

VALIDATIONS = 20  # in a training that stops early; half of them without improvement stop it


Batch = TypeVar("Batch")


class SeriesTask(Task[Batch], Protocol[Batch]):
    """Learning from the windows of some series."""

    @property
    def windows(self) -> WindowSplit:
        """Those that it learns from, and those that it is watched on."""
        ...


@dataclass(frozen=True, eq=False)
class WindowBatch:
    """What one update learns from.

    Arguments:
        rows: (B,) the series that the windows come from.
        ahead: (P, B, K) what came, in the network's units; NaN for gaps.
    """

    rows: NDArray[np.int64]
    read: Features
    ahead: Tensor


class NetworkTask:
    """Learning to forecast all series of a table with one network.

    `held_out` are the same series some horizons further, to stop early on; None for never.
    """

    def __init__(
        self, design: Design, series: SeriesSet, held_out: SeriesSet | None, seed: int
    ) -> None:
        self.design = design
        logs = positive(series)
        later = None if held_out is None else _logarithms_or_gaps(held_out, logs)
        self.windows = WindowSplit(logarithms(series, logs), later, design.shape, design.least)
        self._quantiles = torch.tensor(QUANTILES, dtype=torch.float32)
        watched = self.windows.validation
        self._held_out = None if watched is None else self._window_batch(watched)
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self._network = self._new_network().float()

    @property
    def module(self) -> ForecastNetwork:
        """The network in training."""
        return self._network

    def batch(self, step: int, seed: int) -> WindowBatch:
        """The windows of update `step`."""
        random = generator(seed, "batch", step)
        return self._window_batch(self.windows.draw(random, self.design.batch))

    def losses(self, module: nn.Module, batch: WindowBatch) -> Tensor:
        """(B,) mean pinball loss of each window over its positions and steps."""
        enough = (batch.read.observed >= self.design.least)[..., None]
        ahead = torch.where(enough, batch.ahead, torch.nan)
        loss = pinball(module(batch.read), ahead, self._quantiles)
        count = (~torch.isnan(ahead)).sum(dim=(0, 2)).clamp(min=1)
        return loss.sum(dim=(0, 2)) / count

    def names(self, batch: WindowBatch, rows: Sequence[int]) -> Sequence[str]:
        """The labels of the series behind some rows."""
        return [self.windows.series.labels[batch.rows[row]] for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean pinball loss over the horizon that was held out."""
        if self._held_out is None:
            return None
        last = module(self._held_out.read, last=True)[-1]
        ahead = self._held_out.ahead[-1]
        loss = pinball(last, ahead, self._quantiles)
        return float(loss.sum() / (~torch.isnan(ahead)).sum().clamp(min=1))

    def _new_network(self) -> ForecastNetwork:
        """A fresh network."""
        return ForecastNetwork(self.design)

    def _with_covariates(self, read: Features, windows: Windows) -> Features:
        """With what is read beside the values; nothing here."""
        return read

    def _window_batch(self, windows: Windows) -> WindowBatch:
        values = torch.from_numpy(
            window_values(windows.series, windows.rows, windows.ends, self.design.shape)
        )
        read = features(values, self.design)
        ahead = targets(values, read, self.design)
        return WindowBatch(windows.rows, self._with_covariates(read, windows), ahead)


def _logarithms_or_gaps(held_out: SeriesSet, logs: NDArray[np.bool_]) -> SeriesSet:
    """Series with their held-out part, in logarithms where `logs` says so.

    Whatever of the held-out part has no logarithm is a gap.
    """
    barred = np.repeat(logs, held_out.lengths) & (held_out.values <= 0)
    return logarithms(replace(held_out, values=np.where(barred, np.nan, held_out.values)), logs)


def network_plan(design: Design, steps: int, seed: int, *, stop_early: bool) -> Plan:
    """The training plan of a forecasting network, with early stopping or without."""
    return Plan(
        steps=steps,
        learning_rate=design.learning_rate,
        warmup=min(100, max(steps // 10, 1)),
        clip=1.0,
        evaluate_every=max(steps // VALIDATIONS, LEAST_EVERY),
        patience=VALIDATIONS // 2 if stop_early else None,
        average=0.25,
        seed=seed,
    )


def fit_network(
    task: SeriesTask[Any],
    plan: Plan,
    *,
    progress: Progress,
    description: str,
    folder: Path | None,
    identity: str,
    deadline: float | None,
    interrupts: Interrupts,
) -> Trained:
    """Train one network to the end of its plan, from its last checkpoint where there is one.

    Afterwards the task's module is ready to forecast.

    Arguments:
        folder: for checkpoints; None for none.
        identity: of the data and the design; a checkpoint of another identity is refused.
        deadline: a reading of ``time.monotonic`` past which no update begins; None for none.

    Raises:
        NonFiniteLossError: names the step and the series.
    """
    with one_thread():
        trained = train(
            task,
            plan,
            folder=folder,
            identity=identity,
            progress=progress,
            description=description,
            deadline=deadline,
            interrupts=interrupts,
        )
    task.module.eval()
    return trained


@dataclass(frozen=True)
class Timed:
    """Updates that some time allows, and the seconds that they take, validations included."""

    steps: int
    seconds: float


def steps_for(task: SeriesTask[Any], plan: Plan, seconds: float) -> Timed:
    """How many updates of a plan the time allows: at least one, at most all of the plan.

    The task is timed on a copy and stays as it is.
    """
    timing = StepTiming(task, replace(plan, patience=None))
    paces: list[float] = []
    with one_thread():
        each, whole = 0.0, 0.0
        if task.windows.validation is not None and plan.patience is not None:
            begin = time.monotonic()
            validation(task, plan.seed, torch.device("cpu"))
            taken = time.monotonic() - begin
            whole = taken * max(plan.steps // plan.evaluate_every, 1)
            if whole > seconds / 2:  # then there are few updates, and a validation after a few each
                each, whole = taken / LEAST_EVERY, 0.0

        def measure(updates: int) -> float:
            pace = timing(updates) / updates + each
            paces.append(pace)
            return pace * updates

        steps = steps_within(max(seconds - whole, 0.01), measure, minimum=1, maximum=plan.steps)
    pace = statistics.median(paces[1:] or paces or [0.0])  # the first allocates memory
    return Timed(steps, steps * pace + whole)
