"""Conformal intervals: base widths stretched until past folds are covered.

Half-widths are (…, K) distances from the centre to a bound, one array below it and one above. Base
widths come from each series' own residuals, and from the networks' quantiles. Scores are errors in
units of the base width, pooled over steps and series; each level has one multiplier below the
centre and one above, for every step. Time series are not exchangeable, so no finite-sample
guarantee is claimed: what is printed is the coverage observed out of fold.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines.naive import last_observed
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

_POOLED = 100.0  # windows at which a step's own multiplier weighs as much as the pooled one
_NEIGHBOURS = 8  # a step borrows from horizon / 8 steps on either side
_MANY = 1000  # windows from which one more or less changes no quantile
_SAMPLE = 200_000  # scores that a pooled multiplier is taken from
_GUESSED = 3.0  # windows at which the mean error says half of how wide an uncalibrated level is
_FARTHEST = 4.0  # and how far it may move it, either way
_LEAST = 1e-6  # a multiplier stays positive, so that scores can be read in units of it
_BAD = 3.0  # a window is bad when it leaves three times as much outside as the level allows
_BAD_SHARE = 0.05  # of the windows may be bad
_REACH = 512  # grid points of history that residuals come from, at least
_FOLD_PRIOR = 1.0  # windows at which a series' own out-of-fold errors weigh half
_FACTORS = (0.25, 4.0)  # bounds of what they may change
_PAIRS = 8.0  # pairs at which a longer lag's residuals weigh as much as the shorter one's growth

NORMAL_REACH = 6.0
"""Scores are cut off at this many standard deviations: beyond lies one draw in 500 million."""

_POINTS = 4801


@dataclass(frozen=True, eq=False)
class Widths:
    """Half-widths, not yet calibrated: level in percent → (…, K) distances from centre to bound."""

    lower: Mapping[float, Floats]
    upper: Mapping[float, Floats]

    @property
    def levels(self) -> tuple[float, ...]:
        """The levels, ascending."""
        return tuple(sorted(self.lower))

    def at(self, index: int | list[int]) -> Widths:
        """The widths of one fold, or of several: entries of the first axis."""
        return Widths(
            {level: width[index] for level, width in self.lower.items()},
            {level: width[index] for level, width in self.upper.items()},
        )


def stack_widths(folds: Sequence[Widths]) -> Widths:
    """Widths with a new first axis, one entry a fold."""
    return Widths(
        {level: np.stack([fold.lower[level] for fold in folds]) for level in folds[0].lower},
        {level: np.stack([fold.upper[level] for fold in folds]) for level in folds[0].upper},
    )


def residual_widths(
    series: SeriesSet, season: int, horizon: int, levels: Sequence[float]
) -> Widths:
    """Half-widths (N, K) from each series' own seasonal naive errors, growing with the step.

    At step k the error is y_t − y_{t − c·m} with c = ⌈k/m⌉ seasons between the two, which is
    seasonal naive's own k-step error. Its mean size becomes a width through the normal
    distribution. Where a series has few such pairs it leans on the next shorter lag, grown by the
    square root of time as in a random walk. Widths never shrink with the step. They are the same
    below and above; 0 only where a series never changed and, for a series of one point, a tenth of
    its size.
    """
    size = np.empty((len(series), horizon))
    season = max(season, 1)
    reach = max(_REACH, 4 * season, season + 2 * horizon)
    for begin in range(0, len(series), 1024):
        rows = np.arange(begin, min(begin + 1024, len(series)))
        history = series.take(rows).last(min(reach, int(series.lengths[rows].max(initial=0))))
        size[rows] = _error_sizes(history, season, horizon)
    # The mean absolute value of a normal variable is √(2/π) standard deviations.
    deviation = size * np.sqrt(np.pi / 2.0)
    half = {level: NormalDist().inv_cdf(0.5 + level / 200.0) * deviation for level in levels}
    return Widths(half, dict(half))


def mix_widths(network: Widths | None, residual: Widths, share: float, unit: float) -> Widths:
    """Half-widths between the network's and the residuals': a geometric mean.

    Arguments:
        share: of the residuals, 0 to 1.
        unit: network width of a series with residual width 1 (`width_unit`); brings the residual
            widths to the network's size where the network has none.
    """
    if network is None:
        return residual

    def mixed(ours: Floats, other: Floats) -> Floats:
        both = (ours > 0) & (other > 0)
        mean = np.where(both, ours, 1.0) ** (1.0 - share) * np.where(both, other, 1.0) ** share
        return np.where(both, mean, np.where(ours > 0, ours, other * unit ** (1.0 - share)))

    return Widths(
        {level: mixed(network.lower[level], residual.lower[level]) for level in network.lower},
        {level: mixed(network.upper[level], residual.upper[level]) for level in network.upper},
    )


def width_unit(network: Widths | None, residual: Widths) -> float:
    """Geometric mean of network width over residual width at the narrowest level; 1 without."""
    if network is None:
        return 1.0
    level = network.levels[0]
    ours = np.stack([network.lower[level], network.upper[level]])
    other = np.stack([residual.lower[level], residual.upper[level]])
    both = (ours > 0) & (other > 0)
    return float(np.exp(np.mean(np.log(ours[both] / other[both])))) if both.any() else 1.0


def series_factors(
    error: Floats, widths: Widths, independent: NDArray[np.bool_] | None = None
) -> Floats:
    """(N,) how much wider or narrower each series is than its base widths say, from past folds.

    The ratio of a series' mean out-of-fold error to its width, relative to the other series' and
    shrunk towards 1 in the logarithm: with one window half of it counts. Between a quarter and
    four; 1 for a series in no fold.

    Arguments:
        error: (F, N, K) out-of-fold errors of the centre, NaN where there is none.
        independent: (F,) folds of which no two overlap, whose windows count; all if not given.
    """
    if not len(error):
        return np.ones(error.shape[1])
    level = widths.levels[0]
    width = 0.5 * (widths.lower[level] + widths.upper[level])
    usable = (width > 0) & ~np.isnan(error)
    ratio = np.where(usable, np.abs(error) / np.where(usable, width, 1.0), 0.0)
    points = usable.sum(axis=(0, 2))
    counted = usable if independent is None else usable[independent]
    windows = counted.any(axis=2).sum(axis=0)
    mean = ratio.sum(axis=(0, 2)) / np.maximum(points, 1)
    known = mean > 0
    if not known.any():
        return np.ones(error.shape[1])
    log = np.where(known, np.log(np.where(known, mean, 1.0)), 0.0)
    log -= np.where(known, log[known].mean(), 0.0)
    return np.asarray(np.clip(np.exp(windows / (windows + _FOLD_PRIOR) * log), *_FACTORS))


def scale_widths(widths: Widths, factors: Floats) -> Widths:
    """Widths times one factor a series: (N,) on level → (…, N, K)."""
    factor = factors[:, None]
    return Widths(
        {level: width * factor for level, width in widths.lower.items()},
        {level: width * factor for level, width in widths.upper.items()},
    )


@dataclass(frozen=True, eq=False)
class Calibration:
    """What stretches base widths into intervals.

    Arguments:
        lower, upper: level → (K,) multipliers of the half-widths at each step.
        scores: independent scores behind them: windows, series × folds that do not overlap.
        calibrated: level → False where there were fewer scores than the level needs; its one
            multiplier is a guess from the mean error, shrunk towards 1.
    """

    lower: Mapping[float, Floats]
    upper: Mapping[float, Floats]
    scores: int
    calibrated: Mapping[float, bool]


@dataclass(frozen=True, eq=False)
class Intervals:
    """Bounds, level in percent → (…, K): a wider level contains a narrower one, all the centre."""

    lower: Mapping[float, Floats]
    upper: Mapping[float, Floats]

    def floored(self, floor: Floats) -> Intervals:
        """The bounds, none of them below a floor of shape (…): one for all steps."""
        lowest = np.asarray(floor)[..., None]
        return Intervals(
            {level: np.maximum(bound, lowest) for level, bound in self.lower.items()},
            {level: np.maximum(bound, lowest) for level, bound in self.upper.items()},
        )


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


def scores_needed(level: float) -> int:
    """The fewest independent scores that can calibrate a level with two tails: 2/α − 1.

    With n scores the outermost one leaves 1/(n + 1) outside, which must not exceed α/2.
    """
    return math.ceil(2.0 / (1.0 - level / 100.0) - 1.0 - 1e-9)


def uncalibrated(widths: Widths, horizon: int) -> Calibration:
    """Multipliers of 1 everywhere: the base widths as they are."""
    ones = {level: np.ones(horizon) for level in widths.levels}
    return Calibration(ones, dict(ones), 0, dict.fromkeys(widths.levels, False))


def calibrate(
    centre: Floats,
    actual: Floats,
    widths: Widths,
    *,
    by_step: bool = True,
    independent: NDArray[np.bool_] | None = None,
) -> Calibration:
    """Multipliers with which the given folds would have been covered.

    At level 1 − α the multiplier above the centre is the (1 − α/2)(n + 1)/n quantile of the pooled
    scores (y − centre)/width; below it with the signs turned. n is how many independent scores the
    windows are worth: their number where all steps of a window err alike, more where they do not
    (`_independent`). Where there are many windows each step gets its own multiplier, from itself
    and its neighbours, shrunk towards the pooled one.

    Errors inside a window go together, so pooled coverage can be right while some series are left
    outside nearly all the time. A level is therefore stretched until at most one window in twenty
    has more than three times α outside (at 90 %: is covered below 70 %), or until half of the
    pooled misses are gone, whichever comes first. This applies where the horizon is long enough
    that independent steps would not trip it.

    A level with too few windows is not calibrated: its multiplier only says how large the mean
    error was beside what the base width of a normal error would be, shrunk towards 1.

    Arguments:
        centre, actual: (F, N, K), NaN for gaps and missing forecasts. The centre must be out of
            fold: made with weights that these actuals did not shape.
        widths: level → (F, N, K) base half-widths; points where one is 0 are left out.
        by_step: False for one pooled multiplier at all steps.
        independent: (F,) folds of which no two overlap, whose windows count; all if not given.

    Source: Papadopoulos et al., Inductive confidence machines for regression (2002); for two
    tails: Romano, Patterson and Candès, Conformalized quantile regression (2019), section 5.
    """
    horizon = centre.shape[-1]
    counted = slice(None) if independent is None else independent
    error = (actual - centre)[counted].reshape(-1, horizon)
    windows = int((~np.isnan(error)).any(axis=1).sum())
    error = (actual - centre).reshape(-1, horizon)
    worth = windows * (_independent(error, widths) if windows < _MANY else 1.0)
    lower, upper, calibrated = {}, {}, {}
    for level in widths.levels:
        calibrated[level] = windows >= scores_needed(level)
        if not calibrated[level]:
            guess = _guess(error, widths, level, windows)
            lower[level], upper[level] = np.full(horizon, guess), np.full(horizon, guess)
            continue
        tail = (1.0 - level / 100.0) / 2.0
        share = min(1.0, (1.0 - tail) * (worth + 1.0) / worth)
        below = _scores(-error, widths.lower[level])
        above = _scores(error, widths.upper[level])
        trust = windows / (windows + _POOLED) if by_step and windows >= _POOLED else 0.0
        lower[level] = _multipliers(below, share, trust)
        upper[level] = _multipliers(above, share, trust)
        stretch = _stretch(np.maximum(below / lower[level], above / upper[level]), 2.0 * tail)
        lower[level] = lower[level] * stretch
        upper[level] = upper[level] * stretch
    return Calibration(lower, upper, windows, calibrated)


def apply_calibration(centre: Floats, widths: Widths, calibration: Calibration) -> Intervals:
    """The intervals around a centre (…, K), from a calibration on other folds.

    Bounds are nested: where a narrower level reached further, the wider one is widened to it.
    """
    lower: dict[float, Floats] = {}
    upper: dict[float, Floats] = {}
    below, above = np.zeros_like(centre), np.zeros_like(centre)
    for level in widths.levels:
        below = np.maximum(below, widths.lower[level] * calibration.lower[level])
        above = np.maximum(above, widths.upper[level] * calibration.upper[level])
        lower[level], upper[level] = centre - below, centre + above
    return Intervals(lower, upper)


def _error_sizes(history: Floats, season: int, horizon: int) -> Floats:
    """(N, K) mean absolute seasonal naive error at each step."""
    count, length = history.shape
    changes, pairs = _changes(history, 1)
    newest = np.where(np.isnan(last_observed(history)), 0.0, last_observed(history))
    previous = np.where(pairs > 0, changes, 0.1 * np.abs(newest))
    cycles = -(-horizon // season)
    sizes = np.empty((count, cycles))
    for cycle in range(cycles):
        lag = (cycle + 1) * season
        seen, pairs = _changes(history, lag) if lag < length else (np.zeros(count), np.zeros(count))
        growth = np.sqrt((cycle + 1.0) / cycle) if cycle else 1.0
        expected = previous * growth
        share = pairs / (pairs + _PAIRS)
        sizes[:, cycle] = np.maximum(
            share * seen + (1.0 - share) * expected, previous * (cycle > 0)
        )
        previous = sizes[:, cycle]
    return np.repeat(sizes, season, axis=1)[:, :horizon]


def _changes(history: Floats, lag: int) -> tuple[Floats, Floats]:
    """(N,) mean |y_t − y_{t−lag}| over observed pairs (0 without any), and how many pairs."""
    change = np.abs(history[:, lag:] - history[:, :-lag])
    seen = ~np.isnan(change)
    pairs = seen.sum(axis=1).astype(np.float64)
    return np.where(seen, change, 0.0).sum(axis=1) / np.maximum(pairs, 1.0), pairs


def _independent(error: Floats, widths: Widths) -> float:
    """How many independent scores a window is worth, from 1 to its number of steps.

    The normal scores of the ranks of all errors, in units of the narrowest width, have variance 1;
    the mean over the steps of a window has 1/m where the steps were worth m independent ones.
    Errors in the tails go together less than their ranks do, so m is not too large.

    Source: Kish, Survey Sampling (1965), section 5.4: the effect of clusters on a sample's size.
    """
    level = widths.levels[0]
    scores = _scores(error, 0.5 * (widths.lower[level] + widths.upper[level]))
    seen = ~np.isnan(scores)
    count = int(seen.sum())
    if count < 2:
        return 1.0
    every = np.flatnonzero(seen.ravel())
    ranks = np.empty(count)
    ranks[np.argsort(scores.ravel()[every], kind="stable")] = np.arange(count)
    normal = np.zeros(scores.size)
    normal[every] = normal_score((ranks + 0.5) / count)
    steps = seen.sum(axis=1)
    filled = steps > 0
    mean = normal.reshape(scores.shape).sum(axis=1)[filled] / steps[filled]
    return float(np.clip(1.0 / max(float((mean**2).mean()), 1e-9), 1.0, error.shape[1]))


def _guess(error: Floats, widths: Widths, level: float, windows: int) -> float:
    """One multiplier from the mean error, for a level whose tails nothing is known about.

    A normal error whose `level` interval has half-width w has mean absolute error w · √(2/π)/z. The
    ratio of the observed mean to that, shrunk towards 1 by the number of windows.
    """
    width = 0.5 * (widths.lower[level] + widths.upper[level]).reshape(error.shape)
    usable = (width > 0) & ~np.isnan(error)
    z = NormalDist().inv_cdf(0.5 + level / 200.0)
    expected = float(width[usable].sum()) * math.sqrt(2.0 / math.pi) / z
    observed = float(np.abs(error[usable]).sum())
    if not expected > 0 or not observed > 0:
        return 1.0
    ratio = min(max(observed / expected, 1.0 / _FARTHEST), _FARTHEST)
    return float(ratio ** (windows / (windows + _GUESSED)))


def _scores(error: Floats, width: Floats) -> Floats:
    """(F·N, K) errors in units of their width, NaN where there is no width."""
    width = width.reshape(error.shape)
    usable = (width > 0) & ~np.isnan(width)
    return np.where(usable, error / np.where(usable, width, 1.0), np.nan)


def _multipliers(score: Floats, share: float, trust: float) -> Floats:
    """(K,) positive multipliers: the `share` quantile of the scores at each step."""
    horizon = score.shape[1]
    pooled = _quantile(score, share)
    if trust <= 0:
        return np.full(horizon, pooled)
    reach = horizon // _NEIGHBOURS
    # Neighbouring steps of a long horizon read nearly the same scores: a quarter of the reach apart
    # is close enough, and leaves at most some 60 quantiles at any horizon.
    steps = np.unique(np.append(np.arange(0, horizon, max(1, reach // 4)), horizon - 1))
    at_steps = [
        _quantile(score[:, max(0, step - reach) : step + reach + 1], share) for step in steps
    ]
    return trust * np.interp(np.arange(horizon), steps, at_steps) + (1.0 - trust) * pooled


def _stretch(reached: Floats, alpha: float) -> float:
    """What makes bad windows rare, at least 1.

    `reached` is (windows, K), each error in units of the calibrated width on its side; `alpha` the
    share of points that the level leaves outside.
    """
    steps = reached.shape[1]
    allowed = math.floor(_BAD * alpha * steps + 1e-9)
    if allowed >= steps:
        return 1.0
    by_chance = 1.0 - sum(
        math.exp(log_binomial(steps, missed, alpha)) for missed in range(allowed + 1)
    )
    whole = reached[~np.isnan(reached).any(axis=1)]
    if by_chance > 0.2 * _BAD_SHARE or len(whole) < 1.0 / _BAD_SHARE:
        return 1.0
    # The stretch at which a window has no more than `allowed` points outside.
    needed = np.sort(whole, axis=1)[:, steps - 1 - allowed]
    return max(1.0, min(_quantile(needed, 1.0 - _BAD_SHARE), _quantile(whole, 1.0 - alpha / 2.0)))


def log_binomial(count: int, chosen: int, share: float) -> float:
    """Logarithm of the binomial probability: the numbers themselves overflow near 1,000 steps."""
    ways = math.lgamma(count + 1) - math.lgamma(chosen + 1) - math.lgamma(count - chosen + 1)
    return ways + chosen * math.log(share) + (count - chosen) * math.log1p(-share)


def _quantile(scores: Floats, share: float) -> float:
    """The upper empirical quantile of what is not NaN; 1 where there is nothing, never 0."""
    scores = scores[~np.isnan(scores)]
    if not len(scores):
        return 1.0
    if len(scores) > _SAMPLE:
        scores = scores[np.linspace(0, len(scores) - 1, _SAMPLE).astype(np.int64)]
    rank = min(len(scores) - 1, math.ceil(share * len(scores)) - 1)
    return max(_LEAST, float(np.partition(scores, rank)[rank]))


def normal_probability(scores: Floats) -> Floats:
    """The normal distribution function, to 1e-6."""
    grid, table = _table()
    return np.interp(scores, grid, table)


def normal_score(probabilities: Floats) -> Floats:
    """The inverse of `normal_probability`, between −6 and 6."""
    grid, table = _table()
    # The upper half mirrors the lower one: near 1 a probability has lost the digits of its tail.
    lower = np.interp(np.minimum(probabilities, 1.0 - np.asarray(probabilities)), table, grid)
    return np.where(np.asarray(probabilities) > 0.5, -lower, lower)


def normal_density(scores: Floats) -> Floats:
    """The normal density."""
    return np.asarray(np.exp(-0.5 * np.asarray(scores) ** 2) / np.sqrt(2.0 * np.pi))


def normal_strata(count: int) -> Floats:
    """(count,) scores in the middle of equally likely strata, ascending."""
    return normal_score((np.arange(count) + 0.5) / count)


@cache
def _table() -> tuple[Floats, Floats]:
    grid = np.linspace(-NORMAL_REACH, NORMAL_REACH, _POINTS)
    normal = NormalDist()
    return grid, np.array([normal.cdf(point) for point in grid.tolist()])
