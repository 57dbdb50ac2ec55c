"""One weight for each member of the blend: non-negative, summing to 1, shrunk towards equal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats

_PRIOR = 0.5  # standard deviation of a weight around its centre before any error was seen
_SAMPLE = 8192  # points that the weights are fitted to; a larger backtest is thinned evenly
_NEGLIGIBLE = 0.02  # a smaller weight is set to 0
_NOTHING = 1e-150  # of a point's size: below it a unit says nothing, and its square is no number
_WORTHWHILE = 0.001  # share of the loss that a member must save to be kept


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
    the place of the blend the loss is convex in the weights.

    Arguments:
        members: (M, F, N, K) forecasts, NaN where a member has none.
        actual: (F, N, K), NaN for gaps.
        scale: (F, N) MASE units.
        independent: (F,) folds of which no two overlap, whose windows count; all if not given.

    Returns:
        the points where all members and the actual are there, thinned evenly to a bounded number.
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
    """The weights of least cost plus distance from the centre.

    Minimises mean(cost · |F w − y|) + |w − centre|² / (2 σ² n) over the simplex: the posterior
    mode under Laplace errors, n = `errors.windows` of them, and a normal prior with σ = .5. With
    3 windows the blend stays near the centre, with 1,000 the data decide. Solved by iteratively
    reweighted least squares; every round is a small quadratic problem on the simplex.

    Arguments:
        errors: from `collect_errors`; without points the centre is returned.
        centre: (M,) non-negative, summing to 1; a member with centre 0 may still earn weight.

    Returns:
        (M,) non-negative, summing to 1, with exact zeros.

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
        moved = _least_on_simplex(quadratic, linear)
        done = np.abs(moved - weights).max() < 1e-4
        weights = moved
        if done:
            break
    weights = np.where(weights < _NEGLIGIBLE, 0.0, weights)
    return np.asarray(weights / weights.sum())


def fit_without_useless(
    errors: Errors, centre: Floats, parts: list[tuple[Errors, Errors]], candidate: int
) -> Floats:
    """The fitted weights, with one member at zero unless it helps where it was not fitted.

    Arguments:
        errors, centre: as for `fit_weights`.
        parts: pairs (fit, test) of errors that share no window.
        candidate: the member that must earn its place (the LSTM).

    Returns:
        (M,) weights; `candidate`'s is 0 where the blend with it does not save a thousandth of the
        loss over all test parts. Without any test part nothing can be told, and it is kept.
    """
    without = _drop(centre, candidate)
    with_it = without_it = 0.0
    for fit, test in parts:
        if len(test.actual):
            with_it += len(test.actual) * test.loss(fit_weights(fit, centre))
            without_it += len(test.actual) * test.loss(_fit_others(fit, without, candidate))
    if without_it > 0 and with_it <= (1.0 - _WORTHWHILE) * without_it:
        return fit_weights(errors, centre)
    return _fit_others(errors, without, candidate)


def combine(members: Floats, weights: Floats) -> Floats:
    """The weighted mean of the members; weights are shared out again where a member is missing.

    Arguments:
        members: (M, …) forecasts, NaN where a member has none.
        weights: (M,).

    Returns:
        (…); the plain mean of what is there where all weighted members are missing, NaN where
        nothing is there.

    Example:
        >>> combine(np.array([[1.0, np.nan], [3.0, 3.0]]), np.array([0.5, 0.5])).tolist()
        [2.0, 3.0]
    """
    there = ~np.isnan(members)
    shape = (len(weights),) + (1,) * (members.ndim - 1)
    shared = np.where(there, weights.reshape(shape), 0.0)
    total = shared.sum(axis=0)
    shared = np.where(total > 0, shared, there.astype(np.float64))
    total = shared.sum(axis=0)
    shared = shared / np.where(total > 0, total, 1.0)
    blend = (shared * np.where(there, members, 0.0)).sum(axis=0)
    return np.where(total > 0, blend, np.nan)


def _drop(centre: Floats, member: int) -> Floats:
    """The centre without one member."""
    others = centre.copy()
    others[member] = 0.0
    total = others.sum()
    if total > 0:
        return np.asarray(others / total)
    others[:] = 1.0
    others[member] = 0.0
    return np.asarray(others / max(others.sum(), 1.0))


def _fit_others(errors: Errors, without: Floats, member: int) -> Floats:
    """Weights of all members but one, which gets 0."""
    keep = np.arange(len(without)) != member
    fewer = Errors(errors.members[:, keep], errors.actual, errors.cost, errors.windows)
    weights = np.zeros(len(without))
    weights[keep] = fit_weights(fewer, without[keep])
    return weights


def _least_on_simplex(quadratic: Floats, linear: Floats) -> Floats:
    """argmin ½ wᵀQw − bᵀw over the simplex, exactly: every set of non-zero weights is tried.

    Members are few (six make 63 sets), so all the equality-constrained problems are solved at once.
    """
    count = len(linear)
    sets = (np.arange(1, 2**count)[:, None] >> np.arange(count) & 1).astype(np.float64)
    # Rows and columns outside a set become the identity's, with 0 on the right-hand side.
    systems = quadratic * sets[:, :, None] * sets[:, None, :]
    systems += np.eye(count) * (1.0 - sets)[:, :, None]
    solved = np.linalg.solve(systems, np.stack([sets * linear, sets], axis=2))
    free, along = solved[:, :, 0], solved[:, :, 1]
    weights = free - along * ((free.sum(axis=1) - 1.0) / along.sum(axis=1))[:, None]
    value = 0.5 * np.einsum("si,ij,sj->s", weights, quadratic, weights) - weights @ linear
    value[(weights < -1e-9).any(axis=1)] = np.inf
    best = np.maximum(weights[np.argmin(value)], 0.0)
    return np.asarray(best / best.sum())
