"""Sequences of a memory task: what goes in, what is asked for, and when an answer is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Examples:
    """Sequences of one batch.

    Arguments:
        inputs: (T, B, I) float32; zeros behind the end of a sequence.
        ends: (B,) position of each sequence's last step.
        targets: (B, R) what is asked for after the last R steps: a number, or a class.
    """

    inputs: Tensor
    ends: Tensor
    targets: Tensor

    def read(self, outputs: Tensor) -> Tensor:
        """(B, R, O) a network's outputs (T, B, O) at the last R steps of each sequence."""
        asked = self.targets.shape[1]
        steps = self.ends[:, None] + torch.arange(1 - asked, 1)
        return outputs[steps, torch.arange(len(self.ends))[:, None]]


class MemoryTask(Protocol):
    """A task: what goes in, what comes out, and when a sequence counts as wrong."""

    @property
    def inputs(self) -> int:
        """I, numbers at a step."""
        ...

    @property
    def outputs(self) -> int:
        """O: 1 for a number, else the number of classes."""
        ...

    @property
    def tolerance(self) -> float:
        """A sequence is wrong where an output is off by more."""
        ...

    def draw(self, random: np.random.Generator, rows: int) -> Examples:
        """Sequences to train on."""
        ...

    def test(self, random: np.random.Generator, rows: int) -> Examples:
        """Sequences to test on; drawn as those of training, except for parity."""
        ...


def losses(task: MemoryTask, outputs: Tensor, targets: Tensor) -> Tensor:
    """(B,) squared error of a number, cross-entropy of a class, mean over what is asked for.

    Arguments:
        outputs: (B, R, O) as `Examples.read` gives them.
        targets: (B, R).
    """
    if task.outputs == 1:
        return (outputs[..., 0] - targets).square().mean(dim=1)
    return functional.cross_entropy(outputs.mT, targets, reduction="none").mean(dim=1)


def wrong(task: MemoryTask, outputs: Tensor, targets: Tensor) -> Tensor:
    """(B,) whether some output of a sequence is off by more than the task's tolerance.

    Classes are judged by their probabilities: the asked one's must be near 1, all others' near 0.
    """
    if task.outputs == 1:
        off = (outputs[..., 0] - targets).abs()
    else:
        asked = functional.one_hot(targets, task.outputs)
        off = (outputs.softmax(-1) - asked).abs().amax(-1)
    return ~(off <= task.tolerance).all(dim=1)  # so that what is not a number is wrong
