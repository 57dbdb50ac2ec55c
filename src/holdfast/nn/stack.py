"""Running a stack of layers on whichever kernel the engine chooses, dilated layers included.

A layer whose state lies d steps back is a plain layer over interleaved sequences: the steps t,
t + d, t + 2d, … of a sequence are a sequence of their own, so that T steps of B rows are about T/d
steps of dB rows, row pB + b holding the steps p, p + d, … of row b. In memory nothing moves where
all rows are T long. The state is a queue of d states, the oldest first, which the first d steps
read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
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

RunLayer = Callable[[Problem, Tensor, Tensor | None, State], tuple[Tensor, State]]
"""Runs one plain layer; the arguments are a stack of it, its input, batch sizes and state."""

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


@dataclass(frozen=True)
class Interleaving:
    """How a layer's rows and steps become those of a plain one.

    Arguments:
        steps: of the longest interleaved sequence.
        batch_sizes: rows at each of these steps, or None where all are equally long.
        rows: (N,) the interleaved sequences pB + b by falling length, without the empty ones;
            None where they lie so already.
        data: where each row of the interleaved batch lies in the packed one; None as above.
        sequences: dB.
        live: how many of them are not empty.
    """

    steps: int
    batch_sizes: Tensor | None
    rows: Tensor | None
    data: Tensor | None
    sequences: int
    live: int


def run_dilated(
    run: RunLayer,
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    state: State,
    dilation: int,
) -> tuple[Tensor, State]:
    """Run one layer, in one direction or both, whose state lies `dilation` steps back.

    Source: Chang et al. (2017), arXiv 1710.02224, equation 1 and section 2.1.

    Arguments:
        run: runs a plain layer.
        problem: a stack of one layer.
        x, batch_sizes: as in `contract.TransparentKernel.forward`.
        state: each part (Dd, B, ·): for each direction a queue of d states, the oldest first.
        dilation: d.

    Returns:
        As `contract.TransparentKernel.forward`; the state is the queue after each row's last step.
    """
    batch, device = problem.batch, x.device
    if batch_sizes is None:
        lengths = torch.full((batch,), problem.steps)
        plan = _dense(problem.steps, batch, dilation)
    else:
        lengths = (batch_sizes[:, None] > torch.arange(batch)).sum(0)
        plan = _ragged(lengths, batch_sizes, dilation)
    inner = replace(problem, steps=plan.steps, batch=plan.live, ragged=plan.batch_sizes is not None)
    if batch_sizes is None:
        rows = x.reshape(problem.steps * batch, x.shape[-1])
    else:
        rows = x if plan.data is None else x.index_select(0, plan.data.to(device))
    if plan.batch_sizes is None:
        rows = rows.reshape(plan.steps, plan.live, x.shape[-1])
    slots = [slot.to(device) for slot in _slots(lengths, dilation, problem.directions)]
    begun = [_begin(part, slots, plan) for part in state]
    output, final = run(inner, rows, plan.batch_sizes, tuple(part for part, _ in begun))
    if batch_sizes is None:
        output = output.reshape(problem.steps, batch, output.shape[-1])
    elif plan.data is not None:
        output = output.index_select(0, plan.data.argsort().to(device))
    ends = [end.to(device) for end in _ends(lengths, dilation, problem.directions)]
    after = tuple(
        _queue(part, waiting, ends, plan) for part, (_, waiting) in zip(final, begun, strict=True)
    )
    return output, after


def _dense(steps: int, batch: int, dilation: int) -> Interleaving:
    whole, rest = steps // dilation, steps % dilation  # what torch.compile has for free numbers
    rows = dilation * batch
    if rest == 0:
        return Interleaving(whole, None, None, None, rows, rows)
    sizes = torch.cat([torch.full((whole,), rows), torch.full((1,), rest * batch)])
    return Interleaving(whole + 1, sizes, None, None, rows, rows if whole else rest * batch)


def _ragged(lengths: Tensor, batch_sizes: Tensor, dilation: int) -> Interleaving:
    batch = len(lengths)
    phase = torch.arange(dilation)[:, None]
    own = (lengths - phase + dilation - 1).div(dilation, rounding_mode="floor").clamp(min=0)
    falling = own.flatten().argsort(descending=True, stable=True)
    live = int((own > 0).sum())
    rows = falling[:live]
    own = own.flatten()[rows]
    step = torch.arange(int(own[0]))[:, None]
    there = step < own
    starts = torch.cat([batch_sizes.new_zeros(1), batch_sizes.cumsum(0)])
    time = (step * dilation + rows // batch).clamp(max=len(batch_sizes) - 1)
    data = (starts[time] + rows % batch)[there]
    return Interleaving(len(step), there.sum(1), falling, data, dilation * batch, live)


def _slots(lengths: Tensor, dilation: int, directions: int) -> list[Tensor]:
    """For each direction the place in the queue from which each sequence begins, (d, B)."""
    phase = torch.arange(dilation)[:, None].expand(dilation, len(lengths))
    return [phase, (lengths - 1 - phase) % dilation][:directions]


def _ends(lengths: Tensor, dilation: int, directions: int) -> list[Tensor]:
    """For each direction the sequence whose end comes to each place of the queue, (d, B)."""
    place = torch.arange(dilation)[:, None].expand(dilation, len(lengths))
    return [(lengths + place) % dilation, dilation - 1 - place][:directions]


def _begin(part: Tensor, slots: list[Tensor], plan: Interleaving) -> tuple[Tensor, Tensor]:
    """What the interleaved sequences begin with: (D, live, ·), and of those that are empty."""
    queues = part.chunk(len(slots))
    flat = torch.stack(
        [_picked(queue, slot).flatten(0, 1) for queue, slot in zip(queues, slots, strict=True)]
    )
    if plan.rows is not None:
        flat = flat.index_select(1, plan.rows.to(flat.device))
    return flat[:, : plan.live], flat[:, plan.live :]


def _queue(final: Tensor, waiting: Tensor, ends: list[Tensor], plan: Interleaving) -> Tensor:
    """The queue after each row's last step, (Dd, B, ·)."""
    flat = torch.cat([final, waiting.to(final.dtype)], dim=1) if waiting.shape[1] else final
    if plan.rows is not None:
        flat = flat.index_select(1, plan.rows.argsort().to(flat.device))
    rows = [
        _picked(one.reshape(*end.shape, one.shape[-1]), end)
        for one, end in zip(flat, ends, strict=True)
    ]
    return torch.cat(rows)


def _picked(queue: Tensor, index: Tensor) -> Tensor:
    """queue[index[p, b], b], (d, B, ·)."""
    return queue.gather(0, index[..., None].expand(*index.shape, queue.shape[-1]))
