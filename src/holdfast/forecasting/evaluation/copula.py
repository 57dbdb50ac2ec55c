"""Paths: a distribution for each step (marginals), and how errors go together (a Gaussian copula).

The correlations are learnt from the normal scores (`Marginals.ranks`) of what came in past windows
that the forecast had not seen. They are pooled over series, and shrunk towards a simple structure
as far as the windows disagree, so that a handful of windows is enough to begin with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ModelError
from holdfast.forecasting.evaluation.conformal import (
    NORMAL_REACH,
    normal_density,
    normal_probability,
    normal_score,
    normal_strata,
)
from holdfast.records import Floats

_STRATA = 16  # of a mean between two quantiles
MOST_STEPS = 512  # steps with a matrix; longer horizons have the simple structure alone
MOST_SERIES = 256  # series with a correlation for each pair; more have one for all pairs

_PRIOR = np.array([0.2, 0.6, 0.8])
"""Share of an error that all steps share, that fades, and what is left of that a step later."""

_PRIOR_WINDOWS = 4.0  # windows at which what was seen weighs as much as the prior
_PRIOR_SERIES = 0.1  # correlation between series before any window was seen
_PRIOR_FOLDS = 1.0  # folds at which what was seen weighs as much
_FARTHEST = 4.0  # a score beyond counts as this: one outlier is not a dependence
_LEAST = 1e-4  # eigenvalues are not below, so that rounding leaves every matrix positive
_FADES = 1.0 - np.geomspace(0.6, 0.005, 40)  # candidates: half-lives of one step to some 140
_SAMPLE = 512  # series that the correlations are learnt from

Places = NDArray[np.int64]


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
        """From a median (…) and nested bounds, level in percent → (…)."""
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
        return self.at(normal_score(np.asarray(probabilities, dtype=np.float64)).reshape(shape))

    def mean(self) -> Floats:
        """(…) the mean: exact for straight lines, in 16 strata for bent ones and at a floor."""
        edges = np.concatenate([[0.0], normal_probability(self.scores), [1.0]])
        heights = np.concatenate([[0.0], normal_density(self.scores), [0.0]])
        middle = (np.arange(_STRATA) + 0.5) / _STRATA
        kinds = np.unique(self.pull)
        total = np.zeros(self.floor.shape)
        for place in range(len(edges) - 1):
            mass = edges[place + 1] - edges[place]
            strata = normal_score(edges[place] + middle * mass)
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
        ends = self.at(
            np.array([-NORMAL_REACH, NORMAL_REACH]).reshape((2,) + (1,) * self.floor.ndim)
        )
        scores = np.concatenate([[-NORMAL_REACH], self.scores, [NORMAL_REACH]])
        values = np.concatenate([ends[:1], self.values, ends[1:]])
        least = self._crossing(scores, values, actual, (values < actual).sum(axis=0))
        greatest = self._crossing(scores, values, actual, (values <= actual).sum(axis=0))
        middle = normal_score(0.5 * (normal_probability(least) + normal_probability(greatest)))
        missing = np.isnan(actual) | np.isnan(self.values).any(axis=0)
        return np.where(missing, np.nan, middle)

    def _crossing(
        self, scores: Floats, values: Floats, actual: Floats, passed: NDArray[np.int64]
    ) -> Floats:
        """(…) the score at which the line through the values (Q, …) reaches what came.

        `passed` (…) is how many of the values lie before it.
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


