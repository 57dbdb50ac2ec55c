"""Is the blend better than the best simple method, or was it luck?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats

ENOUGH: Final = 20  # independent pairs below which no difference is claimed
_DRAWS = 2000
_BLOCKS = 2000  # more blocks than this are merged at random, which a mean does not notice


@dataclass(frozen=True)
class Comparison:
    """One method against another on the same windows.

    Arguments:
        difference: mean loss of the first relative to the second, in percent; −5 is 5 % better.
        low, high: its 90 % range; NaN where there are too few pairs.
        pairs: independent pairs behind it: blocks in which either method errs.
    """

    difference: float
    low: float
    high: float
    pairs: int
    sentence: str


def compare(
    loss: Floats,
    rival: Floats,
    name: str,
    rival_name: str,
    *,
    blocks: NDArray[np.int64] | None = None,
    seed: int = 0,
) -> Comparison:
    """Paired block bootstrap of the difference in mean loss, its 90 % range and a sentence.

    A block is a whole series with all its steps and folds, because a series' errors go together.
    With more folds than series it is a fold with all its series, a block of time; folds that
    overlap are one block. A block in which neither method errs is no pair. Below `ENOUGH` pairs the
    sentence says that there is too little data to tell.

    Arguments:
        loss, rival: (F, N) mean loss of each window, NaN where a series is not in a fold.
        blocks: (F,) from `time_blocks`; every fold is one of its own if not given.

    Source: Efron and Tibshirani, An introduction to the bootstrap (1993), chapter 8 for blocks.
    """
    both = ~(np.isnan(loss) | np.isnan(rival))
    times = np.arange(len(loss)) if blocks is None else blocks
    spans = np.unique(times)
    by_series = loss.shape[1] >= len(spans)
    totals = np.stack([np.where(both, one, 0.0) for one in (loss, rival)], axis=2)
    if by_series:
        summed = totals.sum(axis=0)
    else:
        summed = np.stack([totals[times == span].sum(axis=(0, 1)) for span in spans])
    summed = summed[summed.any(axis=1)]
    ours, theirs = summed.T
    pairs = len(summed)
    head = f"{name} against {rival_name}: "
    if not pairs or not theirs.sum() > 0:
        return Comparison(0.0, np.nan, np.nan, pairs, f"{head}too little data to tell.")
    difference = 100.0 * (float(ours.sum() / theirs.sum()) - 1.0)
    words = f"{abs(difference):.1f} % {'better' if difference < 0 else 'worse'}"
    if pairs < ENOUGH:
        text = f"{head}{words}, but {pairs} independent {'pair is' if pairs == 1 else 'pairs are'}"
        return Comparison(difference, np.nan, np.nan, pairs, f"{text} too little data to tell.")
    low, high = _range(summed, np.random.default_rng(seed))
    if np.isnan(low):
        text = f"{head}{words}, but {rival_name} errs in too few of {pairs} pairs to tell."
        return Comparison(difference, low, high, pairs, text)
    if high < 0:
        meaning = "a difference that this data supports"
    elif low > 0:
        meaning = "a loss that this data supports"
    else:
        meaning = "no difference that this data supports"
    span = f"90 % range {low:+.1f} to {high:+.1f} % over {pairs} pairs"
    return Comparison(difference, low, high, pairs, f"{head}{words} ({span}): {meaning}.")


def _range(blocks: Floats, random: np.random.Generator) -> tuple[float, float]:
    """5 % and 95 % quantiles of the resampled difference in percent; blocks: (pairs, 2).

    NaN where more than a twentieth of the draws hold no error of the rival: relative to nothing
    there is no difference, and leaving those draws out would hide the rival's best ones.
    """
    if len(blocks) > _BLOCKS:
        order = random.permutation(len(blocks))
        begins = np.linspace(0, len(blocks), _BLOCKS, endpoint=False).astype(np.int64)
        blocks = np.add.reduceat(blocks[order], begins, axis=0)
    count = len(blocks)
    drawn = random.multinomial(count, np.full(count, 1.0 / count), size=_DRAWS) @ blocks
    drawn = drawn[drawn[:, 1] > 0]
    if len(drawn) < 0.95 * _DRAWS:
        return float("nan"), float("nan")
    change = 100.0 * (drawn[:, 0] / drawn[:, 1] - 1.0)
    low, high = np.quantile(change, [0.05, 0.95])
    return float(low), float(high)
