"""Cross-fitting: weights, widths and scores of each fold from the other folds.

No fold has two roles for the same number. For the scores printed of fold k:

- the ensemble's weights come from the folds apart from k;
- the interval's multipliers come from those folds too, but at each such fold j the centre was
  blended with weights from the folds apart from both j and k, and so are the widths of several
  networks: the errors that calibrate at j are those of a centre shaped neither by j nor by k;
- a series' own factor at j comes from its errors at folds i apart from j and k. The weights behind
  i's centre are hidden from i and k but not from j, so through them j has a small say in it; k has
  none.

The final weights and multipliers, for the real forecast, use all folds in the same way with nothing
hidden. Early stopping watches a fold of its own (`folds.py`) that is not here at all.

Folds later than k take part in k's weights: six numbers shared by all series, which say which
methods suit this data. Going forward only would leave the first fold without any. What is never
seen are k's own actuals.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.conformal import (
    Intervals,
    Spread,
    Widths,
    apply_calibration,
    calibrate,
    mix_widths,
    scale_widths,
    series_factors,
    stack_widths,
    uncalibrated,
    width_unit,
)
from holdfast.forecasting.evaluation.ensemble import (
    Ensemble,
    Errors,
    Prior,
    blend_widths,
    collect_errors,
    combine,
    fit_useful_weights,
)
from holdfast.forecasting.evaluation.folds import apart_in_time, time_blocks
from holdfast.forecasting.evaluation.metrics import (
    inside,
    interval_score,
    mean_observed,
    scaled_error,
    smape,
)
from holdfast.forecasting.evaluation.significance import Comparison, compare
from holdfast.records import NETWORKS, TRAINED, Floats, LevelCoverage, MethodScore

Indices = NDArray[np.int64]
BLEND = "holdfast"  # what the blend is called in scores and columns
_SHARES = (0.0, 0.5, 1.0)  # of residual widths in the base width
_HALVES = 20  # windows of one fold from which its series are split to test a member


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Out-of-fold scores of a backtest, and the ensemble for the real forecast.

    Arguments:
        names: the members, in the order of `weights`.
        weights: (M,) for the real forecast, from all folds.
        spread: how the real forecast's intervals are made, from all folds.
        blend: (F, N, K) the blend at each fold, out of fold.
        intervals: level → (F, N, K), out of fold.
        fold_weights: (F, M) the weights behind `blend`.
        methods: the blend, each member, and what was shown beside them; empty without folds.
        coverage: one row a level; empty without folds.
        series_mase, series_mase_naive: (N,) blend and seasonal naive, NaN for series in no fold.
        step_mase: (K,); step_coverage: level → (K,).
        comparison: the blend against the best simple method; None without folds or rivals.
    """

    names: tuple[str, ...]
    weights: Floats
    spread: Spread
    blend: Floats
    intervals: Intervals
    fold_weights: Floats
    methods: tuple[MethodScore, ...]
    coverage: tuple[LevelCoverage, ...]
    series_mase: Floats
    series_mase_naive: Floats
    step_mase: Floats
    step_coverage: Mapping[float, Floats]
    comparison: Comparison | None

    @property
    def ensemble(self) -> Ensemble:
        """Members, weights and interval widths of the real forecast, from all folds."""
        return Ensemble(self.names, self.weights, self.spread)


