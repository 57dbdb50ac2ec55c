"""Does the memory that the lens measures predict which lags a network solves?

    python benchmarks/memory_predicts.py               # 60 configurations, then 15 interventions
    python benchmarks/memory_predicts.py --small       # a look at it, in a few minutes
    python benchmarks/memory_predicts.py --summary     # from the rows that are there

A configuration is a start and a seed. From each start, fresh networks learn adding (Hochreiter and
Schmidhuber 1997) at each of the lags, for the same number of updates and at the same rate; the
largest lag such that it and all shorter ones were solved is what is to be predicted, 0 where none
was. A configuration that solved all of them is censored: it counts as tied with others that did.

What predicts is measured in the network that was trained at the longest lag, solved or not, in two
ways: the timescale −1/ln f that a tenth of the units exceed (0 for a plain RNN, which has no gate
that keeps), and the lag at which the median spectral norm of the Jacobian of the joint state falls
below 1/e; both censored at the longest lag. Shown is Spearman's rank correlation, ties at their
mean rank, with a 95 % interval from 2,000 bootstrap samples of the configurations. The first three
seeds were looked at when the first measure was chosen, which predicted better than the second; the
others were measured after that, and are shown by themselves.

The intervention takes LSTMs of 32, 64 and 128 units that learnt temporal order (experiment 6a, 100
steps; chance is 1/4 of the answers) and holds forget gates at 1/2, in the tenth of the units with
the longest timescales, and in 20 tenths drawn from the others; shown are shares of right answers.
Accuracy counts as destroyed where less than half of what lay above chance is left.

Rows go to results/memory_predicts.csv as they are measured; what is there is not measured again.
"""

from __future__ import annotations

import argparse
import csv
import time
from collections.abc import Callable, Sequence

import numpy as np
import torch
from ledger import RESULTS, append

from holdfast import nn
from holdfast.lens.compare.memory_run import Job, MemoryTraining
from holdfast.lens.compare.memory_tasks import Examples
from holdfast.lens.compare.models import MODELS, Reader, layer_of, matched_units
from holdfast.lens.jacobians import layer_decay
from holdfast.lens.passes import LayerPass, run_passes, timescales
from holdfast.lens.prescription import force_forget
from holdfast.training.loop import train
from holdfast.training.seed import generator, seeded, torch_seed

LAGS = (10, 20, 40, 80, 160, 320)
RATE = 1e-2
LOOKED_AT = 3
"""Seeds by which the measure was chosen."""

SLOWEST = 0.1
"""Share of the units whose timescale is taken."""

CHANCE = 0.25
"""Of the answers of temporal order."""

UNITS = (32, 64, 128)
"""Of the networks whose forget gates are held."""

NAME = "memory_predicts"


def starts() -> dict[str, Callable[[int], nn.LSTM | nn.GRU | nn.RNN | nn.SLSTM]]:
    """Ten ways to start a layer of so many units; two inputs."""
    made: dict[str, Callable[[int], nn.LSTM | nn.GRU | nn.RNN | nn.SLSTM]] = {
        model: lambda units, model=model: layer_of(model, 2, units, 100.0)
        for model in MODELS
        if model not in ("LSTM, remember", "sLSTM")
    }
    for timescale in (3, 10, 30, 100, 300, 1000):
        made[f"LSTM, timescales to {timescale}"] = lambda units, timescale=timescale: nn.LSTM(
            2, units, timescale=timescale
        )
    return made


def trained(start: str, lag: int, seed: int, updates: int, hidden: int) -> MemoryTraining:
    """A network after its training; `solved` says whether it solved the lag."""
    job = Job("adding", lag, "GRU", seed, RATE, updates, hidden=hidden)
    training = MemoryTraining(job)
    kind = start if start in MODELS else "LSTM, remember"
    units = matched_units(kind, 2, 1, hidden)
    with seeded(torch_seed(seed, "weights", start, lag), torch.device("cpu")):
        training.module = Reader(starts()[start](units), units, 1)
    training.solved = train(training, training.plan).stopped == "goal"
    return training


