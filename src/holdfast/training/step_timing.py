"""Seconds of an update, from a few throwaway ones."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Generic

from holdfast.training.plan import Plan
from holdfast.training.ranks import ranks
from holdfast.training.task import Batch, Task
from holdfast.training.update import Update
from holdfast.training.validation import validation


class StepTiming(Generic[Batch]):
    """Does throwaway updates on a copy of the network and says how long they took.

    The run's weights, its buffers and all global random numbers stay as they are. With early
    stopping in the plan, each update also carries its share of the time of a validation.

    Arguments:
        task: as given to `train`.
        plan: as given to `train`; its number of steps plays no part here.
        clock: seconds that never run backwards.

    Example:
        >>> import torch
        >>> class Halve:
        ...     module = torch.nn.Linear(1, 1)
        ...     def batch(self, step, seed): return torch.ones(4, 1)
        ...     def losses(self, module, batch): return (module(batch) - 0.5).square().flatten()
        ...     def names(self, batch, rows): return [str(row) for row in rows]
        ...     def validate(self, module): return None
        >>> timing = StepTiming(Halve(), Plan(steps=1))
        >>> timing(3) > 0.0
        True
    """

    def __init__(
        self,
        task: Task[Batch],
        plan: Plan,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._task = task
        self._plan = plan
        self._clock = clock
        self._update = Update(task, copy.deepcopy(task.module).train(), plan, ranks().alone())
        self._done = 0
        self._validation_seconds: float | None = None

    def __call__(self, updates: int) -> float:
        """Seconds that this many more updates take.

        Raises:
            NonFiniteLossError: the loss of one of the first updates is not finite.
        """
        begin = self._clock()
        for _ in range(updates):
            self._done += 1
            self._update(self._done)
        seconds = self._clock() - begin
        if self._plan.patience is not None:
            if self._validation_seconds is None:
                begin = self._clock()
                validation(self._task, self._plan.seed, self._update.device)
                self._validation_seconds = self._clock() - begin
            seconds += updates * self._validation_seconds / self._plan.evaluate_every
        return seconds
