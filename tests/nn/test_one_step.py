"""`step` for streams and `transition` for derivatives: one step of a whole stack."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from tests.nn.pairs import INPUTS, NAMES, ROWS, UNITS, assert_close, pair, sequence, states, tensors
from torch import Tensor, nn

import holdfast.nn as ours
from holdfast.errors import ArgumentError

pytestmark = [
    pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning"),
    pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated:DeprecationWarning"),
]
"""torch says once that oneDNN has no projections, and its forward mode uses what it deprecates."""

ONE_WAY = [
    *((name, {}) for name in NAMES),
    *((name, {"num_layers": 3, "bias": False}) for name in NAMES),
    ("LSTM", {"num_layers": 2, "proj_size": 2}),
    ("RNN", {"nonlinearity": "relu", "batch_first": True}),
]


def stream(layer: nn.Module, x: Tensor, state: Any) -> list[Tensor]:
    """Outputs (T, B, ·) and the last state, step by step."""
    outputs = []
    for x_t in x:
        y, state = layer.step(x_t, state)
        outputs.append(y)
    return [torch.stack(outputs), *tensors(state)]


@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
@pytest.mark.parametrize(("name", "options"), ONE_WAY, ids=str)
def test_a_stream_is_the_sequence(name: str, options: dict[str, Any], given: bool) -> None:
    _, mine = pair(name, **options)
    state, x = states(mine) if given else None, sequence()
    output, final = mine(x.transpose(0, 1) if mine.batch_first else x, state)
    expected = [output.transpose(0, 1) if mine.batch_first else output, *tensors(final)]
    for found, right in zip(stream(mine, x, state), expected, strict=True):
        assert_close(found, right, roundings=len(x) * 3 * (INPUTS + 3 * UNITS))


@pytest.mark.parametrize(("name", "options"), ONE_WAY, ids=str)
def test_a_stream_is_as_exact_as_the_sequence(name: str, options: dict[str, Any]) -> None:
    """Root mean square error against float64 over 30 draws, at most 1.5 times the call's."""
    squares = torch.zeros(2, dtype=torch.float64)
    for seed in range(30):
        single = pair(name, dtype=torch.float32, seed=seed, **options)[1]
        single.batch_first = False
        x = torch.randn(7, ROWS, INPUTS)
        exact = copy.deepcopy(single).double()(x.double())[0]
        for index, found in enumerate((single(x)[0], stream(single, x, None)[0])):
            squares[index] += (found.double() - exact).square().mean().detach()
    called, streamed = (squares / 30).sqrt().tolist()
    assert called > 0
    assert streamed <= 1.5 * called


@pytest.mark.parametrize("name", NAMES)
def test_a_step_keeps_nothing_whatever_the_grad_mode(name: str) -> None:
    _, mine = pair(name)
    x = sequence()[0].requires_grad_()
    for grad in (True, False):
        with torch.set_grad_enabled(grad):
            y, state = mine.step(x, states(mine))
        assert not any(tensor.requires_grad for tensor in (y, *tensors(state)))
        assert torch.is_grad_enabled()
    with torch.inference_mode():
        assert torch.equal(mine.step(x, states(mine))[0], y)


def test_dropout_is_left_out_of_a_step_in_training_too() -> None:
    _, mine = pair("GRU", num_layers=2, dropout=0.5)
    x = sequence()[0]
    mine.train()
    assert torch.equal(mine.step(x)[0], mine.eval().step(x)[0])
    mine.train()
    assert torch.equal(mine.transition(x)[0], mine.eval().transition(x)[0])


def test_states_given_are_left_as_they_are() -> None:
    _, mine = pair("LSTM")
    h, c = states(mine)
    before = h.clone(), c.clone()
    mine.step(sequence()[0], (h, c))
    assert torch.equal(h, before[0])
    assert torch.equal(c, before[1])


