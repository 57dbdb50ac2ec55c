"""Where a training run stands: everything beside the weights and the optimiser."""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from holdfast.training.average import WeightAverage
from holdfast.training.plan import Plan

_CURVE_POINTS = 150


@dataclass
class Curve:
    """The training loss along the way: means over equal stretches of steps.

    Arguments:
        every: steps in a stretch.
        points: (last step of a stretch, mean loss over it).
        total, count: sum and number of the losses in the stretch that is still open.
    """

    every: int
    points: list[tuple[int, float]] = field(default_factory=list)
    total: float = 0.0
    count: int = 0

    @classmethod
    def of(cls, plan: Plan) -> Curve:
        """An empty curve that will have about 150 points at the end of the plan."""
        return cls(every=max(1, plan.steps // _CURVE_POINTS))

    def add(self, step: int, loss: float) -> None:
        """Take in the loss of an update."""
        self.total += loss
        self.count += 1
        if self.count == self.every:
            self.points.append((step, self.total / self.count))
            self.total, self.count = 0.0, 0

    def ending_at(self, step: int) -> tuple[tuple[int, float], ...]:
        """All points, the open stretch included."""
        rest = [(step, self.total / self.count)] if self.count else []
        return tuple(self.points + rest)


@dataclass
class Best:
    """The weights with the lowest validation loss so far.

    Arguments:
        step: the update after which they were taken.
        loss: their validation loss.
        weights: a copy of the module's ``state_dict``.
    """

    step: int
    loss: float
    weights: dict[str, Tensor]


@dataclass
class RunState:
    """Where a run stands.

    Arguments:
        average: of late weights.
        curve: the training loss so far.
        step: updates done.
        seconds: spent so far, over all the processes that worked on the run.
        validations: (step, validation loss).
        stale: validations since the best one.
        best: None before the first validation.
    """

    average: WeightAverage
    curve: Curve
    step: int = 0
    seconds: float = 0.0
    validations: list[tuple[int, float]] = field(default_factory=list)
    stale: int = 0
    best: Best | None = None