@dataclass(frozen=True, eq=False)
class Dependence:
    """Correlations of normal scores. Between two points of two series they are multiplied.

    Arguments:
        simple: (3,) share of an error that all steps have in common, share that fades, and what is
            left of the fading part a step later; the rest of each step is its own.
        steps: (K, K) correlation between steps; (0, 0) where the horizon is beyond `MOST_STEPS`.
        common: correlation between any two series, from 0 to below 1.
        series: (N, N) correlation between the series of the fit; (0, 0) where they are more than
            `MOST_SERIES`, or nothing is known of them.
        windows: behind it: series times folds that do not overlap.
        pull: of the marginals of counts (`Marginals`): with it their means were right.
    """

    simple: Floats
    steps: Floats
    common: float
    series: Floats
    windows: int
    pull: float = 1.0

    @classmethod
    def unknown(cls, horizon: int) -> Dependence:
        """The dependence that is assumed before any window was seen."""
        steps = simple_structure(_PRIOR, min(horizon, MOST_STEPS))
        steps = steps if horizon <= MOST_STEPS else np.zeros((0, 0))
        return cls(_PRIOR.copy(), steps, _PRIOR_SERIES, np.zeros((0, 0)), 0)

    def widened(self, series: int) -> Dependence:
        """With series that came later, N in all: each correlates as any two series do.

        Example:
            >>> known = Dependence(_PRIOR, np.eye(1), 0.5, np.eye(2), 3)
            >>> known.widened(3).series.round(2).tolist()
            [[1.0, 0.0, 0.5], [0.0, 1.0, 0.5], [0.5, 0.5, 1.0]]
        """
        known = len(self.series)
        if not known or known == series:
            return self
        if series > MOST_SERIES:
            return replace(self, series=np.zeros((0, 0)))
        wider = np.where(np.eye(series) > 0, 1.0, self.common)
        wider[:known, :known] = self.series
        return replace(self, series=_positive(wider))

    def to_arrays(self) -> dict[str, Floats]:
        """The numbers, by name, for a model folder."""
        return {
            "simple": self.simple,
            "steps": self.steps,
            "series": self.series,
            "common and windows": np.array([self.common, float(self.windows)]),
            "pull": np.array([self.pull]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Floats], horizon: int, series: int) -> Dependence:
        """The inverse of `to_arrays`; a ModelError where an array is missing or no correlation."""
        steps = (horizon, horizon) if horizon <= MOST_STEPS else (0, 0)
        shapes: dict[str, tuple[tuple[int, ...], ...]] = {
            "simple": ((3,),),
            "steps": (steps,),
            "series": ((0, 0), (series, series)),
            "common and windows": ((2,),),
            "pull": ((1,),),
        }
        for name, allowed in shapes.items():
            array = arrays.get(name)
            if array is None or array.shape not in allowed or array.dtype != np.float64:
                raise ModelError(f"The model's dependence lacks {name}, or it has a wrong shape.")
            if not np.isfinite(array).all():
                raise ModelError(f"The model's dependence holds impossible numbers ({name}).")
        simple, (common, windows) = arrays["simple"], arrays["common and windows"].tolist()
        sound = (
            (simple >= 0).all()
            and simple[0] + simple[1] <= 1.0 + 1e-9
            and simple[2] < 1
            and 0 <= common < 1
            and windows >= 0
            and 0 < arrays["pull"][0] <= 100
            and _is_correlation(arrays["steps"])
            and _is_correlation(arrays["series"])
        )
        if not sound:
            raise ModelError("The model's dependence is not one of correlations.")
        pull = float(arrays["pull"][0])
        return cls(simple, arrays["steps"], common, arrays["series"], int(windows), pull)


def fit_dependence(scores: Floats) -> Dependence:
    """The dependence that past windows show.

    Arguments:
        scores: (F, N, K) normal scores of what came in folds that do not overlap, NaN where
            something is missing.

    Source: shrinkage of a correlation matrix as far as its entries vary: Ledoit and Wolf, A
    well-conditioned estimator (2004); Schäfer and Strimmer, A shrinkage approach to large-scale
    covariance matrix estimation (2005).
    """
    count, horizon = scores.shape[1:]
    seen = ~np.isnan(scores)
    windows = int(seen.any(axis=2).sum())
    if not windows:
        return Dependence.unknown(horizon)
    every = np.linspace(0, count - 1, min(count, _SAMPLE)).astype(np.int64)
    values = np.where(seen, np.clip(scores, -_FARTHEST, _FARTHEST), 0.0)
    values, seen = values[:, np.unique(every)], seen[:, np.unique(every)]
    short = min(horizon, MOST_STEPS)
    products = np.einsum("fnk,fnl->fkl", values[:, :, :short], values[:, :, :short])
    pairs = np.einsum("fnk,fnl->fkl", seen[:, :, :short] * 1.0, seen[:, :, :short] * 1.0)
    simple = _fit_simple(products.sum(axis=0), pairs.sum(axis=0), windows)
    steps = np.zeros((0, 0))
    if horizon <= MOST_STEPS:
        steps = _shrunk(products, pairs, simple_structure(simple, horizon))
    common = _common(values)
    series = np.zeros((0, 0))
    if 1 < count <= MOST_SERIES:
        series = _shrunk(
            np.einsum("fnk,fmk->fnm", values, values),
            np.einsum("fnk,fmk->fnm", seen * 1.0, seen * 1.0),
            np.where(np.eye(count) > 0, 1.0, common),
        )
    return Dependence(simple, steps, common, series, windows)


