"""From a table to a fitted model: pretrained network first, then training within the budget."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import InitVar, dataclass, field, replace
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from torch import nn

from holdfast.forecasting.backtest import Backtest, BacktestData, BacktestResult
from holdfast.forecasting.evaluation.copula import Dependence
from holdfast.forecasting.evaluation.metrics import PastScores
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.networks.covariates.inputs import CovariateEncoding
from holdfast.forecasting.networks.design import choose_design
from holdfast.forecasting.networks.members import CHUNK, NetworkMember, PretrainedMember, regressed
from holdfast.forecasting.networks.recipes import (
    NETWORKS_OF,
    FineTuning,
    FromScratch,
    FromScratchWithCovariates,
    Recipe,
    warm_started,
)
from holdfast.forecasting.networks.train import SeriesTask, fit_network, steps_for
from holdfast.forecasting.paths import dependence
from holdfast.forecasting.pretrained.fine_tuning import native_precision
from holdfast.forecasting.pretrained.weights import choose, shipped
from holdfast.records import NETWORKS, PRETRAINED, TRAINED, TrainingSummary
from holdfast.storage import digest
from holdfast.tables.series import SeriesSet
from holdfast.training import run_directory
from holdfast.training.budget import Budget
from holdfast.training.loop import Trained
from holdfast.training.progress import Interrupts, Progress
from holdfast.training.ranks import ranks
from holdfast.training.run_directory import RunDirectory
from holdfast.version import __version__

BACKTEST: Final = "Backtest"
FORECAST: Final = "Forecast"
"""What networks are trained for: without the scored values first, then on everything."""


def clear_checkpoints(path: Path) -> None:
    """Remove what the trainings of a fit that is done have left, and nothing that lies beside."""
    if ranks().first:
        run_directory.clear(path, CHECKPOINTS)


def description(phase: str, member: str, number: int) -> str:
    """What the progress calls a network.

    Example:
        >>> description("Backtest", "LSTM", 1), description("Forecast", "Adapted", 0)
        ('Backtest, LSTM 2', 'Forecast, Adapted')
    """
    return f"{phase}, {member} {number + 1}" if NETWORKS_OF[member] > 1 else f"{phase}, {member}"


def checkpoint_name(phase: str, member: str, number: int) -> str:
    """What the directory of a network's checkpoints is called."""
    return description(phase, member, number).lower().replace(", ", "-").replace(" ", "-")


CHECKPOINTS: Final = tuple(
    checkpoint_name(phase, member, number)
    for phase in (BACKTEST, FORECAST)
    for member, networks in NETWORKS_OF.items()
    for number in range(networks)
)
"""The directories of checkpoints that a fit may leave."""

LEAST_WINDOWS = 30  # different training windows below which a network has nothing to learn from
LEAST_SHARE = 0.2  # of the budget must be left for another kind of training to begin
_LATEST = 0.95
"""Share of the whole budget at which training ends even where the machine has become slow."""

_PLANNED = 0.92
"""Share of the remaining budget that training plans for; evaluating and writing take the rest."""


@dataclass(frozen=True, eq=False)
class FitResult:
    """A backtest, the model fitted after it, and how its networks were trained."""

    data: BacktestData  # the table and its folds
    backtest: BacktestResult  # what came of them
    model: FittedModel  # what forecasts from now on
    training: tuple[TrainingSummary, ...]  # what was trained, one entry a member
    notes: tuple[str, ...]  # what was not trained, and why, in sentences
    seed: int  # of the fit


