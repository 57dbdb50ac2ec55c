"""A pass as one operator of torch, for what traces: torch.compile and torch.export.

A tracer sees one node for each layer and direction, whose steps and rows stay free; the kernel is
chosen when the node runs. Its backward pass is one node too, which runs the pass again. Outside of
a tracer nothing comes this way: such an operator costs more to call than a short pass.

An operator takes tensors, numbers and strings side by side and no objects. The arguments that stand
for `Options` are made from its fields, so that a new option needs no line here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from typing import Any, Final

import torch
from torch import Tensor

from holdfast.engine.cells import (
    GRU,
    LSTM,
    NEUTRAL,
    RNN_RELU,
    RNN_TANH,
    SLSTM,
    Masks,
    Options,
    State,
)
from holdfast.engine.kernels.contract import Inputs, KernelSpec
from holdfast.engine.recompute import run_chosen, run_pass_in_segments, segment_length

_CELLS: Final = {cell.name: cell for cell in (LSTM, GRU, RNN_TANH, RNN_RELU, SLSTM)}

_OPTIONS: Final = tuple(field.name for field in fields(Options))

_KINDS: Final = {"bool": "bool", "int": "int", "float": "float", "float | None": "float?"}
"""The schema's words for the annotations of options."""

_ARGUMENTS: Final = ", ".join(
    [
        "Tensor x, Tensor? batch_sizes, Tensor[] weights, Tensor[] state, Tensor? seed",
        "int layer, int direction, str cell, bool bias, bool reverse",
        *(f"{_KINDS[str(field.type)]} {field.name}" for field in fields(Options)),
    ]
)


def run_traced(spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
    """Run a pass as one operator; arguments and results as in `autograd.run_pass`."""
    masks, options = inputs.masks, spec.options
    output, *final = _pass(
        inputs.x,
        inputs.batch_sizes,
        list(inputs.weights),
        list(inputs.state),
        None if masks is None else torch.as_tensor(masks.seed),
        0 if masks is None else masks.layer,
        0 if masks is None else masks.direction,
        spec.cell.name,
        spec.bias,
        spec.reverse,
        *[getattr(options, name) for name in _OPTIONS],
    )
    return output, tuple(final)


def _read(
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    seed: Tensor | None,
    layer: int,
    direction: int,
    cell: str,
    bias: bool,
    reverse: bool,
    *options: Any,
    gradient: bool,
) -> tuple[KernelSpec, Inputs]:
    """The operator's arguments as what a kernel takes."""
    hidden, width = state[-1].shape[-1], state[0].shape[-1]
    read = Options(**dict(zip(_OPTIONS, options, strict=True)))
    spec = KernelSpec(
        cell=_CELLS[cell],
        steps=x.shape[0] if batch_sizes is None else len(batch_sizes),
        batch=state[0].shape[1],
        input_size=x.shape[-1],
        hidden_size=hidden,
        dtype=x.dtype,
        device=x.device.type,
        reverse=reverse,
        bias=bias,
        projection=0 if width == hidden else width,
        ragged=batch_sizes is not None,
        gradient=gradient,
        options=NEUTRAL if read == NEUTRAL else read,
    )
    inputs = Inputs(
        x=x,
        batch_sizes=batch_sizes,
        weights=tuple(weights),
        state=tuple(state),
        masks=None if seed is None else Masks(int(seed), layer, direction),
    )
    return spec, inputs


@contextmanager
def _autograd_inside() -> Iterator[None]:
    """Inside, torch differentiates; an operator of one's own runs below autograd, where it cannot.

    Nothing public of torch lifts that.
    """
    excluded = torch._C._dispatch_tls_local_exclude_set()
    for key in (torch._C.DispatchKey.AutogradFunctionality, torch._C.DispatchKey.ADInplaceOrView):
        excluded = excluded.remove(key)
    included = torch._C._dispatch_tls_local_include_set()
    with torch._C._ForceDispatchKeyGuard(included, excluded), torch.enable_grad():
        yield


@torch.library.custom_op(
    "holdfast::recurrent_pass", mutates_args=(), schema=f"({_ARGUMENTS}) -> Tensor[]"
)
def _pass(*arguments: Any) -> list[Tensor]:
    spec, inputs = _read(*arguments, gradient=False)
    with torch.no_grad():
        output, final = run_chosen(spec, inputs)
    # A final state may be a view of the output, and an operator's results must lie apart.
    return [output.contiguous(), *(part.clone() for part in final)]


@_pass.register_fake
def _(
    x: Tensor, batch_sizes: Tensor | None, weights: list[Tensor], state: list[Tensor], *_: object
) -> list[Tensor]:
    # What comes after the state has no say in shapes.
    output = x.new_empty((*x.shape[:-1], state[0].shape[-1]))
    return [output, *(part.new_empty(part.shape) for part in state)]


@torch.library.custom_op(
    "holdfast::recurrent_pass_backward",
    mutates_args=(),
    schema=f"(Tensor[] grads, {_ARGUMENTS}) -> Tensor[]",
)
def _backward(grads: list[Tensor], *arguments: Any) -> list[Tensor]:
    spec, inputs = _read(*arguments, gradient=True)
    leaves = [
        tensor.detach().requires_grad_() for tensor in (inputs.x, *inputs.weights, *inputs.state)
    ]
    count = len(inputs.weights)
    inputs = Inputs(
        x=leaves[0],
        batch_sizes=inputs.batch_sizes,
        weights=tuple(leaves[1 : 1 + count]),
        state=tuple(leaves[1 + count :]),
        masks=inputs.masks,
    )
    length = segment_length(spec, "auto", None)
    with _autograd_inside():
        if length is None:
            output, final = run_chosen(spec, inputs)
        else:
            output, final = run_pass_in_segments(length, spec, inputs)
        found = torch.autograd.grad((output, *final), leaves, grads)
    return [gradient.contiguous() for gradient in found]


@_backward.register_fake
def _(
    grads: list[Tensor],
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    *_: object,
) -> list[Tensor]:
    return [tensor.new_empty(tensor.shape) for tensor in (x, *weights, *state)]


def _keep(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, batch_sizes, weights, state, seed, *rest = inputs
    ctx.save_for_backward(x, batch_sizes, seed, *weights, *state)
    ctx.count, ctx.rest = len(weights), rest


def _go_back(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    x, batch_sizes, seed, *tensors = ctx.saved_tensors
    weights, state = tensors[: ctx.count], tensors[ctx.count :]
    found = _backward(list(grads), x, batch_sizes, weights, state, seed, *ctx.rest)
    first = 1 + ctx.count
    return found[0], None, found[1:first], found[first:], None, *[None] * len(ctx.rest)


_pass.register_autograd(_go_back, setup_context=_keep)
