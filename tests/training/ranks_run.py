"""Trains a small network under torchrun, and writes its weights: for `test_ranks.py`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.training.loop import train
from holdfast.training.optimise import shard_seed
from holdfast.training.plan import Plan
from holdfast.training.ranks import ranks
from holdfast.training.seed import generator, seeded, torch_seed

ROWS = 8


class Gappy:
    """Rows with gaps whose losses are means over what is there; `copies` draws in one batch."""

    def __init__(self, kind: torch.dtype, *, dropout: float = 0.0, copies: int = 1) -> None:
        self.kind, self.copies = kind, copies
        with seeded(torch_seed(5, "initial weights"), torch.device("cpu")):
            layers = (nn.Linear(6, 16), nn.Tanh(), nn.Dropout(dropout), nn.Linear(16, 6))
            self.network = nn.Sequential(*layers).to(kind)
        self.unused = nn.Parameter(torch.ones(3, 3, dtype=kind))
        self.network.register_parameter("unused", self.unused)

    @property
    def module(self) -> nn.Module:
        return self.network

    def batch(self, step: int, seed: int) -> Tensor:
        seeds = [shard_seed(seed, shard) for shard in range(self.copies)]
        drawn = [generator(one, "batch", step).normal(size=(2, ROWS, 6)) for one in seeds]
        return torch.from_numpy(np.concatenate(drawn, axis=1)).to(self.kind)

    def losses(self, module: nn.Module, batch: Tensor) -> Tensor:
        x, gaps = batch
        there = gaps > -0.3
        error = (module(x) - x.flip(1)).square() * there
        return error.sum(dim=1) / there.sum(dim=1).clamp(min=1)

    def names(self, batch: Tensor, rows: Sequence[int]) -> Sequence[str]:
        return [str(row) for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        x = torch.from_numpy(generator(1, "held out").normal(size=(2, ROWS, 6))).to(self.kind)
        return float(self.losses(module, x).mean())


def plan(steps: int = 30) -> Plan:
    """With all that a step has: warm-up, decay, clipping, validation and an average."""
    return Plan(steps=steps, learning_rate=0.01, clip=0.05, evaluate_every=10, patience=5, seed=3)


def weights(task: Gappy) -> np.ndarray:
    """All weights as one array of float64."""
    return np.concatenate([p.detach().double().numpy().ravel() for p in task.module.parameters()])


def run(folder: Path) -> dict[str, np.ndarray]:
    """The weights of three trainings; one of them leaves checkpoints and is done in two halves."""
    made = {}
    for name, kind, dropout in (
        ("float64", torch.float64, 0.0),
        ("float32", torch.float32, 0.0),
        ("dropout", torch.float32, 0.5),
    ):
        task = Gappy(kind, dropout=dropout)
        checkpoints = folder / "checkpoints" if name == "dropout" else None
        train(task, plan(), folder=checkpoints, deadline=None)
        made[name] = weights(task)
    return made


if __name__ == "__main__":
    torch.set_num_threads(1)
    out = Path(sys.argv[1])
    made = run(out)
    for name, array in made.items():
        np.save(out / f"{name}-{ranks().rank}.npy", array)
