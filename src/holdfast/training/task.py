"""What the loop asks of a task: all it knows about what is being learnt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

from torch import Tensor, nn

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
        """(rows,) one loss for each row of the batch; their mean is what gets minimised.

        Arguments:
            module: the network to use, which is not always `self.module`: timing uses a copy.
            batch: what `batch` made.
        """
        ...

    def names(self, batch: Batch, rows: Sequence[int]) -> Sequence[str]:
        """What a person calls these rows: the series, the file. Asked only when a loss fails."""
        ...

    def validate(self, module: nn.Module) -> float | None:
        """A loss on held-out examples, lower is better; None where there are none.

        Called in evaluation mode and without gradients.
        """
        ...
