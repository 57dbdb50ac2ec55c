"""How many steps are worth keeping for the backward pass: the rule behind `recompute`."""

from __future__ import annotations

import math
from typing import Final, Literal

from holdfast.engine.kernels.contract import Problem
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


def segment_length(problem: Problem, recompute: Recompute, memory: int | None) -> int | None:
    """The steps of a segment, or None where the backward pass may keep every step.

    "auto" without a budget: None up to 10,000 steps; then √T steps, at least 1,000. With a budget
    M: None where T steps fit into it; else the longest segment S of which S steps and the T/S
    states at the borders of all L·D passes fit.

    Arguments:
        problem: a stack.
        recompute: "auto", the steps, or None.
        memory: M, bytes above inputs, outputs (those between layers too) and their gradients.

    Raises:
        ArgumentError: as `check_recompute`, or no segment is short enough for the budget.

    Example:
        >>> import torch
        >>> from holdfast.engine.cells import LSTM
        >>> problem = Problem(LSTM, 4_000_000, 1, 8, 64, torch.float32, "cpu")
        >>> segment_length(problem, "auto", None), segment_length(problem, 500, None)
        (2000, 500)
        >>> segment_length(problem, "auto", 100_000_000)
        3538
    """
    check_recompute(recompute, memory)
    if recompute != "auto":
        return recompute
    steps, itemsize = problem.steps, problem.dtype.itemsize
    if memory is None:
        return None if steps <= LONG else max(SHORTEST, math.isqrt(steps - 1) + 1)
    units = problem.batch * problem.hidden_size
    passes = problem.layers * problem.directions
    step = STEP_OVERHEAD + VALUES_A_UNIT * units * itemsize
    if steps * step * passes <= memory:
        return None
    border = len(problem.cell.parts) * units * itemsize * passes
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
