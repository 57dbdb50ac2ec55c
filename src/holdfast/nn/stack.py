"""Running a stack of layers on whichever kernel the engine chooses."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor
from torch.nn.functional import dropout

from holdfast.engine.autograd import equations_needed, run_pass, under_transform
from holdfast.engine.cells import Masks, State
from holdfast.engine.kernels.choose import choose, choose_transparent
from holdfast.engine.kernels.contract import Problem
from holdfast.engine.operator import run_traced
from holdfast.engine.recompute import run_pass_in_segments
from holdfast.nn.dilation import run_dilated

RunPass = Callable[
    [Problem, Tensor, Tensor | None, tuple[Tensor, ...], State, Masks | None],
    tuple[Tensor, State],
]
"""Runs one layer in one direction; the arguments are those of `contract.Tape`."""

RunStack = Callable[
    [Problem, Tensor, Tensor | None, tuple[Tensor, ...], State, int | None, Masks | None],
    tuple[Tensor, State],
]
"""Runs some layers; the arguments are those of `run_stack`."""

_BY_EQUATIONS: ContextVar[bool] = ContextVar("by_equations", default=False)


@contextmanager
def by_equations() -> Iterator[None]:
    """Inside, every layer runs its equations step after step, and nothing faster.

    They are plain torch operators, so every derivative and transform of torch goes through them:
    for second derivatives where a fused kernel has none (cuDNN), and for the question whether a
    strange number comes from a kernel. Same results to rounding, some hundred times slower, and
    every step is kept for the backward pass.

    Example:
        >>> import torch
        >>> from holdfast.nn import LSTM
        >>> layer, x = LSTM(3, 4), torch.randn(5, 2, 3)
        >>> with by_equations():
        ...     slow, _ = layer(x)
        >>> torch.allclose(slow, layer(x)[0], atol=1e-6)
        True
    """
    token = _BY_EQUATIONS.set(True)
    try:
        yield
    finally:
        _BY_EQUATIONS.reset(token)


def equations_wanted() -> bool:
    """Whether this is inside `by_equations`; what traces cannot ask."""
    return not torch.compiler.is_compiling() and _BY_EQUATIONS.get()


def autocasts(device: str) -> bool:
    """Whether this is inside an autocast for a type of device, such as "cpu"."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def run_stack(
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    segment: int | None = None,
    masks: Masks | None = None,
) -> tuple[Tensor, State]:
    """Run all layers and directions.

    Arguments:
        problem: a stack.
        x, batch_sizes, weights, state: as in `contract.TransparentKernel.forward`.
        segment: steps of which the backward pass may keep all it needs; it computes the steps
            anew segment by segment where there are more. None for all of them.
        masks: those of the stack's first pass, None outside training; the others' follow from them.

    Returns:
        output (T, B, DH), or (rows, DH) where ragged, and the state after each row's last step,
        each part (LD, B, ·).
    """
    if torch.compiler.is_compiling():
        return run_passes(run_traced, problem, x, batch_sizes, weights, state, masks)
    tensors = (x, *weights, *state)
    if segment is not None and (
        segment >= problem.steps
        or not problem.gradient
        or not any(tensor.requires_grad for tensor in tensors)
    ):
        segment = None
    if autocasts(problem.device):  # the kernel is to serve what it will get
        problem = replace(problem, dtype=torch.get_autocast_dtype(problem.device))
    kernel = choose(problem).kernel
    if equations_needed(tensors):
        problem, segment = replace(problem, by_equations=True), None
        kernel = choose(problem).kernel
    elif under_transform():
        segment, transparent = None, choose_transparent(problem)
        if transparent is None:
            problem = replace(problem, by_equations=True)
        kernel = transparent or choose(problem).kernel
    if segment is not None:
        run: RunPass = partial(run_pass_in_segments, segment)
    elif kernel.taped is True:
        run = partial(run_pass, kernel)
    else:
        return kernel.forward(problem, x, batch_sizes, weights, state)
    return run_passes(run, problem, x, batch_sizes, weights, state, masks)


