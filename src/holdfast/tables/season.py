"""The season of a table: what its calendar suggests, checked against the values."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

CANDIDATES: Final = (4, 5, 6, 7, 12, 13, 24, 48, 52, 96, 144, 168, 288, 336, 365)
"""Seasons that time as a counter is tried for, besides any other peak."""

LONGER: Final = {7: 365, 5: 260, 24: 168, 48: 336, 96: 672, 144: 1008, 288: 2016}
"""The season that often stands beside a shorter one: a week beside a day, a year beside a week."""

_SAMPLED: Final = 100
_LONGEST: Final = 8_192
_REACH: Final = 800  # lags searched where time is a counter: beyond a week of quarter hours
_FEWEST: Final = 8
_FLAT: Final = 1e-9  # of the level: below it differences are rounding
_CLEAR: Final = 0.2
_NEARLY: Final = 0.6  # of the highest peak, for a usual season
_MARGIN: Final = 0.01
_HIGHEST: Final = 0.85  # of it, for any other


def infer_season(series: SeriesSet) -> tuple[int, str]:
    """Grid points of one season, and why.

    A calendar's usual season is kept unless the values speak against it: after a moving average
    over one season is taken off, values a season apart must be alike. Time as a counter is
    searched for a lag at which the first differences are alike. Both are autocorrelations,
    pooled over a sample of series.

    Returns:
        The season, 1 where there is none, and the reason in words.
    """
    usual = series.calendar.season_default
    longest = int(series.lengths.max(initial=0))
    if series.calendar.kind == "counter":
        correlation, points = autocorrelation(series, np.diff, min(longest // 3, _REACH))
        return _searched(correlation, points)
    if usual == 1:
        return 1, "no season is usual at this frequency"
    correlation, points = autocorrelation(series, partial(_without_trend, season=usual), usual)
    if longest < 2 * usual + 2 or not points:
        return usual, "usual at this frequency; too few values to check"
    here = float(correlation[usual])
    if here > _threshold(points):
        return usual, f"usual at this frequency, and values a season apart agree ({here:.2f})"
    return 1, f"the usual {usual} is not in the values: a season apart they agree by {here:.2f}"


def long_season(series: SeriesSet, season: int) -> int | None:
    """A longer season beside `season`, such as 168 hours beside 24, or None.

    A week of hours is one where values a week apart are more alike than those six days apart; a
    year beside a week is judged like a season of its own. There must be at least three of it.
    """
    longest = int(series.lengths.max(initial=0))
    candidate = LONGER.get(season)
    if candidate is None or longest < 3 * candidate:
        return None
    if candidate % season:
        prepare = partial(_without_trend, season=candidate)
        correlation, points = autocorrelation(series, prepare, candidate)
        bar = _threshold(points)
    else:
        correlation, points = autocorrelation(series, np.diff, candidate)
        bar = max(float(correlation[candidate - season]) + _MARGIN, _threshold(points))
    return candidate if correlation[candidate] > bar else None


def autocorrelation(
    series: SeriesSet, prepare: Callable[[Floats], Floats], reach: int
) -> tuple[Floats, int]:
    """Pooled autocorrelation at lags 0 … reach, and the number of values behind it.

    Each series counts alike; gaps take no part: a lag's products are divided by how many there
    are. A series says nothing about lags for which it has few pairs.

    Arguments:
        series: at most 100 of them are looked at, evenly spread, and their last 8,192 values.
        prepare: makes a series stationary, gaps staying NaN.
        reach: the longest lag.
    """
    chosen = np.unique(np.linspace(0, len(series) - 1, min(len(series), _SAMPLED)).astype(int))
    total, weight, points = np.zeros(reach + 1), np.zeros(reach + 1), 0
    for index in chosen.tolist():
        window = series.one(index)[-_LONGEST:]
        values = prepare(window)
        present = np.isfinite(values)
        count = int(present.sum())
        if count < _FEWEST:
            continue
        centred = np.where(present, values - values[present].mean(), 0.0)
        scale = float(np.abs(centred).max())
        if scale <= _FLAT * float(np.nanmax(np.abs(window))):
            continue  # a constant or a straight line has no season
        # An outlier in one place would drown the season in all others.
        spread = float(np.quantile(np.abs(centred[present]), 0.99)) or scale
        centred = np.clip(centred / spread, -3.0, 3.0)
        size = 1 << (len(values) + reach).bit_length()
        products = _correlate(centred, size)[: reach + 1]
        pairs = _correlate(present.astype(np.float64), size)[: reach + 1]
        enough = pairs >= np.maximum(np.arange(reach + 1) / 2, 4)
        mean_square = products[0] / pairs[0]
        total += np.where(enough, products / np.maximum(pairs, 1.0) / mean_square, 0.0)
        weight += enough
        points += count
    return np.divide(total, weight, out=np.zeros(reach + 1), where=weight > 0), points


def _without_trend(values: Floats, season: int) -> Floats:
    """Values less their centred moving average over one season, as in classical decomposition."""
    window = np.ones(season + 1 - season % 2)
    if season % 2 == 0:
        window = np.ones(season + 1)
        window[[0, -1]] = 0.5
    present = np.isfinite(values)
    size = 1 << (len(values) + season).bit_length()
    kernel = np.fft.rfft(window, size)
    inner = slice(len(window) // 2, len(window) // 2 + len(values))

    def smooth(signal: Floats) -> Floats:
        return np.asarray(np.fft.irfft(np.fft.rfft(signal, size) * kernel, size)[inner])

    level = smooth(np.where(present, values, 0.0)) / np.maximum(smooth(present * 1.0), 0.5)
    return np.where(present, values - level, np.nan)


def _correlate(values: Floats, size: int) -> Floats:
    spectrum = np.fft.rfft(values, size)
    return np.asarray(np.fft.irfft(spectrum * np.conj(spectrum), size))


def _threshold(points: int) -> float:
    """Two standard errors of the autocorrelation of independent values, and never under 0.1."""
    return max(0.1, 2.0 / float(np.sqrt(max(points, 1))))


def _searched(correlation: Floats, points: int) -> tuple[int, str]:
    """The season of time as a counter: the shortest peak that is nearly the highest."""
    if len(correlation) < 4 or not points:
        return 1, "too few values to look for a season"
    inner = correlation[1:-1]
    peaks = np.flatnonzero((inner > correlation[:-2]) & (inner >= correlation[2:])) + 1
    peaks = peaks[peaks >= 2]
    best = float(correlation[peaks].max(initial=0.0))
    # The highest of many lags: a bar twice as high as for one lag that was named before.
    if best < max(_CLEAR, 2.0 * _threshold(points)):
        return 1, f"the values show none (highest autocorrelation {best:.2f})"
    usual = [lag for lag in CANDIDATES if lag in peaks and correlation[lag] >= _NEARLY * best]
    free = [int(lag) for lag in peaks if correlation[lag] >= _HIGHEST * best]
    season = usual[0] if usual else free[0]
    return season, f"the values a season apart agree (autocorrelation {correlation[season]:.2f})"
