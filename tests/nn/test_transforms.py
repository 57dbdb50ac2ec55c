"""vmap, forward mode, per-sample gradients: right on every layer, and never a silent zero."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    CELL_NAMES,
    INPUTS,
    NAMES,
    ROWS,
    STEPS,
    UNITS,
    assert_close,
    pair,
    sequence,
    states,
    tensors,
)
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.func import functional_call, grad, hessian, jacrev, jvp, vmap

import holdfast.nn as ours

pytestmark = pytest.mark.filterwarnings(
    "ignore:`torch.jit.script` is deprecated:DeprecationWarning"
)
"""torch's forward mode uses what torch deprecates."""

ROUNDINGS = 4 * STEPS * (INPUTS + 4 * UNITS)
"""Passes × steps × sums."""

DTYPES = [torch.float32, torch.float64]
"""Fused operators of torch serve float32, its loops float64: two different ways to fail."""


@pytest.fixture(params=["chosen", "equations", "segments"])
def run(request: pytest.FixtureRequest) -> Iterator[str]:
    """Which way the layers run."""
    with ours.by_equations() if request.param == "equations" else nullcontext():
        yield request.param


def layer_of(name: str, dtype: torch.dtype, run: str, **options: Any) -> nn.Module:
    layer = pair(name, dtype=dtype, **options)[1]
    layer.recompute = 4 if run == "segments" else "auto"
    return layer


def weights_of(layer: nn.Module) -> dict[str, Tensor]:
    return {key: value.detach() for key, value in layer.named_parameters()}


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_vmap_is_a_loop_over_samples(name: str, dtype: torch.dtype, run: str) -> None:
    layer = layer_of(name, dtype, run, num_layers=2, bidirectional=True)
    x = torch.randn(3, STEPS, 2, INPUTS, dtype=dtype)
    found = vmap(lambda one: layer(one, lengths=None)[0])(x)
    assert_close(found, torch.stack([layer(one)[0] for one in x]), roundings=ROUNDINGS)
    unbatched = vmap(lambda one: layer(one)[0], in_dims=1, out_dims=1)(x[0])
    assert_close(unbatched, layer(x[0])[0], roundings=ROUNDINGS)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_gradients_of_each_sample_add_up_to_the_gradient(
    name: str, dtype: torch.dtype, run: str
) -> None:
    layer = layer_of(name, dtype, run, num_layers=2)
    x, start = sequence(dtype=dtype), [part.to(dtype) for part in tensors(states(layer))]

    def loss(weights: dict[str, Tensor], x: Tensor, *start: Tensor) -> Tensor:
        hx: Any = start if len(start) > 1 else start[0]
        return functional_call(layer, weights, (x, hx))[0].square().sum()

    samples = vmap(grad(loss), (None, 1, *(1 for _ in start)))(weights_of(layer), x, *start)
    hx: Any = tuple(start) if len(start) > 1 else start[0]
    whole = torch.autograd.grad(layer(x, hx)[0].square().sum(), list(layer.parameters()))
    together = grad(loss)(weights_of(layer), x, *start)
    for (key, each), right in zip(samples.items(), whole, strict=True):
        assert each.shape == (ROWS, *right.shape)
        assert bool(each.flatten(1).any(1).all())
        assert_close(each.sum(0), right, roundings=ROWS * ROUNDINGS)
        assert_close(together[key], right, roundings=ROWS * ROUNDINGS)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("name", NAMES)
def test_forward_mode_is_the_transpose_of_backward_mode(
    name: str, dtype: torch.dtype, run: str
) -> None:
    layer = layer_of(name, dtype, run, bidirectional=True)
    x, along = sequence(dtype=dtype), torch.randn(STEPS, ROWS, INPUTS, dtype=dtype)
    watched = x.clone().requires_grad_()
    output = layer(watched)[0]
    back = torch.randn_like(output)
    (right,) = torch.autograd.grad((output * back).sum(), watched)
    expected = (right * along).sum()
    _, tangent = jvp(lambda x: layer(x)[0], (x,), (along,))
    with forward_ad.dual_level():
        dual = forward_ad.unpack_dual(layer(forward_ad.make_dual(x, along))[0]).tangent
    for found in (tangent, dual):
        assert found is not None
        sums = STEPS * ROWS * INPUTS * ROUNDINGS
        assert_close((found * back).sum(), expected, roundings=sums)


