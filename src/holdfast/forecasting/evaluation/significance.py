"""Errors beside what is usual: a bootstrap between two methods, a backtest's scores, one value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.metrics import mean_observed, scaled_error
from holdfast.records import Floats

ENOUGH: Final = 20
"""Independent pairs below which no difference is claimed."""

_DRAWS = 2000
_BLOCKS = 2000  # more blocks than this are merged at random, which a mean does not notice


@dataclass(frozen=True)
class Comparison:
    """One method against another on the same windows.

    Arguments:
        difference: mean loss of the first relative to the second, in percent; −5 is 5 % better.
        low, high: its 90 % range; NaN where there are too few pairs.
        pairs: independent pairs behind it: blocks in which either method errs.
        sentence: what a person should read.
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
    """Paired block bootstrap of the difference in mean loss.

    A block is a whole series with all its steps and folds, because a series' errors go together.
    With more folds than series it is a fold with all its series, a block of time; folds that
    overlap are one block. A block in which neither method errs is no pair.

    Arguments:
        loss, rival: (F, N) mean loss of each window, NaN where a series is not in a fold.
        name, rival_name: for the sentence.
        blocks: (F,) from `time_blocks`; every fold is one of its own if not given.
        seed: of the resampling; the same seed gives the same range.

    Returns:
        the difference, its 90 % range and a sentence; below `ENOUGH` pairs it says that there is
        too little data to tell.

    Source: Efron and Tibshirani, An introduction to the bootstrap (1993), chapter 8 for blocks.

    Example:
        >>> print(compare(np.full((1, 5), 0.9), np.ones((1, 5)), "Blend", "Theta").sentence)
        Blend against Theta: 10.0 % better, but 5 independent pairs are too little data to tell.
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


_PREFIX = "backtest/"


@dataclass(frozen=True, eq=False)
class PastScores:
    """What the blend's errors were on the folds, every one out of fold.

    Arguments:
        errors: (F, N) mean scaled error (MASE) of each window; NaN for a series not in a fold.
        steps: (K,) mean scaled error at each step of the horizon; NaN where there was none.
        cutoffs: (F,) ordinals of the folds' cut-offs, oldest first.

    Example:
        >>> actual = np.array([[[1.0, 2.0]]])
        >>> PastScores.of(actual, actual + 0.5, np.ones((1, 1)), np.array([7])).errors.tolist()
        [[0.5]]
    """

    errors: Floats
    steps: Floats
    cutoffs: NDArray[np.int64]

    @classmethod
    def of(
        cls, actual: Floats, blend: Floats, scales: Floats, cutoffs: NDArray[np.int64]
    ) -> PastScores:
        """The scores of a backtest.

        Arguments:
            actual, blend: (F, N, K), NaN for what is not there.
            scales: (F, N) each window's MASE unit.
            cutoffs: (F,).
        """
        error = scaled_error(actual, blend, scales)
        return cls(mean_observed(error, axis=2), mean_observed(error, axis=(0, 1)), cutoffs)

    def widened(self, series: int) -> PastScores:
        """With room for series that came later, which have no score: N in all."""
        errors = np.full((len(self.errors), series), np.nan)
        errors[:, : self.errors.shape[1]] = self.errors
        return PastScores(errors, self.steps, self.cutoffs)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The numbers, by name, for a model folder."""
        return {
            f"{_PREFIX}errors": self.errors,
            f"{_PREFIX}steps": self.steps,
            f"{_PREFIX}cutoffs": self.cutoffs,
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[np.generic]], horizon: int, series: int
    ) -> PastScores | None:
        """The inverse of `to_arrays`; None where a model was saved without them.

        Raises:
            ValueError: an array is missing, has the wrong shape or an impossible number.
        """
        own = {name: array for name, array in arrays.items() if name.startswith(_PREFIX)}
        if not own:
            return None
        if set(own) != {f"{_PREFIX}{name}" for name in ("errors", "steps", "cutoffs")}:
            raise ValueError("the scores of its backtest are not complete")
        errors, steps, cutoffs = (
            own[f"{_PREFIX}{name}"] for name in ("errors", "steps", "cutoffs")
        )
        sound = (
            errors.dtype == steps.dtype == np.float64
            and cutoffs.dtype == np.int64
            and cutoffs.ndim == 1
            and errors.shape == (len(cutoffs), series)
            and steps.shape == (horizon,)
        )
        if not sound or not all(_possible(array) for array in (errors, steps)):
            raise ValueError("the scores of its backtest are damaged")
        return cls(
            np.asarray(errors, dtype=np.float64),
            np.asarray(steps, dtype=np.float64),
            np.asarray(cutoffs, dtype=np.int64),
        )


def _possible(array: NDArray[np.generic]) -> bool:
    numbers = np.asarray(array, dtype=np.float64)
    return bool((np.isnan(numbers) | (np.isfinite(numbers) & (numbers >= 0))).all())


LARGEST = 1e6
"""Surprise where the interval has no width and the value is not in it."""


def surprise(value: Floats, median: Floats, lower: Floats, upper: Floats) -> Floats:
    """Distance from the median in units of the interval's half-width on that side.

    Arguments:
        value, median, lower, upper: (…), with lower ≤ median ≤ upper.

    Returns:
        (…) negative below the median; beyond −1 and 1 a value is outside; NaN for a missing value.

    Example:
        >>> one = np.ones(3)
        >>> surprise(np.array([1.0, 4.0, -1.0]), one, 0 * one, 3 * one).tolist()
        [0.0, 1.5, -2.0]
    """
    distance = value - median
    width = np.where(distance < 0, median - lower, upper - median)
    ratio = distance / np.where(width > 0, width, 1.0)
    return np.clip(np.where(width > 0, ratio, np.sign(distance) * LARGEST), -LARGEST, LARGEST)