@dataclass(frozen=True, eq=False)
class Paths:
    """Sample paths of N series, drawn some series at a time; each series' draws are its own.

    A Gaussian copula: normal numbers with the correlations of past errors are ranked over the
    samples at every step, and the sample of rank r gets the quantile (r − ½)/n. So each step has
    its own distribution exactly, in any number of samples, and only the order in which the
    quantiles are strung together is random.

    Arguments:
        places: (N,) which series of the fit each one is, −1 for one that it never saw.
        samples: n paths.
        seed: of the draws; equal seeds give equal paths, however many series are drawn at once
            where no pair of series has a correlation of its own.

    Source: Clark et al., The Schaake shuffle (2004); Schefzik, Thorarinsdottir and Gneiting,
    Uncertainty quantification in complex simulation models using ensemble copula coupling (2013).
    """

    dependence: Dependence
    horizon: int
    places: Places
    samples: int
    seed: int

    def scores(self, rows: Places) -> Floats:
        """(n, R, K) correlated normal numbers of some series."""
        root = self._pairs
        if root is not None:
            every = self._draw(np.arange(len(self.places)))
            return np.asarray(root[rows] @ every)
        common = self.dependence.common
        shared = self._steps(np.random.default_rng([self.seed, 0]), 1)
        separate = self._draw(rows)
        return np.asarray(np.sqrt(common) * shared + np.sqrt(1.0 - common) * separate)

    def values(self, marginals: Marginals, rows: Places) -> Floats:
        """(n, R, K) paths of some of the N series, from the marginals of those R series."""
        return marginals.at(self.ranked(self.scores(rows)))

    def ranked(self, scores: Floats) -> Floats:
        """(n, …) normal numbers of the same ranks, one from each of n equally likely strata."""
        order = np.argsort(scores, axis=0, kind="stable")
        ranked = np.empty_like(scores)
        even = normal_strata(self.samples).reshape((self.samples,) + (1,) * (scores.ndim - 1))
        np.put_along_axis(ranked, order, np.broadcast_to(even, scores.shape), axis=0)
        return ranked

    def whole(self, values: Floats, rows: Places) -> Floats:
        """(n, R, K) rounded up with the probability of the fraction, so that means stay."""
        floor = np.floor(values)
        for place, row in enumerate(rows.tolist()):
            chance = np.random.default_rng([self.seed, 2, row]).random(values[:, place].shape)
            floor[:, place] += chance < values[:, place] - floor[:, place]
        return floor

    @cached_property
    def _pairs(self) -> Floats | None:
        """(N, N) the root of the correlation between series; None where one number has to do."""
        known = self.dependence.series
        if not len(known) or (self.places < 0).any() or len(set(self.places)) < len(self.places):
            return None
        return np.asarray(np.linalg.cholesky(known[np.ix_(self.places, self.places)]))

    def _draw(self, rows: Places) -> Floats:
        """(n, R, K) of each series alone; the same whichever are drawn with it."""
        drawn = [
            self._steps(np.random.default_rng([self.seed, 1, row]), 1) for row in rows.tolist()
        ]
        return np.concatenate(drawn, axis=1)

    @cached_property
    def _root(self) -> Floats:
        """(K, K) the root of the correlation between steps."""
        return np.asarray(np.linalg.cholesky(self.dependence.steps))

    def _steps(self, draws: np.random.Generator, count: int) -> Floats:
        """(n, count, K) normal numbers that go together between steps."""
        if self.horizon <= MOST_STEPS:
            free = draws.normal(size=(self.samples, count, self.horizon))
            return np.asarray(free @ self._root.T)
        common, fading, kept = self.dependence.simple.tolist()
        shape = (self.samples, count, self.horizon)
        noise, free = draws.normal(size=shape), draws.normal(size=shape)
        for step in range(1, self.horizon):
            noise[..., step] = kept * noise[..., step - 1] + np.sqrt(1 - kept**2) * noise[..., step]
        shared = draws.normal(size=(self.samples, count, 1))
        rest = max(0.0, 1.0 - common - fading)
        return np.asarray(np.sqrt(common) * shared + np.sqrt(fading) * noise + np.sqrt(rest) * free)


def simple_structure(simple: Floats, horizon: int) -> Floats:
    """(K, K) correlations of common share c, fading share f and a rest: c + f·ρ^lag."""
    common, fading, kept = simple.tolist()
    step = np.arange(horizon)
    lag = np.abs(step[:, None] - step)
    return np.asarray(np.where(lag == 0, 1.0, common + fading * kept**lag))


