"""What a backtest leaves for the real forecast: weights, and how wide the intervals are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from holdfast.errors import ModelError
from holdfast.forecasting.evaluation.blend import combine
from holdfast.forecasting.evaluation.conformal import (
    Calibration,
    Intervals,
    apply_calibration,
    scores_needed,
)
from holdfast.forecasting.evaluation.crossfit import Spread
from holdfast.forecasting.evaluation.widths import Widths, blend_widths
from holdfast.records import Floats

LEVELS = (50.0, 80.0, 90.0, 95.0, 99.0)
"""Interval levels that a backtest calibrates; others are taken between their neighbours."""


@dataclass(frozen=True, eq=False)
class Rule:
    """How members become one forecast with intervals.

    Arguments:
        names: the members, in the order of `weights`.
        weights: (M,) non-negative, summing to 1.
        spread: widths and multipliers of the intervals; a factor for each series.
    """

    names: tuple[str, ...]
    weights: Floats
    spread: Spread

    def weight(self, name: str) -> float:
        """A member's weight; 0 where there is no such member."""
        return float(self.weights[self.names.index(name)]) if name in self.names else 0.0

    def without(self, names: Collection[str]) -> Rule:
        """The same rule without members that have no weight."""
        kept = [place for place, name in enumerate(self.names) if name not in names]
        return Rule(tuple(self.names[place] for place in kept), self.weights[kept], self.spread)

    def median(self, members: Mapping[str, Floats]) -> Floats:
        """(N, K) the blend of the members; NaN only where no member has a forecast."""
        return combine(np.stack([members[name] for name in self.names]), self.weights)

    def intervals(
        self, median: Floats, factors: Floats, residual: Widths, networks: Mapping[str, Widths]
    ) -> Intervals:
        """The intervals around the blend.

        Arguments:
            median: (N, K) from `median`.
            factors: (N,) each series' own width, 1 for series that the backtest never saw.
            residual: level → (N, K) half-widths from `residual_widths`.
            networks: member → level → (N, K) a network's half-widths, NaN where it has none.
        """
        calibration = calibration_at(self.spread.calibration, residual.levels, median.shape[1])
        spread = Spread(self.spread.share, self.spread.unit, factors, calibration)
        weights = np.array([self.weight(name) for name in networks])
        network = blend_widths(list(networks.values()), weights)
        return apply_calibration(median, spread.widths(network, residual), calibration)

    def to_arrays(self) -> dict[str, Floats]:
        """The numbers, by name, for a model folder."""
        calibration = self.spread.calibration
        levels = sorted(calibration.lower)
        return {
            "weights": self.weights,
            "factors": self.spread.factors,
            "share and unit": np.array([self.spread.share, self.spread.unit]),
            "levels": np.array(levels),
            "lower": np.stack([calibration.lower[level] for level in levels]),
            "upper": np.stack([calibration.upper[level] for level in levels]),
            "scores": np.array([float(calibration.scores)]),
        }

    @classmethod
    def from_arrays(
        cls, names: Sequence[str], arrays: Mapping[str, Floats], horizon: int, series: int
    ) -> Rule:
        """The inverse of `to_arrays`.

        Raises:
            ModelError: an array is missing, has the wrong shape or an impossible number.
        """
        levels = arrays.get("levels", np.zeros(0)).ravel().tolist()
        shapes: dict[str, tuple[int, ...]] = {
            "weights": (len(names),),
            "factors": (series,),
            "share and unit": (2,),
            "lower": (len(levels), horizon),
            "upper": (len(levels), horizon),
            "scores": (1,),
        }
        for name, shape in shapes.items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != np.float64:
                raise ModelError(f"The model's {name} is missing or has the wrong shape.")
            if not np.isfinite(array).all() or (array < 0).any():
                raise ModelError(f"The model's {name} holds impossible numbers.")
        if not levels or not all(0 < level < 100 for level in levels):
            raise ModelError("The model's interval levels are missing or impossible.")
        scores = int(arrays["scores"][0])
        calibration = Calibration(
            lower=dict(zip(levels, arrays["lower"], strict=True)),
            upper=dict(zip(levels, arrays["upper"], strict=True)),
            scores=scores,
            calibrated={level: scores >= scores_needed(level) for level in levels},
        )
        share, unit = arrays["share and unit"].tolist()
        return cls(
            tuple(names), arrays["weights"], Spread(share, unit, arrays["factors"], calibration)
        )


def calibration_at(calibration: Calibration, levels: Sequence[float], horizon: int) -> Calibration:
    """Multipliers at any levels: linear between the calibrated ones, the nearest beyond them.

    Arguments:
        calibration: at some levels.
        levels: in percent.
        horizon: steps.
    """
    known = np.array(sorted(calibration.lower))

    def between(side: Mapping[float, Floats]) -> dict[float, Floats]:
        rows = np.stack([side[level] for level in known.tolist()])
        return {
            level: np.array([np.interp(level, known, rows[:, step]) for step in range(horizon)])
            for level in levels
        }

    return Calibration(
        lower=between(calibration.lower),
        upper=between(calibration.upper),
        scores=calibration.scores,
        calibrated={level: calibration.scores >= scores_needed(level) for level in levels},
    )
