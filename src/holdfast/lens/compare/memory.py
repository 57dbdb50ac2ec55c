"""Recurrent networks on tasks whose lag is known, at equal sizes, updates and tuning."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
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
from holdfast.storage import write_text_atomically
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
    work = _Comparison(plan, results, limit, progress or SilentProgress())
    watching = Interrupts() if interrupts is None else nullcontext(interrupts)
    with watching as watch, one_thread():
        work.run_all(watch)
    return record_of(plan, results, command=command)


class _Comparison:
    """A comparison under way."""

    def __init__(
        self, plan: MemoryPlan, results: MemoryResults, limit: Budget, progress: Progress
    ) -> None:
        self.plan = plan
        self.results = results
        self.progress = progress
        self.left = limit.remaining()  # infinite without a limit
        if limit.seconds is not None:
            self.left -= sum(outcome.seconds for outcome in done(plan, results))

    def run_all(self, interrupts: Interrupts) -> None:
        """Blocks in their order, until one does not fit."""
        for lag in self.plan.lags:
            for seed in range(self.plan.seeds):
                trials = [job for m in self.plan.models for job in self.plan.trials(lag, m)]
                # The rate is not known before the trials, and no matter for the time.
                runs = [self.plan.job(lag, m, seed, _UNTRIED) for m in self.plan.models]
                missing = [job for job in trials if self.results.of(job) is None]
                missing += [job for job in runs if chosen_run(self.plan, self.results, job) is None]
                if not missing:
                    continue
                if self.left < float("inf") and self.seconds(missing) > self.left:
                    return
                for job in missing:
                    with_rate = job if job.trial else self.with_rate(job)
                    outcome = run(
                        with_rate,
                        self.results.checkpoints(with_rate),
                        progress=self.progress,
                        interrupts=interrupts,
                    )
                    if outcome is None:
                        return
                    self.results.add(outcome)
                    self.left -= outcome.seconds
                    if interrupts.requested:
                        return

    def seconds(self, jobs: Sequence[Job]) -> float:
        """What jobs take at most; jobs that differ in seed or rate alone take as long."""
        each: dict[ModelName, float] = {}
        for job in jobs:
            if job.model not in each:
                each[job.model] = seconds_of(job) / job.updates
        return sum(each[job.model] * job.updates for job in jobs)

    def with_rate(self, job: Job) -> Job:
        """The job with the rate that its model's trials chose."""
        return replace(job, learning_rate=chosen_rate(self.plan, self.results, job))


def chosen_rate(plan: MemoryPlan, results: MemoryResults, job: Job) -> float:
    """The learning rate with which a model's trial at a lag went best.

    Raises:
        ModelError: not all of its trials have been done.
    """
    trials = [results.of(trial) for trial in plan.trials(job.lag, job.model)]
    finished = [outcome for outcome in trials if outcome is not None]
    if len(finished) < len(trials):
        raise ModelError(f"The trials of {job.model} at lag {job.lag} have not been done.")
    return min(finished, key=lambda outcome: outcome.rank).job.learning_rate


def chosen_run(plan: MemoryPlan, results: MemoryResults, job: Job) -> Outcome | None:
    """What became of a run with the rate that its model's trials chose; None if not done."""
    if any(results.of(trial) is None for trial in plan.trials(job.lag, job.model)):
        return None
    return results.of(replace(job, learning_rate=chosen_rate(plan, results, job)))


def done(plan: MemoryPlan, results: MemoryResults) -> Iterator[Outcome]:
    """All trials and runs of a plan that have been done."""
    for lag in plan.lags:
        for model in plan.models:
            yield from filter(None, map(results.of, plan.trials(lag, model)))
            for seed in range(plan.seeds):
                outcome = chosen_run(plan, results, plan.job(lag, model, seed, _UNTRIED))
                if outcome is not None:
                    yield outcome


def record_of(plan: MemoryPlan, results: MemoryResults, *, command: str = "") -> MemoryComparison:
    """The record of all runs of a plan that have been done."""
    outcomes = [outcome for outcome in done(plan, results) if not outcome.job.trial]
    runs = tuple(map(_compared, outcomes))
    sizes = sorted({outcome.parameters for outcome in outcomes})
    show: Callable[[float], str] = lambda rate: f"{rate:g}"  # noqa: E731
    facts = [
        ("Weights", f"{sizes[0]:,} to {sizes[-1]:,}" if sizes else ""),
        ("Updates", f"at most {plan.updates:,} of {plan.batch} sequences"),
        ("Learning rates tried", f"{', '.join(map(show, plan.rates))}; half of the updates each"),
        ("Told the lag", f"{REMEMBER} and sLSTM, to which they spread their timescales"),
        *((model, START[model]) for model in plan.models),
    ]
    return MemoryComparison(
        title=f"Memory: {plan.task}",
        created=datetime.datetime.now().astimezone().isoformat(timespec="seconds"),
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
    """What lies in the folder of a comparison.

    Each addition writes the file under a temporary name and renames it: whoever reads sees all
    lines or all but the last. A job that is there is never added again.

    Arguments:
        folder: of the results; None to keep them in memory alone.

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
        for number, line in enumerate(_lines(path), start=1):
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
        """Keep an outcome, on disk where there is a folder.

        Raises:
            InputError: the folder cannot be written.
        """
        if outcome.job in self._found:
            return
        self._found[outcome.job] = outcome
        self._lines.append(to_line(outcome))
        if self.folder is not None:
            write_text_atomically(self.folder / RUNS, "\n".join(self._lines) + "\n")

    def checkpoints(self, job: Job) -> Path | None:
        """Where the checkpoints of a job lie until it is done."""
        return None if self.folder is None else self.folder / "training" / job.key


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is no file of results ({error}); take it away, or choose another folder."
        ) from error