def test_a_step_runs_under_autocast() -> None:
    _, mine = pair("LSTM", dtype=torch.float32)
    x = sequence(dtype=torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        y, state = mine.step(x[0])
        y, state = mine.step(x[1], state)
    assert y.dtype == state[1].dtype == torch.bfloat16
    low = copy.deepcopy(mine).bfloat16()
    assert torch.equal(stream(low, x[:2].bfloat16(), None)[0][-1], y)


@pytest.mark.parametrize("method", ["step", "transition"])
@pytest.mark.parametrize("name", NAMES)
def test_what_does_not_fit_is_named(name: str, method: str) -> None:
    both = getattr(ours, name)(INPUTS, UNITS, bidirectional=True)
    with pytest.raises(ArgumentError, match=f"{method} .* bidirectional=False"):
        getattr(both, method)(torch.zeros(2, INPUTS))
    call = getattr(getattr(ours, name)(INPUTS, UNITS), method)
    with pytest.raises(ArgumentError, match=rf"{method} takes x of shape \(B, I\)"):
        call(torch.zeros(INPUTS))
    with pytest.raises(RuntimeError, match="Expected 3, got 2"):
        call(torch.zeros(1, INPUTS - 1))
    h = torch.zeros(1, 2, UNITS)
    with pytest.raises(RuntimeError, match=r"\(1, 1, 4\), got \(1, 2, 4\)"):
        call(torch.zeros(1, INPUTS), (h, h) if name == "LSTM" else h)
    h = h[:, :1].double()
    with pytest.raises(ArgumentError, match=r"h in the dtype of x, torch.float32"):
        call(torch.zeros(1, INPUTS), (h, h) if name == "LSTM" else h)


def flat(result: tuple[Tensor, Any]) -> Tensor:
    """Output and state in one vector for each row, (B, ·)."""
    return torch.cat(
        [result[0], *(part.transpose(0, 1).flatten(1) for part in tensors(result[1]))], 1
    )


@pytest.mark.parametrize(("name", "options"), ONE_WAY, ids=str)
def test_jacobians_of_a_transition_in_float64_of_a_float32_layer(
    name: str, options: dict[str, Any]
) -> None:
    """jacrev, jacfwd, and vmap over rows against autograd through the call itself."""
    single = pair(name, dtype=torch.float32, **options)[1]
    single.batch_first = False
    exact = copy.deepcopy(single).double()
    x, state = sequence()[0], tensors(states(single))

    def call(layer: nn.Module, one_step: bool, x: Tensor, *state: Tensor) -> Tensor:
        hx: Any = state if name == "LSTM" else state[0]
        if one_step:
            return flat(layer.transition(x, hx))
        output, after = layer(x[None], hx)
        return flat((output[0], after))

    leaves = (x, *state)
    right = torch.autograd.functional.jacobian(lambda *each: call(exact, False, *each), leaves)
    every = tuple(range(len(leaves)))
    for transform in (torch.func.jacrev, torch.func.jacfwd):
        found = transform(lambda *each: call(single, True, *each), every)(*leaves)
        for one, expected in zip(found, right, strict=True):
            assert one.dtype == torch.float64
            assert_close(one, expected, roundings=9 * (INPUTS + 3 * UNITS))

    def of_row(x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        rows = (x[None], *(part[:, None] for part in state))
        by = torch.func.jacrev(lambda *each: call(single, True, *each)[0], every)(*rows)
        return tuple(part.squeeze(1 + (index > 0)) for index, part in enumerate(by))

    by_row = torch.func.vmap(of_row, (0, *(1 for _ in state)))(*leaves)
    for index, (one, whole) in enumerate(zip(by_row, right, strict=True)):
        for row in range(ROWS):
            own = whole[row].select(1 + (index > 0), row)
            assert_close(one[row], own, roundings=9 * (INPUTS + 3 * UNITS))


def test_a_transition_can_be_differentiated_twice_and_reaches_the_weights() -> None:
    _, mine = pair("GRU", num_layers=2)
    x = sequence()[0].requires_grad_()
    h = states(mine).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x, h: mine.transition(x, h), (x, h), fast_mode=True)
    slopes = torch.autograd.grad(mine.transition(x, h)[0].sum(), list(mine.parameters()))
    right = torch.autograd.grad(mine(x[None], h)[0].sum(), list(mine.parameters()))
    for found, expected in zip(slopes, right, strict=True):
        assert_close(found, expected, roundings=9 * (INPUTS + 3 * UNITS))
