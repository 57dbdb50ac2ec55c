"""The equations, step after step: slow, and what every other kernel is held against."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from holdfast.engine.cells import Masks, State
from holdfast.engine.cells.masks import MaskReader
from holdfast.engine.kernels.contract import Gradients, Problem, Tape, Verdict


def unroll(
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    masks: Masks | None = None,
) -> tuple[tuple[Tensor, ...], State]:
    """A pass in plain torch operators, differentiable as often as one likes.

    Arguments:
        problem: a pass.
        x, batch_sizes, weights, state, masks: as in `contract.Tape`.

    Returns:
        Every part of the state at every step (for the LSTM h and c), each (T, B, ·) or, where
        ragged, (rows, ·); and the state after each row's last step, each part (1, B, ·).
    """
    step, named, options = problem.cell.step, problem.weights(weights), problem.options
    drawn = MaskReader(
        masks, options, state[0].shape[1], problem.output_size, problem.hidden_size, x
    )
    inputs = x.unbind(0) if batch_sizes is None else torch.split(x, batch_sizes.tolist())
    now = tuple(part.squeeze(0) for part in state)
    history: list[State] = []
    order = range(len(inputs))
    for t in reversed(order) if problem.reverse else order:
        rows = inputs[t].shape[0]
        before = tuple(part[:rows] for part in now)
        after = step(inputs[t], before, named, options, drawn.at(t, rows))
        history.append(after)
        # The rows behind have ended, or, read backwards, have not begun: their state waits.
        now = tuple(
            torch.cat([new, old[rows:]]) if rows < old.shape[0] else new
            for new, old in zip(after, now, strict=True)
        )
    if problem.reverse:
        history.reverse()
    join = torch.stack if batch_sizes is None else torch.cat
    every = tuple(join(list(part)) for part in zip(*history, strict=True))
    return every, tuple(part.unsqueeze(0) for part in now)


def gradients(
    problem: Problem,
    tape: Tape,
    output: Tensor | None,
    state: tuple[Tensor | None, ...],
    *,
    create_graph: bool = False,
) -> Gradients:
    """The gradients of a pass, by running it again with torch's autograd watching.

    Arguments:
        problem, tape, output, state: as in `contract.TapedKernel.backward`.
        create_graph: whether the result shall be differentiable itself, with respect to the
            tape's x, weights and state and to the gradients given here.
    """
    given = (tape.x, *tape.weights, *tape.state)
    if not create_graph:
        given = tuple(tensor.detach().requires_grad_() for tensor in given)
    count = len(tape.weights)
    with torch.enable_grad():
        every, final = unroll(
            problem,
            given[0],
            tape.batch_sizes,
            given[1 : 1 + count],
            given[1 + count :],
            tape.masks,
        )
    results = (every[0], *final)
    reached = tuple(
        torch.zeros_like(result) if gradient is None else gradient
        for result, gradient in zip(results, (output, *state), strict=True)
    )
    watched = [tensor for tensor in given if tensor.requires_grad]
    found = iter(torch.autograd.grad(results, watched, reached, create_graph=create_graph))
    result = tuple(
        next(found) if tensor.requires_grad else torch.zeros_like(tensor) for tensor in given
    )
    return Gradients(result[0], result[1 : 1 + count], result[1 + count :])


class ReferenceKernel:
    """Loops over `cell.step`; its derivative is autograd's."""

    name = "reference"
    taped: Literal[True] = True

    def serves(self, problem: Problem) -> Verdict:
        """Every pass of every cell with every option that the cell has."""
        if not problem.is_pass:
            return Verdict(False, "the loop over the equations runs one layer and direction")
        foreign = set(problem.options.changed) - problem.cell.options
        if foreign:
            return Verdict(False, f"{problem.cell.name} has no {', '.join(sorted(foreign))}")
        return Verdict(True, "the cell's equations, step after step")

    def forward(
        self,
        problem: Problem,
        x: Tensor,
        batch_sizes: Tensor | None,
        weights: tuple[Tensor, ...],
        state: State,
        masks: Masks | None = None,
    ) -> tuple[Tensor, State, Tape]:
        """Run a pass; see `contract.TapedKernel`."""
        (output, *cells), final = unroll(problem, x, batch_sizes, weights, state, masks)
        c = cells[0] if cells else None
        tape = Tape(x, batch_sizes, weights, state, output, c, masks=masks)
        return output, final, tape

    def backward(
        self,
        problem: Problem,
        tape: Tape,
        output: Tensor | None,
        state: tuple[Tensor | None, ...],
        *,
        input_gradient: bool = True,
    ) -> Gradients:
        """The gradients of a pass; see `contract.TapedKernel`."""
        return gradients(problem, tape, output, state)


REFERENCE = ReferenceKernel()
