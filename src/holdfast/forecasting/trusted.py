"""What a reader should know of forecasts: verdicts, notes, and what they rest on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines import reach
from holdfast.forecasting.evaluation.conformal import scores_needed
from holdfast.forecasting.evaluation.trust import Assessment, PastForecasts, about_weights, assess
from holdfast.forecasting.fitted import Fitted
from holdfast.records import NETWORKS, TRUST, WITH_COVARIATES, Floats
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

UNKNOWN = "not in the fit"
"""What is said of a series that a model has not seen."""


def assessed(
    fitted: Fitted, series: SeriesSet, places: NDArray[np.int64]
) -> tuple[Assessment, ...]:
    """Reasons not to trust the forecasts of some series.

    Arguments:
        fitted: what forecasts.
        series: N histories.
        places: (N,) of each in the fit; −1 for those that it never saw.
    """
    known = places >= 0
    past = PastForecasts.none(len(series))
    if fitted.past is not None and known.any():
        whole = fitted.past.to_array()[:, np.where(known, places, 0)]
        past = PastForecasts.from_array(np.where(known, whole, 0.0), len(series))
    judged = known & (fitted.past is not None)
    return tuple(assess(series, fitted.season, fitted.horizon, past, judged))


def notes(
    fitted: Fitted,
    series: SeriesSet,
    levels: Sequence[float],
    found: Sequence[Assessment],
    missing: Sequence[frozenset[str]],
    known: NDArray[np.bool_],
    flat: NDArray[np.bool_],
) -> tuple[str, ...]:
    """What a reader should know of each forecast, the verdict first where it is not "trust".

    Arguments:
        fitted: what forecasts.
        series: N histories.
        levels: of the intervals, in percent.
        found: (N,) from `assessed`.
        missing: (N,) networks that have no forecast for a series.
        known: (N,) whether the fit knew a series.
        flat: (N,) whether the intervals have no width.
    """
    scores = fitted.rule.spread.calibration.scores
    uncertain = [level for level in levels if scores < scores_needed(level)]
    common = []
    if uncertain:
        common.append(f"{', '.join(f'{level:g} %' for level in uncertain)} not calibrated")
    said = []
    for index, assessment in enumerate(found):
        own = list(assessment.findings)
        if flat[index]:
            own.append("intervals without width: nothing says how wrong it may be")
        for member in fitted.networks:
            if member.name in missing[index] and fitted.rule.weight(member.name) > 0:
                reason = member.why_not(series.one(index))
                own.append(f"{reason} for {member.name}: the others share its weight")
        if not known[index]:
            own.append(UNKNOWN)
            if any(fitted.rule.weight(name) > 0 for name in WITH_COVARIATES):
                own.append("covariates count as for all series together")
        note = "; ".join([*own, *common])
        said.append(note if assessment.verdict == TRUST else f"{assessment.verdict}: {note}")
    return tuple(said)


def without_width(lower: Floats, upper: Floats) -> NDArray[np.bool_]:
    """(N,) whether there is a forecast whose interval is a line, at every step."""
    return np.asarray((lower == upper).all(axis=1))


def rests_on(fitted: Fitted) -> tuple[str, ...]:
    """What the forecasts rest on, in sentences: weights, and how far back the members look."""
    rule, calendar = fitted.rule, fitted.series.calendar
    said = [about_weights(rule.names, rule.weights.tolist())]
    longest = int(fitted.series.lengths.max(initial=0))
    by_context: dict[int, list[str]] = {}
    for member in fitted.networks:
        if rule.weight(member.name) > 0:
            by_context.setdefault(member.context, []).append(member.name)
    for context, names in by_context.items():
        verb = "reads" if len(names) == 1 else "read"
        said.append(f"{' and '.join(names)} {verb} {_last(calendar, context, longest)}.")
    if any(rule.weight(name) > 0 for name in rule.names if name not in NETWORKS):
        points = reach(fitted.season, fitted.horizon)
        said.append(f"The simple methods read {_last(calendar, points, longest)}.")
    return tuple(said)


def _last(calendar: Calendar, points: int, longest: int) -> str:
    if points >= longest:
        return f"the whole history, {calendar.duration(longest)}"
    return f"the last {calendar.duration(points)}"
