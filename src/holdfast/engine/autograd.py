"""The only bridge between torch's autograd and kernels that bring their own derivative."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import TransformType, get_interpreter_stack
from torch.autograd import forward_ad

from holdfast.engine.cells import Masks, State
from holdfast.engine.kernels import reference
from holdfast.engine.kernels.contract import Problem, Tape, TapedKernel


def under_transform() -> bool:
    """Whether a transform of `torch.func` looks on: it cannot look through a bridge of ours."""
    return bool(get_interpreter_stack())


def equations_needed(tensors: Iterable[Tensor]) -> bool:
    """Whether one of torch's transforms looks on that only the plain equations can answer.

    vmap and forward mode (`torch.func.jvp`, dual numbers) have no rule for a fused operator;
    `torch.func.grad` alone does go back through torch's own operators.

    Arguments:
        tensors: all that go into the recurrence.

    Example:
        >>> seen, x = [], torch.ones(2)
        >>> _ = torch.func.vmap(lambda x: seen.append(equations_needed([x])) or x)(x)
        >>> _ = torch.func.grad(lambda x: seen.append(equations_needed([x])) or x.sum())(x)
        >>> seen
        [True, False]
    """
    transforms = get_interpreter_stack()
    if transforms:
        return any(each.key() != TransformType.Grad for each in transforms)
    if forward_ad._current_level < 0:  # nobody can hold a dual number
        return False
    return any(_tangent(tensor) is not None for tensor in tensors)


def _tangent(tensor: Tensor) -> Tensor | None:
    """What forward mode carries beside a dual number."""
    dual = forward_ad.unpack_dual(tensor)  # type: ignore[no-untyped-call]  # torch leaves it untyped
    tangent: Tensor | None = dual.tangent
    return tangent


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
    equations, whichever kernel ran. Forward mode, vmap and torch.func.grad do not come this far
    (`equations_needed`, `under_transform`): a problem that asks for the equations has them run
    here in plain sight of torch.

    Arguments:
        kernel: serves the problem.
        problem: a pass.
        x, batch_sizes, weights, state, masks: as in `contract.Tape`.

    Returns:
        The output and the state after each row's last step.
    """
    if problem.by_equations:
        every, after = reference.unroll(problem, x, batch_sizes, weights, state, masks)
        return every[0], after
    if not problem.gradient:  # the bridge costs more than a short pass
        output, after, _ = kernel.forward(problem, x, batch_sizes, weights, state, masks)
        return output, after
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
        ctx.save_for_backward(x, *tensors, output, tape.cells, tape.kept)
        ctx.set_materialize_grads(False)
        ctx.call = (kernel, problem, batch_sizes, masks, count)
        return (output, *final)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        kernel, problem, batch_sizes, masks, count = ctx.call
        x, *tensors, output, cells, kept = ctx.saved_tensors
        weights, state = tuple(tensors[:count]), tuple(tensors[count:])
        tape = Tape(x, batch_sizes, weights, state, output, cells, kept, masks)
        of_state = grads[1:]
        if torch.is_grad_enabled():  # so it is exactly when a derivative of this one is wanted
            found = reference.gradients(problem, tape, grads[0], of_state, create_graph=True)
        else:
            found = kernel.backward(
                problem, tape, grads[0], of_state, input_gradient=ctx.needs_input_grad[5]
            )
        return (None, None, None, None, None, found.x, *found.weights, *found.state)
