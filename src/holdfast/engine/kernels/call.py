"""What the compiled library is told of a pass."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Final

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
    State,
    Weights,
)
from holdfast.engine.kernels import native
from holdfast.engine.kernels.contract import Problem

CELLS: Final = (LSTM, GRU, RNN_TANH, RNN_RELU, SLSTM)
"""The first four in the order of the table in `native/kernels.cpp`."""

TOGETHER: Final = 3
"""Rows that a thread takes as quickly as one, since it is reading the weights that takes time."""

SMALL: Final = 1 << 19
"""Multiplications, some 20 microseconds of them, up to which one thread does it alone."""


def is_variant(problem: Problem) -> bool:
    """Whether a pass needs the kernels with options, which are a little slower than the others."""
    return (
        problem.options is not NEUTRAL and bool(problem.options.changed)
    ) or problem.projection > 0


def kernel_of(problem: Problem) -> int:
    """The number of a pass's kernel in the table in `native/kernels.cpp`."""
    if problem.cell is SLSTM:
        return 9
    plain = CELLS.index(problem.cell)
    if not is_variant(problem):
        return plain
    return 4 + plain + (plain > 0 or problem.options.coupled)


def slots_of(problem: Problem) -> int:
    """What the forward pass keeps of a unit at a step for the backward pass: the gates.

    The plain RNN's only gate is its output, and not once options stand between the two. What has
    been normalised would take three times as much memory, and is always computed once more.
    """
    if problem.cell is SLSTM:
        return 6  # they depend on all steps before, and cannot be computed once more
    if problem.options.layer_norm:
        return 0
    if problem.cell is GRU:
        return 4  # r, z, n and what r is multiplied with
    gates = len(problem.cell.gates) - problem.options.coupled
    return gates if gates > 1 or is_variant(problem) else 0


def tell_options(
    call: native.Call,
    problem: Problem,
    weights: Weights,
    masks: Masks | None,
    gradients: Weights | None,
) -> None:
    """Fill in what belongs to options.

    Arguments:
        call: of which the rest is told already.
        problem, weights, masks: of the pass; the weights have to live as long as the call.
        gradients: where those of the weights go to, in a backward pass.
    """
    options = problem.options
    call.projection = problem.projection
    if masks is not None:
        call.masked, call.seed, call.first_step = True, int(masks.seed), masks.first_step
        call.stream = 16 * (2 * masks.layer + masks.direction)
    call.recurrent_dropout = options.recurrent_dropout
    call.zoneout_hidden, call.zoneout_cell = options.zoneout_hidden, options.zoneout_cell
    call.exponential_forget = options.exponential_forget
    call.cell_clip = math.inf if options.cell_clip is None else options.cell_clip
    call.weight_hr, call.peephole = pointer(weights.weight_hr), pointer(weights.weight_peephole)
    call.norm_ih, call.norm_hh = pointer(weights.norm_ih), pointer(weights.norm_hh)
    call.norm_c, call.norm_c_bias = pointer(weights.norm_c), pointer(weights.norm_c_bias)
    if gradients is None:
        return
    call.grad_weight_hr = pointer(gradients.weight_hr)
    call.grad_peephole = pointer(gradients.weight_peephole)
    call.grad_norm_ih = pointer(gradients.norm_ih)
    call.grad_norm_hh = pointer(gradients.norm_hh)
    call.grad_norm_c = pointer(gradients.norm_c)
    call.grad_norm_c_bias = pointer(gradients.norm_c_bias)


def check(problem: Problem, x: Tensor, weights: Weights, state: State) -> None:
    """The library trusts its pointers: sizes that a caller could have changed are checked."""
    of_weights, of_state = _wanted(problem)
    _check(problem, x, (*x.shape[:-1], problem.input_size))
    for place, shape in of_weights:
        _check(problem, weights[place], shape)
    for part, shape in zip(state, of_state, strict=False):
        _check(problem, part, shape)


@lru_cache(maxsize=1024)
def _wanted(
    problem: Problem,
) -> tuple[tuple[tuple[int, tuple[int, ...]], ...], tuple[tuple[int, ...], ...]]:
    """The shape of each weight, by its place in `Weights`, and of each part of the state."""
    units = problem.hidden_size
    of_weights = tuple(
        (Weights._fields.index(name), shape) for name, shape in problem.weight_shapes().items()
    )
    widths = (problem.output_size, units, units, units)
    return of_weights, tuple((1, problem.batch, width) for width in widths)


def _check(problem: Problem, tensor: Tensor | None, shape: tuple[int, ...]) -> None:
    assert tensor is not None
    if tensor.shape != shape or tensor.dtype != problem.dtype or not tensor.is_cpu:
        raise RuntimeError(
            f"Expected a tensor of size {tuple(shape)} and {problem.dtype} on the CPU, got "
            f"{tuple(tensor.shape)} and {tensor.dtype} on {tensor.device}"
        )


def dense(problem: Problem, weights: Weights) -> Weights:
    """With W_hh in full, where it is given as blocks on its diagonal; zeros around them."""
    heads = problem.options.heads
    if heads == 1:
        return weights
    full = weights.weight_hh.new_zeros(4 * problem.hidden_size, problem.hidden_size)
    on_diagonal(full, heads).copy_(weights.weight_hh.view(on_diagonal(full, heads).shape))
    return weights._replace(weight_hh=full)


def on_diagonal(full: Tensor, heads: int) -> Tensor:
    """The blocks on the diagonal of a matrix (4H, H), as a view (4, heads, H/heads, H/heads)."""
    units = full.shape[1] // heads
    return full.view(4, heads, units, heads, units).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


def worthwhile_threads(problem: Problem) -> int:
    """As many as torch has, or fewer where more would not end sooner."""
    rows = len(problem.cell.gates) * problem.hidden_size
    multiplications = (
        problem.steps * problem.batch * rows * (problem.input_size + problem.hidden_size)
    )
    if multiplications < SMALL:
        return 1
    return min(torch.get_num_threads(), -(-problem.batch // TOGETHER))


def pointer(tensor: Tensor | None) -> int | None:
    """Where a tensor lies."""
    return None if tensor is None else tensor.data_ptr()
