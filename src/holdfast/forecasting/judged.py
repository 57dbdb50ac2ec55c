"""The backtest of one table: members on the folds, the judgement over them, and its record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.forecasting.baselines import simple_methods
from holdfast.forecasting.baselines.naive import never_negative
from holdfast.forecasting.evaluation.conformal import Widths, residual_widths, stack_widths
from holdfast.forecasting.evaluation.cross_fit import Judgement, judge
from holdfast.forecasting.evaluation.ensemble import LEVELS
from holdfast.forecasting.evaluation.trust import WATCHED, PastForecasts
from holdfast.forecasting.evaluation.verdict import sentences
from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.networks.members import NetworkMember
from holdfast.forecasting.predictor import network_forecast
from holdfast.records import NETWORKS, BacktestRecord, Floats, FoldRecord

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

    def past(self, ground: Groundwork) -> PastForecasts | None:
        """How the blend did on each series; None where there were no folds."""
        intervals = self.judgement.intervals
        if not ground.folds.scoring:
            return None
        return PastForecasts.of(
            ground.actual,
            self.judgement.blend,
            self.members["SeasonalNaive"],
            ground.scales,
            intervals.lower[WATCHED],
            intervals.upper[WATCHED],
        )

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
                len(folds.scoring), judgement.methods, coverage, judgement.comparison
            ),
        )


class Trial:
    """The folds of a table, on which networks stand beside the simple methods.

    What no network changes is made once, and what a network said on a fold is kept, so that the
    members can be judged again when there are more of them.

    Arguments:
        ground: folds and simple methods.
        levels: interval levels in percent to calibrate, beside the usual ones.
        seed: of the bootstrap.
    """

    def __init__(self, ground: Groundwork, levels: Sequence[float], seed: int) -> None:
        series, season, horizon = ground.table.series, ground.table.season, ground.horizon
        self._ground = ground
        self._seed = seed
        self._levels = tuple(sorted({*LEVELS, *levels}))
        self._cuts = [series.cut(fold.cutoff) for fold in ground.folds.scoring]
        residual = [residual_widths(cut, season, horizon, self._levels) for cut in self._cuts]
        self._empty = np.full((len(self._cuts), len(series), horizon), np.nan)
        self._residual = stack_widths(residual) if residual else self._no_widths()
        self._floor = np.stack([never_negative(cut) for cut in self._cuts]) if self._cuts else None
        self._medians: dict[str, Floats] = {}
        self._widths: dict[str, Widths] = {}

    def add(self, member: NetworkMember) -> None:
        """Let a network forecast every fold; it has seen nothing behind the first cut-off."""
        made = [network_forecast(member, cut, self._levels) for cut in self._cuts]
        self._medians[member.name] = np.stack([one for one, _ in made]) if made else self._empty
        self._widths[member.name] = (
            stack_widths([widths for _, widths in made]) if made else self._no_widths()
        )

    def judged(self) -> Judged:
        """All members, judged."""
        ground = self._ground
        simple = {
            name: ground.simple.get(name, self._empty)
            for name in simple_methods(ground.table.season)
        }
        networks = [name for name in NETWORKS if name in self._medians]
        members: dict[str, Floats] = {name: self._medians[name] for name in networks}
        members |= simple
        judgement = judge(
            members,
            self._residual,
            ground.actual,
            ground.scales,
            networks={name: self._widths[name] for name in networks},
            shown={name: ground.simple[name] for name in (MEAN,) if name in ground.simple}
            | dict(ground.beside),
            cutoffs=ground.folds.cutoffs,
            floor=self._floor,
            seed=self._seed,
        )
        return Judged(members, judgement)

    def _no_widths(self) -> Widths:
        return Widths(
            dict.fromkeys(self._levels, self._empty), dict.fromkeys(self._levels, self._empty)
        )


def _at(
    bounds: Mapping[float, Floats], levels: Sequence[float], place: int, rows: np.ndarray
) -> dict[float, Floats]:
    return {level: bounds[level][place, rows] for level in levels}
