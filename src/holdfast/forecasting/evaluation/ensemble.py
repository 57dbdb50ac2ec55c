"""Ensemble weights: one for each member, non-negative, summing to 1, shrunk towards a prior."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ModelError
from holdfast.forecasting.evaluation.conformal import (
    Calibration,
    Intervals,
    Spread,
    Widths,
    apply_calibration,
    scores_needed,
)
from holdfast.records import Floats

Chosen = NDArray[np.bool_]

_PRIOR = 0.5  # standard deviation of a weight around its centre before any error was seen
_SAMPLE = 8192  # points that the weights are fitted to; a larger backtest is thinned evenly
_NEGLIGIBLE = 0.02  # a smaller weight is set to 0
_NOTHING = 1e-150  # of a point's size: below it a unit says nothing, and its square is no number
_WORTHWHILE = 0.001  # share of the loss that a member must save to be kept

LEVELS = (50.0, 80.0, 90.0, 95.0, 99.0)
"""Interval levels that a backtest calibrates; others are taken between their neighbours."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """How members become one forecast with intervals.

    Arguments:
        names: the members, in the order of `weights`.
        weights: (M,) non-negative, summing to 1.
    """

    names: tuple[str, ...]
    weights: Floats
    spread: Spread

    def weight(self, name: str) -> float:
        """A member's weight; 0 where there is no such member."""
        return float(self.weights[self.names.index(name)]) if name in self.names else 0.0

    def without(self, names: Collection[str]) -> Ensemble:
        """The same rule without members that have no weight."""
        kept = [place for place, name in enumerate(self.names) if name not in names]
        return Ensemble(tuple(self.names[place] for place in kept), self.weights[kept], self.spread)

    def median(self, members: Mapping[str, Floats]) -> Floats:
        """(N, K) the blend of the members; NaN only where no member has a forecast."""
        return combine(np.stack([members[name] for name in self.names]), self.weights)

    def intervals(
        self, median: Floats, factors: Floats, residual: Widths, networks: Mapping[str, Widths]
    ) -> Intervals:
        """The intervals around the blend (N, K).

        Arguments:
            factors: (N,) each series' own width, 1 for series that the backtest never saw.
            residual: level → (N, K) half-widths from `residual_widths`.
            networks: member → level → (N, K) a network's half-widths, NaN where it has none.
        """
        calibration = calibration_at(self.spread.calibration, residual.levels, median.shape[1])
        spread = Spread(self.spread.share, self.spread.unit, factors, calibration)
        weights = np.array([self.weight(name) for name in networks])
        network = blend_widths(list(networks.values()), weights)
        return apply_calibration(median, spread.widths(network, residual), calibration)

    def to_arrays(self) -> dict[str, Floats]:
        """The numbers, by name, for a model folder."""
        calibration = self.spread.calibration
        levels = sorted(calibration.lower)
        return {
            "weights": self.weights,
            "factors": self.spread.factors,
            "share and unit": np.array([self.spread.share, self.spread.unit]),
            "levels": np.array(levels),
            "lower": np.stack([calibration.lower[level] for level in levels]),
            "upper": np.stack([calibration.upper[level] for level in levels]),
            "scores": np.array([float(calibration.scores)]),
        }

    @classmethod
    def from_arrays(
        cls, names: Sequence[str], arrays: Mapping[str, Floats], horizon: int, series: int
    ) -> Ensemble:
        """The inverse of `to_arrays`; a ModelError where an array is missing or impossible."""
        levels = arrays.get("levels", np.zeros(0)).ravel().tolist()
        shapes: dict[str, tuple[int, ...]] = {
            "weights": (len(names),),
            "factors": (series,),
            "share and unit": (2,),
            "lower": (len(levels), horizon),
            "upper": (len(levels), horizon),
            "scores": (1,),
        }
        for name, shape in shapes.items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != np.float64:
                raise ModelError(f"The model's {name} is missing or has the wrong shape.")
            if not np.isfinite(array).all() or (array < 0).any():
                raise ModelError(f"The model's {name} holds impossible numbers.")
        if not levels or not all(0 < level < 100 for level in levels):
            raise ModelError("The model's interval levels are missing or impossible.")
        scores = int(arrays["scores"][0])
        calibration = Calibration(
            lower=dict(zip(levels, arrays["lower"], strict=True)),
            upper=dict(zip(levels, arrays["upper"], strict=True)),
            scores=scores,
            calibrated={level: scores >= scores_needed(level) for level in levels},
        )
        share, unit = arrays["share and unit"].tolist()
        return cls(
            tuple(names), arrays["weights"], Spread(share, unit, arrays["factors"], calibration)
        )


