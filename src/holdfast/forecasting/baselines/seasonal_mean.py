"""SeasonalMean: the last seasons, short and long, averaged as each series' own past advises."""

from __future__ import annotations

from typing import Final

import numpy as np

from holdfast.forecasting.baselines.naive import by_phase, phase_means, seasonal_naive, spans
from holdfast.records import Floats

LONGER: Final = {5: 260, 7: 364, 24: 168, 48: 336, 96: 672, 144: 1008, 288: 2016}
"""A season that may lie over the season: a week over days, a year over weeks.

A year over a week of days is 52 whole weeks, 364 and not 365: the rules repeat the longer season as
it stands, and a day later every weekday would meet the one before it."""

ORIGINS: Final = 4  # earlier cut-offs, one horizon apart, at which the rules are compared
_CYCLES = 3  # seasons in a mean
_POWER = 4  # a rule with half the error weighs 16 times as much


def seasonal_mean(history: Floats, season: int, horizon: int) -> Floats:
    """(N, K) a weighted mean of seasonal rules, the weights from each series' own last horizons.

    The rules are: the last season again; the mean of the last three; that mean moved to the
    newest season's level; and the last two also for the longer season that the data may have (a
    week of hours, `LONGER`). A rule weighs as the fourth power of its inverse absolute error,
    measured at `ORIGINS` cut-offs inside the history, so a series whose weeks repeat leans on its
    weeks and one that trends on its last day. Where the history is too short to compare rules it is
    seasonal naive.
    """
    forecasts = _rules(history, season, horizon)
    length = history.shape[1]
    # Of each rule, and of the first rule on the same steps.
    error = np.zeros((2, len(forecasts), len(history)))
    for origin in range(length - horizon, length - (ORIGINS + 1) * horizon, -horizon):
        if origin < 2 * season:
            break
        before, after = history[:, :origin], history[:, origin : origin + horizon]
        absolute = np.abs(_rules(before, season, horizon) - after)
        both = ~np.isnan(absolute) & (spans(before) >= 2 * season)[None, :, None]
        error[0] += np.where(both, absolute, 0.0).sum(axis=2)
        error[1] += np.where(both, absolute[0], 0.0).sum(axis=2)
    # Each rule against seasonal naive on the steps that both can forecast; where nothing could be
    # compared, or seasonal naive makes no error at all, it stays alone.
    compared = error[1] > 0
    ratio = np.where(compared, error[0] / np.where(compared, error[1], 1.0), np.inf)
    ratio[0] = 1.0
    weight = (1.0 / np.maximum(ratio, 1e-3)) ** _POWER
    missing = np.isnan(forecasts)
    weights = np.where(missing, 0.0, weight[:, :, None])
    total = weights.sum(axis=0)
    forecast = (weights * np.where(missing, 0.0, forecasts)).sum(axis=0)
    return np.where(total > 0, forecast / np.where(total > 0, total, 1.0), np.nan)


def _rules(history: Floats, season: int, horizon: int) -> Floats:
    """(R, N, K) every rule's forecast, seasonal naive first; NaN where a rule has no data."""
    forecasts = [seasonal_naive(history, season, horizon)]
    for period in (season, LONGER.get(season, season)):
        if period == season and len(forecasts) > 1:
            break
        cycles = by_phase(history, period)
        mean = phase_means(cycles[:, -_CYCLES:])
        before = phase_means(cycles[:, -_CYCLES - 1 : -1])
        steps = np.take(mean, np.arange(horizon) % period, axis=1)
        forecasts += [steps, _moved(steps, history[:, -season:], before[:, -season:], history)]
    return np.stack(forecasts)


def _moved(steps: Floats, newest: Floats, before: Floats, history: Floats) -> Floats:
    """The mean season at the newest season's level: a ratio where all is positive, else a shift."""
    if newest.shape[1] < before.shape[1]:
        return np.full_like(steps, np.nan)
    common = ~np.isnan(newest) & ~np.isnan(before)
    count = np.maximum(common.sum(axis=1), 1)
    recent = np.where(common, newest, 0.0).sum(axis=1) / count
    usual = np.where(common, before, 0.0).sum(axis=1) / count
    positive = np.where(np.isnan(history), np.inf, history).min(axis=1, initial=np.inf) > 0
    positive &= usual > 0
    ratio = np.where(positive, recent / np.where(positive, usual, 1.0), 1.0)[:, None]
    moved = np.where(positive[:, None], steps * ratio, steps + (recent - usual)[:, None])
    return np.where(np.any(common, axis=1, keepdims=True), moved, np.nan)