def evaluate(
    members: Mapping[str, Floats],
    residual: Widths,
    actual: Floats,
    scales: Floats,
    *,
    networks: Mapping[str, Widths] | None = None,
    shown: Mapping[str, Floats] | None = None,
    cutoffs: NDArray[np.int64] | None = None,
    floor: Floats | None = None,
    seed: int = 0,
) -> Evaluation:
    """Scores every method and the blend out of fold, and fits what the real forecast needs.

    With one fold weights are the prior's and intervals not calibrated, with none nothing is scored.

    Arguments:
        members: name → (F, N, K) forecasts at each scoring fold, NaN where a member has none.
        residual: level → (F, N, K) half-widths from `residual_widths` at each fold.
        actual: (F, N, K) from `Folds.actual`; NaN for gaps and series not in a fold.
        scales: (N,) or (F, N) MASE units, from what lies before the cut-offs.
        networks: member → level → (F, N, K) distances of a network's quantiles from its median, NaN
            where it has none; the members named in `records.NETWORKS`, at the levels of `residual`.
        shown: methods that are scored and shown but not blended, such as "Mean".
        cutoffs: (F,) ordinals of the folds; folds that overlap never serve each other, and count
            as one. Without them no two overlap.
        floor: (F, N) what the blend and its bounds do not lie below at each fold, from what lies
            before its cut-off (`never_negative`); -inf, or nothing given, for none.
        seed: of the bootstrap.
    """
    names = tuple(members)
    stacked = np.stack([members[name] for name in names])
    count, series, horizon = actual.shape
    scale = np.broadcast_to(scales, (count, series))
    lowest = np.full((count, series), -np.inf) if floor is None else floor
    times = np.arange(count) * horizon if cutoffs is None else cutoffs
    cross = CrossFit(
        members=stacked,
        actual=actual,
        scale=scale,
        prior=Prior(
            np.array([name in NETWORKS for name in names]),
            # Naive is in the blend as a guard: on seasonal data it would only add its error.
            np.array([name == "Naive" for name in names]),
        ),
        candidates=tuple(names.index(name) for name in TRAINED if name in names),
        cutoffs=times,
        networks={names.index(name): widths for name, widths in (networks or {}).items()},
        residual=residual,
        floor=lowest,
    )
    # One fold cannot tell what its own weights are worth.
    weights = cross.weights(list(range(count)) if count > 1 else [])
    fold_weights = np.array([cross.weights(cross.apart(fold)) for fold in range(count)])
    blend = np.array([cross.blend(fold) for fold in range(count)]).reshape(actual.shape)
    spreads = [cross.spread(fold) for fold in range(count)]
    spread = cross.spread()
    network_widths = [cross.network_widths(fold) for fold in range(count)]
    intervals = _intervals(blend, spreads, network_widths, residual).floored(lowest)
    blend = np.maximum(blend, lowest[..., None])

    scored = {BLEND: blend, **members, **(shown or {})}
    losses = {
        name: mean_observed(scaled_error(actual, forecast, scale), axis=-1)
        for name, forecast in scored.items()
    }
    methods = tuple(
        MethodScore(
            method=name,
            mase=float(mean_observed(losses[name])),
            smape=float(mean_observed(smape(actual, forecast))),
            weight=float(weights[names.index(name)]) if name in names else None,
        )
        for name, forecast in scored.items()
    )
    coverage, step_coverage = _coverage(actual, intervals, scale, spreads)
    simple = [row for row in methods[1:] if row.method not in NETWORKS and np.isfinite(row.mase)]
    comparison = None
    if count and simple:
        best = min(simple, key=lambda row: row.mase).method
        comparison = compare(
            losses[BLEND],
            losses[best],
            "The blend",
            best,
            blocks=time_blocks(times, horizon),
            seed=seed,
        )
    error = scaled_error(actual, blend, scale)
    return Evaluation(
        names=names,
        weights=weights,
        spread=spread,
        blend=blend,
        intervals=intervals,
        fold_weights=fold_weights.reshape(count, len(names)),
        methods=methods if count else (),
        coverage=coverage if count else (),
        series_mase=mean_observed(error, axis=(0, 2)),
        series_mase_naive=mean_observed(
            losses.get("SeasonalNaive", np.full((count, series), np.nan)), axis=0
        ),
        step_mase=mean_observed(error, axis=(0, 1)),
        step_coverage=step_coverage,
        comparison=comparison,
    )


