"""Records as a forecast would leave them, one part varied per test."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from holdfast.records import (
    CARE,
    DISTRUST,
    TRUST,
    BacktestRecord,
    Floats,
    FoldRecord,
    ForecastRecord,
    LevelCoverage,
    MethodScore,
    TableSummary,
    Times,
    TrainingSummary,
    TrustRecord,
)

MEMBERS = ("Pretrained", "Adapted", "LSTM", "SeasonalNaive", "Theta", "DampedETS", "Naive")
MONTHS = np.datetime64("2000-01", "M")


def months(first: int, count: int) -> Times:
    """`count` month starts from month `first` after January 2000."""
    return (MONTHS + np.arange(first, first + count)).astype("datetime64[ns]")


def hours(first: int, count: int) -> Times:
    start = np.datetime64("2024-01-01T00", "h")
    return (start + np.arange(first, first + count)).astype("datetime64[ns]")


def days(first: int, count: int) -> Times:
    return (np.datetime64("2024-01-01", "D") + np.arange(first, first + count)).astype(
        "datetime64[ns]"
    )


def counters(first: int, count: int) -> Times:
    return np.arange(first, first + count, dtype=np.int64)


def wave(count: int, length: int, season: int, seed: int = 0) -> list[Floats]:
    """Histories with a trend, a season and noise, on levels from 10 to 10,000."""
    random = np.random.default_rng(seed)
    steps = np.arange(length)
    rows = []
    for _ in range(count):
        level = 10 ** random.uniform(1, 4)
        shape = 1 + 0.002 * steps * random.normal() + 0.3 * np.sin(2 * np.pi * steps / season)
        rows.append(level * (shape + 0.05 * random.normal(size=length)))
    return rows


def training(**changes: Any) -> TrainingSummary:
    values: dict[str, Any] = {
        "member": "LSTM",
        "parameters": 123_456,
        "networks": 3,
        "steps": 400,
        "seconds": 42.5,
        "context": 96,
        "patch": 12,
        "hidden": 128,
        "layers": 2,
        "curve_steps": tuple(range(10, 401, 10)),
        "curve_loss": tuple(0.2 + 1 / step for step in range(10, 401, 10)),
        "stopped": "budget",
    }
    return TrainingSummary(**{**values, **changes})


def forecast_record(
    histories: Sequence[Floats],
    *,
    labels: Sequence[str] | None = None,
    horizon: int = 12,
    season: int = 12,
    clock: Callable[[int, int], Times] = months,
    levels: Sequence[float] = (80.0, 90.0),
    folds: int = 3,
    notes: Sequence[str] | None = None,
    trained: Sequence[TrainingSummary] = (),
    **changes: Any,
) -> ForecastRecord:
    """A record whose median repeats the last season and whose intervals grow with the step.

    All histories end at the same time. Without `folds` there is no backtest.
    """
    random = np.random.default_rng(1)
    count, longest = len(histories), max(len(row) for row in histories)
    names = tuple(labels) if labels is not None else tuple(f"series {i}" for i in range(count))
    median = np.stack([_repeat(row, horizon, season) for row in histories])
    spread = np.array([np.nanstd(row) if np.isfinite(row).any() else 1.0 for row in histories])
    widths = {
        level: _width(level) * spread[:, None] * np.sqrt(np.arange(1, horizon + 1)) / 6
        for level in levels
    }
    times = np.broadcast_to(clock(longest, horizon), (count, horizon))
    values: dict[str, Any] = {
        "title": "sales.csv",
        "command": "holdfast forecast sales.csv --horizon 12",
        "created": "2026-01-31T12:34:56+00:00",
        "version": "0.1.0",
        "seed": 0,
        "seconds": 61.25,
        "summary": TableSummary(
            series=count,
            rows=sum(int(np.isfinite(row).sum()) for row in histories),
            gaps=sum(int(np.isnan(row).sum()) for row in histories),
            first=str(clock(0, 1)[0]).split("T")[0],
            last=str(clock(longest - 1, 1)[0]).split("T")[0],
            shortest=min(len(row) for row in histories),
            longest=longest,
            frequency="monthly, month start (MS)",
            season=season,
            messages=("The season of 12 months was found in the data.",),
        ),
        "horizon": horizon,
        "labels": names,
        "history_offsets": np.concatenate([[0], np.cumsum([len(row) for row in histories])]),
        "history_times": np.concatenate([clock(longest - len(row), len(row)) for row in histories]),
        "history_values": np.concatenate(histories),
        "times": times,
        "median": median,
        "lower": {level: median - width for level, width in widths.items()},
        "upper": {level: median + width for level, width in widths.items()},
        "members": {
            name: median * (1 + 0.03 * random.normal(size=median.shape)) for name in MEMBERS
        },
        "method": ("holdfast",) * count,
        "note": tuple(notes) if notes is not None else ("",) * count,
        "backtest": backtest(histories, horizon, season, clock, levels, folds) if folds else None,
        "training": tuple(trained),
        "trust": trust_of(count),
    }
    return ForecastRecord(**{**values, **changes})


def trust_of(count: int, *, grave: Sequence[int] = (), care: Sequence[int] = ()) -> TrustRecord:
    """Verdicts of some series, a reason each where they are not to be trusted."""
    verdicts = [
        DISTRUST if index in grave else CARE if index in care else TRUST for index in range(count)
    ]
    return TrustRecord(
        verdicts=tuple(verdicts),
        findings=tuple(
            () if verdict == TRUST else (f"reason of {index}",)
            for index, verdict in enumerate(verdicts)
        ),
        common=("The 90 % intervals are not calibrated.",),
        hard=tuple(grave),
        rests_on=("The forecast is 100 % Theta.",),
    )


def backtest(
    histories: Sequence[Floats],
    horizon: int,
    season: int,
    clock: Callable[[int, int], Times],
    levels: Sequence[float],
    folds: int,
) -> BacktestRecord:
    random = np.random.default_rng(2)
    count, longest = len(histories), max(len(row) for row in histories)
    scores = [0.82, 0.88, 0.86, 0.85, 1.08, 0.93, 0.91, 1.7]
    weights = [None, 0.25, 0.0, 0.3, 0.0, 0.25, 0.2, 0.0]
    rows = []
    for back in range(folds, 0, -1):
        cut = longest - back * horizon
        inside = [i for i, row in enumerate(histories) if len(row) - back * horizon >= 2 * season]
        if not inside:
            continue
        ends = [len(histories[i]) - back * horizon for i in inside]
        actual = np.stack(
            [histories[i][end : end + horizon] for i, end in zip(inside, ends, strict=True)]
        )
        median = np.stack(
            [
                _repeat(histories[i][:end], horizon, season)
                for i, end in zip(inside, ends, strict=True)
            ]
        )
        width = np.nanstd(actual) * np.ones(median.shape)
        rows.append(
            FoldRecord(
                cutoff=str(clock(cut - 1, 1)[0]).split("T")[0],
                series=np.array(inside, dtype=np.int64),
                times=np.broadcast_to(clock(cut, horizon), median.shape),
                actual=actual,
                median=median,
                lower={level: median - _width(level) * width / 2 for level in levels},
                upper={level: median + _width(level) * width / 2 for level in levels},
                members={
                    name: median * (1 + 0.05 * random.normal(size=median.shape)) for name in MEMBERS
                },
            )
        )
    steps = np.arange(1, horizon + 1)
    return BacktestRecord(
        methods=tuple(
            MethodScore(method=name, mase=mase, smape=11 * mase, weight=weight)
            for name, mase, weight in zip(("holdfast", *MEMBERS), scores, weights, strict=True)
        ),
        coverage=tuple(
            LevelCoverage(
                level=level,
                coverage=level / 100 - 0.013,
                width=_width(level) * 2,
                scores=36,
                calibrated=level < 95,
            )
            for level in levels
        ),
        folds=tuple(rows),
        series_mase=random.uniform(0.4, 1.6, size=count),
        series_mase_naive=random.uniform(0.8, 1.4, size=count),
        step_mase=0.5 + 0.04 * steps,
        step_coverage={level: level / 100 - 0.002 * steps for level in levels},
        verdict=(
            "Holdfast's error was 10 % below that of DampedETS, the best simple method.",
            "The LSTM carries 55 % of the blend.",
        ),
    )


def _repeat(row: Floats, horizon: int, season: int) -> Floats:
    """The last season again and again, gaps filled with the mean; 0 where nothing is known."""
    known = row[np.isfinite(row)]
    filled = np.where(np.isfinite(row), row, known.mean() if len(known) else 0.0)
    last = filled[-season:]
    return np.resize(last, horizon)


def _width(level: float) -> float:
    """Half the width of a normal interval, near enough for a picture."""
    return {80.0: 1.28, 90.0: 1.64, 95.0: 1.96}.get(level, 2.5)
