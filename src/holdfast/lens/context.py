"""What the past is worth: the loss when everything before a lag is taken away."""

from __future__ import annotations

from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.lens.positions import chosen_positions
from holdfast.lens.subject import Subject
from holdfast.records import ContextLoss, Floats
from holdfast.records.lens import Ints

ROUNDS: Final = 3
"""Positions of each sequence at which the past is taken away."""


def context_loss(
    subject: Subject, lags: Ints, *, rounds: int = ROUNDS, seed: int = 0
) -> ContextLoss | None:
    """The loss with the last k steps as they are and other ones before them.

    The past is cut at one place in each sequence and round. The losses up to an eighth of k
    behind it are averaged, so that the longer contexts, which hold as much more, are not noisier
    than the shorter ones; all contexts of a round end at the same position.

    Arguments:
        subject: a model taken apart.
        lags: (K,) steps that are left, ascending; the position's own is the first of them.
        rounds: positions of each sequence.
        seed: of the positions and of the other order.

    Returns:
        None for a model without a loss, or whose sequences are too short for any lag.

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
        for at in chosen_positions(predicted, rounds, int(lags[-1]), seed):
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
    made = sequence.clone()
    for row, end in enumerate(cut.tolist()):
        if end > 1:
            made[:end, row] = sequence[torch.from_numpy(random.permutation(end)), row]
    return made


def _block(predicted: NDArray[np.bool_], at: NDArray[np.int64], more: int) -> NDArray[np.bool_]:
    """(T, B) the positions from `at` to `more` behind it that have a loss."""
    time = np.arange(len(predicted))[:, None]
    made: NDArray[np.bool_] = predicted & (time >= at) & (time <= at + more)
    return made


def _averaged(losses: Floats, block: NDArray[np.bool_]) -> Floats:
    """(B,) the mean over a block."""
    made: Floats = np.where(block, np.nan_to_num(losses), 0.0).sum(axis=0) / np.maximum(
        block.sum(axis=0), 1
    )
    return made
