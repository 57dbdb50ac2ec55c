"""Whether small differences of the state grow or shrink: Lyapunov exponents."""

from __future__ import annotations

import numpy as np
import torch

from holdfast.errors import ArgumentError
from holdfast.lens.passes import LayerPass
from holdfast.lens.step_jacobians import step_jacobian
from holdfast.records.forecast import Floats

DEFAULT_COUNT = 32
"""Exponents where nobody says how many: those of the directions that live longest."""

_SEQUENCES = 2
_CHUNK_BYTES = 1 << 25


def exponents(
    one: LayerPass, *, count: int | None = None, burn_in: int | None = None, seed: int = 0
) -> Floats:
    """The largest Lyapunov exponents of the joint state, along the sequences that were read.

    An orthonormal frame of directions is carried along, J_t Q = Q' R, and ln |R_jj| averaged over
    the steps behind the burn-in, in which the frame turns towards the directions that grow most. A
    positive exponent says that differences grow (chaos), 0 that they stay, −1/τ that they are
    forgotten within τ steps.

    The state of an sLSTM holds its scale e^m apart from c and n, which is one more direction for
    each unit that means nothing for h; its exponents count that one, too.

    Source: Vogt, Zipser and Shlizerman (2022), arXiv 2006.14123, section 2; Benettin et al. (1980).

    Arguments:
        one: a pass.
        count: how many, from 1 to the width of the state; by default 32, or all where that is less.
        burn_in: steps that do not count; by default a fifth of the sequence.
        seed: of the first frame.

    Returns:
        (count,) per step, falling, the mean over the first two sequences; −inf where a direction
        dies in one step.

    Raises:
        ArgumentError: `count` or `burn_in` leaves nothing to measure.

    Example:
        >>> from holdfast.lens.passes import run_passes
        >>> from holdfast.nn import LSTM
        >>> (one,) = run_passes(LSTM(3, 8, timescale=100), torch.randn(200, 2, 3))
        >>> largest = exponents(one, count=3)
        >>> len(largest), bool(largest[0] < 0)
        (3, True)
    """
    one = one.reading()
    width = sum(part.shape[-1] for part in one.after)
    chain = range(0, one.steps, one.dilation)
    wanted = min(DEFAULT_COUNT, width) if count is None else count
    skipped = len(chain) // 5 if burn_in is None else burn_in
    if not 1 <= wanted <= width:
        raise ArgumentError(
            f"count must be from 1 to the {width} numbers of the state, got {count}."
        )
    if not 0 <= skipped < len(chain):
        raise ArgumentError(
            f"burn_in must be from 0 to below the {len(chain)} steps, got {burn_in}."
        )
    rows = min(one.sequences, _SEQUENCES)
    draw = np.random.default_rng(seed).standard_normal((rows, width, wanted))
    frame = torch.linalg.qr(torch.from_numpy(draw)).Q
    total = torch.zeros(rows, wanted, dtype=torch.float64)
    size = width * one.after[0].shape[-1] * 8 * rows
    chunk = max(1, _CHUNK_BYTES // size)
    for begin in range(0, len(chain), chunk):
        times = list(chain[begin : begin + chunk])
        every = step_jacobian(
            one.cell,
            one.x[times, :rows].flatten(0, 1),
            tuple(part[times, :rows].flatten(0, 1) for part in one.before),
            one.weights,
            one.options,
        )
        for index in range(len(times)):
            step = every.at(slice(index * rows, (index + 1) * rows))
            frame, triangle = torch.linalg.qr(step.times(frame))
            if begin + index >= skipped:
                total += triangle.diagonal(dim1=1, dim2=2).abs().log()
    mean = total.mean(0) / ((len(chain) - skipped) * one.dilation)
    falling: Floats = mean.sort(descending=True).values.numpy()
    return falling
