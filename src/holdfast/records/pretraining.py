"""Results of pretraining: plans, learning curves, samples of synthetic series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PlannedTraining:
    """What a network's pretraining is going to take, from timing a few updates.

    Arguments:
        network: its name.
        steps: updates in all.
        done: updates that an earlier process has done already.
        seconds_per_step: of one update.
        series_per_second: synthetic series that the updates see.
        device: what it trains on, in words.
    """

    network: str
    steps: int
    done: int
    seconds_per_step: float
    series_per_second: float
    device: str

    @property
    def seconds(self) -> float:
        """What is left, in seconds."""
        return (self.steps - self.done) * self.seconds_per_step


@dataclass(frozen=True)
class PretrainedSummary:
    """One pretrained network and how it learnt.

    Arguments:
        network: its name.
        parameters: its weights.
        planned, steps: updates that were planned and that were done.
        seconds: wall-clock seconds of all processes that trained it.
        seed: of its weights and its series.
        device: what it was trained on, in words.
        curve_steps, curve_loss: the training loss along the way (scaled pinball loss).
        stopped: why training ended: "steps", "interrupted".
        sha256: of the file of its weights.
    """

    network: str
    parameters: int
    planned: int
    steps: int
    seconds: float
    seed: int
    device: str
    curve_steps: tuple[int, ...]
    curve_loss: tuple[float, ...]
    stopped: str
    sha256: str


@dataclass(frozen=True)
class CurvesRecord:
    """The learning curves of some pretrained networks.

    Arguments:
        title: what was trained.
        command: the command that made it; "" from Python.
        created: date and time, ISO 8601.
        version: of Holdfast.
        networks: at least one.
    """

    title: str
    command: str
    created: str
    version: str
    networks: tuple[PretrainedSummary, ...]


@dataclass(frozen=True, eq=False)
class SamplesRecord:
    """Synthetic series to look at, and what they were made of.

    Arguments:
        kind: "short" or "long", which recipe.
        seed: of the series.
        without: parts of the recipe that were switched off.
        version: of Holdfast.
        command: the command that made it; "" from Python.
        families: family → share of the series that the recipe gives it, 0 to 1.
        parts: everything else that may happen to a series → its probability, 0 to 1.
        values: (N, T) NaN for gaps.
        season, long_season: (N,) points of the two seasons, 1 where there is none.
        family: (N,) of each series.
    """

    kind: str
    seed: int
    without: tuple[str, ...]
    version: str
    command: str
    families: Mapping[str, float]
    parts: Mapping[str, float]
    values: NDArray[np.float32]
    season: NDArray[np.int64]
    long_season: NDArray[np.int64]
    family: tuple[str, ...]
