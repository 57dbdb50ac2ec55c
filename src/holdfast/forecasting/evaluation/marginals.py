"""The whole distribution of each step: what lies between the calibrated bounds, and beyond them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.normal import REACH, density, probability, score
from holdfast.records import Floats

_STRATA = 16
"""Strata of a mean between two quantiles."""


@dataclass(frozen=True, eq=False)
class Marginals:
    """A distribution for each point: quantiles at some normal scores, and lines between them.

    The quantile function is linear in the normal score between neighbouring bounds, so that a
    normal distribution is met exactly and any other at its bounds. Beyond the outermost bounds the
    outermost line goes on, down to a floor: tails are normal ones of the outermost bounds' scale.

    Arguments:
        scores: (Q,) normal scores of the quantiles, ascending; 0 is the median.
        values: (Q, …) the quantiles, not descending.
        floor: (…) what no value lies below; -inf for none.
        pull: (…) how far values between two quantiles above the median lie towards the lower one:
            there the line is share^pull in place of share; 1 for a straight one.

    Example:
        >>> half = Marginals.from_bounds(np.array([5.0]), {80: np.array([4.0])},
        ...                              {80: np.array([9.0])})
        >>> half.values.ravel().tolist(), half.quantile(np.array([0.5, 0.9])).round(3).tolist()
        ([4.0, 5.0, 9.0], [[5.0], [9.0]])
    """

    scores: Floats
    values: Floats
    floor: Floats
    pull: Floats

    @classmethod
    def from_bounds(
        cls,
        median: Floats,
        lower: Mapping[float, Floats],
        upper: Mapping[float, Floats],
        floor: Floats | None = None,
        pull: Floats | float = 1.0,
    ) -> Marginals:
        """From a median and nested bounds.

        Arguments:
            median: (…).
            lower, upper: level in percent → (…).
            floor, pull: (…) or what broadcasts to it; a floor of None for none.
        """
        levels = sorted(lower)
        normal = NormalDist()
        outward = [normal.inv_cdf(0.5 + level / 200.0) for level in levels]
        values = np.stack(
            [*(lower[level] for level in reversed(levels)), median]
            + [upper[level] for level in levels]
        )
        lowest = np.broadcast_to(-np.inf if floor is None else floor, median.shape)
        return cls(
            scores=np.array([-s for s in reversed(outward)] + [0.0] + outward),
            # A median beyond a bound would make the quantile function turn back.
            values=np.maximum.accumulate(np.maximum(values, lowest), axis=0),
            floor=lowest,
            pull=np.broadcast_to(pull, median.shape),
        )

    def rows(self, rows: NDArray[np.int64]) -> Marginals:
        """Of some series: entries of the first axis behind the quantiles."""
        return Marginals(self.scores, self.values[:, rows], self.floor[rows], self.pull[rows])

    def at(self, scores: Floats) -> Floats:
        """Values at normal scores: (S, …) or (S, 1 …) → (S, …)."""
        drawn = np.broadcast_to(scores, (len(scores), *self.floor.shape))
        place = np.clip(np.searchsorted(self.scores, drawn) - 1, 0, len(self.scores) - 2)
        low = np.take_along_axis(self.values, place, axis=0)
        high = np.take_along_axis(self.values, place + 1, axis=0)
        share = (drawn - self.scores[place]) / (self.scores[place + 1] - self.scores[place])
        above = (place >= len(self.scores) // 2) & (share < 1.0)
        share = np.where(above, np.maximum(share, 0.0) ** self.pull, share)
        return np.maximum(low + share * (high - low), self.floor)

    def quantile(self, probabilities: Floats) -> Floats:
        """(P,) probabilities → (P, …) quantiles."""
        shape = (len(probabilities),) + (1,) * self.floor.ndim
        return self.at(score(np.asarray(probabilities, dtype=np.float64)).reshape(shape))

    def mean(self) -> Floats:
        """(…) the mean: exact for straight lines, in 16 strata for bent ones and at a floor."""
        edges = np.concatenate([[0.0], probability(self.scores), [1.0]])
        heights = np.concatenate([[0.0], density(self.scores), [0.0]])
        middle = (np.arange(_STRATA) + 0.5) / _STRATA
        kinds = np.unique(self.pull)
        total = np.zeros(self.floor.shape)
        for place in range(len(edges) - 1):
            mass = edges[place + 1] - edges[place]
            strata = score(edges[place] + middle * mass)
            line = min(max(place - 1, 0), len(self.scores) - 2)  # the outer lines go on
            left, right = self.scores[line], self.scores[line + 1]
            share = (strata - left) / (right - left)
            # The mean score between two scores, exactly.
            straight = ((heights[place] - heights[place + 1]) / mass - left) / (right - left)
            low, width = self.values[line], self.values[line + 1] - self.values[line]
            if place == 0:
                part = np.mean([np.maximum(low + one * width, self.floor) for one in share], axis=0)
            elif line < len(self.scores) // 2 or place == len(edges) - 2:
                part = low + straight * width
            else:
                lean = np.zeros(self.floor.shape)
                for kind in kinds.tolist():
                    bent = straight if kind == 1.0 else (share**kind).mean()
                    lean = np.where(self.pull == kind, bent, lean)
                part = low + lean * width
            total += mass * part
        return total

    def ranks(self, actual: Floats) -> Floats:
        """(…) the normal score of what came: standard normal where the distribution is right.

        Where several scores have one value, as zero has among counts, the middle of their
        probabilities counts. NaN where the actual, or the distribution, is missing.
        """
        ends = self.at(np.array([-REACH, REACH]).reshape((2,) + (1,) * self.floor.ndim))
        scores = np.concatenate([[-REACH], self.scores, [REACH]])
        values = np.concatenate([ends[:1], self.values, ends[1:]])
        least = self._crossing(scores, values, actual, (values < actual).sum(axis=0))
        greatest = self._crossing(scores, values, actual, (values <= actual).sum(axis=0))
        middle = score(0.5 * (probability(least) + probability(greatest)))
        missing = np.isnan(actual) | np.isnan(self.values).any(axis=0)
        return np.where(missing, np.nan, middle)

    def _crossing(
        self, scores: Floats, values: Floats, actual: Floats, passed: NDArray[np.int64]
    ) -> Floats:
        """(…) the score at which the line through the values reaches what came.

        Arguments:
            scores: (Q,).
            values: (Q, …).
            actual: (…).
            passed: (…) how many of the values lie before it.
        """
        place = np.clip(passed, 1, len(scores) - 1)
        low = np.take_along_axis(values, place[None] - 1, axis=0)[0]
        high = np.take_along_axis(values, place[None], axis=0)[0]
        share = np.clip((actual - low) / np.where(high > low, high - low, 1.0), 0.0, 1.0)
        above = (place > len(scores) // 2) & (place < len(scores) - 1)
        share = np.where(above, share ** (1.0 / self.pull), share)
        inside = scores[place - 1] + share * (scores[place] - scores[place - 1])
        inside = np.where(passed == 0, scores[0], inside)
        return np.asarray(np.where(passed == len(scores), scores[-1], inside))
