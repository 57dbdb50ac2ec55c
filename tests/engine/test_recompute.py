"""Backpropagation in segments gives the gradients of backpropagation through every step."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.engine.specs import CELLS, Numbers, largest_error, numbers, results, truth
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from holdfast.engine.cells import GRU, LSTM, Cell, State
from holdfast.engine.kernels.contract import KernelSpec
from holdfast.engine.recompute import run_pass_in_segments, segment_length
from holdfast.errors import ArgumentError

STEPS = 7


def spec_of(
    cell: Cell, *, reverse: bool = False, ragged: bool = False, equations: bool = False
) -> KernelSpec:
    return KernelSpec(
        cell=cell,
        steps=STEPS,
        batch=3,
        input_size=2,
        hidden_size=3,
        dtype=torch.float64,
        device="cpu",
        reverse=reverse,
        projection=2 if cell is LSTM else 0,
        ragged=ragged,
        by_equations=equations,
    )


def run(length: int, spec: KernelSpec, given: Numbers) -> tuple[Tensor, State]:
    return run_pass_in_segments(length, spec, given.inputs())


@pytest.mark.parametrize("length", [1, 3, STEPS, STEPS + 1])
@pytest.mark.parametrize("equations", [False, True], ids=["chosen", "equations"])
@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_outputs_states_and_gradients_are_those_of_all_steps_at_once(
    cell: Cell, reverse: bool, ragged: bool, equations: bool, length: int
) -> None:
    spec = spec_of(cell, reverse=reverse, ragged=ragged, equations=equations)
    given = numbers(spec)
    right = results(*truth(spec, given), given, given.state)
    found = results(*run(length, spec, given), given, given.state)
    # Each sum, over rows, steps and units, is rounded once at every step.
    sums = spec.hidden_size + spec.input_size + spec.batch
    assert largest_error(found, right) <= STEPS * sums


@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
@pytest.mark.parametrize("cell", [LSTM, GRU], ids=lambda cell: cell.name)
def test_second_derivatives_are_not_lost(cell: Cell, ragged: bool) -> None:
    spec = spec_of(cell, ragged=ragged, reverse=ragged)
    given = numbers(spec)
    count = len(given.weights)

    def call(*leaves: Tensor) -> tuple[Tensor, ...]:
        taken = replace(
            given, x=leaves[0], weights=leaves[1 : 1 + count], state=leaves[1 + count :]
        )
        output, state = run(3, spec, taken)
        return (output, *state)

    assert gradcheck(call, given.leaves(), fast_mode=True)
    assert gradgradcheck(call, given.leaves(), fast_mode=True)


def test_a_loss_on_the_last_state_alone() -> None:
    """The output's gradient is then absent, not zero."""
    spec = spec_of(LSTM)
    given = numbers(spec)
    slopes = [
        torch.autograd.grad(state[1].square().sum(), given.leaves(), materialize_grads=True)
        for state in (truth(spec, given)[1], run(2, spec, given)[1])
    ]
    assert largest_error(slopes[1], slopes[0]) <= STEPS * 8


def test_what_needs_no_gradient_gets_none() -> None:
    spec = spec_of(GRU)
    given = numbers(spec)
    frozen = replace(
        given,
        x=given.x.detach(),
        weights=(given.weights[0].detach(), *given.weights[1:]),
        state=tuple(part.detach() for part in given.state),
    )
    slopes = [
        torch.autograd.grad(result[0].sum(), given.weights[1:])
        for result in (truth(spec, given), run(2, spec, frozen))
    ]
    assert largest_error(slopes[1], slopes[0]) <= STEPS * 8
    assert frozen.x.grad is None


def test_between_forward_and_backward_the_borders_are_all_that_is_kept() -> None:
    spec = replace(spec_of(LSTM), steps=100)
    given = numbers(spec)
    known = {tensor.data_ptr() for tensor in given.leaves()}
    kept = 0

    def keep(tensor: Tensor) -> Tensor:
        nonlocal kept
        if tensor.data_ptr() not in known:
            kept += tensor.numel()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        output, _ = run(10, spec, given)
    assert output.requires_grad
    assert kept == 10 * spec.batch * (spec.projection + spec.hidden_size)


@pytest.mark.parametrize("memory", [10_000_000, 1_000_000_000])
def test_a_budget_is_kept_by_the_longest_segment_that_fits(memory: int) -> None:
    spec = replace(spec_of(LSTM), steps=1_000_000, batch=1)
    found = segment_length(spec, "auto", memory)
    assert found is not None
    step = 24_000 + 16 * 3 * 8
    border = 2 * 3 * 8

    def needed(length: int) -> int:
        return length * step + -(-spec.steps // length) * border

    assert needed(found) <= memory
    assert needed(found + found // 100 + 1) > memory


def test_auto_keeps_every_step_of_what_is_short_or_fits() -> None:
    short = replace(spec_of(LSTM), steps=10_000)
    assert segment_length(short, "auto", None) is None
    assert segment_length(short, "auto", 10**9) is None
    assert segment_length(short, None, None) is None
    assert segment_length(replace(short, steps=10_001), "auto", None) == 1_000
    assert segment_length(replace(short, steps=10**8 + 1), "auto", None) == 10_001


@pytest.mark.parametrize(
    ("recompute", "memory", "message"),
    [
        (0, None, "recompute must be"),
        (True, None, "recompute must be"),
        ("always", None, "recompute must be"),
        (2.5, None, "recompute must be"),
        ("auto", 0, "recompute_memory must be a whole number of bytes"),
        ("auto", 1e9, "recompute_memory must be a whole number of bytes"),
        (100, 10**6, "one of the two"),
        (None, 10**6, "one of the two"),
        ("auto", 1000, "recompute_memory of 1,000 bytes is too little for 7 steps; give"),
    ],
)
def test_wrong_choices_are_named(recompute: object, memory: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        segment_length(spec_of(LSTM), recompute, memory)  # type: ignore[arg-type]
