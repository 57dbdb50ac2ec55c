"""One step of a whole stack: for streams, and as a function to differentiate."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from holdfast.engine.cells import State
from holdfast.errors import ArgumentError
from holdfast.nn.arguments import check_input, check_state
from holdfast.nn.recurrent import Recurrent
from holdfast.nn.stack import autocasts, run_stack


def step(layer: Recurrent, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """Take one step without autograd, by the cell's equations.

    Arguments:
        layer: reads one way.
        x: (B, I).
        state: each part (L, B, ·), or None for zeros.

    Returns:
        The output (B, ·) and the state after it.

    Raises:
        ArgumentError: the layer is bidirectional, or x or the state has another shape or dtype.
    """
    check_one_way(layer, "step")
    _check_x(x, "step")
    weights = layer._all_weights()
    check_input(x, weights[0], layer.input_size)
    with torch.no_grad():
        return _advance(layer, x, state, weights, "step")


def transition(layer: Recurrent, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """Take one step by the cell's equations, in the dtype of x, for any derivative.

    Arguments, returns, errors: as in `step`; weights are turned to the dtype of x.
    """
    check_one_way(layer, "transition")
    _check_x(x, "transition")
    weights = tuple(weight.to(x.dtype) for weight in layer._all_weights())
    check_input(x, weights[0], layer.input_size)
    with torch.autocast(x.device.type, enabled=False):
        return _advance(layer, x, state, weights, "transition")


def _advance(
    layer: Recurrent, x: Tensor, state: State | None, weights: tuple[Tensor, ...], method: str
) -> tuple[Tensor, State]:
    batch = x.shape[0]
    if state is None:
        state = layer._zero_state(x, batch)
    else:
        check_state(state, layer.cell.parts, layer._state_shapes(batch))
        for name, part in zip(layer.cell.parts, state, strict=True):
            if part.dtype != x.dtype and not autocasts(x.device.type):
                raise ArgumentError(
                    f"{method} takes {name} in the dtype of x, {x.dtype}, got {part.dtype}; "
                    f"convert it: {name}.to(x.dtype)."
                )
    problem = layer._problem(x, 1, batch, ragged=False)
    problem = replace(problem, dropout=0.0, by_equations=True)
    output, after = layer._run_problem(run_stack, problem, x.unsqueeze(0), None, weights, state)
    return output.squeeze(0), after


def check_one_way(layer: Recurrent, method: str) -> None:
    """Refuse a layer that has to see a sequence's end first."""
    if layer.bidirectional:
        raise ArgumentError(
            f"{method} takes one step forward, and a bidirectional layer must see the last step of "
            "a sequence before it can give the first output; make the layer with "
            "bidirectional=False."
        )


def _check_x(x: Tensor, method: str) -> None:
    if x.dim() != 2:
        raise ArgumentError(
            f"{method} takes x of shape (B, I), one step of each of B sequences, got "
            f"{tuple(x.shape)}; give one sequence as x.unsqueeze(0)."
        )
