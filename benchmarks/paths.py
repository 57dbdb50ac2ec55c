"""Coverage of steps and of sums, and what the dependence between steps is worth, without training.

    python benchmarks/paths.py --data ../shared/data            # all problems
    python benchmarks/paths.py --data ../shared/data --only Retail --origins 4

From each of many origins a forecaster is fitted to all that lies before it, with nothing trained,
and draws 200 paths of the horizon. They are compared with paths that have the same distribution at
every step and either no dependence between steps or a complete one. Ranges are bootstraps over
origins, 95 %. Rows go to results/paths.csv. With --keep FOLDER an origin is made only once.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow.csv
from ledger import append
from numpy.typing import NDArray
from path_scores import energy_score, sum_inside
from retail import retail

from holdfast.forecasting.backtest import backtest_data
from holdfast.forecasting.evaluation.conformal import normal_strata
from holdfast.forecasting.evaluation.copula import Marginals, Paths
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.evaluation.metrics import seasonal_scale
from holdfast.forecasting.fit import fit
from holdfast.forecasting.paths import distribution
from holdfast.forecasting.predict import places_in
from holdfast.tables.read import ReadOptions, Table, read
from holdfast.training.budget import Budget
from holdfast.training.progress import SilentProgress

Floats = NDArray[np.float64]

SHOWN = (80.0, 90.0, 95.0)
SAMPLES = 200
KINDS = ("ours", "independent", "comonotone")


@dataclass(frozen=True, eq=False)
class Rolling:
    """A table, and where its history is cut.

    Arguments:
        name: to record.
        load: reads the table.
        horizon: K steps.
        origins: how many.
        stride: grid points between them; the newest lies a horizon before the end.
    """

    name: str
    load: Callable[[Path], Table]
    horizon: int
    origins: int
    stride: int


def etth1(data: Path) -> Table:
    """The seven columns of ETTh1 as seven series, up to the end of the usual test part."""
    raw = pyarrow.csv.read_csv(data / "ett" / "ETTh1.csv").slice(0, 20 * 30 * 24)
    return read(raw, ReadOptions(time_col="date", wide=True, season=24))


def beijing(data: Path) -> Table:
    """The PM2.5 of Beijing, gaps and all."""
    options = pyarrow.csv.ConvertOptions(null_values=["NA"])
    raw = pyarrow.csv.read_csv(data / "beijing-pm25" / "PRSA_raw.csv", convert_options=options)
    first = np.datetime64("2010-01-01T00", "ns")
    hours = first + np.arange(len(raw)) * np.timedelta64(3600, "s")
    values = raw["pm2.5"].to_numpy().astype(np.float64)
    return read({"ds": hours, "y": values}, ReadOptions(season=24))


def shop(data: Path) -> Table:
    """The sales of the synthetic shop; its promotions and prices are not looked at."""
    columns = retail(items=120, days=770, seed=0).table()
    chosen = {name: columns[name] for name in ("unique_id", "ds", "y")}
    return read(chosen, ReadOptions(season=7))


PROBLEMS = (
    Rolling("ETTh1", etth1, 24, 25, 95),
    Rolling("Beijing PM2.5", beijing, 24, 60, 71),
    Rolling("Retail", shop, 28, 12, 14),
)


def at_origin(table: Table, origin: int, horizon: int) -> dict[str, Floats]:
    """What is measured from one origin: arrays over the series."""
    known = replace(table, series=table.series.cut(origin))
    behind = table.series.span(origin + 1, horizon)
    alive = known.series.lengths > 2 * horizon
    known = replace(known, series=known.series.take(np.flatnonzero(alive)))
    actual = behind[alive]
    ground = backtest_data(known, horizon)
    made = fit(
        ground,
        adapt="none",
        budget=Budget.parse(None),
        steps=None,
        seed=0,
        progress=SilentProgress(),
    ).fitted
    _, marginals = distribution(made, known.series)
    every = np.arange(len(known.series))
    paths = Paths(made.dependence, made.horizon, places_in(made, known.series), SAMPLES, 0)
    found: dict[str, Floats] = {}
    scale = seasonal_scale(known.series, known.season)
    for kind, values in drawn(paths, marginals, every).items():
        for level in SHOWN:
            found[f"{kind} sum {level:g}"] = sum_inside(actual, values, level)
        found[f"{kind} energy"] = energy_score(actual, values) / scale
        together = np.where(np.isnan(actual).any(), np.nan, actual.sum(axis=0))[None]
        for level in SHOWN:
            found[f"{kind} total {level:g}"] = sum_inside(
                together, values.sum(axis=1)[:, None], level
            )
    for level in SHOWN:
        low, high = (marginals.quantile(np.array([0.5 + s * level / 200]))[0] for s in (-1, 1))
        seen = ~np.isnan(actual)
        found[f"step {level:g}"] = np.where(seen, (actual >= low) & (actual <= high), np.nan)
    mean = marginals.mean()
    found["mean"] = np.where(np.isnan(actual), np.nan, mean)
    found["actual"] = actual
    found["median"] = marginals.quantile(np.array([0.5]))[0]
    found["ranks"] = marginals.ranks(actual)
    return found


def drawn(paths: Paths, marginals: Marginals, every: NDArray[np.int64]) -> dict[str, Floats]:
    """Ours, and the same distributions without dependence and with nothing else."""
    ours = paths.values(marginals, every)
    random = np.random.default_rng(1)
    free = paths.ranked(random.normal(size=ours.shape))
    bound = np.broadcast_to(normal_strata(SAMPLES)[:, None, None], ours.shape)
    return {"ours": ours, "independent": marginals.at(free), "comonotone": marginals.at(bound)}


def bootstrap(values: list[Floats], seed: int = 0) -> tuple[float, float, float]:
    """Mean over all points, and the range in which it lies for 95 % of resampled origins."""
    total = np.array([np.nansum(one) for one in values])
    count = np.array([np.sum(~np.isnan(one)) for one in values])
    chosen = np.random.default_rng(seed).integers(len(values), size=(2000, len(values)))
    many = count[chosen].sum(axis=1)
    means = total[chosen].sum(axis=1)[many > 0] / many[many > 0]
    low, high = np.quantile(means, [0.025, 0.975])
    return float(total.sum() / count.sum()), float(low), float(high)


def measure(problem: Rolling, data: Path, keep: Path | None, origins: int | None) -> None:
    """Run a problem, print and record it."""
    table = problem.load(data)
    last = int(table.series.ends.max()) - problem.horizon
    wanted = problem.origins if origins is None else origins
    found = []
    for place in range(wanted):
        origin = last - place * problem.stride
        kept = None if keep is None else keep / f"{problem.name}-{origin}.npz"
        if kept is not None and kept.exists():
            with np.load(kept) as file:
                found.append(dict(file))
            continue
        found.append(at_origin(table, origin, problem.horizon))
        if kept is not None:
            keep.mkdir(parents=True, exist_ok=True)
            np.savez(kept, **found[-1])
    row: dict[str, object] = {
        "problem": problem.name,
        "series": len(table.series),
        "horizon": problem.horizon,
        "origins": wanted,
        "samples": SAMPLES,
    }
    for level in SHOWN:
        record(row, f"steps {level:g}", [one[f"step {level:g}"] for one in found], 100.0)
    for kind in KINDS:
        for level in SHOWN:
            name = f"{kind} sum {level:g}"
            record(row, name, [one[name] for one in found], 100.0)
        if len(table.series) > 1:
            name = f"{kind} total 90"
            record(row, name, [one[name] for one in found], 100.0)
        record(row, f"{kind} energy", [one[f"{kind} energy"] for one in found], 1.0)
    for rival in KINDS[1:]:
        gain = [one[f"{rival} energy"] - one["ours energy"] for one in found]
        record(row, f"energy gain over {rival}", gain, 1.0)
    actual = np.concatenate([one["actual"].ravel() for one in found])
    mean = np.concatenate([one["mean"].ravel() for one in found])
    row["mean over actual"] = round(float(np.nansum(mean) / np.nansum(actual)), 4)
    append("paths", row)


def record(row: dict[str, object], name: str, values: list[Floats], unit: float) -> None:
    """Put a mean and its range into a row, and print them."""
    mean, low, high = (unit * value for value in bootstrap(values))
    digits = 1 if unit > 1 else 4
    row[name] = round(mean, digits)
    row[f"{name} range"] = f"{low:.{digits}f} to {high:.{digits}f}"
    print(f"{row['problem']:16s} {name:32s} {mean:9.{digits}f}  ({row[f'{name} range']})")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--only", help="one problem")
    parser.add_argument("--keep", type=Path, help="folder where each origin is kept")
    parser.add_argument("--origins", type=int, help="fewer origins, for a trial")
    options = parser.parse_args()
    for problem in PROBLEMS:
        if options.only in (None, problem.name):
            measure(problem, options.data, options.keep, options.origins)


if __name__ == "__main__":
    assert set(SHOWN) <= set(LEVELS)
    main()
