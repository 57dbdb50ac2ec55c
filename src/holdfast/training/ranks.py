"""Several processes that train one network together, on torch's own engine (torchrun)."""

from __future__ import annotations

import atexit
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from holdfast.errors import ArgumentError

_FAREWELL: Final = timedelta(seconds=10)
"""For which a process waits for the others before it leaves."""

SHARDS = "HOLDFAST_SHARDS"
"""Environment variable: batches of an update, in one process that does the work of several."""


@dataclass(frozen=True)
class Ranks:
    """Which of several processes this is, and how the work of an update is shared.

    An update learns from `shards` batches, each drawn with a seed of its own; every process takes
    those that are its own, and the gradients are added. So two processes do what one does that
    draws two batches for every update: a batch of double size.

    Arguments:
        rank: of this process, 0 for the one that writes and prints.
        count: of processes.
        shards: batches of an update, a multiple of `count`.

    Source: Li et al. (2020), "PyTorch distributed: experiences on accelerating data parallel
    training", section 2.2.
    """

    rank: int = 0
    count: int = 1
    shards: int = 1

    @property
    def own_shards(self) -> tuple[int, ...]:
        """The shards that this process takes."""
        return tuple(range(self.rank, self.shards, self.count))

    @property
    def first(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def alone(self) -> Ranks:
        """A process with as many shards as this one takes, that waits for nobody."""
        return Ranks(0, 1, len(self.own_shards))

    def all_reduce(self, parameters: Sequence[Tensor], value: float) -> float:
        """Add up the gradients of all processes, in place; the sum of all their values.

        A parameter without a gradient in every process stays without one.
        """
        if self.count == 1:
            return value
        flags = [0.0 if p.grad is None else 1.0 for p in parameters]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
        # float64 for the loss and the flags, the parameters' own type for their gradients.
        numbers = torch.tensor([value, *flags], dtype=torch.float64)
        flat = torch.cat([part.detach().flatten().cpu() for part in parts])
        dist.all_reduce(numbers)
        dist.all_reduce(flat)
        place = 0
        for parameter, flag in zip(parameters, numbers[1:].tolist(), strict=True):
            size = parameter.numel()
            if flag:
                parameter.grad = flat[place : place + size].view_as(parameter).to(parameter.device)
            place += size
        return float(numbers[0])

    def largest(self, number: int) -> int:
        """The largest of the numbers of all processes."""
        if self.count == 1:
            return number
        tensor = torch.tensor([number], dtype=torch.int64)
        dist.all_reduce(tensor, op=dist.ReduceOp.MAX)
        return int(tensor.item())

    def broadcast(self, number: float) -> float:
        """The number of the first process, in every process."""
        if self.count == 1:
            return number
        tensor = torch.tensor([number], dtype=torch.float64)
        dist.broadcast(tensor, src=0)
        return float(tensor.item())


def ranks() -> Ranks:
    """The processes that torchrun started, joined at the first call; one process without it.

    ``HOLDFAST_SHARDS=2`` lets one process draw as many batches for an update as two do.

    Raises:
        ArgumentError: HOLDFAST_SHARDS is no number, or no multiple of the processes.
    """
    count = int(os.environ.get("WORLD_SIZE", "1")) if dist.is_torchelastic_launched() else 1
    text = os.environ.get(SHARDS, str(count))
    shards = int(text) if text.isascii() and text.isdigit() else 0
    if shards < 1 or shards % count:
        raise ArgumentError(f"{SHARDS}={text} must be a multiple of the {count} processes.")
    if count == 1:
        return Ranks(shards=shards)
    if not dist.is_initialized():
        dist.init_process_group("gloo")
        atexit.register(_leave)
    return Ranks(dist.get_rank(), count, shards)


def _leave() -> None:
    if not dist.is_initialized():
        return
    # Under load one process in fifty aborted while it left, its neighbour being gone: they leave
    # together, unless one has died.
    with suppress(RuntimeError):
        dist.monitored_barrier(timeout=_FAREWELL)
    dist.destroy_process_group()
