"""Forecasts of a fitted forecaster, for any series; no trainer here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.fitted import LSTM, Fitted
from holdfast.forecasting.judgement.baselines import (
    forecast_simple,
    never_negative,
    simple_methods,
)
from holdfast.forecasting.judgement.conformal import scores_needed
from holdfast.forecasting.judgement.widths import Widths, residual_widths
from holdfast.forecasting.network.design import Design
from holdfast.forecasting.network.forecast import at_level, forecast_quantiles
from holdfast.forecasting.network.model import ForecastNetwork
from holdfast.forecasting.tables.series import SeriesSet
from holdfast.records import Floats, Times


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
    """

    times: Times
    median: Floats
    lower: Mapping[float, Floats]
    upper: Mapping[float, Floats]
    members: Mapping[str, Floats]
    method: tuple[str, ...]
    note: tuple[str, ...]


def network_forecast(
    networks: Sequence[ForecastNetwork],
    design: Design,
    series: SeriesSet,
    levels: Sequence[float],
) -> tuple[Floats, Widths]:
    """The networks' median and the distances of their quantiles from it.

    Returns:
        (N, K), and level → (N, K) half-widths; NaN where a series is too short for the network.
    """
    quantiles = forecast_quantiles(networks, design, series)
    median = at_level(quantiles, 0.5)
    return median, Widths(
        {level: median - at_level(quantiles, 0.5 - level / 200.0) for level in levels},
        {level: at_level(quantiles, 0.5 + level / 200.0) - median for level in levels},
    )


def forecast(fitted: Fitted, series: SeriesSet, levels: Sequence[float]) -> Forecasts:
    """Forecast every series from its last value on.

    Arguments:
        fitted: from a fit or a model folder.
        series: histories, also of series that the fit never saw.
        levels: interval levels in percent.
    """
    shape = (len(series), fitted.horizon)
    simple = forecast_simple(series, fitted.season, fitted.horizon)
    network: Widths | None = None
    members = {LSTM: np.full(shape, np.nan)}
    if fitted.design is not None and fitted.networks:
        members[LSTM], network = network_forecast(fitted.networks, fitted.design, series, levels)
    members |= {name: simple[name] for name in simple_methods(fitted.season)}

    median = fitted.rule.median(members)
    factors, known = _factors(fitted, series)
    residual = residual_widths(series, fitted.season, fitted.horizon, levels)
    made = fitted.rule.intervals(median, factors, residual, network)
    floor = never_negative(series)[:, None]
    times = series.calendar.times((series.ends[:, None] + np.arange(1, fitted.horizon + 1)).ravel())
    by_network = ~np.isnan(members[LSTM]).all(axis=1)
    return Forecasts(
        times=times.reshape(shape),
        median=np.maximum(median, floor),
        lower={level: np.maximum(bound, floor) for level, bound in made.lower.items()},
        upper={level: np.maximum(bound, floor) for level, bound in made.upper.items()},
        members=members,
        method=_methods(fitted, by_network),
        note=_notes(fitted, series, levels, by_network, known),
    )


def _factors(fitted: Fitted, series: SeriesSet) -> tuple[Floats, NDArray[np.bool_]]:
    """(N,) how wide each series' intervals are, and whether the fit knew the series."""
    places = {label: place for place, label in enumerate(fitted.series.labels)}
    place = np.array([places.get(label, -1) for label in series.labels], dtype=np.int64)
    known = place >= 0
    factors = np.ones(len(series))
    factors[known] = fitted.rule.spread.factors[place[known]]
    return factors, known


def _methods(fitted: Fitted, by_network: NDArray[np.bool_]) -> tuple[str, ...]:
    """What made each forecast: the weighted members, the largest weight first."""

    def named(without: frozenset[str]) -> str:
        weights = {
            name: weight
            for name, weight in zip(fitted.rule.names, fitted.rule.weights.tolist(), strict=True)
            if weight > 0 and name not in without
        }
        total = sum(weights.values())
        if not total:
            return "mean of the simple methods"
        ranked = sorted(weights.items(), key=lambda item: -item[1])
        return " + ".join(
            name if len(ranked) == 1 else f"{weight / total:.2f} {name}" for name, weight in ranked
        )

    whole, simple = named(frozenset()), named(frozenset({LSTM}))
    return tuple(whole if network else simple for network in by_network.tolist())


def _notes(
    fitted: Fitted,
    series: SeriesSet,
    levels: Sequence[float],
    by_network: NDArray[np.bool_],
    known: NDArray[np.bool_],
) -> tuple[str, ...]:
    """What a reader should know of each forecast."""
    scores = fitted.rule.spread.calibration.scores
    missing = [level for level in levels if scores < scores_needed(level)]
    common = []
    if missing:
        common.append(f"{', '.join(f'{level:g} %' for level in missing)} not calibrated")
    notes = []
    for index in range(len(series)):
        values = series.one(index)
        observed = values[~np.isnan(values)]
        own = []
        if len(observed) == 1:
            own.append("a single value")
        elif len(observed) and (observed == observed[0]).all():
            own.append("a constant series")
        if not by_network[index] and fitted.rule.weight(LSTM) > 0:
            own.append(_too_few(fitted, values))
        if len(values) and np.isnan(values[-1]):
            gap = len(values) - 1 - int(np.flatnonzero(~np.isnan(values))[-1])
            own.append(f"the last {gap} values are missing")
        if not known[index]:
            own.append("not in the fit")
        notes.append("; ".join([*own, *common]))
    return tuple(notes)


def _too_few(fitted: Fitted, values: Floats) -> str:
    """Why the network has no forecast for a series."""
    if fitted.design is None:
        return "simple methods only"
    recent = values[-fitted.design.context :]
    return (
        f"{int((~np.isnan(recent)).sum())} values among the last {fitted.design.context} are too "
        "few for the network: simple methods only"
    )
