"""`forecast` and `backtest` over a folder of partitions instead of one table."""

from __future__ import annotations

import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from holdfast.cli.screen import Screen, together
from holdfast.errors import ArgumentError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from holdfast.forecasting.fit import FitResult
    from holdfast.forecasting.partitions.job import JobResult
    from holdfast.forecasting.partitions.plan import Plan, Verb
    from holdfast.tables.read import ReadOptions

PARTS_SAMPLE = 1000
"""Series on which season, ensemble weights and widths of a folder are found by default."""


def over_parts(
    verb: Verb,
    screen: Screen,
    data: Path,
    horizon: int | None,
    out: Path,
    level: str,
    reading: ReadOptions,
    *,
    adapt: Literal["none", "auto", "full"],
    budget: str,
    steps: int | None,
    seed: int,
    sample: int,
    engine: Literal["processes", "ray"],
    workers: int | None,
    folds: int = 3,
    step: int | None = None,
) -> None:
    """Forecast or backtest every partition of a folder, those that are done already left out.

    Raises:
        InputError: something is missing, contradictory or cannot be read.
    """
    from holdfast.cli.request import read_levels
    from holdfast.cli.results import results_folder, typed_command

    started = time.monotonic()
    if horizon is None:
        raise ArgumentError("Say how many periods to forecast, as in --horizon 12.")
    if reading.wide or reading.sheet is not None:
        raise ArgumentError("Partitions of a folder are long tables; leave out --wide and --sheet.")
    if together():
        raise ArgumentError("torchrun trains on one table; a folder of partitions takes --workers.")
    if reading.covariates is not None:
        raise ArgumentError(
            "Columns beside the values are not read from partitions of a folder yet."
        )
    levels = read_levels(level)
    from holdfast.forecasting.partitions.plan import NewJob, Settings, prepare
    from holdfast.reports import terminal
    from holdfast.training.budget import duration

    duration(budget)
    settings = Settings(
        verb=verb,
        data=str(data.absolute()),
        horizon=horizon,
        levels=levels,
        adapt=adapt,
        budget=None if steps or adapt == "none" else budget,
        steps=steps,
        seed=seed,
        sample=sample,
        folds=folds,
        step=step,
        read=replace(reading, id_col=None if reading.id_col is None else tuple(reading.id_col)),
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

    from holdfast.cli.screen import show_outcome
    from holdfast.forecasting.output import forecast_record
    from holdfast.forecasting.partitions.job import Watch, run_job
    from holdfast.reports import save

    def fitted(made: FitResult, plan: Plan) -> None:
        """Show and keep the record of the sample."""
        title = f"{data.name}: a sample of {len(made.model.series):,} of {plan.series:,} series"
        record = forecast_record(
            made, levels, title=title, command=typed_command(), started=started
        )
        save(record, folder / "report.html")
        show_outcome(screen, record)

    bar = _Bar() if sys.stderr.isatty() and not screen.silent else None
    watch = Watch(fitted, bar.advance if bar else _nothing, screen.progress())
    try:
        outcome = run_job(job, watch, engine=engine, workers=workers)
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
    kept = f" ({outcome.kept:,} of them were there)" if outcome.kept else ""
    screen.show(
        f"{outcome.series:,} series in {outcome.partitions:,} partitions{kept}, "
        f"{outcome.rows:,} rows, {time.monotonic() - started:.1f} s."
    )
    screen.show(terminal.written(files), whole_lines=True)
    screen.result(_summary(outcome, files, time.monotonic() - started))


def refuse_with_parts(
    *, start: object, integers: bool, total_by: object, total_over: object
) -> None:
    """Refuse what needs all series, or their paths, at once.

    Raises:
        ArgumentError: one of these options is given.
    """
    for given, name in ((total_by, "by"), (total_over, "over")):
        if given:
            raise ArgumentError(
                f"--total-{name} adds up series of one table; give a file, without --sample."
            )
    if start is not None:
        raise ArgumentError("--from is not for a folder of partitions or --sample; give a file.")
    if integers:
        raise ArgumentError(
            "--integers is not for a folder of partitions or --sample yet; give a file."
        )


def _summary(outcome: JobResult, files: dict[str, str], seconds: float) -> dict[str, Any]:
    """The outcome for programs."""
    made: dict[str, Any] = {
        "series": outcome.series,
        "parts": outcome.partitions,
        "parts_kept": outcome.kept,
        "rows": outcome.rows,
        "seconds": round(seconds, 3),
        "cpu_seconds": round(outcome.cpu, 3),
        "season": outcome.plan.season,
        "frequency": outcome.plan.freq,
        "files": files,
    }
    if outcome.sums is not None:
        made["scores"] = [asdict(row) for row in outcome.sums.methods()]
        made["coverage"] = [asdict(row) for row in outcome.sums.coverage()]
    return made


def _nothing(done: int, parts: int, series: int) -> None:
    """Where nobody watches."""


class _Bar:
    """Partitions done and series a second, on standard error."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._begun = time.monotonic()

    def advance(self, done: int, parts: int, series: int) -> None:
        """Draw it."""
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
            self._task = self._progress.add_task("", total=parts, pace="")
            self._progress.start()
        pace = series / max(time.monotonic() - self._begun, 1e-9)
        text = f"{pace:,.0f} series/s" if series else ""
        self._progress.update(self._task, completed=done, pace=text)

    def stop(self) -> None:
        """Take it away."""
        if self._progress is not None:
            self._progress.stop()


_LARGE: Final = 20_000
"""Series of one table above which a sample of them is worth a word."""


def in_parts(data: Path, sample: int | None) -> bool:
    """Whether the data is a folder, or a file of which a sample settles what all series share."""
    return data.is_dir() or (sample is not None and data.is_file())


def large(series: int) -> str:
    """What to say of a table of many series; "" for any other.

    Example:
        >>> large(30_000)[:13], large(10)
        ('30,000 series', '')
    """
    if series <= _LARGE:
        return ""
    return (
        f"{series:,} series are judged one and all; --sample 1000 settles blend and intervals on a "
        "sample, forecasts each series once and keeps memory bounded."
    )
