"""Are the errors on new rows those of the backtest, or has the world moved on?"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import NormalDist
from typing import Final

import numpy as np

from holdfast.errors import TableError
from holdfast.forecasting.evaluation.metrics import (
    inside,
    mean_observed,
    scaled_error,
    seasonal_scale,
)
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.predict import forecast
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

_LEVEL: Final = 90.0
_T95: Final = (
    6.314, 2.920, 2.353, 2.132, 2.015, 1.943, 1.895, 1.860, 1.833, 1.812, 1.796, 1.782, 1.771,
    1.761, 1.753, 1.746, 1.740, 1.734, 1.729, 1.725,
)  # fmt: skip
"""Student's t at 95 %, one-sided, for 1, 2 … degrees of freedom."""

_DRAWS: Final = 1000


@dataclass(frozen=True, eq=False)
class Drift:
    """New errors beside those of the backtest."""

    ratio: float  # new errors relative to the backtest's, over the series that have both
    # the ratio that errors exceed by chance in one case of twenty; NaN where the backtest is too
    # small to say
    limit: float
    drifted: bool  # whether the ratio is above the limit
    # mase, backtest_mase: the two errors, in units of the in-sample seasonal naive error
    mase: float
    backtest_mase: float
    coverage: float  # share of the new values inside 90 % intervals
    windows: int  # new horizons, whole or begun, that were scored
    series_ratio: Floats  # (N,) of each series; NaN where there is nothing to compare
    sentence: str  # what a person should read


def check_drift(model: FittedModel, later: SeriesSet, *, seed: int = 0) -> Drift:
    """Score forecasts from where the model ends, and hold the errors against the backtest's.

    The model forecasts its horizon from its own end, then from one horizon further, as far as
    there are new values. A window that has only begun is compared with the same steps of the
    backtest. By chance the errors of one horizon differ from those of another as much as the
    folds of the backtest differ from each other; with a single fold, as much as series do.

    Arguments:
        model: the model, its histories ending where it was fitted or updated.
        later: the same series with new values behind them, in the same order.

    Raises:
        TableError: there are no new values, or no backtest to compare with.

    Source: a prediction interval for one more mean of normal logarithms, Student's t; the
    resampling of series after Efron and Tibshirani, An introduction to the bootstrap (1993).
    """
    count, horizon = len(model.series), model.horizon
    past = model.scores
    if past is None or not np.isfinite(past.errors).any():
        raise TableError(
            "The model has no backtest to compare with: its histories were too short, or it was "
            "saved by an earlier version; fit it again."
        )
    later = later.take(np.arange(count))
    newest = later.ends - model.series.ends
    windows = int(-(-newest.max() // horizon)) if newest.max() > 0 else 0
    if not windows:
        raise TableError("The table has no values behind the end of the model; give newer rows.")
    errors, steps, held = [], [], []
    for number in range(windows):
        ends = model.series.ends + number * horizon
        known = later.cut(ends)
        made = forecast(model, replace(known, labels=model.series.labels), (_LEVEL,))
        actual = later.span(ends + 1, horizon)
        actual[known.ends < ends] = np.nan  # it ended before: its forecast began elsewhere
        scale = seasonal_scale(known, model.season)
        error = scaled_error(actual, made.median, scale)
        errors.append(mean_observed(error, axis=1))
        steps.append(mean_observed(np.where(np.isnan(error), np.nan, past.steps), axis=1))
        held.append(inside(actual, made.lower[_LEVEL], made.upper[_LEVEL]))
    # A begun horizon has its first steps only, which are easier: as much as in the backtest.
    easier = np.stack(steps) / float(mean_observed(past.steps))
    new = np.stack(errors) / np.where(easier > 0, easier, 1.0)
    ours, theirs = mean_observed(new, axis=0), mean_observed(past.errors, axis=0)
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    if not both.any() or not theirs[both].sum() > 0:
        raise TableError("No series has both new values and a score in the backtest to compare.")
    mase, before = float(ours[both].mean()), float(theirs[both].mean())
    ratio = mase / before
    limit = _limit(past.errors[:, both], windows, ours[both], theirs[both], seed)
    coverage = float(mean_observed(np.stack(held)))
    return Drift(
        ratio, limit, ratio > limit, mase, before, coverage, windows,
        np.where(both & (theirs > 0), ours / np.where(theirs > 0, theirs, 1.0), np.nan),
        _sentence(ratio, limit, mase, before, coverage),
    )  # fmt: skip


def _limit(errors: Floats, windows: int, ours: Floats, theirs: Floats, seed: int) -> float:
    """The ratio that chance exceeds once in twenty; NaN where nothing can be said."""
    folds = mean_observed(errors, axis=1)
    folds = np.log(folds[folds > 0])
    if len(folds) >= 2:
        spread = float(np.std(folds, ddof=1)) * np.sqrt(1.0 / len(folds) + 1.0 / windows)
        freedom = len(folds) - 1
        quantile = _T95[freedom - 1] if freedom <= len(_T95) else NormalDist().inv_cdf(0.95)
        return float(np.exp(quantile * spread))
    if len(ours) < 20:
        return float("nan")
    random = np.random.default_rng(seed)
    drawn = random.multinomial(len(ours), np.full(len(ours), 1.0 / len(ours)), size=_DRAWS)
    ratios = (drawn @ ours) / np.maximum(drawn @ theirs, 1e-12)
    middle = float(ours.sum() / theirs.sum())
    return float(middle / np.quantile(ratios, 0.05))


def _sentence(ratio: float, limit: float, mase: float, before: float, coverage: float) -> str:
    said = f"Errors are {ratio:.1f} times those of the backtest (MASE {mase:.2f} against "
    said += f"{before:.2f})"
    held = f"; {100 * coverage:.0f} % of the values lie inside {_LEVEL:g} % intervals"
    if np.isnan(limit):
        return f"{said}{held}; the backtest is too small to say whether that is chance."
    if ratio > limit:
        return f"{said}, and by chance up to {limit:.1f} times{held}: fit again."
    return f"{said}, which chance explains up to {limit:.1f} times{held}: no need to fit again."
