"""What forecasts are worth: the same functions on the same points for every method.

sMAPE    M4's, 0 to 200, of the point forecast
MASE     absolute error over the in-sample error of seasonal naive before the first origin
OWA      against Naive2: the organisers' on M4, ours elsewhere
WQL      mean over the nine deciles of GluonTS's weighted quantile loss, all series pooled
coverage share of the points inside the central 80 % and 95 % intervals

All are means over points; for M3 as a whole over all 37,014 points, as its authors did.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines import naive2
from holdfast.forecasting.evaluation import metrics

if TYPE_CHECKING:
    from problems import Problem

Floats = NDArray[np.float64]

DECILES = np.arange(1, 10) / 10


@dataclass(frozen=True, eq=False)
class Forecasts:
    """What a method says about a problem, and how long it took.

    Arguments:
        point: (origins, N, K).
        quantiles: (9, origins, N, K) the deciles, or None where a method gives none.
        outer: (2, origins, N, K) the bounds of the central 95 %, or None.
        train_seconds: until the first forecast can be made; with what is refitted at every
            origin all of it.
        predict_seconds: the forecasts from all origins.
    """

    point: Floats
    quantiles: Floats | None
    outer: Floats | None
    train_seconds: float
    predict_seconds: float

    def save(self, path: Path) -> None:
        """Write a compressed file; None is left out."""
        path.parent.mkdir(parents=True, exist_ok=True)
        kept = {field.name: getattr(self, field.name) for field in fields(self)}
        unfinished = path.with_name(f"{path.stem}.unfinished.npz")
        np.savez_compressed(
            unfinished, **{name: value for name, value in kept.items() if value is not None}
        )
        unfinished.replace(path)

    @classmethod
    def load(cls, path: Path) -> Forecasts:
        """What `save` wrote."""
        with np.load(path) as file:
            return cls(
                point=file["point"],
                quantiles=file.get("quantiles"),
                outer=file.get("outer"),
                train_seconds=float(file["train_seconds"]),
                predict_seconds=float(file["predict_seconds"]),
            )


def score(parts: Sequence[tuple[Problem, Forecasts]]) -> dict[str, float]:
    """The scores over all points of some problems, usually of one.

    Raises:
        ValueError: a point forecast is missing or infinite: left out it would flatter.
    """
    for problem, forecasts in parts:
        wrong = int((~np.isfinite(forecasts.point)).sum())
        if wrong:
            raise ValueError(f"{problem.name}: {wrong} point forecasts are not finite.")
    percent, scaled = _errors(parts, [forecasts.point for _, forecasts in parts])
    scores = {"sMAPE": percent, "MASE": scaled}
    yardstick = parts[0][0].naive2 if len(parts) == 1 else None
    if yardstick is None:
        yardstick = _errors(parts, [_naive2(problem) for problem, _ in parts])
    scores["OWA"] = metrics.owa(percent, scaled, *yardstick)
    scores |= {"Naive2 sMAPE": yardstick[0], "Naive2 MASE": yardstick[1]}
    actual = np.concatenate([problem.actual.ravel() for problem, _ in parts])
    quantiles = [forecasts.quantiles for _, forecasts in parts]
    if all(given is not None for given in quantiles):
        pooled = np.concatenate([given.reshape(len(DECILES), -1) for given in quantiles], axis=1)
        losses = [
            metrics.weighted_quantile_loss(actual, made, float(quantile))
            for made, quantile in zip(pooled, DECILES, strict=True)
        ]
        scores["WQL"] = float(np.mean(losses))
        within = metrics.inside(actual, pooled[0], pooled[-1])
        scores["coverage 80"] = float(metrics.mean_observed(within))
    outer = [forecasts.outer for _, forecasts in parts]
    if all(given is not None for given in outer):
        pooled = np.concatenate([given.reshape(2, -1) for given in outer], axis=1)
        within = metrics.inside(actual, pooled[0], pooled[1])
        scores["coverage 95"] = float(metrics.mean_observed(within))
    return scores


def _errors(
    parts: Sequence[tuple[Problem, Forecasts]], made: Sequence[Floats]
) -> tuple[float, float]:
    """Mean sMAPE and MASE over all points."""
    percent = [
        metrics.smape(problem.actual, point).ravel()
        for (problem, _), point in zip(parts, made, strict=True)
    ]
    scaled = [
        metrics.scaled_error(problem.actual, point, problem.scale).ravel()
        for (problem, _), point in zip(parts, made, strict=True)
    ]
    return (
        float(metrics.mean_observed(np.concatenate(percent))),
        float(metrics.mean_observed(np.concatenate(scaled))),
    )


def _naive2(problem: Problem) -> Floats:
    season, horizon = problem.season, problem.horizon
    return np.stack([naive2(history, season, horizon) for history in problem.histories()])
