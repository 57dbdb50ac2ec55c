"""A pass as one operator of torch, for what traces: torch.compile and torch.export.

A tracer sees one node for each layer and direction, whose steps and rows stay free; the kernel is
chosen when the node runs. Its backward pass is one node too, which runs the pass again. Outside of
a tracer nothing comes this way: such an operator costs more to call than a short pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
from holdfast.engine.kernels.contract import Problem
from holdfast.engine.recompute import run_chosen, run_pass_in_segments, segment_length

_CELLS = {cell.name: cell for cell in (LSTM, GRU, RNN_TANH, RNN_RELU, SLSTM)}


def run_traced(
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    masks: Masks | None,
) -> tuple[Tensor, State]:
    """Run a pass as one operator; arguments and results as in `autograd.run_pass`."""
    output, *final = _pass(
        x,
        batch_sizes,
        list(weights),
        list(state),
        None if masks is None else torch.as_tensor(masks.seed),
        [0, 0] if masks is None else [masks.layer, masks.direction],
        _numbers(problem.options),
        problem.cell.name,
        problem.bias,
        problem.reverse,
    )
    return output, tuple(final)


def _numbers(options: Options) -> list[float]:
    """The options in the order of their fields, since an operator takes no other form."""
    return [
        float(options.peepholes),
        float(options.coupled),
        float(options.layer_norm),
        options.cell_clip or 0.0,
        options.recurrent_dropout,
        options.zoneout_hidden,
        options.zoneout_cell,
        float(options.heads),
        float(options.exponential_forget),
    ]


def _options(numbers: list[float]) -> Options:
    """And back."""
    peepholes, coupled, layer_norm, clip, dropout, hidden, cell, heads, exponential = numbers
    read = Options(
        peepholes=bool(peepholes),
        coupled=bool(coupled),
        layer_norm=bool(layer_norm),
        cell_clip=clip or None,
        recurrent_dropout=dropout,
        zoneout_hidden=hidden,
        zoneout_cell=cell,
        heads=int(heads),
        exponential_forget=bool(exponential),
    )
    return NEUTRAL if read == NEUTRAL else read


def _masks(seed: Tensor | None, place: list[int]) -> Masks | None:
    return None if seed is None else Masks(int(seed), place[0], place[1])


def _problem(
    x: Tensor,
    batch_sizes: Tensor | None,
    state: list[Tensor],
    options: list[float],
    cell: str,
    bias: bool,
    reverse: bool,
    gradient: bool,
) -> Problem:
    """What is to be run, read off the tensors."""
    hidden, width = state[-1].shape[-1], state[0].shape[-1]
    return Problem(
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
        options=_options(options),
    )


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


@torch.library.custom_op("holdfast::recurrent_pass", mutates_args=())
def _pass(
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    seed: Tensor | None,
    place: list[int],
    options: list[float],
    cell: str,
    bias: bool,
    reverse: bool,
) -> list[Tensor]:
    problem = _problem(x, batch_sizes, state, options, cell, bias, reverse, gradient=False)
    with torch.no_grad():
        output, final = run_chosen(
            problem, x, batch_sizes, tuple(weights), tuple(state), _masks(seed, place)
        )
    # A final state may be a view of the output, and an operator's results must lie apart.
    return [output.contiguous(), *(part.clone() for part in final)]


@_pass.register_fake
def _(
    x: Tensor, batch_sizes: Tensor | None, weights: list[Tensor], state: list[Tensor], *_: object
) -> list[Tensor]:
    # What comes after the state has no say in shapes.
    output = x.new_empty((*x.shape[:-1], state[0].shape[-1]))
    return [output, *(part.new_empty(part.shape) for part in state)]


@torch.library.custom_op("holdfast::recurrent_pass_backward", mutates_args=())
def _backward(
    grads: list[Tensor],
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: list[Tensor],
    state: list[Tensor],
    seed: Tensor | None,
    place: list[int],
    options: list[float],
    cell: str,
    bias: bool,
    reverse: bool,
) -> list[Tensor]:
    problem = _problem(x, batch_sizes, state, options, cell, bias, reverse, gradient=True)
    leaves = [tensor.detach().requires_grad_() for tensor in (x, *weights, *state)]
    given = (
        tuple(leaves[1 : 1 + len(weights)]),
        tuple(leaves[1 + len(weights) :]),
        _masks(seed, place),
    )
    length = segment_length(problem, "auto", None)
    with _autograd_inside():
        if length is None:
            output, final = run_chosen(problem, leaves[0], batch_sizes, *given)
        else:
            output, final = run_pass_in_segments(length, problem, leaves[0], batch_sizes, *given)
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


def _remember(ctx: Any, inputs: tuple[Any, ...], output: list[Tensor]) -> None:
    x, batch_sizes, weights, state, seed, *rest = inputs
    ctx.save_for_backward(x, batch_sizes, seed, *weights, *state)
    ctx.count, ctx.rest = len(weights), rest


def _go_back(ctx: Any, grads: list[Tensor]) -> tuple[Any, ...]:
    x, batch_sizes, seed, *tensors = ctx.saved_tensors
    weights, state = tensors[: ctx.count], tensors[ctx.count :]
    found = _backward(list(grads), x, batch_sizes, weights, state, seed, *ctx.rest)
    first = 1 + ctx.count
    return found[0], None, found[1:first], found[first:], None, None, None, None, None, None


_pass.register_autograd(_go_back, setup_context=_remember)
