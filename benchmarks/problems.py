"""The data sets on which Holdfast and its peers are compared: histories, origins and what followed.

No package of a peer is imported here, so that every environment can load them.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow.parquet as parquet
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.metrics import seasonal_scale
from holdfast.tables.calendar import Calendar
from holdfast.tables.read import ReadOptions, read
from holdfast.tables.series import SeriesSet

Floats = NDArray[np.float64]

M3_SEASONS = {"YEARLY": 1, "QUARTERLY": 4, "MONTHLY": 12, "OTHER": 1}
M4_SEASONS = {"yearly": 1, "hourly": 24}
NAIVE2 = {"hourly": (18.383, 2.395), "yearly": (16.342, 3.974)}
"""M4's organisers: sMAPE and MASE of Naive2 on the test part."""

ETT_MONTHS = (12 * 30 * 24, 4 * 30 * 24, 4 * 30 * 24)
"""Rows of the usual split of ETTh1: training, validation, test."""
ETT_ORIGINS, ETT_STRIDE = 30, 96


@dataclass(frozen=True, eq=False)
class Problem:
    """Series to forecast from some origins.

    Arguments:
        name: to show and to record, such as "M4 hourly".
        series: N series, the spans to be forecast included.
        season: grid points of one season, 1 for none.
        horizon: K steps.
        origins: ordinals of the last value that a forecast may see, earliest first. What is
            trained once is trained on what lies up to the first.
        naive2: sMAPE and MASE of Naive2 where organisers have published them.
        suffix: what the results' rows add to the name.
    """

    name: str
    series: SeriesSet
    season: int
    horizon: int
    origins: tuple[int, ...]
    naive2: tuple[float, float] | None = None
    suffix: str = ""

    @property
    def label(self) -> str:
        """The name as results show it."""
        return self.name + self.suffix

    def histories(self) -> Iterator[SeriesSet]:
        """What may be seen at each origin."""
        return (self.series.cut(origin) for origin in self.origins)

    def between(self, before: int, origin: int) -> SeriesSet:
        """What an origin adds to what was seen at one before it."""
        seen = self.series.cut(origin)
        starts = np.maximum(seen.starts, before + 1)
        rows = [seen.one(index)[starts[index] - seen.starts[index] :] for index in range(len(seen))]
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return replace(seen, starts=starts, offsets=offsets, values=np.concatenate(rows))

    @cached_property
    def training(self) -> SeriesSet:
        """What may be seen at the first origin."""
        return self.series.cut(self.origins[0])

    @cached_property
    def actual(self) -> Floats:
        """(origins, N, K) what followed, NaN where nothing was observed."""
        return np.stack(
            [self.series.span(origin + 1, self.horizon) for origin in self.origins]
        )  # fmt: skip

    @cached_property
    def scale(self) -> Floats:
        """(N,) the unit of MASE, from what may be seen at the first origin."""
        return seasonal_scale(self.training, self.season)

    def validation(self) -> Problem:
        """The last horizon of the training part in the place of the test part: tune on this."""
        origin = self.origins[0] - self.horizon
        series = self.series.cut(self.origins[0])
        long_enough = np.flatnonzero(series.lengths > self.horizon + 5)
        return replace(
            self,
            series=series.take(long_enough),
            origins=(origin,),
            naive2=None,
            suffix=" validation",
        )

    def limited(self, count: int) -> Problem:
        """The first so many series, for a trial."""
        chosen = self.series.take(np.arange(min(count, len(self.series))))
        return replace(self, series=chosen, naive2=None)


def held_out(
    name: str,
    ids: Sequence[str],
    past: Sequence[Floats],
    after: Floats,
    season: int,
    naive2: tuple[float, float] | None = None,
) -> Problem:
    """A competition's series: one origin, at which they all end.

    Time is a counter, as M3's and M4's tables say no (or no common) dates.

    Arguments:
        ids: N names.
        past: N histories.
        after: (N, K) what followed.
    """
    rows = [np.concatenate([before, then]) for before, then in zip(past, after, strict=True)]
    series = SeriesSet.from_arrays(dict(zip(ids, rows, strict=True)), Calendar.integer())
    longest, horizon = int(series.lengths.max()), after.shape[1]
    series = replace(series, starts=longest - series.lengths)
    return Problem(name, series, season, horizon, (longest - horizon - 1,), naive2)