def _fit_simple(products: Floats, pairs: Floats, windows: int) -> Floats:
    """(3,) the simple structure nearest to the correlations at each lag, shrunk to the prior."""
    horizon = len(products)
    if horizon == 1:
        return np.asarray(_PRIOR)
    correlation = _correlations(products, pairs)
    step = np.arange(horizon)
    lag = np.abs(step[:, None] - step)[np.triu_indices(horizon, 1)]
    weight = np.bincount(lag, minlength=horizon)[1:].astype(np.float64)
    total = np.bincount(lag, correlation[np.triu_indices(horizon, 1)], minlength=horizon)[1:]
    mean = np.asarray(total / weight, dtype=np.float64)
    best = np.inf
    found: Floats = _PRIOR
    for kept in _FADES.tolist():
        fades: Floats = np.power(kept, np.arange(1.0, horizon))
        for common, fading in _two_shares(fades, mean, weight):
            cost = float((weight * (common + fading * fades - mean) ** 2).sum())
            if cost < best:
                best, found = cost, np.array([common, fading, kept])
    share = windows / (windows + _PRIOR_WINDOWS)
    return np.asarray(share * found + (1.0 - share) * _PRIOR)


def _two_shares(fades: Floats, mean: Floats, weight: Floats) -> list[tuple[float, float]]:
    """The common and the fading share of least squares, both and each alone; neither negative."""
    one, both = float(weight.sum()), float((weight * fades).sum())
    square = float((weight * fades**2).sum())
    left, right = float((weight * mean).sum()), float((weight * fades * mean).sum())
    least = one * square - both**2
    candidates = [(left / one, 0.0), (0.0, right / square)]
    if least > 1e-12 * one * square:
        common = (left * square - right * both) / least
        candidates.append((common, (right - common * both) / square))
    shares = []
    for common, fading in candidates:
        common, fading = max(common, 0.0), max(fading, 0.0)
        total = max(common + fading, 1.0)
        shares.append((common / total, fading / total))
    return shares


def _common(values: Floats) -> float:
    """Correlation of any two series at a step, shrunk towards a tenth by the number of folds.

    The values are scores (F, N, K), 0 where missing.
    """
    count = values.shape[1]
    if count < 2:
        return _PRIOR_SERIES
    square = (values**2).sum(axis=(1, 2))
    cross = (values.sum(axis=1) ** 2).sum(axis=1) - square  # over ordered pairs of series
    scored = square > 0
    if not scored.any():
        return _PRIOR_SERIES
    found = float(cross[scored].sum() / ((count - 1) * square[scored].sum()))
    share = int(scored.sum()) / (int(scored.sum()) + _PRIOR_FOLDS)
    return float(np.clip(share * found + (1.0 - share) * _PRIOR_SERIES, 0.0, 0.98))


def _correlations(products: Floats, pairs: Floats) -> Floats:
    """Mean products in units of the mean squares; uncentred: a shared bias is a dependence too."""
    mean = products / np.maximum(pairs, 1.0)
    size = np.sqrt(np.maximum(np.diagonal(mean, axis1=-2, axis2=-1), 1e-12))
    return np.asarray(mean / (size[..., :, None] * size[..., None, :]))


def _shrunk(products: Floats, pairs: Floats, target: Floats) -> Floats:
    """The pooled correlation, moved towards the target as far as the folds disagree about it.

    `products` and `pairs` are (F, K, K): sums over what a fold holds, and of how many.
    """
    pooled = _correlations(products.sum(axis=0), pairs.sum(axis=0))
    size = np.sqrt(np.maximum(np.diagonal(products.sum(0) / np.maximum(pairs.sum(0), 1.0)), 1e-12))
    by_fold = products / np.maximum(pairs, 1.0) / (size[:, None] * size)
    share = pairs / np.maximum(pairs.sum(axis=0), 1.0)
    folds = (pairs > 0).sum(axis=0)
    spread = (share**2 * (by_fold - pooled) ** 2).sum(axis=0) * folds / np.maximum(folds - 1.0, 1.0)
    off = ~np.eye(len(target), dtype=bool) & (pairs.sum(axis=0) > 0)
    varies = off & (folds > 1)
    distance = float(((pooled - target)[varies] ** 2).sum())
    weight = min(1.0, float(spread[varies].sum()) / distance) if distance > 0 else 1.0
    mixed = np.where(off, weight * target + (1.0 - weight) * pooled, target)
    return _positive(mixed)


def _positive(matrix: Floats) -> Floats:
    """The nearest matrix whose eigenvalues are positive, with ones on its diagonal."""
    values, vectors = np.linalg.eigh(0.5 * (matrix + matrix.T))
    positive = (vectors * np.maximum(values, _LEAST)) @ vectors.T
    size = np.sqrt(np.diagonal(positive))
    positive = positive / (size[:, None] * size)
    positive = 0.5 * (positive + positive.T)
    np.fill_diagonal(positive, 1.0)
    return np.asarray(positive)


def _is_correlation(matrix: NDArray[np.float64]) -> bool:
    if not len(matrix):
        return True
    close = np.allclose(np.diagonal(matrix), 1.0) and np.allclose(matrix, matrix.T)
    return bool(close and np.linalg.eigvalsh(matrix)[0] > 0)
