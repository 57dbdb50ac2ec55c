"""The variants in segments, step by step, traced, transformed and compiled."""

from __future__ import annotations

import copy
from dataclasses import fields
from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    ALL,
    INPUTS,
    LENGTHS,
    OPTIONS,
    RANDOM,
    ROUNDINGS,
    ROWS,
    STEPS,
    assert_all_close,
    assert_close,
    gradients,
    held,
    hx,
    sequence,
    tensors,
    title,
    variant_layer,
)
from torch import Tensor
from torch.nn.functional import layer_norm

import holdfast.nn as ours
from holdfast.errors import ArgumentError

pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
"""torch's forward mode uses what it deprecates."""


def everything(layer: Any, x: Tensor, *, seed: int = 3, **call: Any) -> list[Tensor]:
    """Outputs, states, and gradients of inputs and weights, with the same masks for a seed."""
    torch.manual_seed(seed)
    x = x.detach().requires_grad_()
    result = layer(x, **call)
    return tensors(result) + gradients(result, [x, *layer.parameters()])


def plain_steps(options: dict[str, Any]) -> dict[str, Any]:
    """The same without dilation."""
    return {name: value for name, value in options.items() if name != "dilation"}


UNDILATED = [case for case in ALL if "dilation" not in case[1] or len(case[1]) > 1]


@pytest.mark.parametrize("length", [1, 4])
@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["dense", "ragged"])
@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_segments_draw_the_masks_of_the_plain_call(
    name: str, options: dict[str, Any], lengths: list[int] | None, length: int
) -> None:
    layer = variant_layer(name, options, bidirectional=True)
    layer.recompute = None
    expected = everything(layer, sequence(), lengths=lengths)
    layer.recompute = length
    assert_all_close(everything(layer, sequence(), lengths=lengths), expected)


@pytest.mark.parametrize("given", [False, True], ids=["zeros", "state"])
@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_a_stream_is_the_sequence(name: str, options: dict[str, Any], given: bool) -> None:
    """In evaluation; `step` and `transition` leave chance out in training too."""
    layer = variant_layer(name, options)
    x, start = sequence(), None
    if given:
        start = hx(held(layer))
    expected = tensors(layer.eval()(x, start))
    for method in (layer.step, layer.transition):
        for training in (False, True):
            layer.train(training)
            outputs, state = [], start
            for x_t in x:
                y, state = method(x_t, state)
                outputs.append(y)
            assert_all_close([torch.stack(outputs), *tensors(state)], expected)


@pytest.mark.parametrize(("name", "options"), OPTIONS.items(), ids=title)
def test_jacobians_of_a_transition_with_everything_at_once(
    name: str, options: dict[str, Any]
) -> None:
    layer = variant_layer(name, options)
    exact = copy.deepcopy(layer).eval()
    leaves = (sequence()[0], *held(layer))

    def call(layer: Any, one_step: bool, x: Tensor, *state: Tensor) -> Tensor:
        y, after = layer.transition(x, hx(state)) if one_step else layer(x[None], hx(state))
        return torch.cat([y.reshape(ROWS, -1), *(part[-1] for part in tensors(after))], 1)

    right = torch.autograd.functional.jacobian(lambda *each: call(exact, False, *each), leaves)
    every = tuple(range(len(leaves)))
    for transform in (torch.func.jacrev, torch.func.jacfwd):
        found = transform(lambda *each: call(layer, True, *each), every)(*leaves)
        assert_all_close(list(found), list(right))


@pytest.mark.parametrize("lengths", [None, LENGTHS], ids=["dense", "ragged"])
@pytest.mark.parametrize("both", [False, True], ids=["one-way", "both"])
@pytest.mark.parametrize(("name", "options"), UNDILATED, ids=title)
def test_a_trace_is_what_the_layer_did(
    name: str, options: dict[str, Any], both: bool, lengths: list[int] | None
) -> None:
    options = plain_steps(options)
    layer = variant_layer(name, options, bidirectional=both)
    x, start = sequence(), hx(held(layer))
    seen = layer.trace(x, start, lengths)
    output, final = layer.eval()(x, start, lengths=lengths)
    hidden = torch.cat(list(seen.hidden[-1]), dim=-1)
    if options.get("residual"):
        hidden = hidden + torch.cat(list(seen.hidden[0]), dim=-1)
    assert_all_close([hidden], [output])
    counts = lengths or [STEPS] * ROWS
    parts = {"h": "hidden", "c": "cell", "n": "normaliser", "m": "stabiliser"}
    for part, after in zip(layer.cell.parts, tensors(final), strict=True):
        every = getattr(seen, parts[part]).flatten(0, 1)
        for index in range(len(every)):
            back = both and index % 2
            ends = [every[index, 0 if back else count - 1, row] for row, count in enumerate(counts)]
            assert_all_close([torch.stack(ends)], [after[index]])
    for field in fields(seen):
        for row, count in enumerate(counts):
            assert not getattr(seen, field.name)[:, :, count:, row].any()