@dataclass(frozen=True, eq=False)
class Prior:
    """Where weights start: half of them with the networks, half with the simple methods.

    Each half is shared equally among those of its members that have forecasts. A network that knows
    series in general is worth as much as all simple methods together before any error was seen;
    equal shares for all would leave it the less, the more methods stand beside it. The guards (M,)
    start at zero wherever there is another member, and may still earn weight.
    """

    network: Chosen
    guard: Chosen

    def centre(self, present: Chosen) -> Floats:
        """(M,) the weights of the members that are present; they sum to 1."""
        for chosen in (present & ~self.guard, present, ~self.guard, np.ones_like(present)):
            kinds = [chosen & self.network, chosen & ~self.network]
            shares = [kind / kind.sum() for kind in kinds if kind.any()]
            if shares:
                return np.asarray(np.mean(shares, axis=0))
        return np.zeros(len(present))


@dataclass(frozen=True, eq=False)
class Errors:
    """What the weights of a blend are fitted to: points that every member could forecast.

    Arguments:
        members: (P, M) forecasts, each point in units of its own size.
        actual: (P,) what came, in the same units.
        cost: (P,) what one unit of absolute error costs at each point.
        windows: independent errors behind the points: series × folds that do not overlap.
    """

    members: Floats
    actual: Floats
    cost: Floats
    windows: int

    def loss(self, weights: Floats) -> float:
        """Mean cost of the blend's absolute errors; about 1 for the members' median."""
        return float(np.mean(self.cost * np.abs(self.members @ weights - self.actual)))


def collect_errors(
    members: Floats, actual: Floats, scale: Floats, independent: NDArray[np.bool_] | None = None
) -> Errors:
    """Points and their cost: half scaled error, half percentage error, as in M4's OWA.

    Both halves are in units of what the members' median achieves, so neither outweighs the other:
    a point's cost is ½ · (1/scale)/MASE_mid + ½ · (200/(|y| + |ŷ_mid|))/sMAPE_mid. With ŷ_mid in
    the place of the blend the loss is convex in the weights. Points where a member (M, F, N, K) or
    the actual (F, N, K) is missing are left out, the others thinned evenly to a bounded number.

    Arguments:
        scale: (F, N) MASE units.
        independent: (F,) folds of which no two overlap, whose windows count; all if not given.
    """
    whole = ~(np.isnan(members).any(axis=0) | np.isnan(actual))
    counted = whole if independent is None else whole[independent]
    windows = int(counted.any(axis=-1).sum())
    rows = np.flatnonzero(whole)
    if len(rows) > _SAMPLE:
        rows = rows[np.linspace(0, len(rows) - 1, _SAMPLE).astype(np.int64)]
    points = members.reshape(len(members), -1)[:, rows].T
    y = actual.ravel()[rows]
    unit = np.broadcast_to(scale[..., None], actual.shape).ravel()[rows]
    # A point's size cancels against its cost; without it 1/1e-310 would overflow.
    largest = np.maximum(np.abs(points).max(axis=1, initial=0.0), np.abs(y))
    largest = np.where(largest > 0, largest, 1.0)
    points, y, unit = points / largest[:, None], y / largest, unit / largest
    middle = np.median(points, axis=1) if len(rows) else y
    error = np.abs(middle - y)
    size = np.abs(y) + np.abs(middle)
    scaled = 1.0 / np.maximum(unit, _NOTHING)
    relative = np.where(size > _NOTHING, 200.0 / np.maximum(size, _NOTHING), 0.0)
    cost = np.zeros(len(rows))
    for part in (scaled, relative):
        mean = float(np.mean(part * error)) if len(rows) else 0.0
        cost += 0.5 * part / mean if mean > 0 else 0.0
    return Errors(points, y, cost, windows)


