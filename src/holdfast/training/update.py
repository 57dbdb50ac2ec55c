"""One update of the weights."""

from __future__ import annotations

import math
from typing import Generic

from torch import Tensor, nn
from torch.nn.utils import get_total_norm

from holdfast.errors import NonFiniteLossError
from holdfast.training.guard import rows_with_bad_gradient, rows_with_bad_loss
from holdfast.training.optimiser import adamw
from holdfast.training.plan import Plan
from holdfast.training.ranks import Ranks
from holdfast.training.schedule import learning_rate
from holdfast.training.seed import seeded, torch_seed
from holdfast.training.task import Batch, Task


class Update(Generic[Batch]):
    """Forward, backward, guard, clip, step: calling it with a step's number does one update.

    Arguments:
        task: gives batches and losses.
        module: the network to train, ``task.module`` or a copy of it.
        plan: rates, clipping and the seed.
        ranks: the processes that take part; all call it with the same steps.

    Raises:
        ArgumentError: the module has nothing to train.
    """

    def __init__(
        self, task: Task[Batch], module: nn.Module, plan: Plan, ranks: Ranks | None = None
    ) -> None:
        self.task = task
        self.ranks = Ranks() if ranks is None else ranks
        self.module = module
        self.plan = plan
        self.optimiser = adamw(
            module, weight_decay=plan.weight_decay, betas=plan.betas, layer_rate=plan.layer_rate
        )
        self.parameters = [p for group in self.optimiser.param_groups for p in group["params"]]
        self.device = self.parameters[0].device

    def __call__(self, step: int) -> float:
        """Do update `step`, counted from 1, on a module in training mode.

        Returns:
            The mean loss over the batch, all shards of it, before the update.

        Raises:
            NonFiniteLossError: the loss or its gradient is not finite; the weights are as before.
        """
        try:
            bad: tuple[str, ...] | None = None
            value = 0.0
            for shard in self.ranks.own:
                with seeded(torch_seed(self.plan.seed, "update", *_keys(step, shard)), self.device):
                    batch = self.task.batch(step, shard_seed(self.plan.seed, shard))
                    losses = self.task.losses(self.module, batch)
                    loss = losses.mean() / self.ranks.shards
                    value += loss.item()
                    if not math.isfinite(value):
                        rows = rows_with_bad_loss(losses)
                        bad = tuple(self.task.names(batch, rows)) if rows else ()
                        break
                    loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            value = self.ranks.all_reduce(self.parameters, value)
            if not math.isfinite(value):  # in one process, and so in the sum of all
                raise NonFiniteLossError(step, bad or ())
            gradients = [p.grad for p in self.parameters if p.grad is not None]
            norm = get_total_norm(gradients).item()
            if not math.isfinite(norm):
                raise NonFiniteLossError(step, self._names_of_bad_gradients(step))
            if self.plan.clip is not None and norm > self.plan.clip:
                for gradient in gradients:
                    gradient.mul_(self.plan.clip / norm)
            self._set_rate(step)
            self.optimiser.step()
        finally:
            for parameter in self.parameters:
                parameter.grad = None
        return value

    def _set_rate(self, step: int) -> None:
        rate = learning_rate(
            step,
            steps=self.plan.steps,
            peak=self.plan.learning_rate,
            warmup=self.plan.warmup_steps,
        )
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"] if step >= group["first_step"] else 0.0

    def _names_of_bad_gradients(self, step: int) -> list[str]:
        """Run the batches again with the same random numbers, since backward freed the graphs."""
        found: list[str] = []
        for shard in self.ranks.own:
            with seeded(torch_seed(self.plan.seed, "update", *_keys(step, shard)), self.device):
                batch = self.task.batch(step, shard_seed(self.plan.seed, shard))
                losses: Tensor = self.task.losses(self.module, batch)
                rows = rows_with_bad_gradient(losses, self.parameters)
            found += self.task.names(batch, rows) if rows else []
        return found


def shard_seed(seed: int, shard: int) -> int:
    """The seed with which a shard's batches are drawn: the plan's own for the first."""
    return seed if shard == 0 else torch_seed(seed, "shard", shard)


def _keys(step: int, shard: int) -> tuple[int, ...]:
    """What the random numbers of a shard's update are named by."""
    return (step,) if shard == 0 else (step, shard)
