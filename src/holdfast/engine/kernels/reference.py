"""The equations, step after step: slow, and what every other kernel is held against."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from holdfast.engine.cells import State
from holdfast.engine.cells.masks import MaskReader
from holdfast.engine.kernels.contract import (
    Gradients,
    Inputs,
    KernelSpec,
    SavedForBackward,
    Verdict,
)


def unroll(spec: KernelSpec, inputs: Inputs) -> tuple[tuple[Tensor, ...], State]:
    """A pass in plain torch operators, differentiable as often as one likes.

    Returns:
        Every part of the state at every step (for the LSTM h and c), each (T, B, ·) or, where
        ragged, (rows, ·); and the state after each row's last step, each part (1, B, ·).
    """
    x, batch_sizes, state = inputs.x, inputs.batch_sizes, inputs.state
    step, weights, options = spec.cell.step, spec.weights(inputs.weights), spec.options
    masks = MaskReader(
        inputs.masks, options, state[0].shape[1], spec.output_size, spec.hidden_size, x
    )
    by_step = x.unbind(0) if batch_sizes is None else torch.split(x, batch_sizes.tolist())
    now = tuple(part.squeeze(0) for part in state)
    history: list[State] = []
    order = range(len(by_step))
    for t in reversed(order) if spec.reverse else order:
        rows = by_step[t].shape[0]
        before = tuple(part[:rows] for part in now)
        after = step(by_step[t], before, weights, options, masks.at(t, rows))
        history.append(after)
        # The rows behind have ended, or, read backwards, have not begun: their state waits.
        now = tuple(
            torch.cat([new, old[rows:]]) if rows < old.shape[0] else new
            for new, old in zip(after, now, strict=True)
        )
    if spec.reverse:
        history.reverse()
    join = torch.stack if batch_sizes is None else torch.cat
    every = tuple(join(list(part)) for part in zip(*history, strict=True))
    return every, tuple(part.unsqueeze(0) for part in now)


def gradients(
    spec: KernelSpec,
    inputs: Inputs,
    output: Tensor | None,
    state: tuple[Tensor | None, ...],
    *,
    create_graph: bool = False,
) -> Gradients:
    """The gradients of a pass, by running it again with torch's autograd watching.

    Output and state as in `contract.PassKernel.backward`. With `create_graph` the result can be
    differentiated itself, with respect to the inputs and to the gradients given here.
    """
    tensors = (inputs.x, *inputs.weights, *inputs.state)
    if not create_graph:
        tensors = tuple(tensor.detach().requires_grad_() for tensor in tensors)
    count = len(inputs.weights)
    watched = inputs._replace(
        x=tensors[0], weights=tensors[1 : 1 + count], state=tensors[1 + count :]
    )
    with torch.enable_grad():
        every, final = unroll(spec, watched)
    results = (every[0], *final)
    reached = tuple(
        torch.zeros_like(result) if gradient is None else gradient
        for result, gradient in zip(results, (output, *state), strict=True)
    )
    leaves = [tensor for tensor in tensors if tensor.requires_grad]
    found = iter(torch.autograd.grad(results, leaves, reached, create_graph=create_graph))
    every_gradient = tuple(
        next(found) if tensor.requires_grad else torch.zeros_like(tensor) for tensor in tensors
    )
    return Gradients(every_gradient[0], every_gradient[1 : 1 + count], every_gradient[1 + count :])


class ReferenceKernel:
    """Loops over `cell.step`; its derivative is autograd's."""

    name = "reference"
    own_backward: Literal[True] = True

    def serves(self, spec: KernelSpec) -> Verdict:
        """Every pass of every cell with every option that the cell has."""
        if not spec.is_pass:
            return Verdict(False, "the loop over the equations runs one layer and direction")
        foreign = set(spec.options.changed) - spec.cell.options
        if foreign:
            return Verdict(False, f"{spec.cell.name} has no {', '.join(sorted(foreign))}")
        return Verdict(True, "the cell's equations, step after step")

    def forward(self, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State, SavedForBackward]:
        """Run a pass; see `contract.PassKernel`."""
        (output, *cells), final = unroll(spec, inputs)
        return output, final, SavedForBackward(inputs, output, cells[0] if cells else None)

    def backward(
        self,
        spec: KernelSpec,
        saved: SavedForBackward,
        output: Tensor | None,
        state: tuple[Tensor | None, ...],
        *,
        input_gradient: bool = True,
    ) -> Gradients:
        """The gradients of a pass; see `contract.PassKernel`."""
        return gradients(spec, saved.inputs, output, state)


REFERENCE = ReferenceKernel()
