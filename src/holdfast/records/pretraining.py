"""Results of pretraining: plans, learning curves, samples of synthetic series."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PlannedTraining:
    """What a network's pretraining is going to take, from timing a few updates."""

    network: str  # its name
    steps: int  # updates in all
    done: int  # updates that an earlier process has done already
    seconds_per_step: float  # of one update
    series_per_second: float  # synthetic series that the updates see
    device: str  # what it trains on, in words

    @property
    def seconds(self) -> float:
        """What is left, in seconds."""
        return (self.steps - self.done) * self.seconds_per_step


@dataclass(frozen=True)
class PretrainedSummary:
    """One pretrained network and how it learnt."""

    network: str  # its name
    parameters: int  # its weights
    planned: int  # planned, steps: updates that were planned and that were done
    steps: int
    seconds: float  # wall-clock seconds of all processes that trained it
    seed: int  # of its weights and its series
    device: str  # what it was trained on, in words
    # curve_steps, curve_loss: the training loss along the way (scaled pinball loss)
    curve_steps: tuple[int, ...]
    curve_loss: tuple[float, ...]
    stopped: str  # why training ended: "steps", "interrupted"
    sha256: str  # of the file of its weights


@dataclass(frozen=True)
class CurvesRecord:
    """The learning curves of some pretrained networks."""

    title: str  # what was trained
    command: str  # the command that made it; "" from Python
    created: str  # date and time, ISO 8601
    version: str  # of Holdfast
    networks: tuple[PretrainedSummary, ...]  # at least one


@dataclass(frozen=True, eq=False)
class SamplesRecord:
    """Synthetic series to look at, and what they were made of."""

    kind: str  # "short" or "long", which recipe
    seed: int  # of the series
    without: tuple[str, ...]  # parts of the recipe that were switched off
    version: str  # of Holdfast
    command: str  # the command that made it; "" from Python
    families: Mapping[str, float]  # family → share of the series that the recipe gives it, 0 to 1
    # everything else that may happen to a series → its probability, 0 to 1
    parts: Mapping[str, float]
    values: NDArray[np.float32]  # (N, T) NaN for gaps
    # season, long_season: (N,) points of the two seasons, 1 where there is none
    season: NDArray[np.int64]
    long_season: NDArray[np.int64]
    family: tuple[str, ...]  # (N,) of each series
