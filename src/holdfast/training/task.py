"""What the training loop needs of a task: network, batches, losses and validation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

import torch
from torch import Tensor, nn

from holdfast.training.seed import seeded, torch_seed

Batch = TypeVar("Batch")


class Task(Protocol[Batch]):
    """A network, its examples and its loss; the loop knows nothing else.

    Whatever the losses carry from one update to the next, such as the state of a language model,
    must live in a buffer of the module that its ``state_dict`` holds: then a checkpoint has it.
    """

    @property
    def module(self) -> nn.Module:
        """The network whose parameters are trained, in place."""
        ...

    def batch(self, step: int, seed: int) -> Batch:
        """The examples of update `step`, counted from 1.

        A pure function of its arguments (draw with ``seed.generator(seed, "batch", step)``), so
        that a run resumes exactly without a stored stream.
        """
        ...

    def losses(self, module: nn.Module, batch: Batch) -> Tensor:
        """(rows,) one loss for each row of the batch; `module` may be a copy of the network."""
        ...

    def names(self, batch: Batch, rows: Sequence[int]) -> Sequence[str]:
        """What a person calls these rows: the series, the file. Asked only when a loss fails."""
        ...

    def validate(self, module: nn.Module) -> float | None:
        """A loss on held-out examples, lower is better; None where there are none."""
        ...


def validation(task: Task[Batch], seed: int, device: torch.device) -> float | None:
    """The task's validation loss, of the same random numbers each time; None without examples."""
    module = task.module
    with modes_kept(module), torch.no_grad(), seeded(torch_seed(seed, "validate"), device):
        module.eval()
        value = task.validate(module)
    return None if value is None else float(value)


@contextmanager
def modes_kept(module: nn.Module) -> Iterator[None]:
    """Afterwards every submodule is in the mode, training or evaluation, that it was in before."""
    modes = [(part, part.training) for part in module.modules()]
    try:
        yield
    finally:
        for part, training in modes:
            part.training = training