@pytest.mark.parametrize("name", NAMES)
def test_forward_mode_through_weights_and_states(name: str, run: str) -> None:
    layer = layer_of(name, torch.float64, run)
    x = sequence()
    _, weights = jvp(
        lambda weights: functional_call(layer, weights, (x,))[0],
        (weights_of(layer),),
        (weights_of(layer),),
    )
    start = tensors(states(layer))

    def from_state(*start: Tensor) -> Tensor:
        output: Tensor = layer(x, start if len(start) > 1 else start[0])[0]
        return output

    _, by_state = jvp(from_state, tuple(start), tuple(start))
    step = 1e-6  # a difference of float64: error about step² + eps / step, so 1e-8 of its size

    def shifted(sign: int) -> tuple[Tensor, Tensor]:
        scaled = {key: value * (1 + sign * step) for key, value in weights_of(layer).items()}
        moved = [part * (1 + sign * step) for part in start]
        return functional_call(layer, scaled, (x,))[0].detach(), from_state(*moved).detach()

    for found, up, down in zip((weights, by_state), shifted(1), shifted(-1), strict=True):
        difference, found = (up - down) / (2 * step), found.detach()
        assert found.abs().max() > 1e-3
        assert (found - difference).abs().max() <= 1e-8 * max(1.0, float(found.abs().max()))


@pytest.mark.parametrize("name", NAMES)
def test_transforms_of_transforms(name: str, run: str) -> None:
    """A Hessian is forward over backward mode; so is autograd's, backward over backward."""
    layer = layer_of(name, torch.float64, run)
    x = sequence()[:3, :2].contiguous()

    def loss(x: Tensor) -> Tensor:
        total: Tensor = layer(x)[0].square().sum()
        return total

    right = torch.autograd.functional.hessian(loss, x)
    assert right.abs().max() > 0.01
    assert_close(hessian(loss)(x), right, roundings=ROUNDINGS)
    assert_close(jacrev(jacrev(loss))(x), right, roundings=ROUNDINGS)


@pytest.mark.parametrize("name", NAMES)
def test_ragged_batches_can_be_mapped_over_inputs_and_over_weights(name: str, run: str) -> None:
    layer = layer_of(name, torch.float64, run, bidirectional=True)
    x, lengths = torch.stack([sequence(), 2 * sequence()]), [2, 6, 1, 4, 6]

    def loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        output, final = functional_call(layer, weights, (x,), {"lengths": lengths})
        return output.square().sum() + tensors(final)[0][:, :2].sum()

    right = [
        torch.autograd.grad(loss(dict(layer.named_parameters()), one), list(layer.parameters()))
        for one in x
    ]
    twice = {key: torch.stack([value, value]) for key, value in weights_of(layer).items()}
    by_x = vmap(grad(loss), (None, 0))(weights_of(layer), x)
    by_weights = vmap(grad(loss), (0, None))(twice, x[1])
    for one, other, first, second in zip(by_x.values(), by_weights.values(), *right, strict=True):
        assert_close(one, torch.stack([first, second]), roundings=ROWS * ROUNDINGS)
        assert_close(other, torch.stack([second, second]), roundings=ROWS * ROUNDINGS)
    output = vmap(lambda one: layer(one, lengths=lengths)[0])(x)
    plain = torch.stack([layer(one, lengths=lengths)[0] for one in x])
    assert_close(output, plain, roundings=ROUNDINGS)


@pytest.mark.parametrize("name", NAMES)
def test_backward_in_evaluation_mode(name: str, run: str) -> None:
    layer = layer_of(name, torch.float64, run, num_layers=2)
    x = sequence().requires_grad_()
    slopes = [torch.autograd.grad(mode()(x)[0].sum(), x)[0] for mode in (layer.train, layer.eval)]
    assert_close(slopes[1], slopes[0], roundings=ROUNDINGS)


@pytest.mark.parametrize("name", CELL_NAMES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_cells_can_be_transformed_too(name: str, dtype: torch.dtype) -> None:
    cell, x = pair(name, dtype=dtype)[1], sequence(dtype=dtype)[0]
    for equations in (False, True):
        with ours.by_equations() if equations else nullcontext():
            right = torch.autograd.functional.jacobian(lambda x: tensors(cell(x))[0], x)
            mapped = vmap(lambda one: tensors(cell(one))[0])(x)
            assert_close(mapped, tensors(cell(x))[0], roundings=ROUNDINGS)
            _, tangent = jvp(lambda x: tensors(cell(x))[0], (x,), (x,))
        assert_close(tangent, (right * x).sum((-2, -1)), roundings=ROUNDINGS)
