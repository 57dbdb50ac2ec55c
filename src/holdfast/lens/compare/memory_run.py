"""One network, trained once on a task whose lag is known."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.errors import NonFiniteLossError
from holdfast.lens.compare.memory_tasks import (
    Examples,
    MemoryTask,
    TaskName,
    losses,
    task_of,
    wrong,
)
from holdfast.lens.compare.models import ModelName, Reader, reader, weights_of
from holdfast.records import LagCurve
from holdfast.training.loop import StepTiming, train
from holdfast.training.plan import Plan
from holdfast.training.progress import Interrupts, Progress
from holdfast.training.seed import generator

TESTED: Final = 2560
"""Sequences of a test, as many as Hochreiter and Schmidhuber (1997) took."""

MOST_WRONG: Final = 3
"""A task is solved where no more of them are wrong."""

_GOAL: Final = MOST_WRONG / TESTED
_CHUNK: Final = 256
_CHECKS: Final = 40
_GRADIENT_ROWS: Final = 64


@dataclass(frozen=True)
class Job:
    """What is to be trained.

    Arguments:
        seed: of its weights and of the sequences; trials have seeds of their own.
        learning_rate: the highest.
        updates: at most.
        batch: sequences of an update.
        hidden: units of the LSTM whose number of weights every model gets.
        trial: whether it was trained to choose the learning rate alone.
    """

    task: TaskName
    lag: int
    model: ModelName
    seed: int
    learning_rate: float
    updates: int
    batch: int = 32
    hidden: int = 32
    trial: bool = False

    @property
    def key(self) -> str:
        """A name that tells it from every other, fit for a folder."""
        parts = [f"{name}-{value}" for name, value in asdict(self).items()]
        return "_".join(parts).replace(" ", "-").replace(",", "")


@dataclass(frozen=True)
class Outcome:
    """What became of a job.

    Arguments:
        updates: done.
        solved_after: updates until at most 3 of 2,560 were wrong, twice; None where never.
        error: share of the test's sequences that are wrong in the end.
        loss: mean over the test; 1e30 where training broke down.
        seconds: of training, checks included.
        gradient_before, gradient_after: see `gradient_by_lag`; none for trials.
    """

    job: Job
    parameters: int
    updates: int
    solved_after: int | None
    error: float
    loss: float
    seconds: float
    gradient_before: LagCurve | None = None
    gradient_after: LagCurve | None = None

    @property
    def rank(self) -> tuple[float, ...]:
        """Lower is better: solved sooner, else fewer errors, else less loss."""
        never = float("inf")
        return (self.solved_after or never, self.error, self.loss)


class MemoryTraining:
    """A task and a network, as the training loop takes them."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.task: MemoryTask = task_of(job.task, job.lag)
        self._seed = job.seed + (10**6 if job.trial else 0)
        self.module: Reader = reader(
            job.model,
            self.task.inputs,
            self.task.outputs,
            timescale=job.lag,
            seed=self._seed,
            hidden=job.hidden,
        )

    @property
    def plan(self) -> Plan:
        """The same for every model but for the rate."""
        return Plan(
            steps=self.job.updates,
            learning_rate=self.job.learning_rate,
            weight_decay=0.0,
            evaluate_every=max(1, self.job.updates // _CHECKS),
            patience=self.job.updates,
            goal=_GOAL,
            average=0.0,
            seed=self._seed,
        )

    def batch(self, step: int, seed: int) -> Examples:
        """Sequences that no other update sees."""
        return self.task.draw(generator(seed, self.job.task, "batch", step), self.job.batch)

    def losses(self, module: nn.Module, batch: Examples) -> Tensor:
        """(rows,) of each sequence."""
        return losses(self.task, batch.read(module(batch.inputs)), batch.targets)

    def names(self, batch: Examples, rows: Sequence[int]) -> Sequence[str]:
        """By number."""
        return [f"sequence {row}" for row in rows]

    def validate(self, module: nn.Module) -> float:
        """Share of wrong sequences; a check ends as soon as it is lost."""
        found = self._share(module, "validation", stop=True)
        return max(found, self._share(module, "test", stop=True)) if found <= _GOAL else found

    def test(self) -> tuple[float, float]:
        """Share of wrong sequences in the test, all of them seen, and the mean loss."""
        total = 0.0
        with torch.no_grad():
            for examples in self._sequences["test"]:
                outputs = examples.read(self.module(examples.inputs))
                total += float(losses(self.task, outputs, examples.targets).sum())
        loss = total / TESTED
        return self._share(self.module, "test", stop=False), loss if np.isfinite(loss) else 1e30

    @cached_property
    def _sequences(self) -> dict[str, list[Examples]]:
        """The same for every model and every run of a task and a lag."""
        chunks = range(TESTED // _CHUNK)
        return {
            kind: [self.task.test(generator(0, self.job.task, kind, k), _CHUNK) for k in chunks]
            for kind in ("validation", "test")
        }

    @torch.no_grad()
    def _share(self, module: nn.Module, kind: str, *, stop: bool) -> float:
        errors = seen = 0
        for examples in self._sequences[kind]:
            outputs = examples.read(module(examples.inputs))
            errors += int(wrong(self.task, outputs, examples.targets).sum())
            seen += len(examples.ends)
            if stop and errors > MOST_WRONG:
                break
        return errors / seen


def run(
    job: Job,
    checkpoints: Path | None = None,
    *,
    progress: Progress | None = None,
    interrupts: Interrupts | None = None,
) -> Outcome | None:
    """Train a network on a task, or go on from `checkpoints`, which are removed when it is done.

    None where Ctrl-C came before its end.
    """
    training = MemoryTraining(job)
    before = None if job.trial else gradient_by_lag(training)
    description = f"{job.task} {job.lag}, {job.model}, " + (
        f"rate {job.learning_rate:g}" if job.trial else f"seed {job.seed}"
    )
    plan = training.plan
    try:
        trained = train(
            training,
            plan,
            folder=checkpoints,
            identity=job.key,
            progress=progress,
            description=description,
            interrupts=interrupts,
        )
    except NonFiniteLossError as broken:
        outcome = Outcome(job, weights_of(training.module), broken.step, None, 1.0, 1e30, 0.0)
    else:
        if trained.stopped == "interrupted" and trained.steps < plan.steps:
            return None
        error, loss = training.test()
        outcome = Outcome(
            job,
            weights_of(training.module),
            trained.steps,
            trained.steps if trained.stopped == "goal" else None,
            error,
            loss,
            trained.seconds,
            before,
            None if job.trial else gradient_by_lag(training),
        )
    if checkpoints is not None:
        shutil.rmtree(checkpoints, ignore_errors=True)
    return outcome


def seconds_of(job: Job) -> float:
    """How long a job takes at most, from timing three updates on a copy."""
    timing = StepTiming(training := MemoryTraining(job), training.plan)
    timing(1)
    return timing(3) / 3 * job.updates


def gradient_by_lag(training: MemoryTraining) -> LagCurve:
    """How much the output at a sequence's end moves with the input so many steps before.

    The norm of the gradient of v · y by the inputs of a step, with y the outputs at the end and v
    of independent N(0, 1/O), over 64 test sequences; about ten lags in each power of ten.
    """
    rows = training.task.test(generator(0, training.job.task, "gradient"), _GRADIENT_ROWS)
    inputs = rows.inputs.clone().requires_grad_()
    outputs = rows.read(training.module(inputs))[:, -1]
    weights = generator(0, "output").standard_normal(training.task.outputs)
    v = torch.from_numpy(weights / training.task.outputs**0.5).to(outputs)
    (gradient,) = torch.autograd.grad((outputs @ v).sum(), inputs)
    norms = gradient.norm(dim=-1).double().numpy()
    ends = rows.ends.numpy()
    most = int(ends.min())
    lags = np.unique(np.geomspace(1, most, max(2, int(10 * np.log10(most)) + 2)).round())
    lags = lags.astype(np.int64)
    return LagCurve.of(lags, norms[ends[None, :] - lags[:, None], np.arange(len(ends))])


def to_line(outcome: Outcome) -> str:
    """An outcome as a line of JSON in the file of results."""
    return json.dumps(
        asdict(outcome), default=np.ndarray.tolist, ensure_ascii=False, allow_nan=False
    )


def from_line(line: str) -> Outcome:
    """The outcome of such a line; some error of Python's where it is none."""
    values = json.loads(line)
    job = Job(**values.pop("job"))
    before, after = (_curve(values.pop(name)) for name in ("gradient_before", "gradient_after"))
    return Outcome(job=job, **values, gradient_before=before, gradient_after=after)


def _curve(values: dict[str, Any] | None) -> LagCurve | None:
    if values is None:
        return None
    lags = np.array(values["lags"], dtype=np.int64)
    median, low, high = (
        np.array(values[kind], dtype=np.float64) for kind in ("median", "low", "high")
    )
    return LagCurve(lags, median, low, high, int(values["samples"]))
