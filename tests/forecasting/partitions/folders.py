"""Folders of partitions for tests, and jobs over them in this process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from holdfast.forecasting.partitions import job as jobs
from holdfast.forecasting.partitions.job import JobResult, Watch, run_job
from holdfast.forecasting.partitions.plan import Settings, prepare
from holdfast.forecasting.partitions.processes import Finished
from holdfast.forecasting.partitions.work import Work
from holdfast.training.progress import SilentProgress

POINTS = 60


def series_table(names: Sequence[str], *, by_time: bool = False) -> pa.Table:
    """Monthly series with a season; every one a function of its name."""
    months = np.arange("2019-01", "2024-01", dtype="datetime64[M]").astype("datetime64[D]")
    time = np.arange(POINTS)
    values = []
    for name in names:
        generator = np.random.default_rng(sum(map(ord, name)))
        wave = 10 * np.sin(2 * np.pi * (time + generator.integers(12)) / 12)
        values.append(50 + wave + generator.normal(0, 2, POINTS))
    table = pa.table(
        {
            "unique_id": np.repeat(np.array(names, dtype=object), POINTS),
            "ds": pa.array(np.tile(months, len(names))),
            "y": np.concatenate(values),
        }
    )
    return table.sort_by("ds") if by_time else table


def folder_of(
    path: Path, parts: int = 3, series: int = 4, *, by_time: bool = False
) -> tuple[Path, list[str]]:
    """A folder of Parquet parts, and the names of all series."""
    path.mkdir()
    every = []
    for number in range(parts):
        names = [f"s{number}-{place}" for place in range(series)]
        table = series_table(names, by_time=by_time)
        parquet.write_table(table, path / f"part-{number}.parquet", row_group_size=50)
        every += names
    return path, every


def settings_for(data: Path, **changes: object) -> Settings:
    """A zero-shot forecast of a folder."""
    plain = Settings(
        verb="forecast", data=str(data), horizon=6, levels=(80.0,), adapt="none", budget=None,
        steps=None, seed=0, sample=6,
    )  # fmt: skip
    return replace(plain, **changes)  # type: ignore[arg-type]


class HereOnly:
    """In the place of `Workers`: does partitions in this process."""

    def __init__(self, out: Path, settings: Settings, count: int, threads: int) -> None:
        self.out, self.settings = out, settings

    def do(self, numbers: Sequence[int], finished: Finished) -> None:
        """One after the other."""
        from holdfast.errors import HoldfastError

        work = Work.open(self.out, self.settings)
        for number in numbers:
            try:
                finished(number, work.do(number))
            except HoldfastError as problem:
                finished(number, str(problem))


def run_here(out: Path, settings: Settings) -> JobResult:
    """A job in this process."""
    watch = Watch(
        lambda forecaster, sampled, series: None, lambda done, parts, series: None, SilentProgress()
    )
    with patch.object(jobs, "Workers", HereOnly):
        return run_job(prepare(out, settings), watch)


def results(out: Path, verb: str = "forecast") -> pa.Table:
    """All rows of a job."""
    return pa.concat_tables([parquet.read_table(p) for p in sorted((out / verb).glob("*.parquet"))])