def fit_weights(errors: Errors, centre: Floats) -> Floats:
    """(M,) the weights of least cost plus distance from the centre, with exact zeros.

    Minimises mean(cost · |F w − y|) + |w − centre|² / (2 σ² n) over the simplex: the posterior
    mode under Laplace errors, n = `errors.windows` of them, and a normal prior with σ = .5. With
    3 windows the blend stays near the centre, with 1,000 the data decide; without points it is the
    centre. A member with centre 0 may still earn weight. Solved by iteratively reweighted least
    squares; every round is a small quadratic problem on the simplex.

    Source: shrinkage towards equal weights: Diebold and Pauly (1990); reweighting as
    majorisation: Hunter and Lange, Quantile regression via an MM algorithm (2000).
    """
    weights: Floats = centre.copy()
    if not len(errors.actual) or not errors.cost.any():
        return weights
    # Relative to the centre's forecast, so that a level of 10^9 costs no digits.
    reference = errors.members @ centre
    deviation = errors.cost[:, None] * (errors.members - reference[:, None])
    target = errors.cost * (errors.actual - reference)
    penalty = 1.0 / (2.0 * _PRIOR**2 * max(errors.windows, 1))
    points = len(target)
    for _ in range(30):
        residual = np.abs(deviation @ weights - target)
        # |r| is majorised by r²/(2|r₀|) + |r₀|/2; the floor keeps it finite at r₀ = 0.
        curvature = 1.0 / np.maximum(residual, 1e-3) / points
        weighted = deviation * curvature[:, None]
        gram = weighted.T @ deviation
        # Members that are the same but for rounding, or one enormous error, would leave a singular
        # matrix. Holding on to the last weights instead moves no fixed point.
        hold = 1e-10 * float(np.trace(gram)) / len(weights)
        quadratic = gram + (2.0 * penalty + hold) * np.eye(len(weights))
        linear = weighted.T @ target + 2.0 * penalty * centre + hold * weights
        moved = _least_on_simplex(quadratic, linear, weights)
        done = np.abs(moved - weights).max() < 1e-4
        weights = moved
        if done:
            break
    weights = np.where(weights < _NEGLIGIBLE, 0.0, weights)
    return np.asarray(weights / weights.sum())


def fit_useful_weights(
    errors: Errors, prior: Prior, splits: list[tuple[Errors, Errors]], candidates: Sequence[int]
) -> Floats:
    """(M,) the fitted weights, some members at zero unless they help where they were not fitted.

    The candidates (networks trained on these series) are tried one after the other, each against
    the blend of whatever is left: a candidate gets 0 where the blend with it does not save a
    thousandth of the loss over all test parts of the splits, pairs (fit, test) of errors that
    share no window. Without any test part nothing can be told, and all are kept.
    """
    kept = np.ones(len(prior.network), dtype=np.bool_)
    if sum(len(test.actual) for _, test in splits):
        loss = _test_loss(prior, splits, kept)
        for candidate in candidates:
            fewer = kept.copy()
            fewer[candidate] = False
            if fewer.any():
                without = _test_loss(prior, splits, fewer)
                if not (without > 0 and loss <= (1.0 - _WORTHWHILE) * without):
                    kept, loss = fewer, without
    return _fit_kept(errors, prior, kept)


def combine(members: Floats, weights: Floats) -> Floats:
    """The weighted mean of the members; weights are shared out again where a member is missing.

    Members are (M, …), NaN where one has no forecast. The result is the plain mean of the others
    where all weighted members are missing, and NaN where all are.
    """
    present = ~np.isnan(members)
    shape = (len(weights),) + (1,) * (members.ndim - 1)
    shared = np.where(present, weights.reshape(shape), 0.0)
    total = shared.sum(axis=0)
    shared = np.where(total > 0, shared, present.astype(np.float64))
    total = shared.sum(axis=0)
    shared = shared / np.where(total > 0, total, 1.0)
    blend = (shared * np.where(present, members, 0.0)).sum(axis=0)
    return np.where(total > 0, blend, np.nan)


