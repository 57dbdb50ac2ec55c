"""`forecast` and `backtest` over a folder of partitions instead of one table."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from holdfast.cli import options
from holdfast.cli.screen import Screen, show_outcome, together
from holdfast.errors import ArgumentError, option

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from holdfast import Forecaster
    from holdfast.forecasting.partitions.job import JobResult

SAMPLE = 1000
"""Series on which season, ensemble weights and widths of a folder are found by default."""


def needed(data: Path, partitioned: options.Partitioned) -> bool:
    """Whether the data is a folder, or a file of which a sample tells what all series share."""
    return data.is_dir() or (partitioned.sample is not None and data.is_file())


def refuse_together(
    *, warm_start: object, integers: bool, by: object, over: object, X_df: object
) -> None:
    """Refuse what needs all series, or their paths, at once.

    Raises:
        ArgumentError: one of these options is given.
    """
    for name, value in (("by", by), ("over", over)):
        if value:
            raise ArgumentError(
                f"{option(name)} adds up series of one table; give a file, without "
                f"{option('sample')}."
            )
    for name, given in (
        ("warm_start", warm_start is not None), ("integers", integers), ("X_df", X_df is not None)
    ):  # fmt: skip
        if given:
            raise ArgumentError(
                f"{option(name)} is not for a folder of partitions or {option('sample')}; "
                "give a file."
            )


def run(
    verb: Literal["forecast", "backtest"],
    screen: Screen,
    data: Path,
    horizon: int | None,
    out: Path,
    levels: tuple[float, ...],
    fitting: options.Fitting,
    reading: options.Reading,
    covariates: options.Covariates,
    partitioned: options.Partitioned,
    *,
    folds: int = 3,
    step: int | None = None,
) -> None:
    """Forecast or backtest every partition, those that are done already left out.

    Raises:
        InputError: something is missing, contradictory or cannot be read.
    """
    started = time.monotonic()
    periods = options.given(horizon)
    if fitting.baselines:
        raise ArgumentError(
            f"{option('baselines')}: {data} is a folder or is sampled; give a file, without "
            f"{option('sample')}."
        )
    if reading.wide or reading.sheet is not None:
        raise ArgumentError(
            f"Partitions are long tables; leave out {option('wide')} and {option('sheet')}."
        )
    if together():
        raise ArgumentError(
            f"torchrun trains on one table; a folder of partitions takes {option('workers')}."
        )
    if covariates != options.Covariates():
        raise ArgumentError(
            "Columns beside the values are not read from partitions of a folder yet."
        )
    from holdfast.cli.results import results_folder, typed_command
    from holdfast.forecasting.partitions import ReadOptions
    from holdfast.forecasting.partitions.plan import NewJob, Settings, prepare
    from holdfast.reports import save, terminal

    settings = Settings(
        verb=verb,
        data=str(data.absolute()),
        horizon=periods,
        levels=levels,
        adapt=fitting.adapt,
        budget=None if fitting.steps or fitting.adapt == "none" else fitting.budget,
        steps=fitting.steps,
        seed=fitting.seed,
        sample=partitioned.sample or SAMPLE,
        folds=folds,
        step=step,
        read=ReadOptions(
            **options.arguments(reading)
            | {"id_col": None if reading.id_col is None else tuple(reading.id_col)},
            freq=fitting.freq,
            season=fitting.season,
        ),
    )
    job = prepare(out, settings)
    folder = results_folder(out)
    if isinstance(job.begun, NewJob):
        every = sum(one.series for one in job.begun.sizes)
        sampled = len(job.begun.sample_data.table.series)
        screen.show(
            f"{every:,} series in {len(job.partitions):,} partitions; season, frequency and "
            f"ensemble weights are found on a sample of {sampled:,}.",
            terminal.understood(job.begun.sample_data.table.summary),
        )

    from holdfast.forecasting.partitions.job import Watch, run_job

    def fitted(forecaster: Forecaster, sampled: int, every: int) -> None:
        """Show and write the report of the sample."""
        title = f"{data.name}: a sample of {sampled:,} of {every:,} series"
        record = forecaster.record(level=levels, title=title, command=typed_command())
        save(record, folder / "report.html")
        show_outcome(screen, record)

    bar = _Bar() if sys.stderr.isatty() and not screen.silent else None
    watch = Watch(fitted, bar.advance if bar else _nothing, screen.progress(), started)
    try:
        outcome = run_job(job, watch, engine=partitioned.engine, workers=partitioned.workers)
    finally:
        if bar:
            bar.stop()
    if outcome.sums is not None:
        screen.show(
            terminal.scores(outcome.sums.methods(), f"Out of fold: all {outcome.series:,} series"),
            terminal.coverage(outcome.sums.coverage()),
        )
    files = {verb: str(folder / verb), "model": str(folder / "model")}
    files["report of the sample"] = str(folder / "report.html")
    kept = f" ({outcome.kept:,} of them done before)" if outcome.kept else ""
    seconds = time.monotonic() - started
    screen.show(
        f"{outcome.series:,} series in {outcome.partitions:,} partitions{kept}, "
        f"{outcome.rows:,} rows, {seconds:.1f} s."
    )
    screen.show(terminal.written(files), whole_lines=True)
    screen.result(_summary(outcome, files, seconds))


def _summary(outcome: JobResult, files: dict[str, str], seconds: float) -> dict[str, Any]:
    """The outcome for programs."""
    summary: dict[str, Any] = {
        "series": outcome.series,
        "partitions": outcome.partitions,
        "partitions_kept": outcome.kept,
        "rows": outcome.rows,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(outcome.cpu, 3),
        "season": outcome.plan.season,
        "frequency": outcome.plan.freq,
        "files": files,
    }
    if outcome.sums is not None:
        summary["scores"] = [asdict(row) for row in outcome.sums.methods()]
        summary["coverage"] = [asdict(row) for row in outcome.sums.coverage()]
    return summary


def _nothing(done: int, partitions: int, series: int) -> None:
    """Ignore progress: without a bar."""


class _Bar:
    """Partitions done and series a second, on standard error."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._begun = time.monotonic()

    def advance(self, done: int, partitions: int, series: int) -> None:
        """Show the progress, from the first call on."""
        if self._progress is None or self._task is None:
            from rich.console import Console
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeRemainingColumn,
            )

            self._begun = time.monotonic()
            self._progress = Progress(
                TextColumn("Partitions"),
                BarColumn(bar_width=24),
                MofNCompleteColumn(),
                TextColumn("{task.fields[pace]}"),
                TimeRemainingColumn(),
                console=Console(stderr=True),
                transient=True,
            )
            self._task = self._progress.add_task("", total=partitions, pace="")
            self._progress.start()
        pace = series / max(time.monotonic() - self._begun, 1e-9)
        text = f"{pace:,.0f} series/s" if series else ""
        self._progress.update(self._task, completed=done, pace=text)

    def stop(self) -> None:
        """Remove the bar."""
        if self._progress is not None:
            self._progress.stop()