def fit(
    data: BacktestData,
    *,
    adapt: Literal["none", "auto", "full"],
    budget: Budget,
    steps: int | None,
    seed: int,
    levels: Sequence[float] = (),
    progress: Progress,
    checkpoints: Path | None = None,
    refit: bool = True,
    on_first_result: Callable[[FitResult], None] | None = None,
    warm_start: FittedModel | None = None,
) -> FitResult:
    """Evaluate the pretrained network beside the simple methods, then train what may do better.

    What is trained is evaluated with them, and trained again on everything (`refit`) where it has
    weight. With `warm_start` that goes on from a saved model's networks; the backtest's begin as
    ever, since the saved ones have seen what is scored there. `checkpoints` stay, so that a kill
    before the results are written costs nothing: `clear_checkpoints`. `on_first_result` is given
    what can be forecast before anything is trained, where training follows.

    Raises:
        NonFiniteLossError: training failed; names the step and the series.
        ModelError: the pretrained network that ships is missing or damaged.
    """
    table, horizon = data.table, data.horizon
    season, longer = table.season, data.long_season
    network = shipped(choose(data.unscored.lengths, horizon, season, longer))
    pretrained = PretrainedMember(PRETRAINED, network, horizon, season, longer)
    backtest = Backtest(data, levels, seed)
    backtest.add(pretrained)
    zero_shot: list[NetworkMember] = [pretrained]
    early = regressed(pretrained, data.unscored, season)
    if early is not None:
        backtest.add(early)
        zero_shot.append(regressed(pretrained, table.series, season) or early if refit else early)
    recipes: list[Recipe] = []
    if adapt != "none":
        design = choose_design(data.training.lengths, horizon, season, longer)
        recipes = [FineTuning(pretrained, native_precision("cpu")), FromScratch(design)]
        if data.training.covariates is not None and len(data.training.values):
            recipes.append(
                FromScratchWithCovariates(design, CovariateEncoding.of(data.training, season))
            )
    warm = []
    if warm_start is not None:
        warm = [warm_started(one, warm_start.networks, table.series) for one in recipes]
        recipes = [recipe for recipe, _ in warm]
    with Interrupts() as interrupts:
        runs = TrainingRuns(
            data=data,
            recipes=recipes,
            always=adapt == "full",
            seed=seed,
            budget=budget,
            steps=steps,
            progress=progress,
            checkpoints=checkpoints,
            interrupts=interrupts,
        )
        runs.notes += [sentence for _, sentence in warm if sentence]
        untrained = _result(data, backtest.evaluate(), zero_shot, runs, seed)
        if not runs.possible:
            return untrained
        if on_first_result is not None:
            on_first_result(untrained)
        trained = {member.name: member for member in runs.before_backtest()}
        for member in trained.values():
            backtest.add(member)
        result = backtest.evaluate() if trained else untrained.backtest
        # Without weight a network is shown beside the others, and neither trained again nor kept.
        weight = result.evaluation.ensemble.weight
        worth = {name: member for name, member in trained.items() if weight(name) > 0}
        if refit and worth and not runs.interrupted:
            worth |= runs.on_everything(worth)
        return _result(data, result, [*zero_shot, *worth.values()], runs, seed)


def _result(
    data: BacktestData,
    result: BacktestResult,
    members: Sequence[NetworkMember],
    runs: TrainingRuns,
    seed: int,
) -> FitResult:
    """The result with these networks; those that must earn weight and have none are left out."""
    ensemble = result.evaluation.ensemble
    members = [one for one in members if one.name == PRETRAINED or ensemble.weight(one.name) > 0]
    names = {member.name for member in members}
    model = FittedModel(
        horizon=data.horizon,
        season=data.table.season,
        ensemble=ensemble.without([name for name in NETWORKS if name not in names]),
        networks=tuple(members),
        series=data.table.series,
        names=data.table.columns,
        dependence=Dependence.unknown(data.horizon),
        scores=PastScores.of(data.actual, result.evaluation.blend, data.scales, data.folds.cutoffs),
        past=result.past(data),
    )
    untrained = replace(model, ensemble=ensemble.without(TRAINED), networks=tuple(members[:1]))
    model = replace(model, dependence=dependence(data, result.evaluation, untrained))
    return FitResult(data, result, model, runs.summaries(), (*data.notes, *runs.notes), seed)


