"""How much of an output, and of a loss, is due to the past: by steps back, and with it cut away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.lens.subject import Subject
from holdfast.records import Attribution, ContextLoss, Floats, LagCurve
from holdfast.records.lens import Ints

STEPS: Final = 16
"""Points of the integral, after Gauss and Legendre: exact for polynomials of degree 31."""

POSITIONS: Final = 3
"""Losses of each sequence that are attributed: the last one, and others before it."""


def attribution(
    subject: Subject, max_lag: int, *, steps: int = STEPS, seed: int = 0
) -> Attribution | None:
    """Integrated gradients of the output to the inputs, summed over each step's numbers.

    The baseline is the mean input. With a loss, the output is minus the loss at a position;
    without one it is half the squared distance of the last output from the baseline's, so that
    every input that moved it counts. Of each sample come the absolute attributions up to `max_lag`
    steps back, as shares of their sum over all steps; None where the model has neither an output
    nor a loss, or nothing rests on its inputs.

    Source: Sundararajan et al. (2017), arXiv 1703.01365, equation 1 and proposition 1.
    """
    inputs = subject.encoded.detach()
    baseline = inputs.mean(dim=(0, 1), keepdim=True).expand_as(inputs).contiguous()
    samples, missed = [], []
    for at, target in _targets(subject, baseline, seed):
        by_step = integrated_gradients(target, inputs, baseline, steps).sum(dim=-1).numpy()
        with torch.no_grad():
            total = (target(inputs) - target(baseline)).numpy()
        short = np.abs(by_step.sum(axis=0) - total)
        nonzero = np.abs(total) > 1e-12
        missed.extend((short[nonzero] / np.abs(total[nonzero])).tolist())
        shares = _by_lag(np.abs(by_step), at, max_lag)
        samples.append(shares[:, nonzero & np.isfinite(shares).any(axis=0)])
    values = np.concatenate(samples, axis=1) if samples else np.empty((max_lag + 1, 0))
    if not values.shape[1]:
        return None
    curve = LagCurve.of(np.arange(max_lag + 1), values)
    return Attribution(curve, float(np.median(missed)), steps)


Target = Callable[[Tensor], Tensor]
"""(T, B, I) → (B,)."""


def _targets(
    subject: Subject, baseline: Tensor, seed: int
) -> Iterator[tuple[NDArray[np.int64], Target]]:
    """What is attributed: each with the position (B,) that lags are counted from."""
    steps, batch, _ = baseline.shape
    if subject.losses is not None:
        losses = subject.losses
        with torch.no_grad():
            predicted = ~torch.isnan(losses(subject.encoded)).numpy()
        for at in chosen_positions(predicted, POSITIONS, 0, seed):
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


def integrated_gradients(
    target: Callable[[Tensor], Tensor], inputs: Tensor, baseline: Tensor, steps: int
) -> Tensor:
    """What each input adds to a target, (T, B, I), by the integral of its gradient."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    gradient = torch.zeros_like(inputs)
    with torch.enable_grad():
        for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
            point = (baseline + float(node) * (inputs - baseline)).requires_grad_(True)
            (slope,) = torch.autograd.grad(target(point).sum(), point)
            gradient += float(weight) * slope
    return (inputs - baseline) * gradient


def _by_lag(size: Floats, at: NDArray[np.int64], max_lag: int) -> Floats:
    """(L + 1, B) shares of the sums over all steps; NaN where a sequence has no such step."""
    shares = np.full((max_lag + 1, size.shape[1]), np.nan)
    for row, position in enumerate(at.tolist()):
        back = size[: position + 1, row][::-1][: max_lag + 1]
        whole = size[:, row].sum()
        if whole > 0:
            shares[: len(back), row] = back / whole
    return shares


ROUNDS: Final = 3
"""Positions of each sequence at which the past is taken away."""


