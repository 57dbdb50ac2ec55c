"""Forecasts of a fitted forecaster, for any series; no trainer here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError
from holdfast.forecasting.baselines import forecast_simple, simple_methods
from holdfast.forecasting.baselines.naive import never_negative
from holdfast.forecasting.evaluation.conformal import Widths, residual_widths
from holdfast.forecasting.evaluation.copula import Marginals
from holdfast.forecasting.evaluation.counts import recognise, to_whole
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.evaluation.trust import Assessment
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.networks.members import NetworkMember, at_level
from holdfast.forecasting.trusted import assessed, notes, without_width
from holdfast.records import WITH_COVARIATES, Floats, Times
from holdfast.tables.series import SeriesSet, without_long_gaps


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of N series.

    Arguments:
        times: (N, K) timestamps.
        median: (N, K).
        lower, upper: level in percent → (N, K).
        members: member → (N, K); NaN where a member has none.
        method: (N,) what made each forecast.
        note: (N,) what a reader should know of it; "" for nothing.
        found: (N,) how far to trust it, and why not.
        mean: (N, K) where the model knows counts, whose median is often zero; None elsewhere.
    """

    times: Times
    median: Floats
    lower: Mapping[float, Floats]
    upper: Mapping[float, Floats]
    members: Mapping[str, Floats]
    method: tuple[str, ...]
    note: tuple[str, ...]
    found: tuple[Assessment, ...]
    mean: Floats | None = None

    def whole(self, series: SeriesSet) -> Forecasts:
        """In whole numbers, for series whose histories are; the mean stays as it is.

        Arguments:
            series: the histories that were forecast.
        """
        made = to_whole(recognise(series).whole, self.median, self.lower, self.upper)
        return replace(self, median=made.median, lower=made.lower, upper=made.upper)


def network_forecast(
    member: NetworkMember, series: SeriesSet, levels: Sequence[float]
) -> tuple[Floats, Widths]:
    """A network's median and the distances of its quantiles from it.

    Returns:
        (N, K), and level → (N, K) half-widths; NaN where the network has no forecast.
    """
    quantiles = member.quantiles(series)
    median = at_level(quantiles, 0.5)
    return median, Widths(
        {level: median - at_level(quantiles, 0.5 - level / 200.0) for level in levels},
        {level: at_level(quantiles, 0.5 + level / 200.0) - median for level in levels},
    )


def forecast(
    fitted: Fitted,
    series: SeriesSet,
    levels: Sequence[float],
    *,
    strangers: bool = True,
    words: bool = True,
) -> Forecasts:
    """Forecast every series from its last value on.

    Arguments:
        fitted: from a fit or a model folder.
        series: histories, also of series that the fit never saw.
        levels: interval levels in percent.
        strangers: whether a note says of a series that the fit did not know it.
        words: whether to say what made each forecast and what to know of it; without, numbers alone
            come, sooner.

    Raises:
        TableError: the model reads covariates, and the histories have none.
    """
    if series.covariates is None and fitted.series.covariates is not None:
        raise TableError(
            "The model reads covariates, and these histories come without: forecast them with "
            "holdfast predict, or Forecaster.predict, which read them again."
        )
    shape = (len(series), fitted.horizon)
    asked, levels = levels, sorted({*levels, *LEVELS}) if fitted.counts else levels
    whole, series = series, without_long_gaps(series, fitted.season)
    simple = forecast_simple(series, fitted.season, fitted.horizon)
    members: dict[str, Floats] = {}
    networks: dict[str, Widths] = {}
    for member in fitted.networks:
        # A series that ends earlier would be laid beside the covariates of other days.
        read = whole if member.name in WITH_COVARIATES else series
        members[member.name], networks[member.name] = network_forecast(member, read, levels)
    members |= {name: simple[name] for name in simple_methods(fitted.season)}

    median = fitted.rule.median(members)
    places = places_in(fitted, series)
    factors = np.where(places >= 0, fitted.rule.spread.factors[places], 1.0)
    residual = residual_widths(series, fitted.season, fitted.horizon, levels)
    made = fitted.rule.intervals(median, factors, residual, networks)
    floor = never_negative(series)[:, None]
    times = whole.calendar.times((whole.ends[:, None] + np.arange(1, fitted.horizon + 1)).ravel())
    nothing = ("",) * len(series)
    missing = [
        frozenset(name for name in networks if np.isnan(members[name][index]).all())
        for index in range(len(series))
    ]
    median, made = np.maximum(median, floor), made.floored(floor[:, 0])
    mean = None
    if fitted.counts:
        pull = pulls(series, fitted.dependence.pull)
        mean = Marginals.from_bounds(median, made.lower, made.upper, floor, pull).mean()
    found = assessed(fitted, whole, places) if words else ()
    flat = np.zeros(len(series), dtype=bool)
    if asked:
        flat = without_width(made.lower[max(asked)], made.upper[max(asked)])
    return Forecasts(
        times=times.reshape(shape),
        median=median,
        lower={level: made.lower[level] for level in asked},
        upper={level: made.upper[level] for level in asked},
        members=members,
        method=_methods(fitted, missing) if words else nothing,
        note=notes(fitted, whole, asked, found, missing, (places >= 0) | (not strangers), flat)
        if words
        else nothing,
        found=found,
        mean=mean,
    )


def pulls(series: SeriesSet, pull: float) -> Floats:
    """(N, 1) the pull of each series' marginals: that of counts, or none."""
    return np.where(recognise(series).counts, pull, 1.0)[:, None]


def places_in(fitted: Fitted, series: SeriesSet) -> NDArray[np.int64]:
    """(N,) which series of the fit each of these is, by its label; −1 for one it never saw."""
    places = {label: place for place, label in enumerate(fitted.series.labels)}
    return np.array([places.get(label, -1) for label in series.labels], dtype=np.int64)


def _methods(fitted: Fitted, missing: Sequence[frozenset[str]]) -> tuple[str, ...]:
    """What made each forecast: the weighted members that it has, the largest weight first."""

    def named(without: frozenset[str]) -> str:
        weights = {
            name: weight
            for name, weight in zip(fitted.rule.names, fitted.rule.weights.tolist(), strict=True)
            if weight > 0 and name not in without
        }
        total = sum(weights.values())
        if not total:
            return "mean of the members"
        ranked = sorted(weights.items(), key=lambda item: -item[1])
        return " + ".join(
            name if len(ranked) == 1 else f"{weight / total:.2f} {name}" for name, weight in ranked
        )

    said = {without: named(without) for without in set(missing)}
    return tuple(said[without] for without in missing)