def read(training: MemoryTraining) -> LayerPass:
    """A pass over four sequences of a test of its own."""
    rows = training.task.test(generator(1, "memory"), 4)
    (one,) = run_passes(training.module.layer, rows.inputs)
    return one


def timescale(one: LayerPass, longest: int) -> float:
    """Steps that the slowest tenth of the units exceed, up to the longest lag."""
    found = timescales(one)
    return 0.0 if found is None else float(min(np.quantile(found, 1.0 - SLOWEST), longest))


def jacobian_memory(one: LayerPass, longest: int) -> float:
    """The lag at which the Jacobian of the joint state falls below 1/e, up to the longest."""
    lags = np.unique(np.geomspace(1, longest - 1, 40).round().astype(np.int64))
    median = layer_decay(one, lags).jacobian.median
    below = np.flatnonzero(median < np.exp(-1.0))
    if not len(below):
        return float(longest)
    last = int(below[0])
    if last == 0:
        return 0.0
    # On a line between the logarithms of the norms, over the logarithm of the lag.
    high, low = np.log(np.maximum(median[last - 1 : last + 1], 1e-300))
    share = (high + 1.0) / (high - low)
    return float(np.exp(np.log(lags[last - 1]) + share * np.log(lags[last] / lags[last - 1])))


def rows_of(part: str, updates: int) -> list[dict[str, str]]:
    """What was measured before."""
    path = RESULTS / f"{NAME}.csv"
    if not path.exists():
        return []
    with path.open(newline="", encoding="utf-8") as file:
        found = list(csv.DictReader(file))
    return [row for row in found if row["part"] == part and row["updates"] == str(updates)]


def predict(seeds: int, updates: int, lags: tuple[int, ...], hidden: int) -> None:
    """Measure what has not been measured."""
    there = {(row["start"], row["seed"], row["lags"]) for row in rows_of("configuration", updates)}
    shown = " ".join(map(str, lags))
    for seed in range(seeds):
        for start in starts():
            if (start, str(seed), shown) in there:
                continue
            began = time.perf_counter()
            last = trained(start, lags[-1], seed, updates, hidden)
            solved = 0
            for lag in lags:
                done = last if lag == lags[-1] else trained(start, lag, seed, updates, hidden)
                if not done.solved:
                    break
                solved = lag
            one = read(last)
            row = {
                "part": "configuration",
                "start": start,
                "seed": seed,
                "updates": updates,
                "lags": shown,
                "timescale": f"{timescale(one, lags[-1]):.2f}",
                "memory": f"{jacobian_memory(one, lags[-1]):.2f}",
                "solved_lag": solved,
                "censored": solved == lags[-1],
                "seconds": f"{time.perf_counter() - began:.0f}",
            }
            append(NAME, row)
            measured = f"timescale {row['timescale']}, Jacobian {row['memory']}"
            print(f"{start:26} seed {seed}: solved {solved:4}, {measured}", flush=True)


def intervene(seeds: int, updates: int, lag: int, hidden: int) -> None:
    """Hold forget gates at 1/2, in the slowest tenth and in twenty others."""
    rows = rows_of("intervention", updates)
    there = {(row["units"], row["seed"], row["lags"]) for row in rows}
    for seed in range(seeds):
        if (str(hidden), str(seed), str(lag)) in there:
            continue
        training = MemoryTraining(
            Job("order", lag, "LSTM, remember", seed, RATE, updates, hidden=hidden)
        )
        solved = train(training, training.plan).stopped == "goal"
        tests = [training.task.test(generator(1, "intervention", k), 256) for k in range(4)]
        (one,) = run_passes(training.module.layer, tests[0].inputs[:, :16])
        slowest = np.argsort(-timescales(one))
        tenth = max(1, round(hidden / 10))
        random = generator(seed, "tenths")
        others = [random.choice(slowest[tenth:], tenth, replace=False) for _ in range(20)]
        right = [forced(training, tests, units) for units in others]
        whole = forced(training, tests, slowest[:0])
        least = CHANCE + (whole - CHANCE) / 2
        held = forced(training, tests, slowest[:tenth])
        row = {
            "part": "intervention",
            "start": "LSTM, remember",
            "seed": seed,
            "updates": updates,
            "lags": lag,
            "units": hidden,
            "solved_lag": lag if solved else 0,
            "right_whole": f"{whole:.4f}",
            "right_slowest_forced": f"{held:.4f}",
            "slowest_destroys": held < least,
            "right_others_forced_least": f"{min(right):.4f}",
            "right_others_forced_median": f"{np.median(right):.4f}",
            "others_that_destroy": sum(share < least for share in right),
        }
        append(NAME, row)
        shown = [n for n in row if n.startswith(("units", "seed", "right", "slowest", "others"))]
        print({name: row[name] for name in shown}, flush=True)