def run_passes(
    run: RunPass,
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    masks: Masks | None,
) -> tuple[Tensor, State]:
    """Run a stack pass by pass.

    Arguments:
        run: runs one pass.
        problem, x, batch_sizes, weights, state, masks: as in `run_stack`.

    Returns:
        As `run_stack`.
    """
    device = problem.device
    if not autocasts(device):
        return _run_passes(run, problem, x, batch_sizes, weights, state, masks)
    dtype = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):  # so that forward and backward are in one dtype
        return _run_passes(
            run,
            replace(problem, dtype=dtype),
            x.to(dtype),
            batch_sizes,
            tuple(weight.to(dtype) for weight in weights),
            tuple(part.to(dtype) for part in state),
            masks,
        )


def run_layers(
    run: RunStack,
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    segment: int | None,
    masks: Masks | None,
    *,
    residual: bool,
    dilation: tuple[int, ...],
) -> tuple[Tensor, State]:
    """Run a stack layer by layer, with what stands between layers and around them.

    Source: residual stacks: Wu et al. (2016), arXiv 1609.08144, section 3.1.

    Arguments:
        run: runs one layer.
        problem, x, batch_sizes, weights, segment, masks: as in `run_stack`.
        state: as there, but for a layer of dilation d each direction has d rows.
        residual: whether layers from the second on add their input, as it was before dropout.
        dilation: of each layer; empty for 1.

    Returns:
        As `run_stack`; the final state is the layers' own, without what residuals add.
    """
    width, directions = problem.tensors_per_pass, problem.directions
    finals: list[State] = []
    row = 0
    for layer in range(problem.layers):
        read = dropout(x, problem.dropout) if layer and problem.dropout > 0 else x
        part = replace(problem, input_size=x.shape[-1], layers=1, dropout=0.0)
        own = weights[layer * directions * width : (layer + 1) * directions * width]
        back = dilation[layer] if dilation else 1
        held = tuple(before[row : row + back * directions] for before in state)
        row += back * directions

        of_layer = _of_pass(masks, layer, 0)

        def run_layer(
            inner: Problem,
            rows: Tensor,
            sizes: Tensor | None,
            begin: State,
            own: tuple[Tensor, ...] = own,
            of_layer: Masks | None = of_layer,
            # Its steps are so many rows wide, and as many of them shall be kept.
            segment: int | None = None if segment is None else max(1, segment // back),
        ) -> tuple[Tensor, State]:
            return run(inner, rows, sizes, own, begin, segment, of_layer)

        if back == 1:
            output, final = run_layer(part, read, batch_sizes, held)
        else:
            output, final = run_dilated(run_layer, part, read, batch_sizes, held, back)
        finals.append(final)
        x = x + output if residual and layer else output
    return x, _stacked(finals)


def _run_passes(
    run: RunPass,
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    masks: Masks | None,
) -> tuple[Tensor, State]:
    if problem.is_pass and problem.dropout == 0:
        return run(problem, x, batch_sizes, weights, state, masks)
    width, directions = problem.tensors_per_pass, problem.directions
    outputs: list[Tensor] = []
    finals: list[State] = []
    for index, part in enumerate(problem.passes()):
        if index and index % directions == 0:
            x = _joined(outputs)
            if problem.dropout > 0:
                x = dropout(x, problem.dropout)
            outputs = []
        output, final = run(
            part,
            x,
            batch_sizes,
            weights[index * width : (index + 1) * width],
            tuple(before[index : index + 1] for before in state),
            _of_pass(masks, index // directions, index % directions),
        )
        outputs.append(output)
        finals.append(final)
    return _joined(outputs), _stacked(finals)


def _of_pass(masks: Masks | None, layer: int, direction: int) -> Masks | None:
    """The masks of a pass from those of its stack."""
    return masks and replace(masks, layer=masks.layer + layer, direction=direction)


def _stacked(states: list[State]) -> State:
    """The final states of passes one after the other."""
    if len(states) == 1:
        return states[0]
    return tuple(torch.cat(list(parts)) for parts in zip(*states, strict=True))


def _joined(outputs: list[Tensor]) -> Tensor:
    """The directions of a layer side by side."""
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
