"""Lyapunov exponents of a layer, and its linear memory capacity."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from holdfast.errors import ArgumentError
from holdfast.lens.passes import LayerPass, run_steps
from holdfast.lens.step_jacobians import step_jacobian
from holdfast.records.forecast import Floats
from holdfast.records.lens import Ints, LagCurve

DEFAULT_COUNT = 32
"""Exponents where nobody says how many: those of the directions that live longest."""

_SEQUENCES = 2
_CHUNK_BYTES = 1 << 25


def exponents(one: LayerPass, *, count: int | None = None, burn_in: int | None = None) -> Floats:
    """The largest Lyapunov exponents of the joint state, along the sequences that were read.

    An orthonormal frame of directions is carried along, J_t Q = Q' R, and ln |R_jj| averaged over
    the steps behind the burn-in, in which the frame turns towards the directions that grow most. A
    positive exponent says that differences grow (chaos), 0 that they stay, −1/τ that they are
    forgotten within τ steps.

    The state of an sLSTM holds its scale e^m apart from c and n, which is one more direction for
    each unit that means nothing for h; its exponents count that one, too.

    They come per step, falling, as the mean over the first two sequences; −inf where a direction
    dies in one step. By default 32 (or all) are given and a fifth of the sequence is burn-in.

    Source: Vogt, Zipser and Shlizerman (2022), arXiv 2006.14123, section 2; Benettin et al. (1980).

    Raises:
        ArgumentError: `count` or `burn_in` leaves nothing to measure.
    """
    one = one.reading()
    width = sum(part.shape[-1] for part in one.after)
    chain = range(0, one.steps, one.dilation)
    directions = min(DEFAULT_COUNT, width) if count is None else count
    skipped = len(chain) // 5 if burn_in is None else burn_in
    if not 1 <= directions <= width:
        raise ArgumentError(
            f"count must be from 1 to the {width} numbers of the state, got {count}."
        )
    if not 0 <= skipped < len(chain):
        raise ArgumentError(
            f"burn_in must be from 0 to below the {len(chain)} steps, got {burn_in}."
        )
    rows = min(one.sequences, _SEQUENCES)
    draw = np.random.default_rng(0).standard_normal((rows, width, directions))
    frame = torch.linalg.qr(torch.from_numpy(draw)).Q
    total = torch.zeros(rows, directions, dtype=torch.float64)
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


_TRAINING, _VALIDATION, _TEST = 5, 2, 3
"""Sequences of noise for the readout's weights, its penalty, and the scores."""

_WASHOUT = 100
"""Steps beside those of the longest lag in which a state of zeros turns into a common one."""

_PENALTIES = (1e-10, 1e-8, 1e-6, 1e-4, 1e-2, 1.0)


def memory_capacity(one: LayerPass, lags: Ints, *, steps: int = 4000, seed: int = 0) -> LagCurve:
    """R² by lag: how much of white noise k steps back a linear readout finds in the state.

    In place of its input the layer reads one signal of N(0, 1), independent from step to step, in
    all channels: each with the mean and the spread that its input had, and a sign drawn for it. For
    every lag a ridge regression on the joint state (h, c) is fitted, its penalty chosen on other
    sequences, and scored on others again: R² = 1 − squared error / variance, 0 where it is below.
    Lags are (K,), ascending from 0: the step that was read last. `steps` of noise count all
    sequences together, beside what the longest lag needs before it.

    Source: Jaeger (2001), "Short term memory in echo state networks", GMD report 152, section 2.
    """
    back = np.asarray(lags, dtype=np.int64)
    first = int(back.max(initial=0)) + _WASHOUT * one.dilation
    sequences = _TRAINING + _VALIDATION + _TEST
    length = max(2, steps // sequences)
    draw = np.random.default_rng(seed)
    noise = draw.standard_normal((first + length, sequences))
    level, spread = one.x.mean((0, 1)), one.x.std((0, 1), correction=0)
    if not bool(spread.any()):
        spread = torch.ones_like(spread)  # a layer that has heard nothing can still be asked
    signs = torch.from_numpy(draw.choice([-1.0, 1.0], len(spread)))
    x = level + torch.from_numpy(noise)[..., None] * (spread * signs)
    _, after = run_steps(one.cell, x, one.weights, one.options, one.dilation)
    states = torch.cat(after, dim=-1)[first:]
    targets = torch.stack(
        [torch.from_numpy(noise[first - k : first - k + length]) for k in back], dim=-1
    )
    return LagCurve.of(back, _scores(states, targets))


def total_capacity(curve: LagCurve) -> float:
    """The sum of R² over all lags from the first measured one to the last, in steps.

    Lags between two measured ones count as on the straight line between them. It cannot be above
    the width of the state for noise of one signal (Jaeger 2001, proposition 2).
    """
    every = np.arange(curve.lags[0], curve.lags[-1] + 1)
    return float(np.interp(every, curve.lags, curve.median).sum())


def _scores(states: Tensor, targets: Tensor) -> Floats:
    """R² of ridge regressions, (K, test sequences), from (T, B, S) and (T, B, K)."""
    first, second = _TRAINING, _TRAINING + _VALIDATION
    if not bool(torch.isfinite(states.square().sum())):
        # The state has grown beyond all numbers: nothing can be read from it.
        return np.zeros((targets.shape[2], targets.shape[1] - second))
    level = states[:, :first].mean((0, 1))
    spread = states[:, :first].std((0, 1), correction=0)
    states = (states - level) / torch.where(spread > 0, spread, 1.0)
    x, y = states[:, :first].flatten(0, 1), targets[:, :first].flatten(0, 1)
    middle = y.mean(0)
    values, vectors = torch.linalg.eigh(x.T @ x / len(x))
    product = vectors.T @ (x.T @ (y - middle)) / len(x)
    best = weights = None
    for penalty in _PENALTIES:
        tried = vectors @ (product / (values.clamp(min=0.0) + penalty)[:, None])
        score = _explained(states[:, first:second], targets[:, first:second], tried, middle).mean(0)
        if best is None or weights is None:
            best, weights = score, tried
        better = score > best
        best, weights = torch.where(better, score, best), torch.where(better, tried, weights)
    assert weights is not None
    score = _explained(states[:, second:], targets[:, second:], weights, middle)
    explained: Floats = score.clamp(min=0.0).T.numpy()
    return explained


def _explained(states: Tensor, targets: Tensor, weights: Tensor, middle: Tensor) -> Tensor:
    """R² of each sequence and lag, (B, K)."""
    error = targets - middle - states @ weights
    return 1 - (error**2).sum(0) / ((targets - targets.mean(0)) ** 2).sum(0)