def forced(training: MemoryTraining, rows: Sequence[Examples], units: np.ndarray) -> float:
    """Share of right answers when the forget gates of some units are held at 1/2."""
    layer = training.module.layer
    if len(units):
        training.module.layer = force_forget(layer, units)
    with torch.no_grad():
        said = [examples.read(training.module(examples.inputs)).argmax(-1) for examples in rows]
    training.module.layer = layer
    right = [(one == examples.targets).double() for one, examples in zip(said, rows, strict=True)]
    return float(torch.cat(right).mean())


def spearman(first: np.ndarray, second: np.ndarray) -> float:
    """Rank correlation, ties at their mean rank; NaN where one of them does not vary."""
    ranks = [np.searchsorted(np.sort(v), v) + np.searchsorted(np.sort(v), v, "right") for v in
             (first, second)]  # fmt: skip
    if not (np.ptp(ranks[0]) and np.ptp(ranks[1])):
        return float("nan")
    return float(np.corrcoef(*ranks)[0, 1])


def summary(updates: int, lags: tuple[int, ...]) -> None:
    """The correlation of the rows that are there, and its interval."""
    shown = " ".join(map(str, lags))
    rows = [row for row in rows_of("configuration", updates) if row["lags"] == shown]
    if len(rows) < 3:
        print(f"{len(rows)} configurations so far")
        return
    for what, some in (
        ("all seeds", rows),
        ("seeds that were looked at", [row for row in rows if int(row["seed"]) < LOOKED_AT]),
        ("seeds that were not", [row for row in rows if int(row["seed"]) >= LOOKED_AT]),
    ):
        if len(some) < 3:
            continue
        solved = np.array([float(row["solved_lag"]) for row in some])
        draws = np.random.default_rng(0).integers(0, len(some), (2000, len(some)))
        censored = sum(row["censored"] == "True" for row in some)
        print(f"{what}: {len(some)} configurations, {censored} censored")
        for name in ("timescale", "memory"):
            found = np.array([float(row[name]) for row in some])
            each = [spearman(found[draw], solved[draw]) for draw in draws]
            low, high = np.nanquantile(each, [0.025, 0.975])
            shown = {"timescale": "timescale", "memory": "Jacobian"}[name]
            said = f"{spearman(found, solved):.3f}, 95 % from {low:.3f} to {high:.3f}"
            print(f"  rank correlation of {shown}: {said}")
    held = [row for row in rows_of("intervention", updates) if row["solved_lag"] != "0"]
    for units in dict.fromkeys(row["units"] for row in held):
        some = [row for row in held if row["units"] == units]
        destroyed = sum(row["slowest_destroys"] == "True" for row in some)
        others = sum(int(row["others_that_destroy"]) for row in some)
        print(
            f"{units} units, {len(some)} networks that solved it: the slowest tenth destroys "
            f"{destroyed}, of {20 * len(some)} other tenths {others} do"
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--small", action="store_true", help="few updates, short lags, one seed")
    parser.add_argument("--summary", action="store_true", help="measure nothing")
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--updates", type=int, default=1500)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    small = arguments.small
    lags, updates = ((10, 20, 40), 300) if small else (LAGS, arguments.updates)
    if not arguments.summary:
        predict(1 if small else arguments.seeds, updates, lags, 32)
        for hidden in UNITS[: 1 if small else None]:
            intervene(1 if small else 5, updates, 40 if small else 100, hidden)
    summary(updates, lags)
