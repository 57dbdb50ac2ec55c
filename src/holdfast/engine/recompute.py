"""Exact gradients through long sequences: the state is kept at borders, the inside run again."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import torch
from torch import Tensor

from holdfast.engine.autograd import run_pass
from holdfast.engine.cells import Masks, State
from holdfast.engine.kernels import reference
from holdfast.engine.kernels.choose import choose
from holdfast.engine.kernels.contract import Inputs, KernelSpec
from holdfast.errors import ArgumentError

Recompute = Literal["auto"] | int | None

LONG: Final = 10_000
"""Steps up to which "auto" keeps them all, unless a budget says otherwise."""

SHORTEST: Final = 1_000
"""Steps below which "auto" cuts no segment: a call's fixed costs would show."""

STEP_OVERHEAD: Final = 24_000
VALUES_A_UNIT: Final = 16
"""What a kernel keeps of a step: bytes whatever its size, and numbers for each row and unit.

Measured on torch 2.13: its loops over a step of 64 units peaked at 22 kB a step for one row, its
fused LSTM at 15 numbers a unit for 1 and for 128 rows. Kernels of our own keep less.
"""


def check_recompute(recompute: Recompute, memory: int | None) -> None:
    """Refuse what makes no sense.

    Raises:
        ArgumentError: `recompute` is not "auto", None or a whole number from 1; `recompute_memory`
            is not a whole number from 1, or stands beside a `recompute` that is not "auto".
    """
    if recompute is not None and recompute != "auto" and not _counts(recompute):
        raise ArgumentError(
            'recompute must be "auto", None or the steps of a segment, a whole number from 1; '
            f"got {recompute!r}."
        )
    if memory is None:
        return
    if not _counts(memory):
        raise ArgumentError(
            f"recompute_memory must be a whole number of bytes from 1, got {memory!r}."
        )
    if recompute != "auto":
        raise ArgumentError(
            'recompute_memory chooses the segments of recompute="auto"; give one of the two, got '
            f"recompute={recompute!r}."
        )


def segment_length(spec: KernelSpec, recompute: Recompute, memory: int | None) -> int | None:
    """The steps of a segment of a stack, or None where the backward pass may keep every step.

    "auto" without a budget: None up to 10,000 steps; then √T steps, at least 1,000. With a budget
    M: None where T steps fit into it; else the longest segment S of which S steps and the T/S
    states at the borders of all L·D passes fit. M counts bytes above inputs, outputs (those between
    layers too) and their gradients.

    Raises:
        ArgumentError: as `check_recompute`, or no segment is short enough for the budget.

    Example:
        >>> import torch
        >>> from holdfast.engine.cells import LSTM
        >>> spec = KernelSpec(LSTM, 4_000_000, 1, 8, 64, torch.float32, "cpu")
        >>> segment_length(spec, "auto", None), segment_length(spec, 500, None)
        (2000, 500)
        >>> segment_length(spec, "auto", 100_000_000)
        3538
    """
    check_recompute(recompute, memory)
    if recompute != "auto":
        return recompute
    steps, itemsize = spec.steps, spec.dtype.itemsize
    if memory is None:
        return None if steps <= LONG else max(SHORTEST, math.isqrt(steps - 1) + 1)
    units = spec.batch * spec.hidden_size
    passes = spec.layers * spec.directions
    step = STEP_OVERHEAD + VALUES_A_UNIT * units * itemsize
    if steps * step * passes <= memory:
        return None
    border = len(spec.cell.parts) * units * itemsize * passes
    # S·step + (T/S + 1)·border = M; the larger root is the longest segment that fits.
    spare = memory - border
    root = spare * spare - 4 * steps * step * border
    longest = (spare + math.isqrt(root)) // (2 * step) if spare > 0 and root >= 0 else 0
    if longest < 1:
        least = border + 2 * math.isqrt(steps * step * border) + step
        raise ArgumentError(
            f"recompute_memory of {memory:,} bytes is too little for {steps:,} steps; give "
            f"{least:,} or more, or a smaller batch."
        )
    return min(longest, steps)


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