def m4(data: Path, frequency: str) -> list[Problem]:
    """The competition's training and test part of one frequency."""
    table = _parquet(data / "m4" / f"m4_{frequency}.parquet")
    past = [np.asarray(values, dtype=np.float64) for values in table["train"]]
    after = np.asarray(table["test"], dtype=np.float64)
    season = M4_SEASONS[frequency]
    return [held_out(f"M4 {frequency}", table["id"], past, after, season, NAIVE2[frequency])]


def m3(data: Path) -> list[Problem]:
    """The four kinds of M3, each with the competition's horizon."""
    table = _parquet(data / "m3" / "m3.parquet")
    problems = []
    for period, season in M3_SEASONS.items():
        chosen = [index for index, kind in enumerate(table["period"]) if kind.upper() == period]
        past = [np.asarray(table["train"][index], dtype=np.float64) for index in chosen]
        after = np.asarray([table["test"][index] for index in chosen], dtype=np.float64)
        ids = [table["id"][index] for index in chosen]
        problems.append(held_out(f"M3 {period.lower()}", ids, past, after, season))
    return problems


def etth1(data: Path) -> list[Problem]:
    """ETTh1's seven columns as series, 48 hours ahead from 30 origins in the usual test part.

    The origins lie four days apart, so that they fall on every day of the week and cover all
    four months of the test part. Rows behind the usual 20 months are not used.
    """
    path = _existing(data / "ett" / "ETTh1.csv")
    series = read(path, ReadOptions(wide=True, time_col="date", season=24)).series
    first = int(series.starts[0])
    series = series.cut(first + sum(ETT_MONTHS) - 1)
    cut = first + sum(ETT_MONTHS[:2]) - 1
    origins = tuple(cut + ETT_STRIDE * number for number in range(ETT_ORIGINS))
    return [Problem("ETTh1", series, 24, 48, origins)]


def classic(data: Path) -> list[Problem]:
    """Each file of classic/ as Holdfast's reader takes it, its end held out.

    The season is the one that the reader finds in the whole file. The horizon is two seasons,
    though at least 12 and at most 48 points.
    """
    problems = []
    for path in sorted(_existing(data / "classic").glob("*.csv")):
        table = read(path)
        horizon = min(max(2 * table.season, 12), 48)
        origin = int(table.series.ends[0]) - horizon
        problems.append(Problem(path.stem, table.series, table.season, horizon, (origin,)))
    return problems


COLLECTIONS: dict[str, Callable[[Path], list[Problem]]] = {
    "m3": m3,
    "m4-yearly": lambda data: m4(data, "yearly"),
    "m4-hourly": lambda data: m4(data, "hourly"),
    "classic": classic,
    "etth1": etth1,
}


def long_columns(series: SeriesSet) -> dict[str, NDArray[np.generic]]:
    """The columns unique_id, ds and y that Nixtla's packages take.

    Ids are padded numbers, which sort in the order of the series; time is the ordinal.
    """
    labels = np.array([f"{number:05d}" for number in range(len(series))], dtype=object)
    position = np.arange(len(series.values)) - np.repeat(series.offsets[:-1], series.lengths)
    return {
        "unique_id": np.repeat(labels, series.lengths),
        "ds": np.repeat(series.starts, series.lengths) + position,
        "y": series.values,
    }


def _existing(path: Path) -> Path:
    if not path.exists():
        sys.exit(f"{path} is not there; give the folder that holds m3/, m4/, … with --data.")
    return path


def _parquet(path: Path) -> dict[str, list]:
    return parquet.read_table(_existing(path)).to_pydict()
