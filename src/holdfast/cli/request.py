"""What a person asked for, checked before anything slow begins; no torch here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from holdfast.errors import ArgumentError
from holdfast.tables.covariate_tables import CovariateSources
from holdfast.tables.examples import example as ship
from holdfast.tables.frames import to_frame
from holdfast.tables.read import ReadOptions, Table, read
from holdfast.training.budget import duration


@dataclass(frozen=True, eq=False)
class Request:
    """A table and what to do with it.

    Arguments:
        table: read and checked.
        horizon: steps.
        levels: interval levels in percent.
        title: the file's or the example's name.
        about: a sentence about an example; "" for a file.
    """

    table: Table
    horizon: int
    levels: tuple[float, ...]
    title: str
    about: str


def open_request(
    data: Path | None,
    horizon: int | None,
    example: str | None,
    level: str,
    budget: str,
    reading: ReadOptions,
) -> Request:
    """Check what can be checked at once, then read the table.

    Raises:
        InputError: something is missing, contradictory or cannot be read.
    """
    levels = read_levels(level)
    duration(budget)
    if (data is None) == (example is None):
        raise ArgumentError(
            "Give a file or --example, one of the two, as in: holdfast forecast sales.csv "
            "--horizon 12."
        )
    if example is not None:
        shipped = ship(example)
        return Request(
            table=read(
                to_frame(shipped.columns), ReadOptions(freq=reading.freq, season=reading.season)
            ),
            horizon=_steps(shipped.horizon if horizon is None else horizon),
            levels=levels,
            title=shipped.name,
            about=shipped.about,
        )
    assert data is not None
    if horizon is None:
        raise ArgumentError("Say how many periods to forecast, as in --horizon 12.")
    return Request(
        table=read(data, reading),
        horizon=_steps(horizon),
        levels=levels,
        title=data.name,
        about="",
    )


def covariate_sources(
    known: str | None,
    historic: str | None,
    static: Path | None,
    future: Path | None,
    holidays: str | None,
) -> CovariateSources | None:
    """The covariates that options name; None for none.

    Raises:
        InputError: they contradict each other, or a country is not known.
    """
    return CovariateSources.of(_listed(known), _listed(historic), static, future, holidays)


def _listed(names: str | None) -> tuple[str, ...]:
    """The columns in "price, promo"."""
    return tuple(part.strip() for part in (names or "").split(",") if part.strip())


def read_levels(text: str) -> tuple[float, ...]:
    """The interval levels in "80,90", ascending.

    Raises:
        ArgumentError: one of them is not a percentage of at least 1 and below 100.

    Example:
        >>> read_levels("90,80")
        (80.0, 90.0)
    """
    levels = set()
    for part in text.split(","):
        try:
            level = float(part)
        except ValueError:
            level = math.nan
        if not 0.0 < level < 100.0:
            raise ArgumentError(
                f"--level {text}: {part.strip()!r} is not a number between 0 and 100; "
                "write percents as in --level 80,90."
            )
        if level < 1.0:
            raise ArgumentError(
                f"--level {text}: levels are percents, so write {100 * level:g} for {level:g}."
            )
        levels.add(level)
    return tuple(sorted(levels))


def check_baselines(data: Path | None) -> None:
    """Refuse baselines that cannot be had, before anything else is done.

    Raises:
        ArgumentError: the data is a folder.
        InputError: statsforecast is not installed.
    """
    from holdfast.forecasting.baselines.statsforecast import require

    if data is not None and data.is_dir():
        raise ArgumentError(f"--baselines: {data} is a folder; give one of its files.")
    require()


def _steps(horizon: int) -> int:
    if not 1 <= horizon <= 100_000:
        raise ArgumentError(f"--horizon {horizon}: give a number of periods from 1 to 100000.")
    return horizon
