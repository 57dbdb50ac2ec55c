"""The one training loop of the package, and the timing of its steps."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeAlias

import torch

from holdfast.training.checkpoint import Best, Checkpoint, Curve, RunState
from holdfast.training.optimise import Update, WeightAverage
from holdfast.training.plan import Plan
from holdfast.training.progress import Interrupts, Progress, SilentProgress
from holdfast.training.ranks import ranks
from holdfast.training.task import Batch, Task, modes_kept, validation

Stopped: TypeAlias = Literal["steps", "early", "goal", "interrupted", "budget"]
Weights: TypeAlias = Literal["last", "average", "best"]


@dataclass(frozen=True)
class Trained:
    """What a training run did; its weights are in the task's module.

    Arguments:
        steps: updates done.
        seconds: wall-clock time, that of earlier processes of a resumed run included.
        curve: (step, mean training loss since the point before), about 150 points.
        stopped: "steps" when the plan was carried out, "early" for lack of improvement, "goal"
            when the plan's goal was reached, "interrupted" by Ctrl-C, "budget" when the deadline
            passed.
        weights: which ones were taken: the last, the average of late ones, or the best validated.
        validations: (step, validation loss), empty without early stopping.
        best: the validation loss of the weights taken; None where nothing was validated.
    """

    steps: int
    seconds: float
    curve: tuple[tuple[int, float], ...]
    stopped: Stopped
    weights: Weights
    validations: tuple[tuple[int, float], ...] = ()
    best: float | None = None


def train(
    task: Task[Batch],
    plan: Plan,
    *,
    folder: str | Path | None = None,
    identity: str = "",
    progress: Progress | None = None,
    description: str = "Training",
    deadline: float | None = None,
    resume: bool = True,
    interrupts: Interrupts | None = None,
) -> Trained:
    """Train the task's module in place and leave it with the weights of choice.

    With early stopping these are the weights, averaged or not, with the lowest validation loss;
    without it the average of late weights, or the last where the plan averages none. Global random
    numbers and the training modes of all submodules are as they were before.

    Under torchrun every process calls it alike and ends with the same weights; the first alone
    writes checkpoints, and all read them from the same folder (`ranks.Ranks`).

    Ctrl-C ends the run after the current update; a second one raises KeyboardInterrupt at once.

    Arguments:
        task: network, batches and loss.
        plan: steps, rates and seed.
        folder: of the checkpoints, for this run alone; None for none. A run that was killed goes on
            from there and ends with the same weights, bit for bit, as one that was not.
        identity: what the run is trained on, such as a hash of the data; a checkpoint of another
            identity is refused.
        progress: is told of every update; None for silence.
        description: what the progress shows, for example "Fold 1 of 3".
        deadline: a reading of ``time.monotonic`` past which no update begins. A safety net only:
            what a run does within its budget is fixed by the plan's steps.
        resume: False ignores a checkpoint in `folder` and replaces it.
        interrupts: watches for Ctrl-C over several runs and what lies between; None to watch over
            this run alone.

    Raises:
        NonFiniteLossError: names the step and the rows; the weights are those before that step.
        ModelError: the checkpoint in `folder` is corrupt or of another run.
        InputError: `folder` cannot be written.

    Example:
        >>> import torch
        >>> class Halve:
        ...     module = torch.nn.Linear(1, 1)
        ...     def batch(self, step, seed): return torch.ones(4, 1)
        ...     def losses(self, module, batch): return (module(batch) - 0.5).square().flatten()
        ...     def names(self, batch, rows): return [str(row) for row in rows]
        ...     def validate(self, module): return None
        >>> task = Halve()
        >>> trained = train(task, Plan(steps=200, learning_rate=0.1))
        >>> trained.steps, trained.stopped, trained.weights
        (200, 'steps', 'average')
        >>> round(task.module(torch.ones(1)).item(), 2)
        0.5
    """
    run = _Run(task, plan, None if folder is None else Path(folder), identity, deadline)
    progress = SilentProgress() if progress is None else progress
    watch = Interrupts() if interrupts is None else nullcontext(interrupts)
    with torch.enable_grad(), modes_kept(task.module), watch as interrupts:
        if resume:
            run.resume()
        progress.start(plan.steps, description)
        try:
            stopped = run.go(interrupts, progress)
        finally:
            progress.stop()
        run.checkpoint()
        weights, best = run.choose()
        if run.ranks.largest(interrupts.requested):  # also one that came after the last update
            stopped, interrupts.requested = "interrupted", True
    return Trained(
        steps=run.state.step,
        seconds=run.seconds(),
        curve=run.state.curve.ending_at(run.state.step),
        stopped=stopped,
        weights=weights,
        validations=tuple(run.state.validations),
        best=best,
    )


class _Run(Generic[Batch]):
    """A run under way: the state and what changes it."""

    def __init__(
        self,
        task: Task[Batch],
        plan: Plan,
        folder: Path | None,
        identity: str,
        deadline: float | None,
    ) -> None:
        self.task = task
        self.plan = plan
        self.deadline = math.inf if deadline is None else deadline
        self.ranks = ranks()
        self.update = Update(task, task.module, plan, self.ranks)
        self.state = RunState(average=WeightAverage(task.module), curve=Curve.of(plan))
        self.stored: Checkpoint | None = None
        if folder is not None:
            shards = self.ranks.shards
            self.stored = Checkpoint(
                folder=folder,
                plan=plan,
                identity=identity if shards == 1 else f"{identity} in {shards} shards",
                module=task.module,
                optimiser=self.update.optimiser,
                state=self.state,
            )
        self.begun = self.checkpoint_at = time.monotonic()

    def seconds(self) -> float:
        return self.state.seconds + time.monotonic() - self.begun

    def resume(self) -> None:
        exists = self.stored is not None and self.stored.exists()
        if self.ranks.largest(exists) and self.stored is not None:  # one that lacks it says so
            self.stored.read()
        self.ranks.largest(0)  # nobody writes before all have read

    def checkpoint(self) -> None:
        if self.stored is None or not self.ranks.first:
            return
        self.state.seconds = self.seconds()
        self.begun = time.monotonic()
        self.stored.write()
        self.checkpoint_at = time.monotonic()

    def go(self, interrupts: Interrupts, progress: Progress) -> Stopped:
        """Do updates until there is a reason to stop."""
        plan, state = self.plan, self.state
        self.task.module.train()
        try:
            while state.step < plan.steps:
                if plan.patience is not None and state.stale >= plan.patience:
                    return "early"
                if self.at_goal():
                    return "goal"
                late = time.monotonic() >= self.deadline
                why = self.ranks.largest(2 if interrupts.requested else int(late))
                if why == 2:  # in whichever process it was
                    interrupts.requested = True
                    return "interrupted"
                if why:
                    return "budget"
                self.one_step(progress)
        except KeyboardInterrupt:
            # From the task itself, or from a program that has its own handler for Ctrl-C; the
            # second Ctrl-C under our handler is meant to get out.
            if interrupts.requested:
                raise
            return "interrupted"
        return "goal" if self.at_goal() else "steps"

    def at_goal(self) -> bool:
        """Whether the latest validation loss is as low as the plan asks for."""
        goal, found = self.plan.goal, self.state.validations
        return goal is not None and bool(found) and found[-1][1] <= goal

    def one_step(self, progress: Progress) -> None:
        plan, state = self.plan, self.state
        step = state.step + 1
        loss = self.update(step)
        state.step = step
        state.curve.add(step, loss)
        if plan.averages(step):
            state.average.add()
        progress.advance(step, loss, self.validate() if plan.validates(step) else "")
        if time.monotonic() - self.checkpoint_at >= plan.checkpoint_every:
            self.checkpoint()

    def validation(self) -> float | None:
        """The validation loss, the first process's in all of them."""
        loss = validation(self.task, self.plan.seed, self.update.device)
        return None if loss is None else self.ranks.broadcast(loss)

    def validate(self) -> str:
        """Validate the weights as they are, keep them if they are the best, and say the loss."""
        loss = self.validation()
        if loss is None:
            return ""
        state = self.state
        if not math.isfinite(loss):
            state.stale += 1
            return "validation not finite"
        state.validations.append((state.step, loss))
        if state.best is None or loss < state.best.loss:
            weights = self.task.module.state_dict()
            state.best = Best(state.step, loss, {n: t.clone() for n, t in weights.items()})
            state.stale = 0
        else:
            state.stale += 1
        return f"validation {loss:.4g}"

    def choose(self) -> tuple[Weights, float | None]:
        """Give the module the weights of choice; say which, and their validation loss."""
        average, best, module = self.state.average, self.state.best, self.task.module
        if best is None:
            if average.count:
                average.write()
            return ("average" if average.count else "last"), None
        if average.count:
            average.write()
            loss = self.validation()
            if loss is not None and loss <= best.loss:
                return "average", loss
        module.load_state_dict(best.weights)
        return "best", best.loss


class StepTiming(Generic[Batch]):
    """Does throwaway updates on a copy of the network and says how long they took.

    The run's weights, its buffers and all global random numbers stay as they are. With early
    stopping in the plan, each update also carries its share of the time of a validation. The
    plan's number of steps plays no part here.
    """

    def __init__(
        self, task: Task[Batch], plan: Plan, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._task = task
        self._plan = plan
        self._clock = clock
        self._update = Update(task, copy.deepcopy(task.module).train(), plan, ranks().alone())
        self._done = 0
        self._validation_seconds: float | None = None

    def __call__(self, updates: int) -> float:
        """Seconds that this many more updates take.

        Raises:
            NonFiniteLossError: the loss of one of the first updates is not finite.
        """
        begin = self._clock()
        for _ in range(updates):
            self._done += 1
            self._update(self._done)
        seconds = self._clock() - begin
        if self._plan.patience is not None:
            if self._validation_seconds is None:
                begin = self._clock()
                validation(self._task, self._plan.seed, self._update.device)
                self._validation_seconds = self._clock() - begin
            seconds += updates * self._validation_seconds / self._plan.evaluate_every
        return seconds
