"""The backtest: folds of a table, members that forecast them, the evaluation, and its sentences.

Folds and simple methods come first, without torch; networks are added when there are any.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Final

import numpy as np

from holdfast.errors import TableError, option
from holdfast.forecasting.baselines import forecast_simple, simple_methods
from holdfast.forecasting.baselines.statsforecast import SECONDS, forecast_statistical, require
from holdfast.forecasting.evaluation.conformal import (
    Widths,
    residual_widths,
    scores_needed,
    stack_widths,
)
from holdfast.forecasting.evaluation.cross_fit import Evaluation, evaluate
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.evaluation.folds import Folds, make_folds
from holdfast.forecasting.evaluation.metrics import mean_observed, scaled_error, smape
from holdfast.forecasting.evaluation.significance import Comparison
from holdfast.forecasting.model import WATCHED, PastForecasts
from holdfast.forecasting.predict import network_forecast
from holdfast.records import (
    ADAPTED,
    LSTM,
    LSTM_X,
    NETWORKS,
    PRETRAINED,
    PRETRAINED_X,
    BacktestRecord,
    Floats,
    FoldRecord,
    LevelCoverage,
    MethodScore,
)
from holdfast.tables.read import Table
from holdfast.tables.season import long_season
from holdfast.tables.series import SeriesSet, never_negative

if TYPE_CHECKING:
    from holdfast.forecasting.networks.members import NetworkMember

MOST_VALIDATION = 7  # horizons of validation for early stopping, at most
BASELINES_SHARE = 1.0 / 3.0
"""The part of what is left of the budget that statsforecast's methods may take."""


MEAN = "Mean"  # the mean of the simple methods: shown beside the blend, not part of it


