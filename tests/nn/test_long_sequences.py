"""`recompute=` and `recompute_memory=` on layers."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.pairs import LAYERS, NAMES, STEPS, assert_close, gradients, pair, tensors, title
from tests.nn.pairs import sequence as short_sequence
from torch import Tensor, nn

import holdfast.nn as ours
from holdfast.engine.kernels.choose import KERNELS
from holdfast.engine.kernels.contract import Kernel, KernelSpec
from holdfast.errors import ArgumentError

ROUNDINGS = 2 * STEPS * 19
"""Layers × steps × sums."""


def everything(layer: nn.Module, x: Tensor, **call: Any) -> list[Tensor]:
    """Outputs, states, and gradients of inputs and weights."""
    x = x.detach().requires_grad_()
    result = layer(x, **call)
    return tensors(result) + gradients(result, [x, *layer.parameters()])


@pytest.mark.parametrize("lengths", [None, [2, 6, 1, 4, 6]], ids=["dense", "ragged"])
@pytest.mark.parametrize(("name", "options"), LAYERS, ids=title)
def test_every_layer_gives_the_numbers_of_the_plain_call(
    name: str, options: dict[str, Any], lengths: list[int] | None
) -> None:
    _, mine = pair(name, **options)
    x = short_sequence(batch_first=mine.batch_first)
    expected = everything(mine, x, lengths=lengths)
    mine.recompute = 4
    for found, right in zip(everything(mine, x, lengths=lengths), expected, strict=True):
        assert_close(found, right, roundings=ROUNDINGS)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("LSTM", {"num_layers": 2}),
        pytest.param("LSTM", {"bidirectional": True, "proj_size": 2}, marks=pytest.mark.slow),
        pytest.param("GRU", {"bidirectional": True}, marks=pytest.mark.slow),
        pytest.param("RNN", {"num_layers": 2}, marks=pytest.mark.slow),
    ],
)
def test_two_thousand_steps_to_1e_12(name: str, options: dict[str, Any]) -> None:
    """The bound that the layer's documents promise, relative to the largest value."""
    mine = getattr(ours, name)(3, 4, dtype=torch.float64, timescale=2000, **options)
    x = torch.randn(2000, 2, 3, dtype=torch.float64)
    mine.recompute = None
    expected = everything(mine, x)
    mine.recompute = 300
    for found, right in zip(everything(mine, x), expected, strict=True):
        error = (found - right).detach().abs().max()
        assert error <= 1e-12 * right.detach().abs().max()


def test_segments_are_really_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else every test here would pass with `recompute` ignored."""
    seen: list[int] = []

    def spied(real: Callable[..., Any]) -> Callable[..., Any]:
        def spy(kernel: Kernel, spec: KernelSpec, *rest: Any) -> Any:
            seen.append(spec.steps)
            return real(kernel, spec, *rest)

        return spy

    for kernel in KERNELS:
        monkeypatch.setattr(type(kernel), "forward", spied(type(kernel).forward))
    layer = ours.LSTM(3, 4, recompute=4)
    x = torch.randn(10, 2, 3)
    layer(x)[0].sum().backward()
    assert seen == [4, 4, 2, 2, 4, 4]
    seen.clear()
    with torch.no_grad():
        layer(x)
    layer.recompute = "auto"
    layer(x)
    layer.recompute_memory = 200_000
    layer(x)
    assert seen == [10, 10, 8, 2]


def test_the_mask_of_dropout_is_drawn_once() -> None:
    _, mine = pair("LSTM", num_layers=3, dropout=0.5)
    mine.train()
    mine.recompute = STEPS
    x = short_sequence()
    results = []
    for mine.recompute in (1, 4):
        torch.manual_seed(3)
        results.append(everything(mine, x))
    for found, right in zip(*results, strict=True):
        assert_close(found, right, roundings=ROUNDINGS)
    torch.manual_seed(4)
    assert not torch.equal(mine(x)[0], results[0][0])


@pytest.mark.parametrize("name", NAMES)
def test_second_derivatives_go_through(name: str) -> None:
    _, mine = pair(name, bidirectional=True)
    x = short_sequence().requires_grad_()
    slopes = []
    for mine.recompute in (None, 4):
        (first,) = torch.autograd.grad(mine(x)[0].square().sum(), x, create_graph=True)
        slopes += torch.autograd.grad(first.square().sum(), x)
    assert_close(slopes[1], slopes[0], roundings=ROUNDINGS**2)


def test_autocast_runs_segments_in_one_dtype() -> None:
    _, mine = pair("LSTM", dtype=torch.float32, num_layers=2)
    mine.recompute = 4
    x = short_sequence(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        result = mine(x)
    slopes = gradients(result, list(mine.parameters()))
    low = copy.deepcopy(mine).bfloat16()
    expected = low(x.bfloat16())
    right = gradients(expected, list(low.parameters()))
    for found, exact in zip(tensors(result), tensors(expected), strict=True):
        assert torch.equal(found, exact)
    for found, exact in zip(slopes, right, strict=True):
        assert torch.equal(found, exact.float())


def test_layers_that_were_saved_before_the_option_existed_still_run() -> None:
    _, mine = pair("GRU")
    del mine.__dict__["recompute"], mine.__dict__["recompute_memory"]
    assert mine(short_sequence())[0].shape == (STEPS, 5, 4)


def test_wrong_choices_are_refused_when_the_layer_is_made_and_when_it_is_called() -> None:
    with pytest.raises(ArgumentError, match="recompute must be"):
        ours.LSTM(3, 4, recompute=0)
    layer = ours.RNN(3, 4, recompute_memory=10**6)
    layer.recompute = 7
    with pytest.raises(ArgumentError, match="one of the two"):
        layer(torch.zeros(2, 1, 3))


def test_the_options_show() -> None:
    assert repr(ours.GRU(3, 4)) == "GRU(3, 4)"
    assert repr(ours.GRU(3, 4, recompute=50)) == "GRU(3, 4, recompute=50)"


def test_more_steps_than_cudnn_counts() -> None:
    """65,536 and more, whole and in two halves (pytorch#133751)."""
    layer = ours.LSTM(1, 2, dtype=torch.float64)
    x = torch.randn(70_000, 1, 1, dtype=torch.float64)
    with torch.no_grad():
        output, state = layer(x)
        first, between = layer(x[:35_000])
        second, last = layer(x[35_000:], between)
    assert torch.equal(output, torch.cat([first, second]))
    assert all(torch.equal(one, other) for one, other in zip(state, last, strict=True))
