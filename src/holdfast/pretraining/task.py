"""Learning to forecast series that the generator makes: what the one loop is given to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.forecasting.pretrained.design import PatchDesign
from holdfast.forecasting.pretrained.features import (
    PatchFeatures,
    origins_of,
    patch_features,
    targets,
)
from holdfast.forecasting.pretrained.fine_tuning import Precision, mean_loss, quantiles_in
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.pretraining.synthetic.draws import Samples
from holdfast.pretraining.synthetic.generate import generate
from holdfast.pretraining.synthetic.recipe import Recipe
from holdfast.training.plan import Plan
from holdfast.training.seed import generator, seeded, torch_seed

MOST_AHEAD = 12
"""Patches of future in one batch at most."""

POSITIONS = 4096
"""Positions in one batch, over all its series."""

LEARNING_RATE = 2e-3
"""The highest rate of the schedule."""

_CALENDAR = 0.6
"""Share of the series that are told their calendar's seasons, have they them or not."""


@dataclass(frozen=True, eq=False)
class SyntheticBatch:
    """What a network reads at K positions, and what came (K − 1, B, p) in its units."""

    reading: PatchFeatures
    ahead: Tensor
    family: tuple[str, ...]


class PretrainingTask:
    """Learning to forecast synthetic series, with `positions` in one batch, over all its series."""

    def __init__(
        self,
        design: PatchDesign,
        recipe: Recipe,
        *,
        seed: int = 0,
        positions: int = POSITIONS,
        device: torch.device | str = "cpu",
        precision: Precision = "float32",
    ) -> None:
        self.design = design
        # The lengths are drawn a batch at a time, so that no position is spent on emptiness.
        self.recipe = replace(recipe, shortening=0.0)
        self.positions = positions
        self.device = torch.device(device)
        self.precision = precision
        self._quantiles = torch.tensor(QUANTILES, dtype=torch.float32, device=self.device)
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self.module = PretrainedNetwork(design).float().to(self.device)

    def batch(self, step: int, seed: int) -> SyntheticBatch:
        """The series of update `step`."""
        return self.draw(generator(seed, "batch", step))

    def draw(self, random: np.random.Generator) -> SyntheticBatch:
        """A batch of series of one length, the last patches of each hidden."""
        design = self.design
        most = design.context // design.patch
        least = max(2, 8 // design.patch)
        known = round(float(np.exp(random.uniform(np.log(least), np.log(most + 0.5)))))
        ahead = int(random.integers(1, 1 + min(MOST_AHEAD, max(2, known))))
        count = int(np.clip(self.positions // (known + ahead), 16, 512))
        points = (known + ahead) * design.patch
        samples = generate(random, count, points, self.recipe)
        values = samples.values.astype(np.float64)
        # What rises and what falls is learnt alike, as forecasts treat them alike.
        values *= np.where(random.random((count, 1)) < 0.5, -1.0, 1.0)
        missing = random.integers(0, design.patch, count)
        values[np.arange(points) < missing[:, None]] = np.nan
        hidden = _hidden(random, count, known, ahead, design.patch)
        season, long_season = _hints(random, samples)
        return self._batch(values, hidden, season, long_season, samples.family)

    def losses(self, module: nn.Module, batch: SyntheticBatch) -> Tensor:
        """(B,) mean pinball loss of each series over its positions and steps."""
        assert isinstance(module, PretrainedNetwork)
        forecast = quantiles_in(self.precision, module, batch.reading)
        return mean_loss(forecast, batch.reading, batch.ahead, self._quantiles)

    def names(self, batch: SyntheticBatch, rows: Sequence[int]) -> Sequence[str]:
        """The families of some rows."""
        return [batch.family[row] for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Nothing is held out: every batch is new."""
        return None

    def _batch(
        self,
        values: NDArray[np.float64],
        hidden: NDArray[np.bool_],
        season: NDArray[np.int64],
        long_season: NDArray[np.int64],
        family: tuple[str, ...],
    ) -> SyntheticBatch:
        device = self.device
        whole = torch.from_numpy(values).to(device)
        visible = torch.where(torch.from_numpy(hidden).to(device), torch.nan, whole)
        origins = origins_of(~torch.isnan(visible), self.design.patch)
        reading = patch_features(
            visible,
            torch.from_numpy(season).to(device),
            torch.from_numpy(long_season).to(device),
            origins,
            self.design,
        )
        return SyntheticBatch(reading, targets(whole, reading, self.design.patch), family)


def pretraining_plan(steps: int, seed: int) -> Plan:
    """The training plan of a pretraining."""
    return Plan(
        steps=steps,
        learning_rate=LEARNING_RATE,
        weight_decay=0.01,
        warmup=min(200, max(steps // 10, 1)),
        clip=1.0,
        average=0.1,
        average_every=10,
        seed=seed,
        checkpoint_every=60.0,
    )


def _hidden(
    random: np.random.Generator, count: int, known: int, ahead: int, patch: int
) -> NDArray[np.bool_]:
    """(B, points) the future of every series, and in a third of them a stretch of the past."""
    positions = known + ahead
    place = np.arange(positions)
    hidden = np.broadcast_to(place >= known, (count, positions)).copy()
    if known > 4:
        begin = random.integers(2, known, count)
        length = random.integers(1, min(8, known - 2) + 1, count)
        some = random.random(count) < 1 / 3
        stretch = (place >= begin[:, None]) & (place < (begin + length)[:, None])
        hidden |= stretch & some[:, None]
    return np.repeat(hidden, patch, axis=1)


def _hints(
    random: np.random.Generator, samples: Samples
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(B,) and (B,) what the network is told of the seasons.

    Mostly what the calendar suggests, as with real tables: whether a series has that season is for
    the network to see. Sometimes the truth, nothing, or a mistake.
    """
    count = len(samples.season)
    kind = random.random(count)
    believed = random.random(count) < _CALENDAR
    season = np.where(believed, samples.calendar_season, samples.season)
    long_season = np.where(believed, samples.calendar_long_season, samples.long_season)
    other = season[random.permutation(count)]
    told = np.where(kind < 0.08, other, np.where(kind < 0.16, 1, season))
    plain = (kind < 0.16) | (random.random(count) < 0.1) | (long_season <= told)
    return told, np.where(plain, 1, long_season)
