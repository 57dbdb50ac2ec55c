"""Recurrent networks on tasks whose lag is known, at equal sizes, updates and tuning."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from holdfast.errors import ArgumentError, ModelError
from holdfast.lens.compare.memory_findings import findings
from holdfast.lens.compare.memory_run import (
    MOST_WRONG,
    TESTED,
    Job,
    Outcome,
    from_line,
    run,
    seconds_of,
    to_line,
)
from holdfast.lens.compare.memory_tasks import TaskName, task_of
from holdfast.lens.compare.models import MODELS, REMEMBER, START, ModelName, check_models
from holdfast.records import ComparedRun, MemoryComparison
from holdfast.storage import local_time, write_text_atomically
from holdfast.training.budget import Budget
from holdfast.training.progress import Interrupts, Progress, SilentProgress
from holdfast.training.threads import one_thread
from holdfast.version import __version__

LAGS: Final = (10, 30, 100, 300, 1000)
RATES: Final = (3e-3, 1e-2, 3e-2)
"""Learning rates that every model tries."""

_UNTRIED: Final = RATES[0]


@dataclass(frozen=True)
class MemoryPlan:
    """What is to be compared.

    Arguments:
        task: as in `task_of`.
        lags: of the task, in steps.
        seeds: runs of each model at each lag, beside the trials.
        models: which.
        updates: at most, of each run; a trial gets half of them.
        rates: learning rates that each model tries once at each lag.
        batch: sequences of an update.
        hidden: units of the LSTM whose number of weights every model gets.

    Raises:
        ArgumentError: a field is out of range.
    """

    task: TaskName = "adding"
    lags: tuple[int, ...] = LAGS
    seeds: int = 3
    models: tuple[ModelName, ...] = MODELS
    updates: int = 2000
    rates: tuple[float, ...] = RATES
    batch: int = 32
    hidden: int = 32

    def __post_init__(self) -> None:
        for name in ("seeds", "updates", "batch", "hidden"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ArgumentError(f"{name}={value!r} must be a whole number from 1.")
        check_models(self.models)
        # What is named twice is compared once.
        object.__setattr__(self, "models", tuple(dict.fromkeys(self.models)))
        object.__setattr__(self, "lags", tuple(sorted(set(self.lags))))
        if not (self.lags and self.models and self.rates):
            raise ArgumentError("lags, models and rates need at least one value each.")
        for lag in self.lags:
            task_of(self.task, lag)

    @property
    def planned(self) -> int:
        """How many runs that is, without the trials."""
        return len(self.lags) * len(self.models) * self.seeds

    def job(self, lag: int, model: ModelName, seed: int, rate: float) -> Job:
        """A run."""
        return Job(self.task, lag, model, seed, rate, self.updates, self.batch, self.hidden)

    def trials(self, lag: int, model: ModelName) -> tuple[Job, ...]:
        """The trials that choose a model's learning rate at a lag."""
        updates = max(1, self.updates // 2)
        whole = (self.job(lag, model, 0, rate) for rate in self.rates)
        return tuple(replace(job, updates=updates, trial=True) for job in whole)


def compare_memory(
    plan: MemoryPlan,
    folder: str | Path | None = None,
    *,
    budget: Budget | str | float | None = None,
    progress: Progress | None = None,
    interrupts: Interrupts | None = None,
    command: str = "",
) -> MemoryComparison:
    """Train every model at every lag, the shortest first, and say which solved the task.

    At each lag, each model tries the same learning rates for half of the updates and keeps the one
    that solved the task soonest, or else was wrong least often; then come the seeds, all models
    with one seed before the next. A seed is begun only where all models fit into what is left of
    the budget, so that none has had more runs than another. What has been trained lies in the
    folder: the same call, or one with more lags, seeds or time, goes on from there; a run that was
    killed goes on from its checkpoint, to the same weights.

    Arguments:
        plan: what to compare.
        folder: gets ``runs.jsonl``, and checkpoints while a run is under way; None for none.
        budget: for everything together, what earlier calls trained in this folder included; None
            for as long as it takes.
        progress: is told of every update.
        interrupts: watches for Ctrl-C, which ends it with the runs so far.
        command: for the page.

    Returns:
        The record of all runs of this plan that have been done.

    Raises:
        ArgumentError: the budget is no length of time.
        ModelError: the folder's results are not ours.
        InputError: the folder cannot be written.

    Example:
        >>> plan = MemoryPlan("latch", lags=(5,), seeds=1, models=("GRU",), updates=2, batch=4,
        ...                   hidden=4, rates=(0.01,))
        >>> record = compare_memory(plan)
        >>> [(one.model, one.lag, one.updates) for one in record.runs], record.planned
        ([('GRU', 5, 2)], 1)
    """
    limit = budget if isinstance(budget, Budget) else Budget.parse(budget)
    results = MemoryResults(None if folder is None else Path(folder))
    comparison = _Comparison(plan, results)
    watching = Interrupts() if interrupts is None else nullcontext(interrupts)
    with watching as watch, one_thread():
        comparison.run_all(limit, progress or SilentProgress(), watch)
    runs = [outcome for outcome in comparison.outcomes() if not outcome.job.trial]
    return _record(plan, runs, command)


class _Comparison:
    """A plan, and the results that there are of it."""

    def __init__(self, plan: MemoryPlan, results: MemoryResults) -> None:
        self.plan = plan
        self.results = results

    def run_all(self, limit: Budget, progress: Progress, interrupts: Interrupts) -> None:
        """Blocks in their order, until one does not fit."""
        left = limit.remaining()  # infinite without a limit
        if limit.seconds is not None:
            left -= sum(outcome.seconds for outcome in self.outcomes())
        plan = self.plan
        for lag, seed in itertools.product(plan.lags, range(plan.seeds)):
            trials = [job for model in plan.models for job in plan.trials(lag, model)]
            # The rate is not known before the trials, and no matter for the time.
            runs = [plan.job(lag, model, seed, _UNTRIED) for model in plan.models]
            missing = [job for job in trials if self.results.of(job) is None]
            missing += [job for job in runs if self.outcome(job) is None]
            if math.isfinite(left) and _seconds(missing) > left:
                return
            for job in missing:
                rate = None if job.trial else self.rate(job)
                if rate is not None:
                    job = replace(job, learning_rate=rate)
                outcome = run(
                    job, self.results.checkpoints(job), progress=progress, interrupts=interrupts
                )
                if outcome is None:
                    return
                self.results.add(outcome)
                left -= outcome.seconds
                if interrupts.requested:
                    return

    def rate(self, job: Job) -> float | None:
        """The learning rate with which the trials went best; None before all have been done."""
        trials = [self.results.of(trial) for trial in self.plan.trials(job.lag, job.model)]
        finished = [outcome for outcome in trials if outcome is not None]
        if len(finished) < len(trials):
            return None
        return min(finished, key=lambda outcome: outcome.rank).job.learning_rate

    def outcome(self, job: Job) -> Outcome | None:
        """What became of a run with the rate that its model's trials chose; None if not done."""
        rate = self.rate(job)
        return None if rate is None else self.results.of(replace(job, learning_rate=rate))

    def outcomes(self) -> Iterator[Outcome]:
        """All trials and runs of the plan that have been done."""
        for lag, model in itertools.product(self.plan.lags, self.plan.models):
            yield from filter(None, map(self.results.of, self.plan.trials(lag, model)))
            runs = (self.plan.job(lag, model, s, _UNTRIED) for s in range(self.plan.seeds))
            yield from filter(None, map(self.outcome, runs))


def _seconds(jobs: Sequence[Job]) -> float:
    """What jobs take at most; jobs that differ in seed or rate alone take as long."""
    each: dict[ModelName, float] = {}
    for job in jobs:
        if job.model not in each:
            each[job.model] = seconds_of(job) / job.updates
    return sum(each[job.model] * job.updates for job in jobs)


def _record(plan: MemoryPlan, outcomes: Sequence[Outcome], command: str) -> MemoryComparison:
    runs = tuple(map(_compared, outcomes))
    sizes = sorted({outcome.parameters for outcome in outcomes})
    rates = ", ".join(f"{rate:g}" for rate in plan.rates)
    facts = [
        ("Weights", f"{sizes[0]:,} to {sizes[-1]:,}" if sizes else ""),
        ("Updates", f"at most {plan.updates:,} of {plan.batch} sequences"),
        ("Learning rates tried", f"{rates}; half of the updates each"),
        ("Told the lag", f"{REMEMBER} and sLSTM, to which they spread their timescales"),
        *((model, START[model]) for model in plan.models),
    ]
    return MemoryComparison(
        title=f"Memory: {plan.task}",
        created=local_time(),
        version=__version__,
        command=command,
        runs=runs,
        planned=plan.planned,
        success=f"at most {MOST_WRONG} of {TESTED:,} sequences wrong, in each of two draws",
        findings=findings(runs, plan.planned, plan.batch),
        facts=tuple(facts),
    )


def _compared(outcome: Outcome) -> ComparedRun:
    job = outcome.job
    return ComparedRun(
        task=job.task,
        model=job.model,
        lag=job.lag,
        seed=job.seed,
        parameters=outcome.parameters,
        updates=outcome.updates,
        solved_after=outcome.solved_after,
        error=outcome.error,
        learning_rate=job.learning_rate,
        seconds=outcome.seconds,
        gradient_before=outcome.gradient_before,
        gradient_after=outcome.gradient_after,
    )


RUNS: Final = "runs.jsonl"


class MemoryResults:
    """What lies in the folder of a comparison; None keeps it in memory alone.

    Each addition writes the file under a temporary name and renames it: whoever reads sees all
    lines or all but the last. A job that is there is never added again.

    Raises:
        ModelError: the file is not one of ours.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lines: list[str] = []
        self._found: dict[Job, Outcome] = {}
        path = None if folder is None else folder / RUNS
        if path is None or not path.exists():
            return
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ModelError(
                f"{path} is no file of results ({error}); take it away, or choose another folder."
            ) from error
        for number, line in enumerate(lines, start=1):
            try:
                outcome = from_line(line)
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ModelError(
                    f"{path}, line {number}, is no result of a comparison; take that line away, or "
                    "choose another folder."
                ) from error
            self._lines.append(line)
            self._found[outcome.job] = outcome

    def of(self, job: Job) -> Outcome | None:
        """What became of a job; None where it has not been done."""
        return self._found.get(job)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, on disk where there is a folder."""
        if outcome.job in self._found:
            return
        self._found[outcome.job] = outcome
        self._lines.append(to_line(outcome))
        if self.folder is not None:
            write_text_atomically(self.folder / RUNS, "\n".join(self._lines) + "\n")

    def checkpoints(self, job: Job) -> Path | None:
        """Where the checkpoints of a job lie until it is done."""
        return None if self.folder is None else self.folder / "training" / job.key
