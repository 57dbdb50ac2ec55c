"""Counts and intermittent demand: which series are such, and whole numbers for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.copula import Marginals
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

_FEWEST = 3  # observed values from which a series can be called anything
_SMALL = 20.0  # a mean below which whole numbers are counts; far above it they are like any other
_ZEROS = 0.1  # or a share of zeros from which they are, whatever their size
_INTERVAL = 1.32  # mean interval between demands from which they are intermittent
_PULLS = (0.5, 8.0)  # bounds of how far the line between two quantiles may bend
_PRIOR_WINDOWS = 10.0  # windows at which half of the bend that was seen counts
_ROUNDING = 1e-9  # of a value: less above a whole number is the last digits of a float


@dataclass(frozen=True, eq=False)
class Counts:
    """What kind of numbers each of N series holds.

    Arguments:
        whole: (N,) whether all its values are whole and none is negative.
        counts: (N,) whether it counts something: whole, and small (a mean below 20) or with zeros
            (a tenth of its values).
        zeros: (N,) share of its observed values that are zero.
        interval: (N,) mean distance of its values above zero in grid points; infinite without any.
        intermittent: (N,) whether it is demand that comes now and then: no value is negative, and
            the mean interval is at least 1.32.
    """

    whole: NDArray[np.bool_]
    counts: NDArray[np.bool_]
    zeros: Floats
    interval: Floats
    intermittent: NDArray[np.bool_]


def recognise(series: SeriesSet) -> Counts:
    """What kind of numbers each of N series holds; gaps are left out.

    Source of the interval: Syntetos, Boylan and Croston, On the categorization of demand patterns
    (2005).
    """
    values, count = series.values, len(series)
    seen = ~np.isnan(values)
    owner = np.repeat(np.arange(count), series.lengths)[seen]
    values = values[seen]
    many = np.bincount(owner, minlength=count)
    total = np.bincount(owner, weights=values, minlength=count)
    odd = np.bincount(owner[(values != np.floor(values)) | (values < 0)], minlength=count)
    negative = np.bincount(owner[values < 0], minlength=count)
    positive = np.bincount(owner[values > 0], minlength=count)
    known = many >= _FEWEST
    zeros = (many - positive - negative) / np.maximum(many, 1)
    interval = np.where(positive > 0, many / np.maximum(positive, 1), np.inf)
    whole = known & (odd == 0)
    small = total < _SMALL * many
    return Counts(
        whole=whole,
        counts=whole & (small | (zeros >= _ZEROS)),
        zeros=zeros,
        interval=interval,
        intermittent=known & (negative == 0) & (interval >= _INTERVAL),
    )


def fit_pull(marginals: Marginals, actual: Floats, scale: Floats) -> float:
    """How far values between two quantiles of a count lie towards the lower one.

    Counts pile up at small numbers, so that a straight line between two quantiles has too high a
    mean. The pull with which the means of past windows add up to what came, each series in its
    own unit; in the logarithm shrunk towards 1 by the number of windows.

    Arguments:
        marginals: of points (F, N, K), made out of fold, with straight lines.
    """
    unit = np.broadcast_to(scale[..., None], actual.shape)
    mean = marginals.mean()
    seen = ~np.isnan(actual) & ~np.isnan(mean) & (unit > 0)
    windows = int(seen.any(axis=-1).sum())
    if not windows:
        return 1.0
    weight = np.where(seen, 1.0 / np.where(seen, unit, 1.0), 0.0)
    observed = float((weight * np.where(seen, actual, 0.0)).sum())
    pulls = np.geomspace(*_PULLS, 17)
    means = []
    for pull in pulls.tolist():
        pulled = replace(marginals, pull=np.broadcast_to(pull, actual.shape))
        means.append(float((weight * np.where(seen, pulled.mean(), 0.0)).sum()))
    found = np.interp(observed, means[::-1], np.log(pulls)[::-1])
    return float(np.exp(found * windows / (windows + _PRIOR_WINDOWS)))


@dataclass(frozen=True, eq=False)
class WholeNumbers:
    """A median (N, K) and its bounds, level → (N, K), in whole numbers."""

    median: Floats
    lower: Mapping[float, Floats]
    upper: Mapping[float, Floats]


def to_whole(
    whole: NDArray[np.bool_],
    median: Floats,
    lower: Mapping[float, Floats],
    upper: Mapping[float, Floats],
) -> WholeNumbers:
    """Medians to the nearest whole number, lower bounds down and upper bounds up.

    No interval gets narrower, so none is covered less. Only series that `whole` (N,) marks, whose
    history is of whole numbers, are rounded.
    """
    rows = whole[:, None]

    def down(values: Floats) -> Floats:
        return np.where(rows, np.floor(values + _ROUNDING * np.abs(values)), values)

    def up(values: Floats) -> Floats:
        return np.where(rows, np.ceil(values - _ROUNDING * np.abs(values)), values)

    return WholeNumbers(
        median=np.where(rows, np.floor(median + 0.5), median),
        lower={level: down(bound) for level, bound in lower.items()},
        upper={level: up(bound) for level, bound in upper.items()},
    )
