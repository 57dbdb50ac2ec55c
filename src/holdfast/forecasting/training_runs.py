"""The trained networks of one forecaster: which, how long, and from where a killed run goes on."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.networks.members import CHUNK, NetworkMember
from holdfast.forecasting.networks.recipes import Recipe
from holdfast.forecasting.networks.train import SeriesTask, fit_network, steps_for
from holdfast.forecasting.run_folder import CHECKPOINTS, PHASES, checkpoint_name, description
from holdfast.records import TrainingSummary
from holdfast.tables.series import SeriesSet
from holdfast.training.budget import Budget
from holdfast.training.loop import Trained
from holdfast.training.progress import Interrupts, Progress
from holdfast.training.ranks import ranks
from holdfast.training.run_directory import RunDirectory
from holdfast.version import __version__

LEAST_WINDOWS = 30
"""Different training windows below which a network has nothing to learn from."""

LEAST_SHARE = 0.2
"""Of the budget must be left for another kind of training to begin."""

_LATEST = 0.95
"""Share of the whole budget at which training ends even where the machine has become slow."""

_PLANNED = 0.92
"""Share of the remaining budget that training plans for; judging and writing take the rest."""


@dataclass(eq=False)
class _Run:
    """The trainings of one recipe: those of the backtest first, then those on everything.

    Arguments:
        recipe: how.
        steps: updates of each; None before they are decided, 0 for none.
        done: those that have ended.
        wanted: whether the member is worth training on everything.
        parameters: of a network.
        each, forecasting: seconds of a training and of all forecasts, as timed when decided.
    """

    recipe: Recipe
    steps: int | None = None
    done: list[Trained] = field(default_factory=list)
    wanted: bool = True
    parameters: int = 0
    each: float = 0.0
    forecasting: float = 0.0

    @property
    def left(self) -> int:
        """Trainings to come."""
        return 2 * self.recipe.networks - len(self.done)

    @property
    def to_come(self) -> float:
        """Seconds that its trainings to come will take: as decided, or as those before took."""
        if not self.steps or not self.wanted or len(self.done) > self.recipe.networks:
            return 0.0
        if len(self.done) < self.recipe.networks:
            return self.left * self.each + self.forecasting
        return sum(one.seconds for one in self.done)


class TrainingRuns:
    """Trains the networks of a forecaster within its budget.

    Arguments:
        ground: the table and its folds.
        recipes: what to train, in this order.
        always: whether to train what has little data or time, too, as long as there is any.
        seed: of everything random.
        budget: of the whole command; its clock is already running.
        steps: updates of each network; None to take them from the budget.
        progress: is told of every update.
        folder: for checkpoints and the step counts; None for none.
        interrupts: watches for Ctrl-C, during training and between.
    """

    def __init__(
        self,
        ground: Groundwork,
        recipes: Sequence[Recipe],
        *,
        always: bool,
        seed: int,
        budget: Budget,
        steps: int | None,
        progress: Progress,
        folder: Path | None,
        interrupts: Interrupts,
    ) -> None:
        self.ground = ground
        self.always = always
        self.seed = seed
        self.budget = budget
        self.steps = steps
        self.progress = progress
        self.interrupts = interrupts
        self.remarks: list[str] = []
        """What was not trained, and why; a sentence each."""
        self._runs = [_Run(recipe) for recipe in recipes if self._enough(recipe)]
        self.folder = (
            None if folder is None else RunDirectory(folder, self._identity(), CHECKPOINTS)
        )
        self._newest: Trained | None = None

    @property
    def possible(self) -> bool:
        """Whether there is a backtest to prove a network in, and enough to learn from."""
        return bool(self._runs)

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C ended the training."""
        return self._cut_short or self.interrupts.requested

    @property
    def _cut_short(self) -> bool:
        """Whether the newest network is not finished."""
        return self._newest is not None and self._newest.stopped == "interrupted"

    def before_backtest(self) -> tuple[NetworkMember, ...]:
        """Members that have seen nothing behind the first cut-off."""
        members = []
        # What the later ones cannot use is left to the first, which gains most from time.
        for run in reversed(self._runs):
            run.steps = self._decided_steps(run)
        for run in self._runs:
            if self.interrupted:
                break
            if not run.steps:
                continue
            ground = self.ground
            networks = self._train_all(run, ground.seen, ground.watched, run.steps, PHASES[0])
            if self._cut_short and len(networks) > 1:
                networks.pop()  # what was finished before it is better
            if networks:
                members.append(run.recipe.member(networks))
        return tuple(members)

    def on_everything(self, names: Collection[str]) -> dict[str, NetworkMember]:
        """Members that have seen the whole history, with as many updates as the others kept.

        Only of finished networks: none where Ctrl-C, or a machine that has become slow, ended the
        first.

        Arguments:
            names: of the members that are worth it.
        """
        for run in self._runs:
            run.wanted = bool(run.done) and run.recipe.name in names
        members = {}
        for run in self._runs:
            if not run.wanted:
                continue
            kept = [_kept_steps(trained) for trained in run.done]
            steps = run.recipe.final_steps(max(sum(kept) // len(kept), 1))
            networks = self._train_all(run, self.ground.table.series, None, steps, PHASES[1])
            ended = run.done[len(run.done) - len(networks) :]
            finished = [
                network
                for network, trained in zip(networks, ended, strict=True)
                if trained.stopped == "steps"
            ]
            if finished:
                members[run.recipe.name] = run.recipe.member(finished)
        return members

    def summaries(self) -> tuple[TrainingSummary, ...]:
        """What was trained and for how long, one entry a member."""
        return tuple(self._summary(run) for run in self._runs if run.done)

    def _summary(self, run: _Run) -> TrainingSummary:
        endings = {trained.stopped for trained in run.done}
        ending = next(one for one in ("interrupted", "budget", "early", "steps") if one in endings)
        first, size = run.done[0], run.recipe.size
        useful = run.recipe.useful_steps(len(self.ground.seen.values))
        if ending == "steps" and self.steps is None and first.steps < useful:
            ending = "budget"  # which set the number of steps
        return TrainingSummary(
            member=run.recipe.name,
            parameters=run.parameters,
            networks=min(run.recipe.networks, len(run.done)),
            steps=max(trained.steps for trained in run.done),
            seconds=sum(trained.seconds for trained in run.done),
            context=size.context,
            patch=size.patch,
            hidden=size.hidden,
            layers=size.layers,
            curve_steps=tuple(step for step, _ in first.curve),
            curve_loss=tuple(loss for _, loss in first.curve),
            stopped=ending,
        )

    def _enough(self, recipe: Recipe) -> bool:
        """Whether there are folds to prove a network in, and enough to learn from."""
        if not self.ground.folds.scoring:
            self._remark(recipe, "the history is too short to prove it on")
            return False
        windows = self._early_task(recipe, self.seed).windows
        if len(windows) < LEAST_WINDOWS:
            self._remark(recipe, "the history before the backtest is too short to learn from")
        elif windows.points < recipe.least_points and not self.always:
            few = f"{windows.points:,} values to learn from are fewer than {recipe.least_points:,}"
            self._remark(recipe, few)
        else:
            return True
        return False

    def _remark(self, recipe: Recipe, reason: str) -> None:
        self.remarks.append(f"{recipe.undone}: {reason}.")

    def _seed(self, recipe: Recipe, number: int) -> int:
        """Of one of a member's networks."""
        return self.seed * recipe.networks + number

    def _early_task(self, recipe: Recipe, seed: int) -> SeriesTask[Any]:
        return recipe.task(self.ground.seen, self.ground.watched, seed)

    def _train_all(
        self, run: _Run, series: SeriesSet, held_out: SeriesSet | None, steps: int, phase: str
    ) -> list[nn.Module]:
        """All networks of a member, or those that were begun before Ctrl-C."""
        networks: list[nn.Module] = []
        for number in range(run.recipe.networks):
            if self.interrupted:
                break
            task = run.recipe.task(series, held_out, self._seed(run.recipe, number))
            networks.append(self._train(run, task, steps, number, phase))
        return networks

    def _train(
        self, run: _Run, task: SeriesTask[Any], steps: int, number: int, phase: str
    ) -> nn.Module:
        """One network, trained to the end of its plan or of its time."""
        recipe, folder = run.recipe, self.folder
        stop_early = task.windows.watched is not None
        trained = fit_network(
            task,
            recipe.plan(steps, self._seed(recipe, number), stop_early=stop_early),
            progress=self.progress,
            description=description(phase, recipe.name, number),
            folder=None
            if folder is None
            else folder.checkpoints(checkpoint_name(phase, recipe.name, number)),
            identity="" if folder is None else str(folder.identity),
            deadline=self._deadline(run),
            interrupts=self.interrupts,
        )
        run.done.append(trained)
        run.parameters = sum(parameter.numel() for parameter in task.module.parameters())
        self._newest = trained
        module: nn.Module = task.module
        return module

    def _decided_steps(self, run: _Run) -> int:
        """The step count as a run that was killed stored it, or decided now; 0 for no training."""
        together, name = ranks(), run.recipe.name
        decisions = (self.folder and self.folder.decisions()) or {}
        stored = decisions.get(name)
        known = together.broadcast(max(stored, 0) if type(stored) is int else -1)
        if known >= 0:
            return int(known)
        steps = int(together.broadcast(self._wanted_steps(run)))
        if self.folder is not None and together.first:
            self.folder.keep({**decisions, name: steps})
        return steps

    def _wanted_steps(self, run: _Run) -> int:
        """The step count as given, or what the budget allows."""
        if self.steps is not None:
            return self.steps
        recipe, budget = run.recipe, self.budget
        if not self.always and budget.remaining() < LEAST_SHARE * (budget.seconds or 0.0):
            self._remark(recipe, "the budget was nearly used")
            return 0
        task = self._early_task(recipe, self._seed(recipe, 0))
        most: int = recipe.useful_steps(task.windows.points)
        stop_early = task.windows.watched is not None
        run.forecasting = self._forecasting_seconds(recipe, task)
        left = _PLANNED * budget.remaining() - run.forecasting
        plan = recipe.plan(most, self._seed(recipe, 0), stop_early=stop_early)
        timed = steps_for(task, plan, self._seconds_each(run, left))
        run.each = timed.seconds
        least = min(recipe.least_steps, most)
        if timed.steps < least and not self.always:
            self._remark(recipe, "the budget leaves too little time")
            return 0
        return max(timed.steps, least)

    def _seconds_each(self, run: _Run, left: float) -> float:
        """What each training of a recipe that is to come may take of the time that is left."""
        others = [other for other in self._runs if other is not run]
        undecided = [other for other in others if other.steps is None]
        promised = sum(other.to_come for other in others)
        share = run.recipe.share / sum(one.recipe.share for one in [run, *undecided])
        return max(left - promised, 0.0) * share / max(run.left, 1)

    def _forecasting_seconds(self, recipe: Recipe, task: SeriesTask[Any]) -> float:
        """What forecasting every fold, the end and the report will take, from a sample."""
        seen = self.ground.seen
        # Those that begin later are forecast in no time, and would say that all are.
        sample = seen.take(np.flatnonzero(seen.lengths)[:CHUNK])
        begin = time.monotonic()
        recipe.member([task.module.eval()]).quantiles(sample)
        seconds = (time.monotonic() - begin) * len(seen) / max(len(sample), 1)
        return seconds * recipe.networks * (len(self.ground.folds.scoring) + 2)

    def _deadline(self, run: _Run) -> float | None:
        """When this network must end even if the machine has become slow; None without a budget."""
        if self.steps is not None or self.budget.seconds is None:
            return None
        left = self.budget.remaining() - (1.0 - _LATEST) * self.budget.seconds
        return time.monotonic() + max(self._seconds_each(run, left), 1.0)

    def _identity(self) -> str:
        """A hash of the data and of everything that shapes the networks."""
        series = self.ground.table.series
        digest = hashlib.sha256()
        for array in series.arrays:
            digest.update(array.tobytes())
        shaped_by = {
            "recipes": {run.recipe.name: run.recipe.identity() for run in self._runs},
            "always": self.always,
            "seen": int(self.ground.seen.offsets[-1]),
            "seed": self.seed,
            "steps": self.steps,
            "budget": self.budget.seconds,
            "version": __version__,
        }
        digest.update(json.dumps(shaped_by, sort_keys=True).encode())
        return digest.hexdigest()


def _kept_steps(trained: Trained) -> int:
    """Updates behind the weights that were kept: all, or up to the best validation."""
    if trained.weights == "best" and trained.validations:
        return min(trained.validations, key=lambda point: point[1])[0]
    return trained.steps
