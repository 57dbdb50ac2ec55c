"""Trains in a process of its own and kills it with SIGKILL when it reaches a step."""

from __future__ import annotations

import os
import signal
import sys

import torch
from tests.training.regression import Regression
from torch import nn

from holdfast.training.loop import train
from holdfast.training.plan import Plan
from holdfast.training.progress import SilentProgress

PLAN = Plan(
    steps=40, evaluate_every=6, patience=9, average=0.6, average_every=2, checkpoint_every=0.0
)


def validate(module: nn.Module) -> float:
    """Some number that depends on the weights."""
    return float(module(torch.linspace(-1, 1, 40).reshape(10, 4)).square().mean())


class Killer(SilentProgress):
    """Ends the process with SIGKILL, which nothing can catch."""

    def __init__(self, at: int) -> None:
        self.at = at

    def advance(self, step: int, loss: float, note: str = "") -> None:
        if step == self.at:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    torch.set_num_threads(1)
    train(
        Regression(validations=validate),
        PLAN,
        folder=sys.argv[1],
        progress=Killer(int(sys.argv[2])),
    )