def before(after: Tensor, first: Tensor) -> Tensor:
    """The state before each step of the first layer, (T, B, H)."""
    return torch.cat([first[:1], after[0, 0, :-1]])


def normed(a: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
    return layer_norm(a, a.shape[-1:], gain, shift)


def test_a_trace_of_an_lstm_shows_the_gates_that_acted() -> None:
    """Behind peepholes and normalisation, with clipping and zoneout as they followed."""
    options = {"peepholes": True, "layer_norm": True, "cell_clip": 0.3}
    options |= {"zoneout_hidden": 0.3, "zoneout_cell": 0.2}
    layer = variant_layer("LSTM", options)
    x, (h, c) = sequence(), held(layer)
    seen = layer.trace(x, (h, c))
    old_h, old_c = before(seen.hidden, h), before(seen.cell, c)
    a = normed(x @ layer.weight_ih_l0.T, layer.norm_ih_l0, layer.bias_ih_l0)
    a = a + normed(old_h @ layer.weight_hh_l0.T, layer.norm_hh_l0, layer.bias_hh_l0)
    a_i, a_f, a_g, a_o = a.chunk(4, -1)
    p_i, p_f, p_o = layer.weight_peephole_l0.chunk(3)
    i, f = torch.sigmoid(a_i + p_i * old_c), torch.sigmoid(a_f + p_f * old_c)
    g = torch.tanh(a_g)
    new_c = (f * old_c + i * g).clamp(-0.3, 0.3)
    o = torch.sigmoid(a_o + p_o * new_c)
    new_h = o * torch.tanh(normed(new_c, layer.norm_c_l0, layer.norm_c_bias_l0))
    right = [i, f, o, g, 0.2 * old_c + 0.8 * new_c, 0.3 * old_h + 0.7 * new_h]
    found = [getattr(seen, field.name)[0, 0] for field in fields(seen)]
    assert_all_close(found, right)


def test_a_trace_of_coupled_gates_shows_both() -> None:
    layer = variant_layer("LSTM", {"coupled": True})
    seen = layer.trace(sequence())
    assert torch.equal(seen.forget_gate, 1 - seen.input_gate)


def test_a_trace_of_a_gru_shows_the_gates_that_acted() -> None:
    layer = variant_layer("GRU", {"layer_norm": True})
    x, (h,) = sequence(), held(layer)
    seen = layer.trace(x, h)
    x_r, x_z, _ = (x @ layer.weight_ih_l0.T).chunk(3, -1)
    h_r, h_z, _ = (before(seen.hidden, h) @ layer.weight_hh_l0.T).chunk(3, -1)
    rows = len(layer.norm_ih_l0) * 2 // 3
    a = normed(torch.cat([x_r, x_z], -1), layer.norm_ih_l0[:rows], layer.bias_ih_l0[:rows])
    a = a + normed(torch.cat([h_r, h_z], -1), layer.norm_hh_l0[:rows], layer.bias_hh_l0[:rows])
    r, z = torch.sigmoid(a).chunk(2, -1)
    assert_all_close([seen.reset_gate[0, 0], seen.update_gate[0, 0]], [r, z])


@pytest.mark.parametrize("options", [{}, {"heads": 2, "forget_gate": "exponential"}], ids=title)
def test_a_trace_of_an_slstm_explains_its_state(options: dict[str, Any]) -> None:
    layer = variant_layer("SLSTM", options)
    start = held(layer)
    seen = layer.trace(sequence(), start)
    i, f = seen.input_gate[0, 0], seen.forget_gate[0, 0]
    c = f * before(seen.cell, start[1]) + i * seen.candidate[0, 0]
    n = f * before(seen.normaliser, start[2]) + i
    assert_all_close([seen.cell[0, 0], seen.normaliser[0, 0]], [c, n])
    assert_all_close([seen.hidden[0, 0]], [seen.output_gate[0, 0] * c / n])
    # One of the two exponentials is the larger, and e^m is its size.
    assert torch.maximum(i, f).eq(1).all()


@pytest.mark.parametrize("name", OPTIONS)
def test_a_trace_of_a_dilated_stack_is_refused(name: str) -> None:
    layer = variant_layer(name, {"dilation": (1, 3)})
    with pytest.raises(ArgumentError, match=r"trace shows layers whose state lies one step back"):
        layer.trace(sequence())


@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_vmap_and_forward_mode(name: str, options: dict[str, Any]) -> None:
    """In evaluation: vmap is a loop over samples, and jvp the transpose of the gradient."""
    layer = variant_layer(name, options).eval()
    x = torch.stack([sequence(), 2 * sequence(), -sequence()])
    found = torch.func.vmap(layer)(x)
    loop = [tensors(layer(one)) for one in x]
    assert_all_close(tensors(found), [torch.stack(parts) for parts in zip(*loop, strict=True)])
    along, x = torch.randn(x[0].shape, dtype=torch.float64), x[0].requires_grad_()
    output, slope = torch.func.jvp(lambda x: layer(x)[0], (x,), (along,))
    weight = torch.randn(output.shape, dtype=torch.float64)
    (back,) = torch.autograd.grad(layer(x)[0], x, weight)
    assert_close((slope * weight).sum(), (back * along).sum(), roundings=ROUNDINGS * output.numel())


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_of_each_sample_add_up(name: str) -> None:
    """In evaluation; in training `torch.func` gives autograd's gradient."""
    layer = variant_layer(name, OPTIONS[name])
    weights = {key: weight.detach() for key, weight in layer.named_parameters()}
    x = sequence()

    def loss(weights: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(layer, weights, (x,))[0].square().sum()

    layer.eval()
    each = torch.func.vmap(torch.func.grad(loss), (None, 1))(weights, x.unsqueeze(2))
    total = torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters()))
    for found, right in zip(each.values(), total, strict=True):
        assert_close(found.sum(0), right, roundings=10 * ROUNDINGS)
    layer.train()
    torch.manual_seed(4)
    together = torch.func.grad(loss)(weights, x)
    torch.manual_seed(4)
    # By the equations as `torch.func` goes: clipped cells have so little variance that where both
    # are normalised, one rounding of x moves these gradients by more than all sums are rounded.
    with ours.by_equations():
        slopes = torch.autograd.grad(layer(x)[0].square().sum(), list(layer.parameters()))
    for found, expected in zip(together.values(), slopes, strict=True):
        assert_close(found, expected, roundings=10 * ROUNDINGS)


