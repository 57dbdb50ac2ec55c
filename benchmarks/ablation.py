"""What each part of the generator and each choice of the model gives: pretrainings without it.

    python benchmarks/ablation.py --network fine --steps 600

One row of results/ablation.csv a variant: the loss on synthetic series of the whole recipe that no
variant was trained on, and OWA on the last horizons of the training parts (no test part is read).
Variants that stand in the CSV are skipped, so that the command goes on where it was stopped.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from comparison import DECILES, Forecasts
from ledger import RESULTS, append
from problems import COLLECTIONS, Problem
from scores import score

from holdfast.forecasting.pretrained import weights
from holdfast.forecasting.pretrained.forecast import forecast_pretrained
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.quantiles import at_level
from holdfast.pretraining.run import DESIGNS, pretrain
from holdfast.pretraining.synthetic.recipe import KIND_OF, LATE, PARTS, recipe_of
from holdfast.pretraining.task import PretrainingTask
from holdfast.tables.season import long_season

COLLECTION_OF = {"fine": ("m3", "m4-yearly"), "coarse": ("m4-hourly", "etth1")}
SERIES = 1500
BATCHES = 40


@dataclass(frozen=True)
class Variant:
    """A pretraining that lacks something.

    Arguments:
        name: to record.
        without: parts of the generator.
        changes: fields of the design.
    """

    name: str
    without: tuple[str, ...] = ()
    changes: Mapping[str, int] = field(default_factory=dict)


def variants() -> list[Variant]:
    """The whole, each family and augmentation left out, and each choice of the model undone."""
    parts = [part for part in PARTS if part != LATE]
    return [
        Variant("whole"),
        *(Variant(f"without {part}", (part,)) for part in parts),
        Variant("no smoothings", (), {"smoothings": 0}),
        Variant("one block", (), {"blocks": 1}),
        Variant("half the units", (), {"hidden": 96}),
    ]


def synthetic_loss(network: PretrainedNetwork, kind: str) -> float:
    """Mean pinball loss on batches of the whole recipe, of a seed that none is trained with."""
    task = PretrainingTask(network.design, recipe_of(kind))
    with torch.no_grad():
        losses = [task.losses(network, task.batch(step, 10**6)).mean() for step in range(BATCHES)]
    return float(torch.stack(losses).mean())


def validated(network: PretrainedNetwork, problem: Problem) -> dict[str, float]:
    """Scores on the last horizon of a training part."""
    history = next(iter(problem.histories()))
    longer = long_season(history, problem.season)
    made = forecast_pretrained(network, history, problem.horizon, problem.season, longer)[None]
    forecasts = Forecasts(
        point=at_level(made, 0.5),
        quantiles=np.stack([at_level(made, share) for share in DECILES]),
        outer=None,
        train_seconds=0.0,
        predict_seconds=0.0,
    )
    return score([(problem, forecasts)])


def sampled(problem: Problem) -> Problem:
    """Some series of a large problem, always the same ones."""
    if len(problem.series) <= SERIES:
        return problem
    chosen = np.sort(np.random.default_rng(0).permutation(len(problem.series))[:SERIES])
    return replace(problem, series=problem.series.take(chosen))


def run(variant: Variant, options: argparse.Namespace, problems: Sequence[Problem]) -> None:
    """Train, score and record one variant."""
    network = options.network
    design = replace(DESIGNS[network], **variant.changes)
    with tempfile.TemporaryDirectory() as folder:
        (made,) = pretrain(
            folder,
            networks=[network],
            steps=options.steps,
            seed=options.seed,
            without=variant.without,
            designs={network: design},
        )
        module = weights.read_network(Path(folder), network)[0]
    row: dict[str, object] = {
        "network": network,
        "variant": variant.name,
        "steps": options.steps,
        "seed": options.seed,
        "seconds": round(made.seconds, 1),
        "synthetic loss": round(synthetic_loss(module, KIND_OF[network]), 4),
    }
    for problem in problems:
        scores = validated(module, problem)
        row[f"{problem.name} OWA"] = round(scores["OWA"], 4)
        row[f"{problem.name} coverage 80"] = round(scores["coverage 80"], 3)
    print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
    append("ablation", row)


def done(options: argparse.Namespace) -> set[str]:
    """Variants that stand in the CSV with these options."""
    path = RESULTS / "ablation.csv"
    if not path.exists():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {
            row["variant"]
            for row in csv.DictReader(file)
            if (row["network"], int(row["steps"]), int(row["seed"]))
            == (options.network, options.steps, options.seed)
        }


def table(options: argparse.Namespace) -> None:
    """Print what stands in the CSV as a table: the whole, and what each variant adds to it."""
    with (RESULTS / "ablation.csv").open(newline="", encoding="utf-8") as file:
        rows = [
            row
            for row in csv.DictReader(file)
            if (row["network"], int(row["steps"]), int(row["seed"]))
            == (options.network, options.steps, options.seed)
        ]
    columns = [name for name in rows[0] if name == "synthetic loss" or name.endswith("OWA")]
    columns = [name for name in columns if rows[0][name]]
    whole = next(row for row in rows if row["variant"] == "whole")
    print("| | " + " | ".join(columns) + " |")
    print("|---" * (len(columns) + 1) + "|")
    print("| whole | " + " | ".join(f"{float(whole[name]):.3f}" for name in columns) + " |")
    for row in rows:
        if row is not whole:
            shown = (f"{float(row[name]) - float(whole[name]):+.3f}" for name in columns)
            print(f"| {row['variant'].replace('_', ' ')} | " + " | ".join(shown) + " |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--network", choices=list(DESIGNS), default="fine")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true", help="print what was measured so far")
    options = parser.parse_args()
    if options.table:
        table(options)
        return
    problems = [
        sampled(problem.validation())
        for collection in COLLECTION_OF[options.network]
        for problem in COLLECTIONS[collection](options.data)
    ]
    for variant in variants():
        if variant.name not in done(options):
            run(variant, options, problems)


if __name__ == "__main__":
    main()
