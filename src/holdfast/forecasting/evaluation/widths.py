"""How uncertain each series is before calibration: half-widths from residuals.

Half-widths are (…, K) distances from the centre to a bound, one array below it and one above.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines.naive import last_observed
from holdfast.forecasting.evaluation.blend import combine
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

_REACH = 512  # grid points of history that residuals come from, at least
_FOLD_PRIOR = 1.0  # windows at which a series' own out-of-fold errors weigh half
_FACTORS = (0.25, 4.0)  # bounds of what they may change
_PAIRS = (
    8.0  # pairs at which a longer lag's own residuals weigh as much as the shorter lag's growth
)


@dataclass(frozen=True, eq=False)
class Widths:
    """Half-widths of every level, not yet calibrated.

    Arguments:
        lower, upper: level in percent → (…, K) distances from the centre to the bounds.
    """

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
    """Half-widths from each series' own seasonal naive errors, growing with the step.

    At step k the error is y_t − y_{t − c·m} with c = ⌈k/m⌉ seasons between the two, which is
    seasonal naive's own k-step error. Its mean size becomes a width through the normal
    distribution. Where a series has few such pairs it leans on the next shorter lag, grown by the
    square root of time as in a random walk. Widths never shrink with the step.

    Arguments:
        series: N histories; gaps are NaN.
        season: grid points of one season, 1 for none.
        horizon: K steps.
        levels: in percent.

    Returns:
        level → (N, K), the same below and above; 0 only where a series never changed and, for a
        series of one point, a tenth of its size.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> series = SeriesSet.from_arrays({"a": [1.0, 2.0, 1.0, 2.0]}, Calendar.integer())
        >>> width = residual_widths(series, 1, 2, [80.0]).upper[80.0]
        >>> bool(width[0, 0] > 0), bool(width[0, 1] >= width[0, 0])
        (True, True)
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
    made = {level: NormalDist().inv_cdf(0.5 + level / 200.0) * deviation for level in levels}
    return Widths(made, dict(made))


def blend_widths(networks: Sequence[Widths], weights: Floats) -> Widths | None:
    """What several networks say of the uncertainty: the mean of their half-widths.

    They weigh as much as their forecasts do in the blend, so that what has no say in the centre
    has none in the width either; where none has a weight the first one speaks alone. Half-widths
    are distances between quantiles of equal level, whose mean keeps the networks' shape and scale,
    where a mixture of their distributions would be wider than each of them.

    Arguments:
        networks: level → (…, K) each, NaN where a network has none.
        weights: (n,) of the networks in the blend.

    Returns:
        level → (…, K); None without networks.

    Source: Vincent (1912); Lichtendahl, Grushka-Cockayne and Winkler, Is it better to average
    probabilities or quantiles? (2013).
    """
    if not networks:
        return None
    speaking = np.flatnonzero(weights > 0) if (weights > 0).any() else np.array([0])
    chosen: list[Widths] = [networks[place] for place in speaking]
    shares = weights[speaking]
    if len(chosen) == 1:
        return chosen[0]
    levels = chosen[0].levels
    return Widths(
        {lev: combine(np.stack([one.lower[lev] for one in chosen]), shares) for lev in levels},
        {lev: combine(np.stack([one.upper[lev] for one in chosen]), shares) for lev in levels},
    )


def mix_widths(network: Widths | None, residual: Widths, share: float, unit: float) -> Widths:
    """Half-widths between the network's and the residuals': a geometric mean.

    Arguments:
        network: level → (…, K), NaN where the network has none; None without a network.
        residual: level → (…, K).
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
    """How much wider or narrower each series is than its base widths say, from past folds.

    The ratio of a series' mean out-of-fold error to its width, relative to the other series' and
    shrunk towards 1 in the logarithm: with one window half of it counts.

    Arguments:
        error: (F, N, K) out-of-fold errors of the centre, NaN where there is none.
        widths: level → (F, N, K).
        independent: (F,) folds of which no two overlap, whose windows count; all if not given.

    Returns:
        (N,) between a quarter and four; 1 for a series in no fold.
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
        own, pairs = _changes(history, lag) if lag < length else (np.zeros(count), np.zeros(count))
        growth = np.sqrt((cycle + 1.0) / cycle) if cycle else 1.0
        expected = previous * growth
        share = pairs / (pairs + _PAIRS)
        sizes[:, cycle] = np.maximum(share * own + (1.0 - share) * expected, previous * (cycle > 0))
        previous = sizes[:, cycle]
    return np.repeat(sizes, season, axis=1)[:, :horizon]


def _changes(history: Floats, lag: int) -> tuple[Floats, Floats]:
    """(N,) mean |y_t − y_{t−lag}| over observed pairs (0 without any), and how many pairs."""
    change = np.abs(history[:, lag:] - history[:, :-lag])
    seen = ~np.isnan(change)
    pairs = seen.sum(axis=1).astype(np.float64)
    return np.where(seen, change, 0.0).sum(axis=1) / np.maximum(pairs, 1.0), pairs
