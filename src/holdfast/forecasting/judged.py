"""The backtest of one table: members on the folds, the judgement over them, and its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.forecasting.fitted import LSTM
from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.judgement.backtest import Judgement, judge
from holdfast.forecasting.judgement.baselines import never_negative, simple_methods
from holdfast.forecasting.judgement.rule import LEVELS
from holdfast.forecasting.judgement.verdict import sentences
from holdfast.forecasting.judgement.widths import Widths, residual_widths, stack_widths
from holdfast.forecasting.network.design import Design
from holdfast.forecasting.network.model import ForecastNetwork
from holdfast.forecasting.predictor import network_forecast
from holdfast.records import BacktestRecord, Floats, FoldRecord

MEAN = "Mean"
"""The mean of the simple methods: shown beside the blend, not part of it."""


@dataclass(frozen=True, eq=False)
class Judged:
    """What the backtest of a table came to.

    Arguments:
        members: name → (F, N, K) forecasts at each fold.
        judgement: scores, weights and intervals.
    """

    members: Mapping[str, Floats]
    judgement: Judgement

    def record(self, ground: Groundwork, levels: Sequence[float]) -> BacktestRecord | None:
        """What a report shows of it, at some levels; None where there were no folds."""
        judgement, folds = self.judgement, ground.folds
        if not folds.scoring:
            return None
        calendar = ground.table.series.calendar
        shown = [level for level in levels if level in judgement.intervals.lower]
        coverage = tuple(row for row in judgement.coverage if row.level in shown)
        records = []
        for place, fold in enumerate(folds.scoring):
            inside = np.flatnonzero(~np.isnan(ground.actual[place]).all(axis=1))
            times = calendar.times(fold.cutoff + 1 + np.arange(ground.horizon))
            records.append(
                FoldRecord(
                    cutoff=calendar.format(calendar.times(np.array([fold.cutoff]))[0]),
                    series=inside,
                    times=np.broadcast_to(times, (len(inside), ground.horizon)),
                    actual=ground.actual[place, inside],
                    median=judgement.blend[place, inside],
                    lower=_at(judgement.intervals.lower, shown, place, inside),
                    upper=_at(judgement.intervals.upper, shown, place, inside),
                    members={name: made[place, inside] for name, made in self.members.items()},
                )
            )
        return BacktestRecord(
            methods=judgement.methods,
            coverage=coverage,
            folds=tuple(records),
            series_mase=judgement.series_mase,
            series_mase_naive=judgement.series_mase_naive,
            step_mase=judgement.step_mase,
            step_coverage={level: judgement.step_coverage[level] for level in shown},
            verdict=sentences(
                len(folds.scoring), judgement.methods, coverage, judgement.comparison, LSTM
            ),
        )


def judge_members(
    ground: Groundwork,
    design: Design,
    networks: Sequence[ForecastNetwork],
    levels: Sequence[float],
    seed: int,
) -> Judged:
    """Put the network beside the simple methods on every fold, and judge them all.

    Arguments:
        ground: folds and simple methods.
        design: the networks' sizes.
        networks: trained on nothing behind the first cut-off; none where there is no network.
        levels: interval levels in percent to calibrate, beside the usual ones.
        seed: of the bootstrap.
    """
    table, horizon = ground.table, ground.horizon
    series, season = table.series, table.season
    names = simple_methods(season)
    empty = np.full((len(ground.folds.scoring), len(series), horizon), np.nan)
    members = {name: ground.simple.get(name, empty) for name in names}
    cuts = [series.cut(fold.cutoff) for fold in ground.folds.scoring]
    every = tuple(sorted({*LEVELS, *levels}))
    widths = [residual_widths(cut, season, horizon, every) for cut in cuts]
    network: Widths | None = None
    if networks:
        made = [network_forecast(networks, design, cut, every) for cut in cuts]
        members = {LSTM: np.stack([median for median, _ in made]), **members}
        network = stack_widths([width for _, width in made])
    judgement = judge(
        members,
        stack_widths(widths) if widths else _no_widths(every, empty),
        ground.actual,
        ground.scales,
        network=network,
        shown={MEAN: ground.simple[MEAN]} if MEAN in ground.simple else None,
        cutoffs=ground.folds.cutoffs,
        candidate=LSTM,
        floor=np.stack([never_negative(cut) for cut in cuts]) if cuts else None,
        seed=seed,
    )
    return Judged(members, judgement)


def _no_widths(levels: Sequence[float], empty: Floats) -> Widths:
    return Widths(dict.fromkeys(levels, empty), dict.fromkeys(levels, empty))


def _at(
    bounds: Mapping[float, Floats], levels: Sequence[float], place: int, rows: np.ndarray
) -> dict[float, Floats]:
    return {level: bounds[level][place, rows] for level in levels}
