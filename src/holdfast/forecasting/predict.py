"""Forecasts of a fitted model for any series, and tables read as that of the fit; no trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError
from holdfast.forecasting.baselines import forecast_simple, simple_methods
from holdfast.forecasting.evaluation.conformal import Widths, residual_widths
from holdfast.forecasting.evaluation.copula import Marginals
from holdfast.forecasting.evaluation.counts import recognise, to_whole
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.quantiles import at_level
from holdfast.forecasting.reliability import Assessment, assessed, notes, without_width
from holdfast.records import WITH_COVARIATES, Floats, Times
from holdfast.tables.covariate_tables import CovariateSources, check_future, with_future
from holdfast.tables.read import ReadOptions, Table, read
from holdfast.tables.series import SeriesSet, never_negative, without_long_gaps

if TYPE_CHECKING:
    from holdfast.forecasting.networks.members import NetworkMember


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of N series."""

    times: Times  # (N, K) timestamps
    median: Floats  # (N, K)
    lower: Mapping[float, Floats]  # level in percent → (N, K)
    upper: Mapping[float, Floats]
    members: Mapping[str, Floats]  # member → (N, K); NaN where a member has none
    method: tuple[str, ...]  # (N,) the members of each forecast and their weights
    note: tuple[str, ...]  # (N,) what a reader should know of it; "" for nothing
    found: tuple[Assessment, ...]  # (N,) how far to trust it, and why not
    # (N, K) where the model knows counts, whose median is often zero; None elsewhere
    mean: Floats | None = None

    def whole(self, series: SeriesSet) -> Forecasts:
        """In whole numbers, for series whose histories are; the mean stays as it is."""
        whole = to_whole(recognise(series).whole, self.median, self.lower, self.upper)
        return replace(self, median=whole.median, lower=whole.lower, upper=whole.upper)


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
    model: FittedModel,
    series: SeriesSet,
    levels: Sequence[float],
    *,
    note_unseen: bool = True,
    words: bool = True,
) -> Forecasts:
    """Forecast every series, also such that the fit never saw, from its last value on.

    Without `words`, which fill `method`, `note` and `found`, numbers come sooner; `note_unseen` is
    whether a note says of a series that the fit did not see it.

    Raises:
        TableError: the model reads covariates, and the histories have none.
    """
    if series.covariates is None and model.series.covariates is not None:
        raise TableError(
            "The model reads covariates, and these histories come without: forecast them with "
            "holdfast predict, or Forecaster.predict, which read them again."
        )
    shape = (len(series), model.horizon)
    given, levels = levels, sorted({*levels, *LEVELS}) if model.counts else levels
    whole, series = series, without_long_gaps(series, model.season)
    simple = forecast_simple(series, model.season, model.horizon)
    members: dict[str, Floats] = {}
    networks: dict[str, Widths] = {}
    for member in model.networks:
        # A series that ends earlier would be laid beside the covariates of other days.
        read = whole if member.name in WITH_COVARIATES else series
        members[member.name], networks[member.name] = network_forecast(member, read, levels)
    members |= {name: simple[name] for name in simple_methods(model.season)}

    median = model.ensemble.median(members)
    places = places_in(model, series)
    factors = np.where(places >= 0, model.ensemble.spread.factors[places], 1.0)
    residual = residual_widths(series, model.season, model.horizon, levels)
    intervals = model.ensemble.intervals(median, factors, residual, networks)
    floor = never_negative(series)[:, None]
    times = whole.calendar.times((whole.ends[:, None] + np.arange(1, model.horizon + 1)).ravel())
    missing = [
        frozenset(name for name in networks if np.isnan(members[name][index]).all())
        for index in range(len(series))
    ]
    median, intervals = np.maximum(median, floor), intervals.floored(floor[:, 0])
    mean = None
    if model.counts:
        pull = pulls(series, model.dependence.pull)
        marginals = Marginals.from_bounds(median, intervals.lower, intervals.upper, floor, pull)
        mean = marginals.mean()
    found: tuple[Assessment, ...] = ()
    method = note = ("",) * len(series)
    if words:
        flat = np.zeros(len(series), dtype=bool)
        if given:
            flat = without_width(intervals.lower[max(given)], intervals.upper[max(given)])
        found = assessed(model, whole, places)
        known = (places >= 0) | (not note_unseen)
        method = _methods(model, missing)
        note = notes(model, whole, given, found, missing, known, flat)
    return Forecasts(
        times=times.reshape(shape),
        median=median,
        lower={level: intervals.lower[level] for level in given},
        upper={level: intervals.upper[level] for level in given},
        members=members,
        method=method,
        note=note,
        found=found,
        mean=mean,
    )


def pulls(series: SeriesSet, pull: float) -> Floats:
    """(N, 1) the pull of each series' marginals: that of counts, or none."""
    return np.where(recognise(series).counts, pull, 1.0)[:, None]


def places_in(model: FittedModel, series: SeriesSet) -> NDArray[np.int64]:
    """(N,) which series of the fit each of these is, by its label; −1 for one it never saw."""
    places = {label: place for place, label in enumerate(model.series.labels)}
    return np.array([places.get(label, -1) for label in series.labels], dtype=np.int64)


def _methods(model: FittedModel, missing: Sequence[frozenset[str]]) -> tuple[str, ...]:
    """How each forecast was made: the weighted members that it has, the largest weight first."""

    def named(without: frozenset[str]) -> str:
        weights = {
            name: model.ensemble.weight(name)
            for name in model.ensemble.names
            if name not in without and model.ensemble.weight(name) > 0
        }
        total = sum(weights.values())
        if not total:
            return "mean of the members"
        ranked = sorted(weights.items(), key=lambda item: -item[1])
        return " + ".join(
            name if len(ranked) == 1 else f"{weight / total:.2f} {name}" for name, weight in ranked
        )

    names = {without: named(without) for without in set(missing)}
    return tuple(names[without] for without in missing)


def read_like(
    model: FittedModel,
    source: Any,
    options: ReadOptions | None = None,
    static: Any = None,
    future: Any = None,
) -> Table:
    """A table, or one that was read so already, with the columns and calendar of the fit's.

    Columns that the options do not name are called as in the fit; frequency and season are its own.

    Raises:
        TableError: a column is missing, or the timestamps lie on another calendar.
        ArgumentError: covariates are given that the fit did not have.
    """
    table, names = source, model.names
    if not isinstance(table, Table):
        options = options or ReadOptions()
        target = None if names.target == "y" or options.wide else names.target
        table = read(
            source,
            replace(
                options,
                id_col=options.id_col or (None if names.id == ("unique_id",) else names.id),
                time_col=options.time_col or (None if names.time == "ds" else names.time),
                target_col=options.target_col or target,
                freq=model.series.calendar,
                season=model.season,
                covariates=CovariateSources.again(model.series.covariates, static, future),
            ),
        )
    model.check_calendar(table)
    return table


def own_series(model: FittedModel, static: Any = None, future: Any = None) -> SeriesSet:
    """The series of the fit, with what is known ahead.

    Raises:
        TableError: the future table cannot be used, or a value that must be known is missing.
        ArgumentError: covariates are given that the fit did not have.
    """
    if static is not None:
        raise ArgumentError("static_df belongs to histories: give both, or leave out static_df.")
    CovariateSources.again(model.series.covariates, None, future)
    series = model.series
    if future is not None:
        series = with_future(series, model.names, future, None)
    check_future(series, model.horizon)
    return series