@pytest.mark.parametrize("option", RANDOM)
def test_chance_under_vmap_is_refused_unless_asked_for(option: str) -> None:
    layer = variant_layer("LSTM", {option: 0.4})
    x = torch.stack([sequence(), sequence()])
    with pytest.raises(RuntimeError, match="randomness"):
        torch.func.vmap(layer)(x)
    first, second = torch.func.vmap(layer, randomness="same")(x)[0]
    assert_all_close([first], [second])
    if option != "weight_drop":
        with pytest.raises(ArgumentError, match=r"vmap draws one set of masks"):
            torch.func.vmap(layer, randomness="different")(x)


@pytest.mark.parametrize(("name", "options"), OPTIONS.items(), ids=title)
def test_the_equations_draw_the_same_masks(name: str, options: dict[str, Any]) -> None:
    layer = variant_layer(name, options)
    expected = everything(layer, sequence())
    with ours.by_equations():
        assert_all_close(everything(layer, sequence()), expected)


@pytest.mark.parametrize(
    ("name", "training"),
    [
        ("LSTM", True),
        *(pytest.param(name, True, marks=pytest.mark.slow) for name in ("GRU", "RNN", "SLSTM")),
        *(pytest.param(name, False, marks=pytest.mark.slow) for name in OPTIONS),
    ],
)
def test_compiled_layers_have_the_numbers_and_the_chance(name: str, training: bool) -> None:
    layer = variant_layer(name, plain_steps(OPTIONS[name])).train(training)
    torch._dynamo.reset()
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager", dynamic=True)
    for rows in (3, ROWS):
        x = torch.cat([sequence()[:, :rows]] * (rows - 2))
        assert_all_close(everything(compiled, x), everything(layer, x))
    first, second = (everything(compiled, sequence(), seed=seed)[0] for seed in (3, 4))
    assert torch.equal(first, second) is not training


@pytest.mark.slow
def test_a_dilated_stack_is_compiled_too() -> None:
    layer = variant_layer("GRU", {"dilation": (1, 3)})
    compiled = torch.compile(layer, fullgraph=True, backend="aot_eager", dynamic=True)
    for steps in (STEPS, STEPS + 1):
        x = torch.randn(steps, ROWS, INPUTS, dtype=torch.float64)
        assert_all_close(everything(compiled, x), everything(layer, x))


def testzero_states_are_not_written_into() -> None:
    """They are one tensor for all parts."""
    layer = variant_layer("LSTM", {})
    zeros = layer.zero_state(sequence(), ROWS)
    assert zeros[0] is zeros[1]
    layer(sequence(), zeros)[0].sum().backward()
    layer.step(sequence()[0], zeros)
    assert not zeros[0].any()


def test_inputs_wider_than_a_row_are_no_matter() -> None:
    """A batch of one in a stack with everything, in segments as well."""
    layer = variant_layer("LSTM", OPTIONS["LSTM"])
    layer.recompute = None
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    expected = everything(layer, x)
    layer.recompute = 2
    assert_all_close(everything(layer, x), expected)