@dataclass(frozen=True)
class Segment:
    """Some steps of a pass."""

    spec: KernelSpec
    """The same pass over these steps only."""
    rows: slice
    """Where they lie in x and in the output: steps of a dense batch, rows of a ragged one."""
    batch_sizes: Tensor | None
    """Of these steps where ragged, else None."""
    batch: int
    """How many sequences take part; the states of those behind them wait."""
    start: int

    def of(self, state: State) -> State:
        """The states of the sequences that take part, of (1, B, ·)."""
        return tuple(part[:, : self.batch] for part in state)

    def inputs(self, of_pass: Inputs, state: State) -> Inputs:
        """Those of these steps, which begin with a state, from those of the pass."""
        masks = of_pass.masks
        return of_pass._replace(
            x=of_pass.x[self.rows],
            batch_sizes=self.batch_sizes,
            state=state,
            masks=masks and replace(masks, first_step=masks.first_step + self.start),
        )


def segments(spec: KernelSpec, batch_sizes: Tensor | None, length: int) -> Iterator[Segment]:
    """The segments of a pass in the order in which it reads them; the last in time has the rest.

    Example:
        >>> from holdfast.engine.cells import GRU
        >>> spec = KernelSpec(GRU, 7, 2, 3, 4, torch.float32, "cpu", reverse=True)
        >>> [each.rows for each in segments(spec, None, 3)]
        [slice(6, 7, None), slice(3, 6, None), slice(0, 3, None)]
    """
    starts = range(0, spec.steps, length)
    ends = None if batch_sizes is None else [0, *batch_sizes.cumsum(0).tolist()]
    for start in reversed(starts) if spec.reverse else starts:
        end = min(start + length, spec.steps)
        sizes = None if batch_sizes is None else batch_sizes[start:end]
        batch = spec.batch if sizes is None else int(sizes[0])
        yield Segment(
            replace(spec, steps=end - start, batch=batch),
            slice(start, end) if ends is None else slice(ends[start], ends[end]),
            sizes,
            batch,
            start,
        )


