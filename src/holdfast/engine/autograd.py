"""The autograd function that runs a kernel and its own derivative."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch._C._functorch import TransformType, get_interpreter_stack
from torch.autograd import forward_ad

from holdfast.engine.cells import State
from holdfast.engine.kernels import reference
from holdfast.engine.kernels.contract import Inputs, KernelSpec, PassKernel, SavedForBackward


def under_transform() -> bool:
    """Whether a `torch.func` transform is active; it cannot differentiate through `_Pass`."""
    return bool(get_interpreter_stack())


def equations_needed(tensors: Iterable[Tensor]) -> bool:
    """Whether a transform of torch is active that only the plain equations support.

    vmap and forward mode (`torch.func.jvp`, dual numbers) have no rule for a fused operator;
    `torch.func.grad` alone does go back through torch's own operators. The tensors are all that go
    into the recurrence.

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


def run_pass(kernel: PassKernel, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
    """Run one layer in one direction so that torch's autograd can go back through it.

    Returns the output and the state after each row's last step.

    First derivatives are the kernel's. Derivatives of derivatives come from the reference's
    equations, whichever kernel ran. Forward mode, vmap and torch.func.grad do not come this far
    (`equations_needed`, `under_transform`): a spec that asks for the equations has them run here
    in plain sight of torch.
    """
    if spec.by_equations:
        every, after = reference.unroll(spec, inputs)
        return every[0], after
    if not spec.gradient:  # the bridge costs more than a short pass
        output, after, _ = kernel.forward(spec, inputs)
        return output, after
    output, *final = _Pass.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
        kernel, spec, inputs, inputs.x, *inputs.weights, *inputs.state
    )
    return output, tuple(final)


class _Pass(torch.autograd.Function):
    # torch tracks a function's tensors only as arguments of their own, hence the star.
    @staticmethod
    def forward(
        ctx: Any, kernel: PassKernel, spec: KernelSpec, inputs: Inputs, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        output, final, saved = kernel.forward(spec, inputs)
        ctx.save_for_backward(*tensors, output, saved.cells, saved.gates)
        ctx.set_materialize_grads(False)
        # No tensor that a gradient may reach is kept here: torch would not know of it.
        ctx.call = (kernel, spec, inputs.batch_sizes, inputs.masks, len(inputs.weights))
        return (output, *final)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        kernel, spec, batch_sizes, masks, count = ctx.call
        x, *tensors, output, cells, gates = ctx.saved_tensors
        inputs = Inputs(
            x=x,
            batch_sizes=batch_sizes,
            weights=tuple(tensors[:count]),
            state=tuple(tensors[count:]),
            masks=masks,
        )
        if torch.is_grad_enabled():  # so it is exactly when a derivative of this one is wanted
            found = reference.gradients(spec, inputs, grads[0], grads[1:], create_graph=True)
        else:
            saved = SavedForBackward(inputs, output, cells, gates)
            found = kernel.backward(
                spec, saved, grads[0], grads[1:], input_gradient=ctx.needs_input_grad[3]
            )
        return (None, None, None, found.x, *found.weights, *found.state)
