"""Buffers that are used again: whose they are, and when they come back."""

from __future__ import annotations

import mmap

import pytest
import torch
from torch import Tensor

from holdfast.engine.kernels.buffer_pool import BUFFERS, BufferPool
from holdfast.engine.kernels.cpu import CPU
from holdfast.nn import LSTM

pytestmark = pytest.mark.skipif(
    not hasattr(mmap, "MADV_FREE"), reason="the system has no memory to be taken back on demand"
)

SHAPE = (1024, 1024)
SIZE = 4 * 1024 * 1024


def test_what_is_freed_is_used_again() -> None:
    pool = BufferPool()
    first = pool.tensor(torch.float32, SHAPE)
    place = first.data_ptr()
    del first
    assert pool.idle == SIZE
    assert pool.tensor(torch.float64, (1024, 512)).data_ptr() == place


def test_what_is_in_use_is_given_to_nobody_else() -> None:
    pool = BufferPool()
    first, second = (pool.tensor(torch.float32, SHAPE).fill_(value) for value in (1, 2))
    part = first[3]  # a view keeps it in use
    del first
    third = pool.tensor(torch.float32, SHAPE).fill_(3)
    for value, tensor in enumerate((part, second, third), start=1):
        assert torch.equal(tensor, torch.full_like(tensor, value))


def test_no_more_lies_idle_than_agreed() -> None:
    pool = BufferPool(idle_bytes=2 * SIZE)
    used = [pool.tensor(torch.float32, SHAPE) for _ in range(4)]
    used.clear()
    assert pool.idle == 2 * SIZE


def test_little_memory_does_not_take_much() -> None:
    pool = BufferPool()
    large = pool.tensor(torch.float32, (8 * 1024, 1024))
    del large
    small = pool.tensor(torch.float32, SHAPE)
    assert pool.idle == 8 * SIZE
    assert small.shape == SHAPE


def test_steps_of_training_share_memory_and_their_gradients_do_not() -> None:
    if not CPU.serves(LSTM(3, 64).kernel_spec(torch.ones(1, 1, 3), 1, 1, ragged=False)).serves:
        pytest.skip("no compiled kernel")
    torch.manual_seed(0)
    layer, x = LSTM(3, 64), torch.randn(300, 64, 3)  # 20 MB of gates

    def gradients(*outputs: Tensor) -> list[list[Tensor]]:
        return [
            list(torch.autograd.grad(output.sin().sum(), list(layer.parameters())))
            for output in outputs
        ]

    apart = gradients(layer(x)[0]) + gradients(layer(2 * x)[0])
    together = gradients(layer(x)[0], layer(2 * x)[0])
    for alone, beside in zip(apart, together, strict=True):
        assert all(map(torch.equal, alone, beside))
    kept, weights = layer(x)[0].sum(), list(layer.parameters())
    before = torch.autograd.grad(kept, weights, retain_graph=True)
    layer(3 * x)[0].sum().backward()
    assert all(map(torch.equal, before, torch.autograd.grad(kept, weights)))
    del kept
    assert BUFFERS.idle > 0
