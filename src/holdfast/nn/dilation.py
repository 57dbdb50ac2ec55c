"""A layer whose state lies several steps back, as a plain layer over interleaved sequences.

With dilation d the steps t, t + d, t + 2d, … of a sequence are a sequence of their own: a layer
over T steps of B rows is a plain layer over about T/d steps of dB rows, row pB + b holding the
steps p, p + d, … of row b. In memory nothing moves where all rows are T long. The state is a queue
of d states, the oldest first: what the first d steps read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from holdfast.engine.cells import State
from holdfast.engine.kernels.contract import Problem

RunLayer = Callable[[Problem, Tensor, Tensor | None, State], tuple[Tensor, State]]


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
