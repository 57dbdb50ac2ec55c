"""Which inputs an output rests on, by how many steps back they lie."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.lens.positions import chosen_positions
from holdfast.lens.subject import Subject
from holdfast.records import Attribution, Floats, LagCurve

STEPS: Final = 16
"""Points of the integral, after Gauss and Legendre: exact for polynomials of degree 31."""

POSITIONS: Final = 3
"""Losses of each sequence that are attributed: the last one, and others before it."""


def attribution(
    subject: Subject, max_lag: int, *, steps: int = STEPS, positions: int = POSITIONS, seed: int = 0
) -> Attribution | None:
    """Integrated gradients of the output to the inputs, summed over each step's numbers.

    The baseline is the mean input. With a loss, the output is minus the loss at a position;
    without one it is half the squared distance of the last output from the baseline's, so that
    every input that moved it counts.

    Arguments:
        subject: a model taken apart.
        max_lag: L, the farthest step back that is told apart.
        steps: points of the integral.
        positions: losses of each sequence.
        seed: of the choice among the positions.

    Returns:
        Of each sample the absolute attributions, as shares of their sum over all steps; None where
        the model has neither an output nor a loss, or nothing rests on its inputs.

    Source: Sundararajan et al. (2017), arXiv 1703.01365, equation 1 and proposition 1.
    """
    inputs = subject.encoded.detach()
    baseline = inputs.mean(dim=(0, 1), keepdim=True).expand_as(inputs).contiguous()
    samples, missed = [], []
    for at, target in _targets(subject, baseline, positions, seed):
        with torch.enable_grad():
            by_step, total = _integrated(target, inputs, baseline, steps)
        short = np.abs(by_step.sum(axis=0) - total)
        there = np.abs(total) > 1e-12
        missed.extend((short[there] / np.abs(total[there])).tolist())
        shares = _by_lag(np.abs(by_step), at, max_lag)
        samples.append(shares[:, there & np.isfinite(shares).any(axis=0)])
    values = np.concatenate(samples, axis=1) if samples else np.empty((max_lag + 1, 0))
    if not values.shape[1]:
        return None
    curve = LagCurve.of(np.arange(max_lag + 1), values)
    return Attribution(curve, float(np.median(missed)), steps)


Target = Callable[[Tensor], Tensor]
"""(T, B, I) → (B,)."""


def _targets(
    subject: Subject, baseline: Tensor, positions: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], Target]]:
    """What is attributed: each with the position (B,) that lags are counted from."""
    steps, batch, _ = baseline.shape
    if subject.losses is not None:
        losses = subject.losses
        with torch.no_grad():
            predicted = ~torch.isnan(losses(subject.encoded)).numpy()
        for at in chosen_positions(predicted, positions, 0, seed):
            rows = torch.from_numpy(at)
            seen = torch.from_numpy(predicted[at, np.arange(batch)])

            def minus_loss(x: Tensor, rows: Tensor = rows, seen: Tensor = seen) -> Tensor:
                return torch.where(seen, -losses(x).gather(0, rows[None])[0], 0.0)

            yield at, minus_loss
    elif subject.output is not None:
        output = subject.output
        with torch.no_grad():
            resting = output(baseline)

        def distance(x: Tensor) -> Tensor:
            moved = 0.5 * (output(x) - resting).square().sum(dim=-1)
            return moved if len(moved) == batch else moved.expand(batch) / batch

        yield np.full(batch, steps - 1), distance


def _integrated(
    target: Target, inputs: Tensor, baseline: Tensor, steps: int
) -> tuple[Floats, Floats]:
    """(T, B) attributions, and (B,) what they should sum to."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    gradient = torch.zeros_like(inputs)
    for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        point = (baseline + float(node) * (inputs - baseline)).requires_grad_(True)
        (slope,) = torch.autograd.grad(target(point).sum(), point)
        gradient += float(weight) * slope
    with torch.no_grad():
        total = target(inputs) - target(baseline)
    made = ((inputs - baseline) * gradient).sum(dim=-1)
    return made.detach().numpy(), total.detach().numpy()


def _by_lag(size: Floats, at: NDArray[np.int64], max_lag: int) -> Floats:
    """(L + 1, B) shares of the sums over all steps; NaN where a sequence has no such step."""
    made = np.full((max_lag + 1, size.shape[1]), np.nan)
    for row, position in enumerate(at.tolist()):
        back = size[: position + 1, row][::-1][: max_lag + 1]
        whole = size[:, row].sum()
        if whole > 0:
            made[: len(back), row] = back / whole
    return made
