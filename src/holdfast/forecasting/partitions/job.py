"""A job over a folder of partitions: fit what they share on a sample, then do each once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from holdfast.errors import InputError
from holdfast.forecasting.fit import clear_checkpoints, fit
from holdfast.forecasting.forecaster import Forecaster
from holdfast.forecasting.partitions.plan import MODEL, Job, NewJob, Plan
from holdfast.forecasting.partitions.processes import Workers
from holdfast.forecasting.partitions.ray_cluster import do_on_ray
from holdfast.forecasting.partitions.work import PartitionResult, ScoreSums, Work, remove_unfinished
from holdfast.training.budget import Budget
from holdfast.training.progress import Progress

Engine = Literal["processes", "ray"]


@dataclass(frozen=True)
class JobResult:
    """What a job wrote."""

    plan: Plan  # what all partitions share
    partitions: int  # partitions, kept: partitions in all, and those that were done before
    kept: int
    series: int  # series, rows: in the results
    rows: int
    # seconds, cpu: of the partitions that were done now; `cpu` of all processes together
    seconds: float
    cpu: float
    sums: ScoreSums | None  # the scores of a backtest over all series; None for forecasts


@dataclass(frozen=True)
class Watch:
    """Who is told how a job gets on."""

    # is given the forecaster of the sample, the number of series in the sample and in all
    # partitions, once, before any partition is done
    fitted: Callable[[Forecaster, int, int], None]
    # is given partitions done, partitions in all, and series forecast so far
    advanced: Callable[[int, int, int], None]
    training: Progress  # is told of every update on the sample
    # the reading of ``time.monotonic`` from which reports count seconds; None for none
    started: float | None = None


def run_job(
    job: Job, watch: Watch, *, engine: Engine = "processes", workers: int | None = None
) -> JobResult:
    """Forecast or backtest every partition of a folder that has no result yet.

    Season, frequency, blend and interval widths are found on a sample of the series and kept in
    ``plan.json`` and ``model/``; a job that was killed goes on from there, partition by partition.

    Arguments:
        job: from `prepare`.
        watch: is told how it gets on.
        engine: processes of this machine, or tasks on a Ray cluster.
        workers: processes or tasks at a time; None for one a core, or for what Ray has room for.

    Raises:
        InputError: partitions that failed are named when all others are done.
    """
    out, settings, partitions = job.out, job.settings, job.partitions
    plan = _fit_sample(job, job.begun, watch) if isinstance(job.begun, NewJob) else job.begun
    work = Work(plan, out)
    remove_unfinished(out, settings)
    begin = time.monotonic()
    left = [number for number in range(len(partitions)) if not work.done(number)]
    kept = len(partitions) - len(left)
    done = [work.result(number) for number in range(len(partitions)) if number not in set(left)]
    failed: dict[int, str] = {}
    new: list[PartitionResult] = []

    def finished(number: int, result: PartitionResult | str) -> None:
        if isinstance(result, str):
            failed[number] = result
        else:
            new.append(result)
        series = sum(one.series for one in new)
        watch.advanced(kept + len(new) + len(failed), len(partitions), series)

    watch.advanced(kept, len(partitions), 0)
    if left and engine == "ray":
        do_on_ray(out, settings, left, finished, workers=workers)
    elif left:
        cores = os.cpu_count() or 1
        count = min(workers or cores, len(left))
        Workers(out, settings, count, max(cores // count, 1)).do(left, finished)
    remove_unfinished(out, settings)  # of processes and machines that were lost
    if failed:
        first = sorted(failed)[:5]
        names = "; ".join(f"{partitions[n].name}: {failed[n].rstrip('.')}" for n in first)
        raise InputError(
            f"{len(failed):,} of {len(partitions):,} partitions could not be done ({names}); the "
            "others are in place: mend these and give the command again."
        )
    done += new
    return JobResult(
        plan=plan,
        partitions=len(partitions),
        kept=kept,
        series=sum(one.series for one in done),
        rows=sum(one.rows for one in done),
        seconds=time.monotonic() - begin,
        cpu=sum(one.cpu for one in new),
        sums=_total(done) if settings.verb == "backtest" else None,
    )


def _fit_sample(job: Job, known: NewJob, watch: Watch) -> Plan:
    """Fit on the sample, and write down what all partitions share."""
    out, settings, sample = job.out, job.settings, known.sample_data
    result = fit(
        sample,
        adapt=settings.adapt,
        budget=Budget.parse(None if settings.steps else settings.budget),
        steps=settings.steps,
        seed=settings.seed,
        levels=settings.levels,
        progress=watch.training,
        checkpoints=out / "training",
        refit=settings.verb == "forecast",
    )
    result.model.save(out / MODEL)
    roles = known.roles
    assert roles.time is not None
    plan = Plan(
        settings=settings,
        inputs=tuple(
            {**partition.identity(), "rows": one.rows, "series": one.series}
            for partition, one in zip(job.partitions, known.sizes, strict=True)
        ),
        ids=roles.id,
        time=roles.time,
        target=roles.target,
        freq=sample.table.series.calendar.code,
        season=sample.table.season,
        cutoffs=tuple(int(cutoff) for cutoff in sample.folds.cutoffs),
        needed=sample.folds.needed,
    )
    forecaster = Forecaster.of_result(result, watch.started)
    watch.fitted(forecaster, len(sample.table.series), plan.series)
    plan.write(out)
    clear_checkpoints(out / "training")
    return plan


def _total(results: list[PartitionResult]) -> ScoreSums:
    total = ScoreSums()
    for one in results:
        if one.sums is not None:
            total.add(one.sums)
    return total
