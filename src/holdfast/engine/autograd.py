"""The only bridge between torch's autograd and kernels that bring their own derivative."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from holdfast.engine.cells import Masks, State
from holdfast.engine.kernels import reference
from holdfast.engine.kernels.contract import Problem, Tape, TapedKernel


def run_pass(
    kernel: TapedKernel,
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    masks: Masks | None = None,
) -> tuple[Tensor, State]:
    """Run one layer in one direction so that torch's autograd can go back through it.

    First derivatives are the kernel's. Derivatives of derivatives come from the reference's
    equations, whichever kernel ran. Forward mode and vmap are refused by torch with its own error.

    Arguments:
        kernel: serves the problem.
        problem: a pass.
        x, batch_sizes, weights, state, masks: as in `contract.Tape`.

    Returns:
        The output and the state after each row's last step.
    """
    output, *final = _Pass.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
        kernel, problem, batch_sizes, masks, len(weights), x, *weights, *state
    )
    return output, tuple(final)


class _Pass(torch.autograd.Function):
    # torch tracks a function's tensors only as arguments of their own, hence the star.
    @staticmethod
    def forward(
        ctx: Any,
        kernel: TapedKernel,
        problem: Problem,
        batch_sizes: Tensor | None,
        masks: Masks | None,
        count: int,
        x: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        weights, state = tensors[:count], tensors[count:]
        output, final, tape = kernel.forward(problem, x, batch_sizes, weights, state, masks)
        ctx.save_for_backward(x, *tensors, output, tape.cells)
        ctx.call = (kernel, problem, batch_sizes, masks, count)
        return (output, *final)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        kernel, problem, batch_sizes, masks, count = ctx.call
        x, *tensors, output, cells = ctx.saved_tensors
        weights, state = tuple(tensors[:count]), tuple(tensors[count:])
        tape = Tape(x, batch_sizes, weights, state, output, cells, masks)
        if torch.is_grad_enabled():  # so it is exactly when a derivative of this one is wanted
            found = reference.gradients(problem, tape, grads[0], grads[1:], create_graph=True)
        else:
            found = kernel.backward(problem, tape, grads[0], grads[1:])
        return (None, None, None, None, None, found.x, *found.weights, *found.state)