def blend_widths(networks: Sequence[Widths], weights: Floats) -> Widths | None:
    """The half-widths of several networks: their weighted mean; None without networks.

    They weigh as much as their forecasts do in the blend, so that what has no say in the centre
    has none in the width either; where none has a weight the first one counts alone. Half-widths
    are distances between quantiles of equal level, whose mean keeps the networks' shape and scale,
    where a mixture of their distributions would be wider than each of them.

    Source: Vincent (1912); Lichtendahl, Grushka-Cockayne and Winkler, Is it better to average
    probabilities or quantiles? (2013).
    """
    if not networks:
        return None
    weighted = np.flatnonzero(weights > 0) if (weights > 0).any() else np.array([0])
    chosen: list[Widths] = [networks[place] for place in weighted]
    shares = weights[weighted]
    if len(chosen) == 1:
        return chosen[0]
    levels = chosen[0].levels
    return Widths(
        {lev: combine(np.stack([one.lower[lev] for one in chosen]), shares) for lev in levels},
        {lev: combine(np.stack([one.upper[lev] for one in chosen]), shares) for lev in levels},
    )


def calibration_at(calibration: Calibration, levels: Sequence[float], horizon: int) -> Calibration:
    """Multipliers at any levels: linear between the calibrated ones, the nearest beyond them."""
    known = np.array(sorted(calibration.lower))

    def between(side: Mapping[float, Floats]) -> dict[float, Floats]:
        rows = np.stack([side[level] for level in known.tolist()])
        return {
            level: np.array([np.interp(level, known, rows[:, step]) for step in range(horizon)])
            for level in levels
        }

    return Calibration(
        lower=between(calibration.lower),
        upper=between(calibration.upper),
        scores=calibration.scores,
        calibrated={level: calibration.scores >= scores_needed(level) for level in levels},
    )


def _test_loss(prior: Prior, splits: list[tuple[Errors, Errors]], kept: Chosen) -> float:
    """The loss over all test splits of a blend of some members, fitted beside each of them."""
    return sum(
        len(test.actual) * test.loss(_fit_kept(fit, prior, kept))
        for fit, test in splits
        if len(test.actual)
    )


def _fit_kept(errors: Errors, prior: Prior, kept: Chosen) -> Floats:
    """Weights of some members; the others get 0."""
    if kept.all():
        return fit_weights(errors, prior.centre(kept))
    fewer = Errors(errors.members[:, kept], errors.actual, errors.cost, errors.windows)
    weights = np.zeros(len(kept))
    weights[kept] = fit_weights(fewer, prior.centre(kept)[kept])
    return weights


def _least_on_simplex(quadratic: Floats, linear: Floats, start: Floats) -> Floats:
    """argmin ½ wᵀQw − bᵀw over the simplex, by a primal active-set method from a start on it.

    Q is positive definite. Source: Nocedal and Wright, Numerical Optimization (2006), alg. 16.3.
    """
    weights, free = start, start > 0
    slack = 1e-12 * float(np.abs(quadratic).max())
    for _ in range(8 * len(linear)):  # rounding could make it turn in a circle
        aim, price = _least_on_face(quadratic, linear, free)
        short = np.flatnonzero(free & (aim < 0))
        if len(short):
            # Towards the aim until the first weight is zero, which then stays there.
            reach = weights[short] / (weights[short] - aim[short])
            first = short[np.argmin(reach)]
            weights = np.maximum(weights + reach.min() * (aim - weights), 0.0)
            weights[first], free[first] = 0.0, False
            continue
        weights = aim
        pull = np.where(free, 0.0, quadratic @ weights - linear - price)
        if pull.min() >= -slack:
            break
        free[np.argmin(pull)] = True
    return np.asarray(weights / weights.sum())


def _least_on_face(quadratic: Floats, linear: Floats, free: Chosen) -> tuple[Floats, float]:
    """(M,) the least where the others are zero and all sum to 1, and the price of that sum."""
    right = np.stack([linear[free], np.ones(int(free.sum()))], axis=1)
    solved = np.linalg.solve(quadratic[np.ix_(free, free)], right)
    price = float((1.0 - solved[:, 0].sum()) / solved[:, 1].sum())
    weights = np.zeros(len(linear))
    weights[free] = solved[:, 0] + price * solved[:, 1]
    return weights, price
