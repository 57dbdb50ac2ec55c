"""Scores of forecasts on arrays; a gap in the actuals, or a missing forecast, is left out.

Arrays have the steps in the last axis; whatever lies before (series, folds and series) stays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

LARGEST_SURPRISE = 1e6  # surprise where the interval has no width and the value is not in it
_PREFIX = "backtest/"  # of arrays in a model folder
_ROUNDING = 1e-12  # of a series' mean size: a smaller change is the last digits of a float


def mean_observed(values: Floats, axis: int | tuple[int, ...] | None = None) -> Floats:
    """Mean over `axis` of what is not NaN; NaN, without a warning, where there is nothing."""
    seen = ~np.isnan(values)
    count = np.asarray(seen.sum(axis=axis))
    total = np.where(seen, values, 0.0).sum(axis=axis)
    return np.asarray(np.where(count > 0, total / np.maximum(count, 1), np.nan))


def smape(actual: Floats, forecast: Floats) -> Floats:
    """Symmetric absolute percentage error of each point as in M4, 0 to 200; its mean is the score.

    Twice utilsforecast's. A point where both are zero has error 0.

    Source: Makridakis et al., The M4 Competition (2020), equation 1.
    """
    size = np.abs(actual) + np.abs(forecast)
    # Divided before it is doubled, so that values near the largest float stay finite.
    return 200.0 * (np.abs(actual - forecast) / np.where(size > 0, size, 1.0))


def scaled_error(actual: Floats, forecast: Floats, scale: Floats) -> Floats:
    """Absolute error of each point in units of a scale (…), `seasonal_scale`; its mean is the MASE.

    Source: Hyndman and Koehler, Another look at measures of forecast accuracy (2006).
    """
    return np.abs(actual - forecast) / np.asarray(scale)[..., None]


def seasonal_scale(series: SeriesSet, season: int) -> Floats:
    """(N,) mean absolute in-sample error of seasonal naive: the unit of MASE and of widths.

    Where a series has no pair a season apart, or never changed over a season but for rounding,
    its steps from one point to the next stand in; for a constant its size; for zeros, and for a
    series without any observation, 1.
    """
    scale = lag_change(series, max(season, 1))
    owner, seen = np.repeat(np.arange(len(series)), series.lengths), ~np.isnan(series.values)
    size = _mean_by(owner[seen], np.abs(series.values[seen]), len(series))
    rounding = _ROUNDING * np.where(np.isnan(size), 0.0, size)
    for stand_in in (lag_change(series, 1), size, np.ones(len(series))):
        scale = np.where(scale > rounding, scale, stand_in)  # NaN is not above anything
    return scale


def lag_change(series: SeriesSet, lag: int) -> Floats:
    """(N,) mean |y_t − y_{t−lag}| over the observed pairs; NaN where a series has none."""
    values, count = series.values, len(series)
    if len(values) <= lag:
        return np.full(count, np.nan)
    owner = np.repeat(np.arange(count), series.lengths)
    change = np.abs(values[lag:] - values[:-lag])
    pair = (owner[lag:] == owner[:-lag]) & ~np.isnan(change)
    return _mean_by(owner[lag:][pair], change[pair], count)


def _mean_by(owner: NDArray[np.int64], values: Floats, count: int) -> Floats:
    pairs = np.bincount(owner, minlength=count)
    total = np.bincount(owner, weights=values, minlength=count)
    return np.where(pairs > 0, total / np.maximum(pairs, 1), np.nan)


def owa(smape: float, mase: float, smape_naive2: float, mase_naive2: float) -> float:
    """M4's overall weighted average: mean of sMAPE and MASE relative to Naive2's."""
    return 0.5 * (smape / smape_naive2 + mase / mase_naive2)


def pinball(actual: Floats, forecast: Floats, quantile: float) -> Floats:
    """Quantile (pinball) loss of each point, (…, K), in the unit of the values.

    Source: Koenker and Bassett, Regression quantiles (1978).
    """
    error = actual - forecast
    return np.maximum(quantile * error, (quantile - 1.0) * error)


def weighted_quantile_loss(actual: Floats, forecast: Floats, quantile: float) -> float:
    """Twice the summed pinball loss over the summed size of the actuals, as GluonTS prints it."""
    loss = pinball(actual, forecast, quantile)
    size = float(np.abs(actual)[~np.isnan(loss)].sum())
    return 2.0 * float(np.nansum(loss)) / size if size > 0 else float("nan")


def interval_score(actual: Floats, lower: Floats, upper: Floats, level: float) -> Floats:
    """Winkler's score of each point: the width, plus 2/α times what lies outside.

    The level is in percent. Divided by the seasonal scale and averaged it is M4's MSIS.

    Source: Gneiting and Raftery, Strictly proper scoring rules (2007), equation 43.
    """
    penalty = 2.0 / (1.0 - level / 100.0)
    outside = np.maximum(lower - actual, 0.0) + np.maximum(actual - upper, 0.0)
    return (upper - lower) + penalty * outside


def inside(actual: Floats, lower: Floats, upper: Floats) -> Floats:
    """1 where a point lies within its bounds, 0 where not, NaN where something is missing."""
    missing = np.isnan(actual) | np.isnan(lower) | np.isnan(upper)
    return np.where(missing, np.nan, (actual >= lower) & (actual <= upper))


def surprise(value: Floats, median: Floats, lower: Floats, upper: Floats) -> Floats:
    """Distance from the median in units of the interval's half-width on that side.

    Negative below the median; beyond −1 and 1 a value is outside; NaN for a missing value.

    Example:
        >>> one = np.ones(3)
        >>> surprise(np.array([1.0, 4.0, -1.0]), one, 0 * one, 3 * one).tolist()
        [0.0, 1.5, -2.0]
    """
    distance = value - median
    width = np.where(distance < 0, median - lower, upper - median)
    ratio = distance / np.where(width > 0, width, 1.0)
    return np.clip(
        np.where(width > 0, ratio, np.sign(distance) * LARGEST_SURPRISE),
        -LARGEST_SURPRISE,
        LARGEST_SURPRISE,
    )


@dataclass(frozen=True, eq=False)
class PastScores:
    """Out-of-fold errors of the blend, kept in a model to be held against later errors.

    Arguments:
        errors: (F, N) mean scaled error (MASE) of each window; NaN for a series not in a fold.
        steps: (K,) mean scaled error at each step of the horizon; NaN where there was none.
        cutoffs: (F,) ordinals of the folds' cut-offs, oldest first.
    """

    errors: Floats
    steps: Floats
    cutoffs: NDArray[np.int64]

    @classmethod
    def of(
        cls, actual: Floats, blend: Floats, scales: Floats, cutoffs: NDArray[np.int64]
    ) -> PastScores:
        """From actuals and blend (F, N, K), and the MASE units (F, N) of each window."""
        error = scaled_error(actual, blend, scales)
        return cls(mean_observed(error, axis=2), mean_observed(error, axis=(0, 1)), cutoffs)

    def widened(self, series: int) -> PastScores:
        """With room for series that came later, which have no score: N in all."""
        errors = np.full((len(self.errors), series), np.nan)
        errors[:, : self.errors.shape[1]] = self.errors
        return PastScores(errors, self.steps, self.cutoffs)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The numbers, by name, for a model folder."""
        return {
            f"{_PREFIX}errors": self.errors,
            f"{_PREFIX}steps": self.steps,
            f"{_PREFIX}cutoffs": self.cutoffs,
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[np.generic]], horizon: int, series: int
    ) -> PastScores | None:
        """The inverse of `to_arrays`: None if saved without, a ValueError if damaged."""
        scores = {name: array for name, array in arrays.items() if name.startswith(_PREFIX)}
        if not scores:
            return None
        if set(scores) != {f"{_PREFIX}{name}" for name in ("errors", "steps", "cutoffs")}:
            raise ValueError("the scores of its backtest are not complete")
        errors, steps, cutoffs = (
            scores[f"{_PREFIX}{name}"] for name in ("errors", "steps", "cutoffs")
        )
        sound = (
            errors.dtype == steps.dtype == np.float64
            and cutoffs.dtype == np.int64
            and cutoffs.ndim == 1
            and errors.shape == (len(cutoffs), series)
            and steps.shape == (horizon,)
        )
        if not sound or not all(_possible(array) for array in (errors, steps)):
            raise ValueError("the scores of its backtest are damaged")
        return cls(
            np.asarray(errors, dtype=np.float64),
            np.asarray(steps, dtype=np.float64),
            np.asarray(cutoffs, dtype=np.int64),
        )


def _possible(array: NDArray[np.generic]) -> bool:
    numbers = np.asarray(array, dtype=np.float64)
    return bool((np.isnan(numbers) | (np.isfinite(numbers) & (numbers >= 0))).all())
