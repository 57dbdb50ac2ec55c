"""Naive and seasonal naive: the last value again, and the last season again.

Every function of the simple methods reads a *history*: (N, L) float64, one series a row, the newest
value in the last column, NaN in gaps and before a series begins (`SeriesSet.last` makes it).
"""

from __future__ import annotations

import numpy as np

from holdfast.records import Floats
from holdfast.tables.series import SeriesSet


def last_observed(history: Floats) -> Floats:
    """(N,) the newest value of each series that is not a gap; NaN where there is none.

    Example:
        >>> last_observed(np.array([[1.0, 2.0, np.nan]])).tolist()
        [2.0]
    """
    if not history.shape[1]:
        return np.full(len(history), np.nan)
    observed = ~np.isnan(history)
    newest = history.shape[1] - 1 - np.argmax(observed[:, ::-1], axis=1)
    # A row without any observation points at its last column, which is NaN: the right answer.
    newest_value: Floats = history[np.arange(len(history)), newest]
    return newest_value


def naive(history: Floats, horizon: int) -> Floats:
    """The last observed value, at every step of the horizon.

    Arguments:
        history: (N, L), newest value last, NaN for gaps.
        horizon: K steps.

    Returns:
        (N, K); NaN for a series without any observation.
    """
    return np.repeat(last_observed(history)[:, None], horizon, axis=1)


def seasonal_naive(history: Floats, season: int, horizon: int) -> Floats:
    """The last observed value at the same phase of the season.

    A phase that was never observed, and a series shorter than one season, get the last observed
    value instead.

    Arguments:
        history: (N, L), newest value last, NaN for gaps.
        season: grid points of one season, 1 for none.
        horizon: K steps.

    Returns:
        (N, K); NaN for a series without any observation.

    Example:
        >>> seasonal_naive(np.array([[9.0, 1.0, 2.0, np.nan]]), season=2, horizon=3).tolist()
        [[2.0, 1.0, 2.0]]
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


def never_negative(series: SeriesSet) -> Floats:
    """What no forecast of a series lies below: 0 if it never was negative (sales, loads).

    Returns:
        (N,) 0, or -inf where a series has a negative value.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> series = SeriesSet.from_arrays({"a": [0.0, 3.0], "b": [-1.0, 3.0]}, Calendar.integer())
        >>> never_negative(series).tolist()
        [0.0, -inf]
    """
    owner = np.repeat(np.arange(len(series)), series.lengths)
    negative = np.bincount(owner[series.values < 0], minlength=len(series))
    return np.where(negative > 0, -np.inf, 0.0)


def by_phase(history: Floats, season: int) -> Floats:
    """(N, C, season) the history cut into seasons, the newest last; step k has phase k % season."""
    count, length = history.shape
    cycles = -(-length // season)
    padded = np.full((count, cycles * season), np.nan)
    padded[:, cycles * season - length :] = history
    return padded.reshape(count, cycles, season)


def spans(history: Floats) -> Floats:
    """(N,) grid points from each series' first observation to the newest column."""
    observed = ~np.isnan(history)
    if not history.shape[1]:
        return np.zeros(len(history))
    first = np.argmax(observed, axis=1)
    return np.where(observed.any(axis=1), history.shape[1] - first, 0).astype(np.float64)