def run_pass_in_segments(length: int, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
    """Run one layer in one direction, in segments, so that the backward pass needs little memory.

    Forward keeps the state at the segments' borders; backward runs each segment again, from the
    last one read to the first, and hands the gradient of the state on. The gradients are those of
    the plain pass to rounding, for about one more forward pass. Second derivatives are the
    equations' own and keep every step.

    Source: the trade of Chen, Xu, Zhang and Guestrin (2016), arXiv 1604.06174, section 4.1, with
    the state as the only thing that crosses a border.
    """
    weights = inputs.weights
    output, *final = _Segments.apply(  # type: ignore[no-untyped-call]  # torch leaves it untyped
        length, spec, inputs.batch_sizes, inputs.masks, len(weights), inputs.x, *weights,
        *inputs.state,
    )  # fmt: skip
    return output, tuple(final)


def run_chosen(spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
    """Run a pass on the kernel that is chosen for it."""
    kernel = choose(spec).kernel
    if spec.reverse and inputs.batch_sizes is None:
        # A fused library that reads forwards only reads a dense pass the other way round.
        forwards = replace(spec, reverse=False)
        if choose(forwards).kernel is not kernel:
            output, final = run_chosen(forwards, inputs._replace(x=inputs.x.flip(0), masks=None))
            return output.flip(0), final
    if kernel.own_backward is True:
        return run_pass(kernel, spec, inputs)
    return kernel.forward(spec, inputs)


class _Segments(torch.autograd.Function):
    # torch tracks a function's tensors only as arguments of their own, hence the star.
    @staticmethod
    def forward(
        ctx: Any,
        length: int,
        spec: KernelSpec,
        batch_sizes: Tensor | None,
        masks: Masks | None,
        count: int,
        x: Tensor,
        *tensors: Tensor,
    ) -> tuple[Tensor, ...]:
        inputs = Inputs(
            x=x,
            batch_sizes=batch_sizes,
            weights=tensors[:count],
            state=tensors[count:],
            masks=masks,
        )
        parts = tuple(segments(spec, batch_sizes, length))
        output = x.new_empty((*x.shape[:-1], spec.output_size))
        borders = tuple(part.new_empty((len(parts), *part.shape[1:])) for part in inputs.state)
        now = tuple(part.clone() for part in inputs.state)
        for index, segment in enumerate(parts):
            for border, part in zip(borders, now, strict=True):
                border[index] = part[0]
            output[segment.rows], after = run_chosen(
                replace(segment.spec, gradient=False), segment.inputs(inputs, segment.of(now))
            )
            for part, new in zip(segment.of(now), after, strict=True):
                part.copy_(new)
        ctx.save_for_backward(x, *tensors, *borders)
        ctx.call = (length, spec, batch_sizes, masks, count)
        ctx.set_materialize_grads(False)  # an output that no loss reads may be gigabytes of zeros
        return (output, *now)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        length, spec, batch_sizes, masks, count = ctx.call
        parts = len(spec.cell.parts)
        x, *rest = ctx.saved_tensors
        borders = tuple(rest[count + parts :])
        inputs = Inputs(
            x=x,
            batch_sizes=batch_sizes,
            weights=tuple(rest[:count]),
            state=tuple(rest[count : count + parts]),
            masks=masks,
        )
        of_state = tuple(
            torch.zeros_like(part) if grad is None else grad
            for part, grad in zip(inputs.state, grads[1:], strict=True)
        )
        if torch.is_grad_enabled():  # so it is exactly when a derivative of this one is wanted
            shape = (*x.shape[:-1], spec.output_size)
            of_output = x.new_zeros(shape) if grads[0] is None else grads[0]
            found = reference.gradients(spec, inputs, of_output, of_state, create_graph=True)
            return (None, None, None, None, None, found.x, *found.weights, *found.state)
        needed = ctx.needs_input_grad[5 : 6 + count]
        of_x = torch.empty_like(x) if needed[0] else None
        weights = tuple(
            weight.detach().requires_grad_(wants)
            for weight, wants in zip(inputs.weights, needed[1:], strict=True)
        )
        totals = {index: torch.zeros_like(w) for index, w in enumerate(weights) if w.requires_grad}
        now = tuple(part.clone() for part in of_state)
        each = tuple(segments(spec, batch_sizes, length))
        for index in reversed(range(len(each))):
            segment = each[index]
            before = segment.of(tuple(border[index : index + 1] for border in borders))
            again = segment.inputs(inputs, tuple(part.detach().requires_grad_() for part in before))
            again = again._replace(x=again.x.detach().requires_grad_(needed[0]), weights=weights)
            of_inputs, of_weights, of_before = _backward_again(
                segment.spec,
                again,
                None if grads[0] is None else grads[0][segment.rows],
                segment.of(now),
            )
            if of_x is not None and of_inputs is not None:
                of_x[segment.rows] = of_inputs
            for total, part in zip(totals.values(), of_weights, strict=True):
                total += part
            for part, new in zip(segment.of(now), of_before, strict=True):
                part.copy_(new)
        return (None, None, None, None, None, of_x, *map(totals.get, range(count)), *now)


def _backward_again(
    spec: KernelSpec, inputs: Inputs, of_output: Tensor | None, of_state: State
) -> tuple[Tensor | None, tuple[Tensor, ...], State]:
    """Run a segment again and go back through it, from what reaches its output and final state.

    The inputs are leaves, of which those with `requires_grad` count. Returns the gradient to x if
    it counts, to the weights that count, and to the state.
    """
    with torch.enable_grad():
        output, after = run_chosen(spec, inputs)
    reached = list(zip(after, of_state, strict=True))
    if of_output is not None:
        reached.append((output, of_output))
    leaves = [t for t in (inputs.x, *inputs.weights, *inputs.state) if t.requires_grad]
    tensors, slopes = zip(*reached, strict=True)
    found = torch.autograd.grad(tensors, leaves, slopes)
    first = int(inputs.x.requires_grad)
    last = len(leaves) - len(inputs.state)
    return found[0] if first else None, found[first:last], found[last:]
