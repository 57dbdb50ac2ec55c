"""First and second derivatives of every cell, from float64 differences."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from tests.engine.specs import CELLS, EVERY, OPTIONS, VARIANT_CELLS, numbers, run, variants
from torch import Tensor
from torch.autograd import gradcheck, gradgradcheck

from holdfast.engine.cells import LSTM, SLSTM, Cell, Options
from holdfast.engine.kernels.choose import choose
from holdfast.engine.kernels.contract import Gradients, Kernel, KernelSpec, SavedForBackward
from holdfast.engine.kernels.reference import REFERENCE, ReferenceKernel


def spec_of(cell: Cell, *, reverse: bool, ragged: bool) -> KernelSpec:
    return KernelSpec(
        cell=cell,
        steps=7,
        batch=2,
        input_size=2,
        hidden_size=2,
        dtype=torch.float64,
        device="cpu",
        reverse=reverse,
        projection=1 if cell is LSTM and ragged else 0,
        ragged=ragged,
    )


@pytest.mark.parametrize("ragged", [False, True], ids=["dense", "ragged"])
@pytest.mark.parametrize("reverse", [False, True], ids=["forward", "reverse"])
@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
@pytest.mark.parametrize("kernel", EVERY, ids=lambda kernel: kernel.name)
def test_gradients_to_inputs_weights_and_states(
    kernel: Kernel, cell: Cell, reverse: bool, ragged: bool
) -> None:
    spec = spec_of(cell, reverse=reverse, ragged=ragged)
    if not kernel.serves(spec).serves:
        return  # a kernel for whole stacks; tests/nn checks it on one that reads both ways
    given = numbers(spec)
    count = len(given.weights)

    def call(*leaves: Tensor) -> tuple[Tensor, ...]:
        taken = replace(
            given, x=leaves[0], weights=leaves[1 : 1 + count], state=leaves[1 + count :]
        )
        output, state = run(kernel, spec, taken)
        return (output, *state)

    assert gradcheck(call, given.leaves())
    assert gradgradcheck(call, given.leaves(), fast_mode=True)


VARIANTS = [
    pytest.param(cell, options, id="-".join([cell.name, *options.changed]))
    for cell in VARIANT_CELLS
    for options in (
        *([Options()] if cell is SLSTM else []),
        *variants(cell, most=1),
        Options(**{name: value for name, value in OPTIONS.items() if name in cell.options}),
    )
]


@pytest.mark.parametrize("training", [False, True], ids=["evaluation", "training"])
@pytest.mark.parametrize(("reverse", "ragged"), [(False, False), (True, True)])
@pytest.mark.parametrize(("cell", "options"), VARIANTS)
def test_gradients_of_each_variant(
    cell: Cell, options: Options, reverse: bool, ragged: bool, training: bool
) -> None:
    """Three units, since layer normalisation makes ±1 of any two."""
    if training and not options.draws:
        return
    spec = replace(spec_of(cell, reverse=reverse, ragged=ragged), hidden_size=3, options=options)
    given = numbers(spec)
    assert (given.masks is not None) == options.draws
    given = given if training else replace(given, masks=None)
    kernel, count = choose(spec).kernel, len(given.weights)

    def call(*leaves: Tensor) -> tuple[Tensor, ...]:
        taken = replace(
            given, x=leaves[0], weights=leaves[1 : 1 + count], state=leaves[1 + count :]
        )
        output, state = run(kernel, spec, taken)
        return (output, *state)

    assert gradcheck(call, given.leaves(), fast_mode=True)
    assert gradgradcheck(call, given.leaves(), fast_mode=True)


def test_third_derivatives_go_through_the_reference_too() -> None:
    spec = spec_of(LSTM, reverse=False, ragged=False)
    given = numbers(spec)

    def slope(x: Tensor) -> Tensor:
        output, _ = run(REFERENCE, spec, replace(given, x=x))
        first = torch.autograd.grad(output.square().sum(), x, create_graph=True)[0]
        return torch.autograd.grad(first.square().sum(), x, create_graph=True)[0]

    assert gradcheck(slope, given.x, fast_mode=True)


def test_first_derivatives_are_the_kernels_own() -> None:
    """The bridge must not quietly take the reference's gradients for those of a kernel."""

    class Doubling(ReferenceKernel):
        def backward(
            self,
            spec: KernelSpec,
            saved: SavedForBackward,
            output: Tensor | None,
            state: object,
            *,
            input_gradient: bool = True,
        ) -> Gradients:
            assert isinstance(state, tuple)
            right = super().backward(spec, saved, output, state)
            return replace(right, x=2 * right.x)

    spec = spec_of(LSTM, reverse=False, ragged=False)
    given = numbers(spec)
    grads = [
        torch.autograd.grad(run(kernel, spec, given)[0].sum(), given.x)[0]
        for kernel in (REFERENCE, Doubling())
    ]
    assert torch.equal(grads[1], 2 * grads[0])


def test_inputs_without_gradient_are_left_alone() -> None:
    spec = spec_of(LSTM, reverse=False, ragged=False)
    given = numbers(spec)
    frozen = replace(given, x=given.x.detach(), state=tuple(part.detach() for part in given.state))
    output, _ = run(REFERENCE, spec, frozen)
    first = torch.autograd.grad(output.square().sum(), frozen.weights, create_graph=True)
    again = torch.autograd.grad(sum(part.square().sum() for part in first), frozen.weights)
    assert all(bool(part.any()) for part in again)
    assert frozen.x.grad is None
