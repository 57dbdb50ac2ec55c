"""What covariates are worth, and what useless ones cost: Beijing's air, and a shop of our own.

    python benchmarks/covariates.py --data ../shared/data                 # both, zero-shot
    python benchmarks/covariates.py --part retail --budget 2m             # with training

Every score is out of fold. Beijing: hourly PM2.5, a day ahead; the weather of that day is given
("perfect foresight": measured, not forecast, so the gain is the most that a weather forecast could
bring). Retail: `retail.py`, four weeks ahead; promotions, prices, holidays and what the products
are, then a covariate of noise, alone and beside the useful ones. Rows go to results/covariates.csv.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from ledger import append
from retail import retail

from holdfast import Forecaster

WEATHER = ("DEWP", "TEMP", "PRES", "cbwd", "Iws", "Is", "Ir")


@dataclass(frozen=True)
class Case:
    """A table and the covariates that a fit is told of."""

    name: str
    table: pd.DataFrame
    known: tuple[str, ...] = ()
    static: pd.DataFrame | None = None
    holidays: str | None = None


@dataclass(frozen=True)
class Settings:
    """How a backtest is run."""

    horizon: int
    folds: int
    step: int
    budget: str | None


def backtest(case: Case, settings: Settings) -> tuple[pd.DataFrame, float]:
    """Out-of-fold forecasts beside what came, and the seconds that they took."""
    begin = time.monotonic()
    adapt = "none" if settings.budget is None else "auto"
    forecaster = Forecaster(settings.horizon, adapt=adapt, budget=settings.budget or "2m")
    forecaster.fit(
        case.table, static_df=case.static, future_covariates=case.known, holidays=case.holidays
    )  # for the columns; the folds of the backtest are its own
    made = forecaster.backtest(folds=settings.folds, step=settings.step)
    return made, time.monotonic() - begin


def beijing(data: Path) -> pd.DataFrame:
    """Hourly PM2.5 and weather."""
    path = data / "beijing-pm25" / "PRSA_raw.csv"
    if not path.exists():
        raise SystemExit(f"There is no {path}; give the folder of the data with --data.")
    raw = pd.read_csv(path)
    raw["ds"] = pd.to_datetime(raw[["year", "month", "day", "hour"]])
    return raw.rename(columns={"pm2.5": "y"})[["ds", "y", *WEATHER]].assign(unique_id="Beijing")


def with_holes(table: pd.DataFrame, share: float = 0.2, seed: int = 0) -> pd.DataFrame:
    """A table without some of its rows' values: half of them single hours, half whole weeks."""
    random = np.random.default_rng(seed)
    count, week = len(table), 168
    holes = np.zeros(count, dtype=bool)
    while holes.mean() < share / 2:
        begin = int(random.integers(count - week))
        holes[begin : begin + week] = True
    left = (share - holes.mean()) / (1.0 - holes.mean())
    holes |= random.random(count) < left
    return table.assign(**{name: table[name].where(~holes) for name in ("y", *WEATHER)})


def run_beijing(options: argparse.Namespace) -> None:
    settings = Settings(24, options.folds or 30, 24 * 10, options.budget)
    table = beijing(options.data)
    holed = with_holes(table)
    cases = [
        Case("nothing", table),
        Case("weather known (perfect foresight)", table, WEATHER),
        Case("nothing, 20 % of the values removed", holed),
        Case("weather known, 20 % of the values removed", holed, WEATHER),
    ]
    made = {}
    for case in cases:
        print(f"Beijing: {case.name}", flush=True)
        made[case.name], seconds = backtest(case, settings)
        # All on the points that are left in the table with holes.
        scored = made[case.name].merge(holed[["ds", "y"]].dropna(), on="ds", suffixes=("", " left"))
        report("Beijing", case, settings, scored, made, seconds, lambda frame: frame["y"] > -1)


def run_retail(options: argparse.Namespace) -> None:
    shop = retail(options.items, options.days, options.seed)
    settings = Settings(28, options.folds or 6, 28, options.budget)
    noise = np.random.default_rng(options.seed + 1).normal(size=len(shop.table()["y"]))
    table = pd.DataFrame(shop.table()).assign(noise=noise)
    static = pd.DataFrame(shop.items())
    useful = ("promotion", "price")
    cases = [
        Case("nothing", table),
        Case("noise", table, ("noise",)),
        Case("promotions, prices, holidays, statics", table, useful, static, "DE"),
        Case("the same and noise", table, (*useful, "noise"), static, "DE"),
    ]
    made: dict[str, pd.DataFrame] = {}
    promoted = table.set_index(["unique_id", "ds"])["promotion"]
    for case in cases:
        print(f"Retail: {case.name}", flush=True)
        frame, seconds = backtest(case, settings)
        flags = promoted.reindex(pd.MultiIndex.from_frame(frame[["unique_id", "ds"]])).to_numpy()
        made[case.name] = frame = frame.assign(promotion=flags)
        report("Retail", case, settings, frame, made, seconds, lambda one: one["promotion"] == 1)


def report(
    data: str,
    case: Case,
    settings: Settings,
    scored: pd.DataFrame,
    made: dict[str, pd.DataFrame],
    seconds: float,
    special: Callable[[pd.DataFrame], Any],
) -> None:
    """Print a row beside the one without covariates, and keep it."""
    scale = case.table.groupby("unique_id")["y"].mean()

    def errors(frame: pd.DataFrame) -> tuple[float, float]:
        error = (frame["y"] - frame["holdfast"]).abs() / frame["unique_id"].map(scale)
        return float(error.mean()), float(error[special(frame)].mean())

    whole, days = errors(scored)
    plain = made["nothing"]
    base = plain.merge(scored[["unique_id", "ds"]], on=["unique_id", "ds"])
    base_whole, base_days = errors(base)
    inside = (scored["y"] >= scored["holdfast-lo-90"]) & (scored["y"] <= scored["holdfast-hi-90"])
    print(
        f"  error {whole:.4f} of the mean ({100 * (whole / base_whole - 1):+.1f} %), on promotion "
        f"days {days:.4f} ({100 * (days / base_days - 1):+.1f} %), 90 % covers "
        f"{100 * inside.mean():.1f} %, {seconds:.0f} s",
        flush=True,
    )
    append(
        "covariates",
        {
            "data": data,
            "covariates": case.name,
            "budget": settings.budget or "zero-shot",
            "series": scored["unique_id"].nunique(),
            "horizon": settings.horizon,
            "folds": settings.folds,
            "points": len(scored),
            "error": round(whole, 5),
            "against nothing": round(whole / base_whole, 4),
            "error on promotion days": round(days, 5) if data == "Retail" else "",
            "against nothing there": round(days / base_days, 4) if data == "Retail" else "",
            "coverage 90": round(float(inside.mean()), 4),
            "seconds": round(seconds, 1),
        },
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--part", nargs="+", choices=["beijing", "retail"], default=None)
    parser.add_argument("--budget", help="of each fit, as in 2m; without it nothing is trained")
    parser.add_argument("--folds", type=int)
    parser.add_argument("--items", type=int, default=120)
    parser.add_argument("--days", type=int, default=770)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for part in options.part or ("beijing", "retail"):
        {"beijing": run_beijing, "retail": run_retail}[part](options)


if __name__ == "__main__":
    main()