def context_loss(subject: Subject, lags: Ints, *, seed: int = 0) -> ContextLoss | None:
    """The loss with the last k steps as they are and other ones before them.

    The past is cut at one place in each sequence and round. The losses up to an eighth of k
    behind it are averaged, so that the longer contexts, which hold as much more, are not noisier
    than the shorter ones; all contexts of a round end at the same position. `lags` (K,) ascend, the
    position's own step being the first of them. None for a model without a loss, or whose sequences
    are too short for any lag.

    Source: Khandelwal et al. (2018), arXiv 1805.04623, section 3, who drop and shuffle the words
    beyond a distance in the same way.
    """
    if subject.losses is None:
        return None
    sequence = subject.encoded.detach()
    steps, batch, _ = sequence.shape
    lags = lags[(lags >= 1) & (lags < steps)]
    if not len(lags):
        return None
    with torch.no_grad():
        whole = subject.losses(sequence).numpy()
        predicted = ~np.isnan(whole)
        if not predicted.any():
            return None
        mean = sequence.mean(dim=(0, 1))
        random = np.random.default_rng(seed)
        kept, removed, shuffled = [], [], []
        for at in chosen_positions(predicted, ROUNDS, int(lags[-1]), seed):
            seen = predicted[at, np.arange(batch)] & (at >= 1)
            by_lag = []
            for lag in lags.tolist():
                cut = np.maximum(at - lag + 1, 0)
                block = _block(predicted, at, lag // 8)
                gone = subject.losses(_removed(sequence, cut, mean)).numpy()
                mixed = subject.losses(_shuffled(sequence, cut, random)).numpy()
                by_lag.append([_averaged(one, block) for one in (whole, gone, mixed)])
            kept.append(np.array([one[0] for one in by_lag])[:, seen])
            removed.append(np.array([one[1] for one in by_lag])[:, seen])
            shuffled.append(np.array([one[2] for one in by_lag])[:, seen])
    base, without, other = (np.concatenate(one, axis=1) for one in (kept, removed, shuffled))
    difference = without - base
    count = difference.shape[1]
    spread = difference.std(axis=1, ddof=1) / np.sqrt(count) if count > 1 else np.zeros(len(lags))
    # Every lag is compared with the whole past at its own positions; shown beside one whole loss.
    level = float(base.mean())
    return ContextLoss(
        lags=lags,
        removed=level + difference.mean(axis=1),
        shuffled=level + (other - base).mean(axis=1),
        whole=level,
        spread=spread,
        unit=subject.loss_unit,
    )


def _removed(sequence: Tensor, cut: NDArray[np.int64], mean: Tensor) -> Tensor:
    """The sequence with the mean in place of all that lies before each row's cut."""
    before = torch.arange(len(sequence))[:, None] < torch.from_numpy(cut)
    return torch.where(before[..., None], mean, sequence)


def _shuffled(sequence: Tensor, cut: NDArray[np.int64], random: np.random.Generator) -> Tensor:
    """The sequence with all that lies before each row's cut in another order."""
    shuffled = sequence.clone()
    for row, end in enumerate(cut.tolist()):
        if end > 1:
            shuffled[:end, row] = sequence[torch.from_numpy(random.permutation(end)), row]
    return shuffled


def _block(predicted: NDArray[np.bool_], at: NDArray[np.int64], more: int) -> NDArray[np.bool_]:
    """(T, B) the positions from `at` to `more` behind it that have a loss."""
    time = np.arange(len(predicted))[:, None]
    block: NDArray[np.bool_] = predicted & (time >= at) & (time <= at + more)
    return block


def _averaged(losses: Floats, block: NDArray[np.bool_]) -> Floats:
    """(B,) the mean over a block."""
    mean: Floats = np.where(block, np.nan_to_num(losses), 0.0).sum(axis=0) / np.maximum(
        block.sum(axis=0), 1
    )
    return mean


def chosen_positions(
    predicted: NDArray[np.bool_], count: int, least: int, seed: int
) -> list[NDArray[np.int64]]:
    """(B,) positions with a loss, `count` times: first the last ones, then some before them.

    They are not before `least`, where a sequence has a loss as late; else the last is taken.
    """
    random = np.random.default_rng(seed)
    steps, batch = predicted.shape
    late = [np.flatnonzero(predicted[:, row]) for row in range(batch)]
    positions = [np.array([one[-1] if len(one) else steps - 1 for one in late])]
    reach = max(least, steps // 2)
    for _ in range(count - 1):
        drawn = positions[0].copy()
        for row, one in enumerate(late):
            among = one[one >= reach]
            if len(among):
                drawn[row] = random.choice(among)
        if any(np.array_equal(drawn, other) for other in positions):
            break  # a loss at the end alone
        positions.append(drawn)
    return positions
