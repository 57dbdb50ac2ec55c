"""Naive and seasonal naive: the last value again, and the last season again.

Every function of the simple methods reads a *history*: (N, L) float64, one series a row, the newest
value in the last column, NaN in gaps and before a series begins (`SeriesSet.last` makes it). Each
forecasts a horizon of K steps; `season` is the grid points of one season, 1 for none.
"""

from __future__ import annotations

import numpy as np

from holdfast.records import Floats


def last_observed(history: Floats) -> Floats:
    """(N,) the newest value of each series that is not a gap; NaN where there is none."""
    if not history.shape[1]:
        return np.full(len(history), np.nan)
    observed = ~np.isnan(history)
    newest = history.shape[1] - 1 - np.argmax(observed[:, ::-1], axis=1)
    # A row without any observation points at its last column, which is NaN: the right answer.
    newest_value: Floats = history[np.arange(len(history)), newest]
    return newest_value


def naive(history: Floats, horizon: int) -> Floats:
    """(N, K) the last observed value at every step; NaN for a series without any observation."""
    return np.repeat(last_observed(history)[:, None], horizon, axis=1)


def seasonal_naive(history: Floats, season: int, horizon: int) -> Floats:
    """(N, K) the last observed value at the same phase of the season.

    A phase that was never observed, and a series shorter than one season, get the last observed
    value instead; a series without any observation gets NaN.
    """
    flat = naive(history, horizon)
    if season <= 1:
        return flat
    cycles = by_phase(history, season)
    newest = np.full((len(history), season), np.nan)
    for cycle in range(cycles.shape[1]):
        newest = np.where(np.isnan(cycles[:, cycle]), newest, cycles[:, cycle])
    seasonal = np.take(newest, np.arange(horizon) % season, axis=1)
    usable = ~np.isnan(seasonal) & (spans(history) >= season)[:, None]
    return np.where(usable, seasonal, flat)


def by_phase(history: Floats, season: int) -> Floats:
    """(N, C, season) the history cut into seasons, the newest last; step k has phase k % season."""
    count, length = history.shape
    cycles = -(-length // season)
    padded = np.full((count, cycles * season), np.nan)
    padded[:, cycles * season - length :] = history
    return padded.reshape(count, cycles, season)


def phase_means(cycles: Floats) -> Floats:
    """(N, season) mean of each phase over the observed of C cycles; NaN where there is none."""
    seen = ~np.isnan(cycles)
    count = seen.sum(axis=1)
    total = np.where(seen, cycles, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def spans(history: Floats) -> Floats:
    """(N,) grid points from each series' first observation to the newest column."""
    observed = ~np.isnan(history)
    if not history.shape[1]:
        return np.zeros(len(history))
    first = np.argmax(observed, axis=1)
    return np.where(observed.any(axis=1), history.shape[1] - first, 0).astype(np.float64)