@dataclass(frozen=True, eq=False)
class BacktestData:
    """A table, its folds, and forecasts of the simple methods for each of them."""

    table: Table
    horizon: int  # K steps to forecast
    folds: Folds  # where the history is cut
    actual: Floats  # (F, N, K) what came behind each cut-off
    scales: Floats  # (F, N) each fold's MASE unit
    # method → (F, N, K) forecasts of the simple methods, "Mean" among them
    simple: Mapping[str, Floats]
    # method → (F, N, K) forecasts of methods that are shown and take no part
    statistical: Mapping[str, Floats] = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # which of those were not finished, in sentences

    @cached_property
    def unscored(self) -> SeriesSet:
        """What lies before every score: all up to the first cut-off; everything without folds."""
        series = self.table.series
        return series.cut(self._first_cutoff) if self.folds.scoring else series

    @cached_property
    def training(self) -> SeriesSet:
        """What networks may learn from before the backtest: no validation, nothing scored."""
        if not self.folds.scoring:
            return self.table.series
        return self.table.series.cut(self._first_cutoff - self._validation_horizons * self.horizon)

    @cached_property
    def validation(self) -> SeriesSet | None:
        """The same and what lies before the first cut-off, for early stopping and nothing else."""
        return self.unscored if self._validation_horizons else None

    @cached_property
    def long_season(self) -> int | None:
        """Points of a longer season beside the table's own, as `training` has it; None for none."""
        return long_season(self.training, self.table.season)

    @property
    def _first_cutoff(self) -> int:
        return self.folds.scoring[0]

    @cached_property
    def _validation_horizons(self) -> int:
        """Horizons of validation for early stopping; none where the history has no room for one.

        One alone may be a single Thursday, so a long history gives more: a twelfth of it at most.
        """
        if self.folds.stopping is None:
            return 0
        lengths = self.unscored.lengths
        length = int(np.median(lengths[lengths > 0])) if lengths.any() else 0
        return int(np.clip(length // (12 * self.horizon), 1, MOST_VALIDATION))

    def scores(self) -> tuple[MethodScore, ...]:
        """How the simple methods did, before there is anything else."""
        return tuple(
            MethodScore(
                method=name,
                mase=float(mean_observed(scaled_error(self.actual, forecast, self.scales))),
                smape=float(mean_observed(smape(self.actual, forecast))),
            )
            for name, forecast in {**self.simple, **self.statistical}.items()
        )

    def with_statistical(self, seconds: float) -> BacktestData:
        """The same, with statsforecast's methods beside it.

        Raises:
            InputError: statsforecast is not installed.
        """
        require()
        cuts = [self.table.series.cut(cutoff) for cutoff in self.folds.scoring]
        seconds = seconds if math.isfinite(seconds) else SECONDS
        found = forecast_statistical(cuts, self.actual, self.table.season, self.horizon, seconds)
        return replace(self, statistical=found.forecasts, notes=found.remarks)


def backtest_data(
    table: Table, horizon: int, *, folds: int = 3, step: int | None = None
) -> BacktestData:
    """Cut the history into folds and let the simple methods forecast each of them.

    Raises:
        ArgumentError: horizon, folds or step is out of range.
    """
    cut = make_folds(table.series, horizon, season=table.season, folds=folds, step=step)
    return backtest_data_on(table, horizon, cut)


def backtest_data_on(table: Table, horizon: int, folds: Folds) -> BacktestData:
    """Let the simple methods forecast folds that are given."""
    series, season = table.series, table.season
    rows = [forecast_simple(series.cut(cutoff), season, horizon) for cutoff in folds.scoring]
    methods = list(rows[0]) if rows else []
    return BacktestData(
        table=table,
        horizon=horizon,
        folds=folds,
        actual=folds.actual(series),
        scales=folds.scales(series, season),
        simple={name: np.stack([row[name] for row in rows]) for name in methods},
    )


def check_folds(data: BacktestData) -> None:
    """Refuse a backtest without folds.

    Raises:
        TableError: there are none.
    """
    if not data.folds.scoring:
        reason = data.folds.reason.removesuffix(".")
        raise TableError(f"{reason}; give a shorter {option('horizon')}.")


class Backtest:
    """The folds of a table, on which networks stand beside the simple methods.

    What no network changes is computed once, and forecasts of networks are kept, so that the
    members can be evaluated again when there are more of them.
    """

    def __init__(self, data: BacktestData, levels: Sequence[float], seed: int) -> None:
        series, season, horizon = data.table.series, data.table.season, data.horizon
        self._data = data
        self._seed = seed
        self._levels = tuple(sorted({*LEVELS, *levels}))
        self._cuts = [series.cut(cutoff) for cutoff in data.folds.scoring]
        residual = [residual_widths(cut, season, horizon, self._levels) for cut in self._cuts]
        self._empty = np.full((len(self._cuts), len(series), horizon), np.nan)
        self._residual = stack_widths(residual) if residual else self._no_widths()
        self._floor = np.stack([never_negative(cut) for cut in self._cuts]) if self._cuts else None
        self._medians: dict[str, Floats] = {}
        self._widths: dict[str, Widths] = {}

    def add(self, member: NetworkMember) -> None:
        """Let a network forecast every fold; it has seen nothing behind the first cut-off."""
        forecasts = [network_forecast(member, cut, self._levels) for cut in self._cuts]
        medians, widths = [one for one, _ in forecasts], [one for _, one in forecasts]
        self._medians[member.name] = np.stack(medians) if medians else self._empty
        self._widths[member.name] = stack_widths(widths) if widths else self._no_widths()

    def evaluate(self) -> BacktestResult:
        """Scores, weights and intervals of all members so far."""
        data = self._data
        simple = {
            name: data.simple.get(name, self._empty) for name in simple_methods(data.table.season)
        }
        networks = [name for name in NETWORKS if name in self._medians]
        members: dict[str, Floats] = {name: self._medians[name] for name in networks}
        members |= simple
        evaluation = evaluate(
            members,
            self._residual,
            data.actual,
            data.scales,
            networks={name: self._widths[name] for name in networks},
            shown={name: data.simple[name] for name in (MEAN,) if name in data.simple}
            | dict(data.statistical),
            cutoffs=data.folds.cutoffs,
            floor=self._floor,
            seed=self._seed,
        )
        return BacktestResult(members, evaluation)

    def _no_widths(self) -> Widths:
        return Widths(
            dict.fromkeys(self._levels, self._empty), dict.fromkeys(self._levels, self._empty)
        )


@dataclass(frozen=True, eq=False)
class BacktestResult:
    """Forecasts of all members on the folds of a table, and their evaluation."""

    members: Mapping[str, Floats]  # name → (F, N, K) forecasts at each fold
    evaluation: Evaluation  # scores, weights and intervals

    def past(self, data: BacktestData) -> PastForecasts | None:
        """How the blend did on each series; None where there were no folds."""
        intervals = self.evaluation.intervals
        if not data.folds.scoring:
            return None
        return PastForecasts.of(
            data.actual,
            self.evaluation.blend,
            self.members["SeasonalNaive"],
            data.scales,
            intervals.lower[WATCHED],
            intervals.upper[WATCHED],
        )

    def record(self, data: BacktestData, levels: Sequence[float]) -> BacktestRecord | None:
        """What a report shows of it, at some levels; None where there were no folds."""
        evaluation, folds = self.evaluation, data.folds
        if not folds.scoring:
            return None
        calendar = data.table.series.calendar
        shown = [level for level in levels if level in evaluation.intervals.lower]
        coverage = tuple(row for row in evaluation.coverage if row.level in shown)
        records = []
        for place, cutoff in enumerate(folds.scoring):
            inside = np.flatnonzero(~np.isnan(data.actual[place]).all(axis=1))
            times = calendar.times(cutoff + 1 + np.arange(data.horizon))
            records.append(
                FoldRecord(
                    cutoff=calendar.format(calendar.times(np.array([cutoff]))[0]),
                    series=inside,
                    times=np.broadcast_to(times, (len(inside), data.horizon)),
                    actual=data.actual[place, inside],
                    median=evaluation.blend[place, inside],
                    lower=_at(evaluation.intervals.lower, shown, place, inside),
                    upper=_at(evaluation.intervals.upper, shown, place, inside),
                    members={name: rows[place, inside] for name, rows in self.members.items()},
                )
            )
        return BacktestRecord(
            methods=evaluation.methods,
            coverage=coverage,
            folds=tuple(records),
            series_mase=evaluation.series_mase,
            series_mase_naive=evaluation.series_mase_naive,
            step_mase=evaluation.step_mase,
            step_coverage={level: evaluation.step_coverage[level] for level in shown},
            verdict=verdict(
                len(folds.scoring), evaluation.methods, coverage, evaluation.comparison
            ),
        )


def _at(
    bounds: Mapping[float, Floats], levels: Sequence[float], place: int, rows: np.ndarray
) -> dict[float, Floats]:
    return {level: bounds[level][place, rows] for level in levels}


_IN_WORDS: Final = {
    PRETRAINED: "the pretrained LSTM",
    ADAPTED: "the adapted LSTM",
    LSTM: "the LSTM",
    PRETRAINED_X: "the pretrained LSTM with covariates",
    LSTM_X: "the LSTM with covariates",
    "SeasonalNaive": "seasonal naive",
    "SeasonalMean": "the seasonal mean",
    "DampedETS": "damped ETS",
    "Naive": "naive",
    "Mean": "the mean of the simple methods",
}


def verdict(
    folds: int,
    methods: Sequence[MethodScore],
    coverage: Sequence[LevelCoverage],
    comparison: Comparison | None,
) -> tuple[str, ...]:
    """What a backtest means, in sentences to act on; `methods` begin with the blend."""
    if not folds:
        return (
            (
                "The history is too short for a backtest: networks and simple methods weigh the "
                "same, the intervals are not calibrated, and nothing says which method is best."
            ),
        )
    found = []
    if folds == 1:
        found.append(
            "With one fold there is none left to learn weights from: networks and simple methods "
            "weigh the same and the intervals are not calibrated."
        )
    else:
        found += [*_about_blend(methods), *_about_networks(methods)]
    if comparison is not None:
        found.append(comparison.sentence)
    missing = [row for row in coverage if not row.calibrated]
    if missing and folds > 1:
        found.append(_about_levels(missing))
    return tuple(found)


def _about_blend(methods: Sequence[MethodScore]) -> list[str]:
    """A member that would have done better alone, where there is one by a margin."""
    best = min(methods[1:], key=lambda row: row.mase, default=methods[0])
    if not best.mase < 0.95 * methods[0].mase:
        return []
    sentence = (
        f"{_capitalised(_in_words(best))} alone was better on the folds than the blend (MASE "
        f"{best.mase:.3f} against {methods[0].mase:.3f}), which could not know that beforehand."
    )
    return [sentence]


def _about_networks(methods: Sequence[MethodScore]) -> list[str]:
    """What the networks earned: the best of them in full, the others in a few words."""
    networks = [row for row in methods if row.method in NETWORKS and row.weight is not None]
    if not networks:
        return []
    simple = [row for row in methods[1:] if row.method not in NETWORKS]
    weighted = [row for row in networks if row.weight]
    first = min(weighted or networks, key=lambda row: row.mase)
    best = min(simple, key=lambda row: row.mase, default=first)
    found = [_about_network(first, best, methods[0])]
    for row in networks:
        if row is not first:
            weight = f"weight {row.weight:.2f}" if row.weight else "no weight"
            found.append(f"{_capitalised(_in_words(row))} gets {weight} (MASE {row.mase:.3f}).")
    return found


def _about_network(network: MethodScore, best: MethodScore, blend: MethodScore) -> str:
    """What one network earned beside the best simple method."""
    name = _in_words(network)
    if network.weight:
        return (
            f"{_capitalised(name)} earns weight {network.weight:.2f}: alone it has MASE "
            f"{network.mase:.3f}, {_in_words(best)} {best.mase:.3f}, the blend {blend.mase:.3f}."
        )
    scores = f"(MASE {network.mase:.3f} against {best.mase:.3f})"
    if network.mase < best.mase:
        return (
            f"{_capitalised(name)} gets no weight: alone it beats {_in_words(best)} {scores}, but "
            "the blend is as good without it."
        )
    return f"{_capitalised(_in_words(best))} is as good: {name} gets no weight {scores}."


def _in_words(row: MethodScore) -> str:
    """A method in a sentence."""
    return _IN_WORDS.get(row.method, row.method)


def _capitalised(words: str) -> str:
    """Words at the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def _about_levels(missing: Sequence[LevelCoverage]) -> str:
    """Which levels the data cannot calibrate, and why."""
    levels = ", ".join(f"{row.level:g} %" for row in missing)
    needed = ", ".join(str(scores_needed(row.level)) for row in missing)
    return (
        f"Not calibrated: {levels}; that takes {needed} past horizons (series × folds), and each "
        f"was tested with the {missing[0].scores} others. These intervals are as wide as past "
        "errors suggest."
    )
