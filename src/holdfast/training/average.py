"""The mean of late weights."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class WeightAverage:
    """The mean of a module's parameters at several moments of a run.

    Sums are kept in float64, so that the mean is right to the last digit of float32. Buffers are
    not averaged: they are states and counters rather than weights.

    Arguments:
        module: the network whose parameters are averaged.

    Source: Izmailov et al. (2018), "Averaging weights leads to wider optima and better
    generalization", algorithm 1, with the schedule of the run instead of a cyclic one.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> average = WeightAverage(layer)
        >>> for weight in (1.0, 2.0, 6.0):
        ...     _ = nn.init.constant_(layer.weight, weight)
        ...     average.add()
        >>> average.write()
        >>> layer.weight.item()
        3.0
    """

    def __init__(self, module: nn.Module) -> None:
        self._parameters = dict(module.named_parameters())
        self.count = 0
        self.sums: dict[str, Tensor] = {}

    @torch.no_grad()
    def add(self) -> None:
        """Take the weights as they are now into the mean."""
        for name, parameter in self._parameters.items():
            if self.count:
                self.sums[name] += parameter
            else:
                self.sums[name] = parameter.to(torch.float64, copy=True)
        self.count += 1

    @torch.no_grad()
    def write(self) -> None:
        """Set the module's parameters to the mean of what was added."""
        for name, parameter in self._parameters.items():
            parameter.copy_(self.sums[name] / self.count)

    def restore(self, count: int, sums: Mapping[str, Tensor]) -> None:
        """Go on from a checkpoint: `count` weights have been added, `sums` is their sum."""
        self.count = count
        self.sums = {
            name: sums[name].to(parameter.device)
            for name, parameter in self._parameters.items()
            if count
        }
