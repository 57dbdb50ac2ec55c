"""Looking at the weights on held-out examples without leaving a trace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from holdfast.training.seed import seeded, torch_seed
from holdfast.training.task import Batch, Task


def validation(task: Task[Batch], seed: int, device: torch.device) -> float | None:
    """The task's validation loss of its module, in evaluation mode and without gradients.

    Every validation of a run sees the same random numbers, so that two of them can be compared.

    Returns:
        The loss, or None where the task has no held-out examples.
    """
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
