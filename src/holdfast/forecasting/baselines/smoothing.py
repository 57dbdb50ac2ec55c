"""Exponential smoothing of many series at once, in error-correction form.

Each loop over time carries G candidate parameters × n series; errors are zero in gaps, where the
state carries on. Histories come as (L, n), newest value last.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from holdfast.forecasting.baselines.naive import last_observed
from holdfast.records import Floats

_BLOCK = 16384  # candidates × series in one loop over time: what stays in the second-level cache
MEMORY: Final = 512  # grid points that smoothing looks back: older errors say little about today
_START = 20  # observations from which a damped trend takes its initial level and slope


@dataclass(frozen=True, eq=False)
class LevelFit:
    """Simple exponential smoothing of n series: the parameter of least squared one-step error."""

    alpha: Floats
    level: Floats


@dataclass(frozen=True, eq=False)
class TrendFit:
    """Additive damped trend smoothing with the parameters of least squared one-step error.

    Arguments:
        alpha, share, phi: (n,) smoothing of the level, of the trend as a share of alpha, damping.
        level, trend: (n,) the last state; step k is forecast as level + (φ + … + φ^k) · trend.
    """

    alpha: Floats
    share: Floats
    phi: Floats
    level: Floats
    trend: Floats

    def forecast(self, horizon: int) -> Floats:
        """(n, K) the forecast function of the last state."""
        damping = np.cumsum(self.phi[:, None] ** np.arange(1, horizon + 1), axis=1)
        return self.level[:, None] + damping * self.trend[:, None]


def fit_level(history: Floats) -> LevelFit:
    """Simple exponential smoothing (ETS(A,N,N)) of each column of (L, n); none is empty."""
    values, observed, first = _prepared(history)
    n = values.shape[1]
    alpha = np.empty(n)
    level = np.empty(n)
    coarse = np.array([0.0001, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.9999])
    for block in _blocks(n, len(coarse)):
        y, seen, start = values[:, block], observed[:, block], first[block]
        best = _pick(coarse[:, None] + np.zeros(len(start)), _level_run(y, seen, start, coarse))
        spread = 0.1
        for _ in range(3):
            near = best[0] + spread * np.linspace(-1.0, 1.0, 9)[:, None]
            near = np.clip(near, 0.0001, 0.9999)
            best = _pick(near, _level_run(y, seen, start, near))
            spread /= 4.0
        alpha[block], level[block] = best
    return LevelFit(alpha, level)


def _pick(candidates: Floats, run: tuple[Floats, Floats]) -> tuple[Floats, Floats]:
    """The candidate with the smallest error of each series, and its last level."""
    error, level = run
    choice = np.argmin(error, axis=0)[None, :]
    return (
        np.take_along_axis(candidates, choice, axis=0)[0],
        np.take_along_axis(level, choice, axis=0)[0],
    )


def _level_run(
    values: Floats, observed: Floats, first: Floats, alpha: Floats
) -> tuple[Floats, Floats]:
    """Squared one-step error and last level of each candidate, (G, n) both."""
    alpha = alpha[:, None] if alpha.ndim == 1 else alpha
    shape = (len(alpha), values.shape[1])
    level = np.broadcast_to(first, shape).copy()
    response = np.ones(shape)  # of the level to the initial level
    ee, ed, dd = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for y, seen in zip(values, observed, strict=True):
        error = (y - level) * seen
        moved = response * seen
        ee += error * error
        ed += error * moved
        dd += moved * moved
        level += alpha * error
        response -= alpha * moved
    shift = ed / np.maximum(dd, 1e-300)
    return ee - shift * ed, level + shift * response


_COARSE = tuple(
    np.array(axis).ravel()
    for axis in np.meshgrid(
        [0.02, 0.1, 0.3, 0.6, 0.9], [0.02, 0.15, 0.5], [0.8, 0.9, 0.98], indexing="ij"
    )
)
_LOW = np.array([0.0001, 0.0001, 0.8])[:, None, None]
_HIGH = np.array([0.9999, 0.9999, 0.98])[:, None, None]
_MOVES = np.array(
    [[0, 0, 0], [1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]], dtype=float
).T[:, :, None]


def fit_damped_trend(history: Floats, *, rounds: int = 6) -> TrendFit:
    """Damped-trend smoothing (ETS(A,Ad,N)) of each column of (L, n); none is empty.

    The smoothing parameters come from a coarse grid and a pattern search around its best point,
    within 0 < α, β/α < 1 and .8 ≤ φ ≤ .98 (the bounds of R's `forecast`). The initial level and
    trend are the straight line through the first 20 observations. Each round of the search halves
    the step where no neighbour is better.

    Source: Gardner and McKenzie, Forecasting trends in time series (1985), equations 5-7.
    """
    values, observed, _ = _prepared(history)
    n = values.shape[1]
    start = _initial_trend(values, observed)
    found = np.empty((5, n))
    for block in _blocks(n, len(_COARSE[0])):
        y, seen, begin = values[:, block], observed[:, block], start[:, block]
        count = begin.shape[1]
        grid = np.stack([axis[:, None] + np.zeros(count) for axis in _COARSE])
        best = _pick_trend(grid, _trend_run(y, seen, begin, grid))
        step = np.array([0.15, 0.2, 0.05])[:, None] + np.zeros(count)
        for _ in range(rounds):
            near = np.clip(best[:3, None] + _MOVES * step[:, None], _LOW, _HIGH)
            better = _pick_trend(near, _trend_run(y, seen, begin, near))
            stayed = (better[:3] == best[:3]).all(axis=0)
            step = np.where(stayed, step / 2.0, step)
            best = better
        found[:, block] = best
    return TrendFit(*found)


def _pick_trend(parameters: Floats, run: tuple[Floats, Floats, Floats]) -> Floats:
    """(5, n) alpha, share, phi, level, trend of the candidate with the smallest error."""
    error, level, trend = run
    choice = np.argmin(error, axis=0)[None, None, :]
    every = np.concatenate([parameters, level[None], trend[None]])
    return np.take_along_axis(every, choice, axis=1)[:, 0]


def _initial_trend(values: Floats, observed: Floats) -> Floats:
    """(3, n) level just before the first observation, slope, and the first observation's row."""
    early = observed * (np.cumsum(observed, axis=0) <= _START)
    first = np.argmax(observed, axis=0)
    time = np.arange(1.0, len(values) + 1)[:, None] - first
    weight = early / early.sum(axis=0)
    mean_time, mean = (weight * time).sum(axis=0), (weight * values).sum(axis=0)
    centred = weight * (time - mean_time)
    spread = (centred * (time - mean_time)).sum(axis=0)
    slope = (centred * (values - mean)).sum(axis=0) / np.where(spread > 0, spread, 1.0)
    return np.stack([mean - slope * mean_time, slope, first])


def _trend_run(
    values: Floats, observed: Floats, start: Floats, parameters: Floats
) -> tuple[Floats, Floats, Floats]:
    """Squared one-step error, last level and last trend of each candidate, (G, n) each.

    The start is from `_initial_trend`; parameters are (3, G, n): alpha, share of alpha, phi.
    """
    alpha, share, phi = parameters
    beta = alpha * share
    level = np.broadcast_to(start[0], alpha.shape).copy()
    trend = np.zeros(alpha.shape)  # until the series begins
    squared = np.zeros(alpha.shape)
    error, part = np.empty(alpha.shape), np.empty(alpha.shape)
    begins = {int(row): start[2] == row for row in np.unique(start[2])}
    for row, (y, seen) in enumerate(zip(values, observed, strict=True)):
        if row in begins:
            trend += begins[row] * start[1]
        trend *= phi
        level += trend
        np.subtract(y, level, out=error)
        error *= seen
        squared += np.multiply(error, error, out=part)
        level += np.multiply(alpha, error, out=part)
        trend += np.multiply(beta, error, out=part)
    return squared, level, trend


def _prepared(history: Floats) -> tuple[Floats, Floats, Floats]:
    """Values with 0 in gaps, 1 where observed, and each column's first observation.

    A column with fewer than three observations in its last `MEMORY` rows keeps what lies before.
    """
    old = history[:-MEMORY]
    if len(old):
        recent = (~np.isnan(history[-MEMORY:])).sum(axis=0) >= 3
        if recent.all():
            history = history[-MEMORY:]
        else:
            history = np.concatenate([np.where(recent, np.nan, old), history[-MEMORY:]])
    seen = ~np.isnan(history)
    first = history[np.argmax(seen, axis=0), np.arange(history.shape[1])]
    return np.where(seen, history, 0.0), seen.astype(np.float64), first


def _blocks(count: int, candidates: int) -> Iterator[slice]:
    """Ranges of series small enough for the cache."""
    size = max(1, _BLOCK // candidates)
    for begin in range(0, count, size):
        yield slice(begin, min(begin + size, count))


def damped_ets(adjusted: Floats, horizon: int) -> Floats:
    """(N, K) exponential smoothing with a damped additive trend, of histories without their season.

    The last value where a series has fewer than three observations, NaN where it has none.

    Source: Gardner and McKenzie, Forecasting trends in time series (1985).
    """
    forecast = np.repeat(last_observed(adjusted)[:, None], horizon, axis=1)
    rows = np.flatnonzero((~np.isnan(adjusted)).sum(axis=1) >= 3)
    if len(rows):
        forecast[rows] = fit_damped_trend(adjusted[rows].T).forecast(horizon)
    return forecast
