"""Who may see which fold: weights, centres and widths for each fold from the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.blend import (
    Errors,
    Prior,
    collect_errors,
    combine,
    fit_without_useless,
)
from holdfast.forecasting.evaluation.conformal import (
    Calibration,
    apply_calibration,
    calibrate,
    uncalibrated,
)
from holdfast.forecasting.evaluation.folds import apart_in_time
from holdfast.forecasting.evaluation.metrics import interval_score, mean_observed
from holdfast.forecasting.evaluation.widths import (
    Widths,
    blend_widths,
    mix_widths,
    scale_widths,
    series_factors,
    stack_widths,
    width_unit,
)
from holdfast.records import Floats

Indices = NDArray[np.int64]

_SHARES = (0.0, 0.5, 1.0)  # of residual widths in the base width
_HALVES = 20  # windows of one fold from which its series are split to test a member


@dataclass(frozen=True, eq=False)
class Spread:
    """How the width of an interval is made, all of it learnt from past folds.

    Arguments:
        share: of residual widths beside the networks'.
        unit: width of the networks where the residual width is 1.
        factors: (N,) each series' own.
        calibration: the multipliers.
    """

    share: float
    unit: float
    factors: Floats
    calibration: Calibration

    def widths(self, network: Widths | None, residual: Widths) -> Widths:
        """The base widths (…, N, K) that the calibration stretches."""
        return scale_widths(mix_widths(network, residual, self.share, self.unit), self.factors)


@dataclass(frozen=True, eq=False)
class CrossFit:
    """The folds of a backtest, and what may be learnt from which of them.

    Arguments:
        members: (M, F, N, K) forecasts, NaN where a member has none.
        actual: (F, N, K).
        scale: (F, N).
        prior: the weights before anything is learnt.
        candidates: indices of the members that must earn their place.
        cutoffs: (F,) ordinals; folds closer than the horizon overlap and never serve each other.
        networks: index of a network among the members → level → (F, N, K) half-widths.
        residual: level → (F, N, K) half-widths.
        floor: (F, N) what no bound lies below, -inf for none.
    """

    members: Floats
    actual: Floats
    scale: Floats
    prior: Prior
    candidates: tuple[int, ...]
    cutoffs: Indices
    networks: Mapping[int, Widths]
    residual: Widths
    floor: Floats
    _known: dict[tuple[int, ...], Floats] = field(default_factory=dict)

    def apart(self, *folds: int) -> list[int]:
        """The folds that share no point of time with any of these."""
        horizon = self.actual.shape[2]
        return [
            other
            for other in range(len(self.actual))
            if all(abs(self.cutoffs[other] - self.cutoffs[fold]) >= horizon for fold in folds)
        ]

    def independent(self, folds: list[int]) -> NDArray[np.bool_]:
        """Which of these folds count: a set of them of which no two overlap."""
        return apart_in_time(self.cutoffs[folds], self.actual.shape[2])

    def weights(self, folds: list[int]) -> Floats:
        """(M,) the blend's weights as these folds advise; the prior's without any."""
        key = tuple(folds)
        if key not in self._known:
            self._known[key] = self._fit(folds)
        return self._known[key]

    def blend(self, fold: int, *hidden: int) -> Floats:
        """(N, K) the blend at a fold, its weights from folds apart from it and from `hidden`."""
        return combine(self.members[:, fold], self.weights(self.apart(fold, *hidden)))

    def network_widths(self, fold: int, *hidden: int) -> Widths | None:
        """What the networks say of the width at a fold, weighted as their forecasts are there."""
        weights = self.weights(self.apart(fold, *hidden))
        return blend_widths(
            [widths.at(fold) for widths in self.networks.values()], weights[list(self.networks)]
        )

    def spread(self, *hidden: int) -> Spread:
        """Widths and multipliers from the folds apart from `hidden`.

        At each of these folds the centre is blended with weights from folds apart from it and from
        `hidden`, and a series' factor from its errors at the others of these folds. The centres of
        those errors are blended with weights that the fold may have shaped: hiding it there too
        would take a fit for every three folds and leave three folds with nothing to fit.
        """
        folds = self.apart(*hidden)
        horizon = self.actual.shape[2]
        if not folds or len(self.actual) < 2:
            # Nothing to learn from: the networks' own widths where there are networks.
            return Spread(
                0.0, 1.0, np.ones(self.actual.shape[1]), uncalibrated(self.residual, horizon)
            )
        centres = np.stack([self.blend(fold, *hidden) for fold in folds])
        spoken = [self.network_widths(fold, *hidden) for fold in folds]
        said = [widths for widths in spoken if widths is not None]
        network = stack_widths(said) if said else None
        residual = self.residual.at(folds)
        error = self.actual[folds] - centres
        unit = width_unit(network, residual)
        shares = _SHARES if network is not None else (1.0,)
        bases = [mix_widths(network, residual, share, unit) for share in shares]
        fitted = [self._fitted(folds, error, base) for base in bases]
        costs = [self._cost(folds, centres, widths) for widths in fitted] if network else [0.0]
        best = int(np.argmin(costs))
        return Spread(
            share=shares[best],
            unit=unit,
            factors=series_factors(error, bases[best], self.independent(folds)),
            calibration=calibrate(
                centres, self.actual[folds], fitted[best], independent=self.independent(folds)
            ),
        )

    def _fitted(self, folds: list[int], error: Floats, base: Widths) -> Widths:
        """Base widths with each series' factor, at each fold from the other folds."""
        made: list[Widths] = []
        for place, fold in enumerate(folds):
            others = [folds.index(other) for other in self.apart(fold) if other in folds]
            apart = self.independent([folds[other] for other in others])
            factors = series_factors(error[others], base.at(others), apart)
            made.append(scale_widths(base.at(place), factors))
        return Widths(
            {level: np.stack([one.lower[level] for one in made]) for level in base.lower},
            {level: np.stack([one.upper[level] for one in made]) for level in base.upper},
        )

    def _cost(self, folds: list[int], centres: Floats, widths: Widths) -> float:
        """Mean scaled interval score of pooled calibration: which base widths fit best."""
        actual = self.actual[folds]
        calibration = calibrate(
            centres, actual, widths, by_step=False, independent=self.independent(folds)
        )
        made = apply_calibration(centres, widths, calibration).floored(self.floor[folds])
        scale = self.scale[folds][..., None]
        return float(
            sum(
                mean_observed(
                    interval_score(actual, made.lower[level], made.upper[level], level) / scale
                )
                for level in widths.levels
            )
        )

    def _fit(self, folds: list[int]) -> Floats:
        # A member that is nowhere in these folds would leave no point where all are.
        there = _somewhere(self.members[:, folds])
        if not there.any():
            return self.prior.centre(_somewhere(self.members))
        weights = np.zeros(len(there))
        weights[there] = self._fit_members(there, folds)
        return weights

    def _fit_members(self, there: NDArray[np.bool_], folds: list[int]) -> Floats:
        def errors(chosen: list[int], series: slice = slice(None)) -> Errors:
            return collect_errors(
                self.members[there][:, chosen][:, :, series],
                self.actual[chosen, series],
                self.scale[chosen, series],
                self.independent(chosen),
            )

        every = errors(folds)
        prior = Prior(self.prior.network[there], self.prior.guard[there])
        places = np.cumsum(there) - 1
        candidates = [int(places[one]) for one in self.candidates if there[one]]
        parts = []
        if candidates and len(places) > 1:
            for fold in folds:
                others = [other for other in self.apart(fold) if other in folds]
                if others:
                    parts.append((errors(others), errors([fold])))
            if not parts and every.windows >= _HALVES:
                even, odd = (errors(folds, slice(start, None, 2)) for start in (0, 1))
                parts = [(even, odd), (odd, even)]
        return fit_without_useless(every, prior, parts, candidates)


def _somewhere(members: Floats) -> NDArray[np.bool_]:
    """(M,) which members have a forecast anywhere."""
    return np.asarray((~np.isnan(members)).any(axis=(1, 2, 3)))
