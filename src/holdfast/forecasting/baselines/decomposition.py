"""Which series have a season, and what it looks like: the step before Theta and damped ETS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines.naive import by_phase, phase_means, spans
from holdfast.records import Floats

_CRITICAL = 1.645  # two-sided 90 % of the normal distribution


@dataclass(frozen=True, eq=False)
class Seasonality:
    """The season taken out of N histories, and how to put it back.

    Arguments:
        adjusted: (N, L) the histories without their season; NaN where they were.
        factors: (N, season) one factor (or summand) for each phase; step k has phase k % season.
        multiplicative: (N,) True where `factors` multiply, False where they add.
        found: (N,) True where the test found a season; elsewhere nothing was changed.
    """

    adjusted: Floats
    factors: Floats
    multiplicative: NDArray[np.bool_]
    found: NDArray[np.bool_]

    def restore(self, forecast: Floats) -> Floats:
        """(N, K) forecasts of the adjusted series, with the season back in."""
        season = self.factors.shape[1]
        factors = np.take(self.factors, np.arange(forecast.shape[1]) % season, axis=1)
        multiplies = self.multiplicative[:, None]
        return np.asarray(np.where(multiplies, forecast * factors, forecast + factors))


def is_seasonal(history: Floats, season: int) -> NDArray[np.bool_]:
    """(N,) whether the autocorrelation at the season's lag is larger than chance, at 90 %.

    The test of the M4 competition: |r_m| > 1.645 · √((1 + 2 Σ_{i<m} r_i²) / n), for series of at
    least three seasons; gaps count as the mean.
    """
    count, length = history.shape
    if season <= 1 or length < 3 * season:
        return np.zeros(count, dtype=bool)
    observed = ~np.isnan(history)
    n = observed.sum(axis=1)
    mean = np.where(observed, history, 0.0).sum(axis=1) / np.maximum(n, 1)
    centred = np.where(observed, history - mean[:, None], 0.0)
    size = 1 << (length + season).bit_length()
    power = np.abs(np.fft.rfft(centred, size, axis=1)) ** 2
    covariance = np.fft.irfft(power, size, axis=1)[:, : season + 1]
    variance = covariance[:, 0]
    # A constant series leaves rounding noise only, which must not look like a season.
    varies = variance > n * (1e-10 * np.abs(mean)) ** 2
    r = covariance / np.where(varies & (variance > 0), variance, 1.0)[:, None]
    limit = _CRITICAL * np.sqrt((1.0 + 2.0 * (r[:, 1:season] ** 2).sum(axis=1)) / np.maximum(n, 1))
    enough = (spans(history) >= 3 * season) & (n >= 2 * season)
    return np.asarray(varies & (variance > 0) & enough & (np.abs(r[:, season]) > limit))


def deseasonalise(history: Floats, season: int) -> Seasonality:
    """Classical decomposition by series: ratios where all values are positive, else differences."""
    count = len(history)
    found = is_seasonal(history, season)
    positive = np.where(np.isnan(history), np.inf, history).min(axis=1, initial=np.inf) > 0
    factors = np.zeros((count, max(season, 1)))
    adjusted = history.copy()
    for multiplicative in (True, False):
        rows = np.flatnonzero(found & (positive == multiplicative))
        if not len(rows):
            continue
        values = history[rows]
        trend = moving_average(values, season)
        deviation = values / trend if multiplicative else values - trend
        shape = phase_means(by_phase(deviation, season))
        shape = np.where(np.isnan(shape), 1.0 if multiplicative else 0.0, shape)  # never observed
        centre = shape.mean(axis=1, keepdims=True)
        shape = shape / centre if multiplicative else shape - centre
        factors[rows] = shape
        length = history.shape[1]
        pattern = np.take(shape, np.arange(-length, 0) % season, axis=1)
        adjusted[rows] = values / pattern if multiplicative else values - pattern
    factors[positive & ~found] = 1.0
    return Seasonality(adjusted, factors, positive, found)


def moving_average(history: Floats, season: int) -> Floats:
    """(N, L) centred moving average over one season, NaN where the window is not whole.

    An even season takes half of each end, as usual; gaps are left out of the mean.
    """
    half = season // 2
    weights = np.ones(2 * half + 1)
    if season % 2 == 0:
        weights[[0, -1]] = 0.5
    observed = ~np.isnan(history)
    total = _windowed(np.where(observed, history, 0.0), half, weights)
    weight = _windowed(observed.astype(np.float64), half, weights)
    position = np.arange(history.shape[1])
    first = history.shape[1] - spans(history)
    whole = (position >= first[:, None] + half) & (position < history.shape[1] - half)
    # Half of the window must be there, or the mean says more about the gaps than about the trend.
    usable = whole & (weight > season / 2)
    return np.where(usable, total / np.where(usable, weight, 1.0), np.nan)


def _windowed(values: Floats, half: int, weights: Floats) -> Floats:
    """Weighted sums over position − half … position + half; zero beyond the ends."""
    padded = np.pad(values, ((0, 0), (half + 1, half)))
    sums = np.cumsum(padded, axis=1)
    whole = sums[:, 2 * half + 1 :] - sums[:, : values.shape[1]]
    ends = padded[:, 1 : values.shape[1] + 1] + padded[:, 2 * half + 1 :]
    return np.asarray(whole - (1.0 - weights[0]) * ends)