@dataclass(frozen=True, eq=False)
class CrossFit:
    """The folds of a backtest, and what may be learnt from which of them.

    Forecasts are (M, F, N, K), NaN where a member has none, and half-widths level → (F, N, K).

    Arguments:
        candidates: indices of the members that must earn their place.
        cutoffs: (F,) ordinals; folds closer than the horizon overlap and never serve each other.
        networks: index of a network among the members → its half-widths.
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
        """(M,) the ensemble's weights, fitted on these folds; the prior's without any."""
        key = tuple(folds)
        if key not in self._known:
            self._known[key] = self._fit(folds)
        return self._known[key]

    def blend(self, fold: int, *hidden: int) -> Floats:
        """(N, K) the blend at a fold, its weights from folds apart from it and from `hidden`."""
        return combine(self.members[:, fold], self.weights(self.apart(fold, *hidden)))

    def network_widths(self, fold: int, *hidden: int) -> Widths | None:
        """The networks' half-widths at a fold, weighted as their forecasts are there."""
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
            plain = uncalibrated(self.residual, horizon)
            return Spread(0.0, 1.0, np.ones(self.actual.shape[1]), plain)
        centres = np.stack([self.blend(fold, *hidden) for fold in folds])
        by_fold = [self.network_widths(fold, *hidden) for fold in folds]
        known = [widths for widths in by_fold if widths is not None]
        network = stack_widths(known) if known else None
        residual = self.residual.at(folds)
        actual, independent = self.actual[folds], self.independent(folds)
        error = actual - centres
        unit = width_unit(network, residual)
        shares = _SHARES if network is not None else (1.0,)
        bases = [mix_widths(network, residual, share, unit) for share in shares]
        fitted = [self._with_factors(folds, error, base) for base in bases]
        costs = [self._cost(folds, centres, widths) for widths in fitted] if network else [0.0]
        best = int(np.argmin(costs))
        return Spread(
            share=shares[best],
            unit=unit,
            factors=series_factors(error, bases[best], independent),
            calibration=calibrate(centres, actual, fitted[best], independent=independent),
        )

    def _with_factors(self, folds: list[int], error: Floats, base: Widths) -> Widths:
        """Base widths with each series' factor, at each fold from the other folds."""
        by_fold: list[Widths] = []
        for place, fold in enumerate(folds):
            others = [folds.index(other) for other in self.apart(fold) if other in folds]
            apart = self.independent([folds[other] for other in others])
            factors = series_factors(error[others], base.at(others), apart)
            by_fold.append(scale_widths(base.at(place), factors))
        return stack_widths(by_fold)

    def _cost(self, folds: list[int], centres: Floats, widths: Widths) -> float:
        """Mean scaled interval score of pooled calibration: which base widths fit best."""
        actual = self.actual[folds]
        calibration = calibrate(
            centres, actual, widths, by_step=False, independent=self.independent(folds)
        )
        bounds = apply_calibration(centres, widths, calibration).floored(self.floor[folds])
        scale = self.scale[folds][..., None]
        return float(
            sum(
                mean_observed(
                    interval_score(actual, bounds.lower[level], bounds.upper[level], level) / scale
                )
                for level in widths.levels
            )
        )

    def _fit(self, folds: list[int]) -> Floats:
        # A member that is nowhere in these folds would leave no point where all are.
        present = _have_forecasts(self.members[:, folds])
        if not present.any():
            return self.prior.centre(_have_forecasts(self.members))
        weights = np.zeros(len(present))
        weights[present] = self._fit_members(present, folds)
        return weights

    def _fit_members(self, present: NDArray[np.bool_], folds: list[int]) -> Floats:
        def errors(chosen: list[int], series: slice = slice(None)) -> Errors:
            return collect_errors(
                self.members[present][:, chosen][:, :, series],
                self.actual[chosen, series],
                self.scale[chosen, series],
                self.independent(chosen),
            )

        every = errors(folds)
        prior = Prior(self.prior.network[present], self.prior.guard[present])
        places = np.cumsum(present) - 1
        candidates = [int(places[one]) for one in self.candidates if present[one]]
        splits = []
        if candidates and len(places) > 1:
            for fold in folds:
                others = [other for other in self.apart(fold) if other in folds]
                if others:
                    splits.append((errors(others), errors([fold])))
            if not splits and every.windows >= _HALVES:
                even, odd = (errors(folds, slice(start, None, 2)) for start in (0, 1))
                splits = [(even, odd), (odd, even)]
        return fit_useful_weights(every, prior, splits, candidates)


def _intervals(
    blend: Floats, spreads: list[Spread], networks: list[Widths | None], residual: Widths
) -> Intervals:
    """Each fold's intervals from its own spread."""
    lower = {level: np.empty_like(blend) for level in residual.levels}
    upper = {level: np.empty_like(blend) for level in residual.levels}
    for fold, (spread, network) in enumerate(zip(spreads, networks, strict=True)):
        base = spread.widths(network, residual.at(fold))
        bounds = apply_calibration(blend[fold], base, spread.calibration)
        for level in residual.levels:
            lower[level][fold], upper[level][fold] = bounds.lower[level], bounds.upper[level]
    return Intervals(lower, upper)


def _coverage(
    actual: Floats, intervals: Intervals, scale: Floats, spreads: list[Spread]
) -> tuple[tuple[LevelCoverage, ...], dict[float, Floats]]:
    """Observed coverage of each level, over all and by step.

    What is printed beside it is the calibration that was tested: that of the scored fold with the
    fewest scores behind it, not that of the real forecast, which has this fold's own besides.
    """
    rows, by_step = [], {}
    scored = np.flatnonzero((~np.isnan(actual)).any(axis=(1, 2)))
    tested = [spreads[fold].calibration for fold in scored.tolist()]
    for level in intervals.lower:
        hit = inside(actual, intervals.lower[level], intervals.upper[level])
        width = (intervals.upper[level] - intervals.lower[level]) / scale[..., None]
        by_step[level] = mean_observed(hit, axis=(0, 1))
        rows.append(
            LevelCoverage(
                level=level,
                coverage=float(mean_observed(hit)),
                width=float(mean_observed(np.where(np.isnan(hit), np.nan, width))),
                scores=min((one.scores for one in tested), default=0),
                calibrated=bool(tested) and all(one.calibrated[level] for one in tested),
            )
        )
    return tuple(rows), by_step


def _have_forecasts(members: Floats) -> NDArray[np.bool_]:
    """(M,) which members have a forecast anywhere."""
    return np.asarray((~np.isnan(members)).any(axis=(1, 2, 3)))
