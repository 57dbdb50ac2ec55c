"""Points of the past that a forecast one step before them did not expect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.conformal import scores_needed
from holdfast.forecasting.evaluation.metrics import surprise
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.quantiles import at_level
from holdfast.records import AnomalyRecord, Floats
from holdfast.tables.series import SeriesSet, never_negative

_BLOCKS: Final = 5
"""Stretches of time; the width of each comes from the others."""

_OWN: Final = 30.0
"""Points at which a series' own width weighs as much as that of all."""

_LEAST: Final = 8
"""Points of a series before the first that is judged, two seasons at least."""

_MOST_POINTS: Final = 10_000
"""Points that are judged for a report, of all series together: about two seconds."""

_FEWEST: Final = 24
"""Points of a series without which a report does not begin to judge."""

_REPORTED: Final = 99.0
"""Level of the intervals in a report, in percent."""


@dataclass(frozen=True, eq=False)
class PastPoints:
    """Every observed value of some series beside what was forecast for it."""

    places: NDArray[np.int64]  # places, ordinals: (n,) which series, and when
    ordinals: NDArray[np.int64]
    values: Floats  # (n,)
    # median, lower, upper: (n,) NaN for the first points of a series, which are not judged
    median: Floats
    lower: Floats
    upper: Floats
    scores: Floats  # (n,) distance from the median in half-widths, negative below
    anomaly: NDArray[np.bool_]  # (n,) whether the value lies outside
    calibrated: bool  # whether there were points enough for the level


def find_anomalies(model: FittedModel, series: SeriesSet, level: float) -> PastPoints:
    """Judge each value by what was known before it.

    The forecasts are those of the network that was trained on synthetic series, one step ahead: it
    has learnt from none of these values. Its interval is stretched until it would have held the
    points of the other four fifths of the time, and wider for a series whose errors are larger.
    About one ordinary point in a hundred lies outside a 99 % interval, so the score says which
    to look at first.

    Arguments:
        model: its pretrained network and season are used; no covariate is.
    """
    member = model.pretrained
    begin = np.minimum(max(_LEAST, 2 * model.season), np.maximum(series.lengths, 1))
    quantiles = member.one_step(series, begin)
    owner = np.repeat(np.arange(len(series)), series.lengths)
    ordinal = np.repeat(series.starts - series.offsets[:-1], series.lengths)
    ordinal = ordinal + np.arange(len(series.values))
    there = ~np.isnan(series.values)
    owner, ordinal, value = owner[there], ordinal[there], series.values[there]
    tail = 0.5 - level / 200.0
    median, low, high = (at_level(quantiles[there], one) for one in (0.5, tail, 1.0 - tail))
    raw = surprise(value, median, low, high)
    block = _blocks(ordinal, ~np.isnan(raw))
    below, above = np.full(len(raw), np.nan), np.full(len(raw), np.nan)
    calibrated = True
    for one in range(_BLOCKS):
        here, others = block == one, (block != one) & ~np.isnan(raw)
        if not here.any():
            continue
        factor = _own_widths(np.abs(raw[others]), owner[others], len(series))
        scores = raw[others] / factor[owner[others]]
        calibrated &= len(scores) >= scores_needed(level)
        below[here] = factor[owner[here]] * _multiplier(-scores, tail)
        above[here] = factor[owner[here]] * _multiplier(scores, tail)
    floor = never_negative(series)[owner]
    lower = np.maximum(median - (median - low) * below, floor)
    upper = np.maximum(median + (high - median) * above, floor)
    median = np.maximum(median, floor)
    judged = ~np.isnan(lower)
    return PastPoints(
        owner, ordinal, value,
        np.where(judged, median, np.nan), lower, upper,
        surprise(value, median, lower, upper),
        judged & ((value < lower) | (value > upper)),
        bool(calibrated and judged.any()),
    )  # fmt: skip


def anomaly_record(model: FittedModel, series: SeriesSet) -> AnomalyRecord | None:
    """What a report shows: the newest points of each series, as far as a second or two reaches.

    Returns:
        None where there are too many series, or too few points to judge one.
    """
    points = min(_MOST_POINTS // len(series), int(series.lengths.max()))
    if points < max(_FEWEST, 4 * model.season):
        return None
    found = find_anomalies(model, series.tail(points), _REPORTED)
    judged = int(np.isfinite(found.lower).sum())
    if not judged:
        return None
    odd = np.flatnonzero(found.anomaly)
    odd = odd[np.argsort(-np.abs(found.scores[odd]), kind="stable")]
    return AnomalyRecord(
        level=_REPORTED,
        scored=judged,
        calibrated=found.calibrated,
        series=found.places[odd],
        places=series.ends[found.places[odd]] - found.ordinals[odd],
        values=found.values[odd],
        lower=found.lower[odd],
        upper=found.upper[odd],
        scores=found.scores[odd],
    )


def _blocks(ordinal: NDArray[np.int64], judged: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(n,) which stretch of time each point is in; −1 for those that are not judged."""
    made = np.full(len(ordinal), -1, dtype=np.int64)
    if judged.any():
        cuts = np.quantile(ordinal[judged], np.arange(1, _BLOCKS) / _BLOCKS)
        made[judged] = np.searchsorted(cuts, ordinal[judged], side="left")
    return made


def _own_widths(scores: Floats, owner: NDArray[np.int64], count: int) -> Floats:
    """(N,) how much larger each series' usual error is than that of all, shrunk towards 1.

    Medians: what is to be found out must not widen the interval that it is found by.
    """
    factors = np.ones(count)
    if not len(scores):
        return factors
    whole = max(float(np.median(scores)), 1e-9)
    order = np.argsort(owner, kind="stable")
    which, begins = np.unique(owner[order], return_index=True)
    for place, own in zip(which.tolist(), np.split(scores[order], begins[1:]), strict=True):
        ratio = float(np.clip(np.median(own) / whole, 0.05, 20.0))
        factors[place] = ratio ** (len(own) / (len(own) + _OWN))
    return factors


def _multiplier(scores: Floats, tail: float) -> float:
    """What stretches one side until it holds all but `tail` of the scores; 1 without any."""
    count = len(scores)
    if not count:
        return 1.0
    rank = min(int(np.ceil((1.0 - tail) * (count + 1))), count) - 1
    return max(float(np.partition(scores, rank)[rank]), 1e-6)
