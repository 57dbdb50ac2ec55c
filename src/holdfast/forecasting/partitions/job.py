"""A job over a folder of parts: settle what they share, then do each part once."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from holdfast.errors import InputError
from holdfast.forecasting.fit import FitResult, clear_checkpoints, fit
from holdfast.forecasting.partitions.plan import MODEL, Fresh, Job, Plan
from holdfast.forecasting.partitions.processes import Workers
from holdfast.forecasting.partitions.ray_cluster import do_on_ray
from holdfast.forecasting.partitions.work import Facts, Sums, Work, sweep
from holdfast.training.budget import Budget
from holdfast.training.progress import Progress

Engine = Literal["processes", "ray"]


@dataclass(frozen=True)
class Outcome:
    """What a job came to.

    Arguments:
        plan: what was settled.
        parts, kept: parts in all, and those that an earlier process had done.
        series, rows: in the results.
        seconds, cpu: of the parts that were done now; `cpu` of all processes together.
        sums: the scores of a backtest over all series; None for forecasts.
    """

    plan: Plan
    parts: int
    kept: int
    series: int
    rows: int
    seconds: float
    cpu: float
    sums: Sums | None


@dataclass(frozen=True)
class Watch:
    """Who is told how a job gets on.

    Arguments:
        settled: is given the fit on the sample, once, before any part is done.
        advanced: is given parts done, parts in all, and series forecast so far.
        training: is told of every update on the sample.
    """

    settled: Callable[[FitResult, Plan], None]
    advanced: Callable[[int, int, int], None]
    training: Progress


def run_job(
    job: Job, watch: Watch, *, engine: Engine = "processes", workers: int | None = None
) -> Outcome:
    """Forecast or backtest every part of a folder that has no result yet.

    Season, frequency, blend and interval widths are settled on a sample of the series and kept in
    ``plan.json`` and ``model/``; a job that was killed goes on from there, part by part.

    Arguments:
        job: from `prepare`.
        watch: is told how it gets on.
        engine: processes of this machine, or tasks on a Ray cluster.
        workers: processes or tasks at a time; None for one a core, or for what Ray has room for.

    Raises:
        InputError: parts that failed are named when all others are done.
    """
    out, settings, parts = job.out, job.settings, job.parts
    plan = _settle(job, job.begun, watch) if isinstance(job.begun, Fresh) else job.begun
    work = Work(plan, out)
    sweep(out, settings)
    begin = time.monotonic()
    left = [number for number in range(len(parts)) if not work.done(number)]
    kept = len(parts) - len(left)
    done = [work.facts(number) for number in range(len(parts)) if number not in set(left)]
    failed: dict[int, str] = {}
    fresh: list[Facts] = []

    def finished(number: int, made: Facts | str) -> None:
        if isinstance(made, str):
            failed[number] = made
        else:
            fresh.append(made)
        series = sum(one.series for one in fresh)
        watch.advanced(kept + len(fresh) + len(failed), len(parts), series)

    watch.advanced(kept, len(parts), 0)
    if left and engine == "ray":
        do_on_ray(out, settings, left, finished, most=workers)
    elif left:
        cores = os.cpu_count() or 1
        count = min(workers or cores, len(left))
        Workers(out, settings, count, max(cores // count, 1)).do(left, finished)
    sweep(out, settings)  # of processes and machines that were lost
    if failed:
        names = "; ".join(f"{parts[n].name}: {failed[n].rstrip('.')}" for n in sorted(failed)[:5])
        raise InputError(
            f"{len(failed):,} of {len(parts):,} parts could not be done ({names}); the others are "
            "in place: mend these and give the command again."
        )
    done += fresh
    return Outcome(
        plan=plan,
        parts=len(parts),
        kept=kept,
        series=sum(one.series for one in done),
        rows=sum(one.rows for one in done),
        seconds=time.monotonic() - begin,
        cpu=sum(one.cpu for one in fresh),
        sums=_added(done) if settings.verb == "backtest" else None,
    )


def _settle(job: Job, known: Fresh, watch: Watch) -> Plan:
    """Fit on the sample, and write down what all parts share."""
    out, settings, ground = job.out, job.settings, known.ground
    made = fit(
        ground,
        adapt=settings.adapt,
        budget=Budget.parse(None if settings.steps else settings.budget),
        steps=settings.steps,
        seed=settings.seed,
        levels=settings.levels,
        progress=watch.training,
        checkpoints=out / "training",
        refit=settings.verb == "forecast",
    )
    made.fitted.save(out / MODEL)
    roles = known.roles
    assert roles.time is not None
    plan = Plan(
        settings=settings,
        inputs=tuple(
            {**part.identity(), "rows": one.rows, "series": one.series}
            for part, one in zip(job.parts, known.counted, strict=True)
        ),
        ids=roles.id,
        time=roles.time,
        target=roles.target,
        freq=ground.table.series.calendar.code,
        season=ground.table.season,
        cutoffs=tuple(int(cutoff) for cutoff in ground.folds.cutoffs),
        needed=ground.folds.needed,
    )
    watch.settled(made, plan)
    plan.write(out)
    clear_checkpoints(out / "training")
    return plan


def _added(facts: list[Facts]) -> Sums:
    total = Sums()
    for one in facts:
        if one.sums is not None:
            total.add(one.sums)
    return total
