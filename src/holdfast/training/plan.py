"""The plan of a training run: steps, learning rates, stopping, averaging, seed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

from holdfast.errors import ArgumentError


@dataclass(frozen=True)
class LayerRate:
    """The learning rate of a part of a network: discriminative rates, gradual unfreezing.

    Arguments:
        prefix: of the names of its parameters; the longest prefix that fits a name counts.
        factor: of the learning rate, above 0.
        first_step: the update from which on it learns; before it the part stays as it is.

    Source: Howard and Ruder (2018), arXiv 1801.06146, sections 3.2 and 3.3.
    """

    prefix: str
    factor: float = 1.0
    first_step: int = 1

    def __post_init__(self) -> None:
        _check("factor", 0.0 < self.factor < math.inf, "above 0")
        _check("first_step", _whole(self.first_step, least=1), "a whole number from 1")


@dataclass(frozen=True)
class Plan:
    """Steps, learning rates and seed of a training run.

    Two runs of equal plans on equal data, threads and machine give equal weights, bit for bit.

    Arguments:
        steps: updates of the weights, at least 1.
        learning_rate: peak of the schedule (`optimise.learning_rate`).
        weight_decay: of AdamW, on matrices only; biases and norms are never decayed.
        betas: AdamW's decay rates of the gradient's first and second moment.
        warmup: below 1 a share of the steps, from 1 on a number of steps.
        clip: the largest norm of the gradient; longer ones are shortened to it. None for no limit.
        evaluate_every: updates between two validations; only used with `patience`.
        patience: validations without improvement after which training stops early and the best
            weights are taken. None: no validation, no early stopping.
        goal: with `patience`, a validation loss at which, or below which, training stops; None
            for none.
        average: share of the steps, at the end, whose weights are averaged; 0 for no average.
        average_every: updates between two weights that enter the average.
        seed: of everything random in the run.
        checkpoint_every: seconds between two checkpoints, where a folder for them is given.
        layer_rates: layer-wise learning rates: parts that learn faster, slower or later.

    Raises:
        ArgumentError: a number is out of its range; the message names it.
    """

    steps: int
    learning_rate: float = 1e-3
    weight_decay: float = 1e-2
    betas: tuple[float, float] = (0.9, 0.999)
    warmup: float = 0.05
    clip: float | None = 1.0
    evaluate_every: int = 100
    patience: int | None = None
    goal: float | None = None
    average: float = 0.25
    average_every: int = 5
    seed: int = 0
    checkpoint_every: float = 30.0
    layer_rates: tuple[LayerRate, ...] = ()

    def __post_init__(self) -> None:
        for name in ("steps", "evaluate_every", "average_every"):
            _check(name, _whole(getattr(self, name), least=1), "a whole number from 1")
        _check("seed", _whole(self.seed, least=0), "a whole number from 0")
        if self.patience is not None:
            _check("patience", _whole(self.patience, least=1), "a whole number from 1, or None")
        if self.goal is not None:
            _check("goal", not math.isnan(self.goal), "a number, or None")
        _check("learning_rate", 0.0 < self.learning_rate < math.inf, "above 0")
        _check("weight_decay", 0.0 <= self.weight_decay < math.inf, "0 or above")
        _check("betas", all(0.0 <= beta < 1.0 for beta in self.betas), "two numbers from 0 up to 1")
        _check("warmup", 0.0 <= self.warmup <= self.steps, "from 0 to the number of steps")
        _check("average", 0.0 <= self.average <= 1.0, "a share from 0 to 1")
        _check("checkpoint_every", self.checkpoint_every >= 0.0, "0 seconds or more")
        if self.clip is not None:
            _check("clip", 0.0 < self.clip < math.inf, "above 0, or None")

    @property
    def warmup_steps(self) -> int:
        """Updates of the warm-up."""
        return round(self.warmup * self.steps) if self.warmup < 1.0 else round(self.warmup)

    def layer_rate(self, name: str) -> LayerRate:
        """The learning rate of a parameter, relative to that of the plan.

        Example:
            >>> rates = LayerRate("layers", 0.4, 2), LayerRate("layers.0", 0.2, 3)
            >>> plan = Plan(steps=4, layer_rates=rates)
            >>> plan.layer_rate("layers.0.bias").factor, plan.layer_rate("layers.1.bias").factor
            (0.2, 0.4)
            >>> plan.layer_rate("score.bias").factor
            1.0
        """
        fitting = [rate for rate in self.layer_rates if name.startswith(rate.prefix)]
        return max(fitting, key=lambda rate: len(rate.prefix), default=LayerRate(""))

    def averages(self, step: int) -> bool:
        """Whether the weights after update `step` enter the average; the last ones always do."""
        late = step > self.steps - round(self.average * self.steps)
        return late and (self.steps - step) % self.average_every == 0

    def validates(self, step: int) -> bool:
        """Whether the weights after update `step` are validated; the last ones always are."""
        return self.patience is not None and (step % self.evaluate_every == 0 or step == self.steps)

    def identity(self) -> dict[str, object]:
        """Every field that has a say in the weights, ready for JSON."""
        fields = asdict(self)
        del fields["checkpoint_every"]  # when a checkpoint is written changes no weight
        for name in ("goal", "layer_rates"):
            if fields[name] in (None, ()):
                del fields[name]
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in fields.items()
        }


def _whole(value: object, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= least


def _check(name: str, holds: bool, allowed: str) -> None:
    if not holds:
        raise ArgumentError(f"{name} must be {allowed}.")
