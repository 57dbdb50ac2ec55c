"""Sample paths: values drawn from each step's distribution, ranked as past errors went together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.dependence import MOST_STEPS, Dependence
from holdfast.forecasting.evaluation.marginals import Marginals
from holdfast.forecasting.evaluation.normal import strata
from holdfast.records import Floats

Places = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Paths:
    """Sample paths of N series, drawn some series at a time; each series' draws are its own.

    A Gaussian copula: normal numbers with the correlations of past errors are ranked over the
    samples at every step, and the sample of rank r gets the quantile (r − ½)/n. So each step has
    its own distribution exactly, in any number of samples, and only the order in which the
    quantiles are strung together is random.

    Arguments:
        dependence: of the errors.
        horizon: K steps.
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
        own = self._draw(rows)
        return np.asarray(np.sqrt(common) * shared + np.sqrt(1.0 - common) * own)

    def values(self, marginals: Marginals, rows: Places) -> Floats:
        """(n, R, K) paths of some series.

        Arguments:
            marginals: of those R series, values (Q, R, K).
            rows: (R,) which of the N series they are.
        """
        return marginals.at(self.ranked(self.scores(rows)))

    def ranked(self, scores: Floats) -> Floats:
        """(n, …) normal numbers of the same ranks, one from each of n equally likely strata."""
        order = np.argsort(scores, axis=0, kind="stable")
        made = np.empty_like(scores)
        even = strata(self.samples).reshape((self.samples,) + (1,) * (scores.ndim - 1))
        np.put_along_axis(made, order, np.broadcast_to(even, scores.shape), axis=0)
        return made

    def whole(self, values: Floats, rows: Places) -> Floats:
        """(n, R, K) rounded up with the probability of the fraction, so that means stay."""
        floor = np.floor(values)
        for place, row in enumerate(rows.tolist()):
            chance = np.random.default_rng([self.seed, 2, row]).random(values[:, place].shape)
            floor[:, place] += chance < values[:, place] - floor[:, place]
        return floor

    def without_series(self) -> Paths:
        """The same paths of series that know nothing of each other."""
        alone = replace(self.dependence, common=0.0, series=np.zeros((0, 0)))
        return replace(self, dependence=alone)

    @cached_property
    def _pairs(self) -> Floats | None:
        """(N, N) the root of the correlation between series; None where one number has to do."""
        known = self.dependence.series
        if not len(known) or (self.places < 0).any() or len(set(self.places)) < len(self.places):
            return None
        return np.asarray(np.linalg.cholesky(known[np.ix_(self.places, self.places)]))

    def _draw(self, rows: Places) -> Floats:
        """(n, R, K) of each series alone; the same whichever are drawn with it."""
        made = [self._steps(np.random.default_rng([self.seed, 1, row]), 1) for row in rows.tolist()]
        return np.concatenate(made, axis=1)

    @cached_property
    def _root(self) -> Floats:
        """(K, K) the root of the correlation between steps."""
        return np.asarray(np.linalg.cholesky(self.dependence.steps))

    def _steps(self, draws: np.random.Generator, count: int) -> Floats:
        """(n, count, K) normal numbers that go together between steps."""
        if self.horizon <= MOST_STEPS:
            made = draws.normal(size=(self.samples, count, self.horizon))
            return np.asarray(made @ self._root.T)
        common, fading, kept = self.dependence.simple.tolist()
        shape = (self.samples, count, self.horizon)
        noise, own = draws.normal(size=shape), draws.normal(size=shape)
        for step in range(1, self.horizon):
            noise[..., step] = kept * noise[..., step - 1] + np.sqrt(1 - kept**2) * noise[..., step]
        shared = draws.normal(size=(self.samples, count, 1))
        rest = max(0.0, 1.0 - common - fading)
        return np.asarray(np.sqrt(common) * shared + np.sqrt(fading) * noise + np.sqrt(rest) * own)
