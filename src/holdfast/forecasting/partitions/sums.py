"""Scores of a backtest as sums, so that those of many chunks add up to those of all series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from holdfast.forecasting.evaluation.backtest import BLEND
from holdfast.forecasting.evaluation.metrics import inside, mean_observed, scaled_error, smape
from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.judged import MEAN, Judged
from holdfast.records import Floats, LevelCoverage, MethodScore


@dataclass
class Sums:
    """Sums and counts behind scores.

    Arguments:
        mase, smape: method → (sum, count): of series and folds, of points.
        inside, width: level → (sum, count): points inside, widths in MASE's unit.
        scores: level → independent scores behind the calibration of the chunk that has fewest.
        uncalibrated: levels that some chunk could not calibrate.
    """

    mase: dict[str, tuple[float, int]] = field(default_factory=dict)
    smape: dict[str, tuple[float, int]] = field(default_factory=dict)
    inside: dict[str, tuple[float, int]] = field(default_factory=dict)
    width: dict[str, tuple[float, int]] = field(default_factory=dict)
    scores: dict[str, int] = field(default_factory=dict)
    uncalibrated: list[str] = field(default_factory=list)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Sums:
        """What `to_json` wrote."""
        pairs = {
            name: {key: (float(total), int(count)) for key, (total, count) in data[name].items()}
            for name in ("mase", "smape", "inside", "width")
        }
        scores = {key: int(value) for key, value in data["scores"].items()}
        return cls(**pairs, scores=scores, uncalibrated=list(data["uncalibrated"]))

    def to_json(self) -> dict[str, Any]:
        """The fields, for JSON."""
        return asdict(self)

    @classmethod
    def of(cls, ground: Groundwork, judged: Judged, levels: Sequence[float]) -> Sums:
        """Those of one chunk."""
        made, judgement = cls(), judged.judgement
        methods = {BLEND: judgement.blend, **judged.members}
        if MEAN in ground.simple:
            methods[MEAN] = ground.simple[MEAN]
        for name, forecast in methods.items():
            errors = scaled_error(ground.actual, forecast, ground.scales)
            made.mase[name] = _summed(mean_observed(errors, axis=-1))
            made.smape[name] = _summed(smape(ground.actual, forecast))
        rows = {row.level: row for row in judgement.coverage}
        for level in levels:
            lower, upper = judgement.intervals.lower[level], judgement.intervals.upper[level]
            key = f"{level:g}"
            made.inside[key] = _summed(inside(ground.actual, lower, upper))
            width = np.where(np.isnan(ground.actual), np.nan, upper - lower)
            made.width[key] = _summed(width / ground.scales[..., None])
            if level in rows:
                made.scores[key] = rows[level].scores
                made.uncalibrated += [] if rows[level].calibrated else [key]
        return made

    def add(self, other: Sums) -> None:
        """Take in those of another chunk."""
        for own, theirs in (
            (self.mase, other.mase),
            (self.smape, other.smape),
            (self.inside, other.inside),
            (self.width, other.width),
        ):
            for name, (total, count) in theirs.items():
                before, counted = own.get(name, (0.0, 0))
                own[name] = (before + total, counted + count)
        for key, scores in other.scores.items():
            self.scores[key] = min(self.scores.get(key, scores), scores)
        self.uncalibrated = sorted({*self.uncalibrated, *other.uncalibrated})

    def methods(self) -> tuple[MethodScore, ...]:
        """A row a method, the blend first; weights differ between chunks and are not shown."""
        return tuple(
            MethodScore(name, _mean(self.mase[name]), _mean(self.smape[name])) for name in self.mase
        )

    def coverage(self) -> tuple[LevelCoverage, ...]:
        """A row a level."""
        return tuple(
            LevelCoverage(
                level=float(key),
                coverage=_mean(self.inside[key]),
                width=_mean(self.width[key]),
                scores=self.scores.get(key, 0),
                calibrated=key not in self.uncalibrated,
            )
            for key in self.inside
        )


def _summed(values: Floats) -> tuple[float, int]:
    seen = ~np.isnan(values)
    return float(values[seen].sum()), int(seen.sum())


def _mean(pair: tuple[float, int]) -> float:
    total, count = pair
    return total / count if count else float("nan")