@dataclass(eq=False)
class _Run:
    """The trainings of one recipe: those of the backtest first, then those on everything."""

    recipe: Recipe  # how
    steps: int | None = None  # updates of each; None before they are decided, 0 for none
    done: list[Trained] = field(default_factory=list)  # those that have ended
    kept: bool = True  # whether the member is worth training on everything
    parameters: int = 0  # of a network
    each: float = 0.0  # seconds of a training, as timed when decided
    forecasting: float = 0.0  # seconds of all forecasts

    @property
    def left(self) -> int:
        """Trainings to come."""
        return 2 * self.recipe.networks - len(self.done)

    @property
    def to_come(self) -> float:
        """Seconds that its trainings to come will take: as decided, or as those before took."""
        if not self.steps or not self.kept or len(self.done) > self.recipe.networks:
            return 0.0
        if len(self.done) < self.recipe.networks:
            return self.left * self.each + self.forecasting
        return sum(one.seconds for one in self.done)


@dataclass(eq=False, kw_only=True)
class TrainingRuns:
    """Trains the networks of a forecaster within its budget, in the order of the recipes."""

    data: BacktestData
    recipes: InitVar[Sequence[Recipe]]
    always: bool  # whether to train what has little data or time, too, as long as there is any
    seed: int
    budget: Budget  # of the whole command; its clock is already running
    steps: int | None  # updates of each network; None to take them from the budget
    progress: Progress
    checkpoints: Path | None  # for checkpoints and step counts; None for none
    interrupts: Interrupts  # watches for Ctrl-C, during training and between
    notes: list[str] = field(default_factory=list)  # what was not trained, and why, in sentences

    def __post_init__(self, recipes: Sequence[Recipe]) -> None:
        self._runs = [_Run(recipe) for recipe in recipes if self._enough(recipe)]
        self._latest: Trained | None = None
        self._folder: RunDirectory | None = None
        if self.checkpoints is not None:
            self._folder = RunDirectory(self.checkpoints, self._identity(), CHECKPOINTS)

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
        """Whether the latest network is not finished."""
        return self._latest is not None and self._latest.stopped == "interrupted"

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
            data = self.data
            networks = self._train_all(run, data.training, data.validation, run.steps, BACKTEST)
            if self._cut_short and len(networks) > 1:
                networks.pop()  # what was finished before it is better
            if networks:
                members.append(run.recipe.member(networks))
        return tuple(members)

    def on_everything(self, names: Collection[str]) -> dict[str, NetworkMember]:
        """Members that have seen the whole history, with as many updates as the others kept.

        Only of finished networks: none where Ctrl-C, or a machine that has become slow, ended the
        first.
        """
        for run in self._runs:
            run.kept = bool(run.done) and run.recipe.name in names
        members = {}
        for run in self._runs:
            if not run.kept:
                continue
            kept = [_kept_steps(trained) for trained in run.done]
            steps = run.recipe.final_steps(max(sum(kept) // len(kept), 1))
            networks = self._train_all(run, self.data.table.series, None, steps, FORECAST)
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
        useful = run.recipe.useful_steps(len(self.data.training.values))
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
        if not self.data.folds.scoring:
            self._note(recipe, "the history is too short to prove it on")
            return False
        windows = self._early_task(recipe, self.seed).windows
        if len(windows) < LEAST_WINDOWS:
            self._note(recipe, "the history before the backtest is too short to learn from")
        elif windows.points < recipe.least_points and not self.always:
            few = f"{windows.points:,} values to learn from are fewer than {recipe.least_points:,}"
            self._note(recipe, few)
        else:
            return True
        return False

    def _note(self, recipe: Recipe, reason: str) -> None:
        self.notes.append(f"{recipe.untrained}: {reason}.")

    def _seed(self, recipe: Recipe, number: int) -> int:
        """Of one of a member's networks."""
        return self.seed * recipe.networks + number

    def _early_task(self, recipe: Recipe, seed: int) -> SeriesTask[Any]:
        return recipe.task(self.data.training, self.data.validation, seed)

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
        recipe, folder = run.recipe, self._folder
        stop_early = task.windows.validation is not None
        trained = fit_network(
            task,
            recipe.plan(steps, self._seed(recipe, number), stop_early=stop_early),
            progress=self.progress,
            description=description(phase, recipe.name, number),
            folder=folder.checkpoints(checkpoint_name(phase, recipe.name, number))
            if folder
            else None,
            identity="" if folder is None else str(folder.identity),
            deadline=self._deadline(run),
            interrupts=self.interrupts,
        )
        run.done.append(trained)
        run.parameters = sum(parameter.numel() for parameter in task.module.parameters())
        self._latest = trained
        return task.module

    def _decided_steps(self, run: _Run) -> int:
        """The step count as a run that was killed stored it, or decided now; 0 for no training."""
        together, name = ranks(), run.recipe.name
        decisions = (self._folder and self._folder.decisions()) or {}
        stored = decisions.get(name)
        known = together.broadcast(max(stored, 0) if type(stored) is int else -1)
        if known >= 0:
            return int(known)
        steps = int(together.broadcast(self._budgeted_steps(run)))
        if self._folder is not None and together.first:
            self._folder.keep({**decisions, name: steps})
        return steps

    def _budgeted_steps(self, run: _Run) -> int:
        """The step count as given, or what the budget allows."""
        if self.steps is not None:
            return self.steps
        recipe, budget = run.recipe, self.budget
        if not self.always and budget.remaining() < LEAST_SHARE * (budget.seconds or 0.0):
            self._note(recipe, "the budget was nearly used")
            return 0
        task = self._early_task(recipe, self._seed(recipe, 0))
        most: int = recipe.useful_steps(task.windows.points)
        stop_early = task.windows.validation is not None
        run.forecasting = self._forecasting_seconds(recipe, task)
        left = _PLANNED * budget.remaining() - run.forecasting
        plan = recipe.plan(most, self._seed(recipe, 0), stop_early=stop_early)
        timed = steps_for(task, plan, self._seconds_each(run, left))
        run.each = timed.seconds
        least = min(recipe.least_steps, most)
        if timed.steps < least and not self.always:
            self._note(recipe, "the budget leaves too little time")
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
        seen = self.data.training
        # Those that begin later are forecast in no time, and would say that all are.
        sample = seen.take(np.flatnonzero(seen.lengths)[:CHUNK])
        begin = time.monotonic()
        recipe.member([task.module.eval()]).quantiles(sample)
        seconds = (time.monotonic() - begin) * len(seen) / max(len(sample), 1)
        return seconds * recipe.networks * (len(self.data.folds.scoring) + 2)

    def _deadline(self, run: _Run) -> float | None:
        """When this network must end even if the machine has become slow; None without a budget."""
        if self.steps is not None or self.budget.seconds is None:
            return None
        left = self.budget.remaining() - (1.0 - _LATEST) * self.budget.seconds
        return time.monotonic() + max(self._seconds_each(run, left), 1.0)

    def _identity(self) -> str:
        """A hash of the data and of everything that shapes the networks."""
        series = self.data.table.series
        shaped_by = {
            "recipes": {run.recipe.name: run.recipe.identity() for run in self._runs},
            "always": self.always,
            "seen": int(self.data.training.offsets[-1]),
            "seed": self.seed,
            "steps": self.steps,
            "budget": self.budget.seconds,
            "version": __version__,
        }
        return digest(*series.arrays, json.dumps(shaped_by, sort_keys=True))


def _kept_steps(trained: Trained) -> int:
    """Updates behind the weights that were kept: all, or up to the best validation."""
    if trained.weights == "best" and trained.validations:
        return min(trained.validations, key=lambda point: point[1])[0]
    return trained.steps
