"""A small task that the tests of the loop share: a network with dropout on made-up numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from holdfast.training.seed import generator


def network(*, dropout: float = 0.3, seed: int = 5) -> nn.Module:
    """Two layers and a norm, with the same weights at every call."""
    module = nn.Sequential(
        nn.Linear(4, 8), nn.LayerNorm(8), nn.Tanh(), nn.Dropout(dropout), nn.Linear(8, 1)
    )
    numbers = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.uniform_(-0.5, 0.5, generator=numbers)
    return module


@dataclass
class Regression:
    """Learns the sum of four numbers; `poison` may change a batch, `validations` are served."""

    module: nn.Module = field(default_factory=network)
    poison: Callable[[int, Tensor], Tensor] = lambda step, inputs: inputs
    validations: Callable[[nn.Module], float | None] = lambda module: None
    rows: int = 6

    def batch(self, step: int, seed: int) -> Tensor:
        numbers = generator(seed, "batch", step).standard_normal((self.rows, 4), dtype="float32")
        return self.poison(step, torch.from_numpy(numbers))

    def losses(self, module: nn.Module, batch: Tensor) -> Tensor:
        error: Tensor = module(batch)[:, 0] - batch.sum(dim=1)
        return error.square()

    def names(self, batch: Tensor, rows: Sequence[int]) -> list[str]:
        return [f"row {row}" for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        return self.validations(module)


def weights(module: nn.Module) -> dict[str, Tensor]:
    """A copy of every tensor of the module."""
    return {name: tensor.clone() for name, tensor in module.state_dict().items()}


def same(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    """Equal, bit for bit."""
    return one.keys() == other.keys() and all(torch.equal(one[n], other[n]) for n in one)
