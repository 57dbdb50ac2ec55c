"""Fine-tuning a pretrained network on the user's series: what the one loop is given to learn."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.forecasting.network.design import QUANTILES
from holdfast.forecasting.network.losses import pinball
from holdfast.forecasting.network.pretrained.alignment import (
    known_patches,
    left_aligned,
    patches_of,
)
from holdfast.forecasting.network.pretrained.model import PretrainedNetwork
from holdfast.forecasting.network.pretrained.reading import Reading, origins_of, read, targets
from holdfast.forecasting.network.pretrained.task import LEAST, mean_loss
from holdfast.forecasting.tables.series import SeriesSet
from holdfast.forecasting.tables.windows import WindowSampler, WindowShape
from holdfast.training.plan import Plan
from holdfast.training.seed import generator

POSITIONS = 2048
"""Positions in one update, over all its windows."""

LEARNING_RATE = 3e-4
"""The highest rate, a seventh of pretraining's: what the network knows is kept."""

WATCHED_WINDOWS = 512
"""Windows that a validation forecasts at most."""

VALIDATIONS = 20
"""Validations in a training that stops early; a third of them without improvement stop it."""


@dataclass(frozen=True, eq=False)
class AdaptingBatch:
    """What one update learns from.

    Arguments:
        rows: (B,) the series that the windows come from.
        known: (B,) patches of each window that the network may read.
        reading: what the network reads.
        ahead: (K − 1, B, p) what came, in the network's units; NaN for gaps.
    """

    rows: NDArray[np.int64]
    known: NDArray[np.int64]
    reading: Reading
    ahead: Tensor


class AdaptingTask:
    """Learning a table's own ways, from a network that knows series in general.

    Arguments:
        network: where to start; stays as it is.
        series: histories up to the last value that training may see.
        held_out: the same series some horizons further, to stop early on; None for never.
        horizon: steps that will be forecast.
        season: points of a season; 1 where there is none.
        long_season: points of a second, longer one; None where there is none.
    """

    def __init__(
        self,
        network: PretrainedNetwork,
        series: SeriesSet,
        held_out: SeriesSet | None,
        *,
        horizon: int,
        season: int,
        long_season: int | None,
    ) -> None:
        self.design = network.design
        self.horizon = horizon
        self._network = copy.deepcopy(network)
        self._series = series
        self._season = season
        self._long_season = long_season or 1
        self._ahead = -(-horizon // self.design.patch)
        shape = WindowShape(self.design.context, self.design.patch, horizon)
        self._sampler = WindowSampler(series, shape, LEAST)
        lengths = series.lengths[series.lengths > 0]
        typical = int(np.quantile(patches_of(lengths, self.design), 0.75)) if len(lengths) else 1
        self._count = int(np.clip(POSITIONS // (typical + self._ahead), 16, 256))
        self._quantiles = torch.tensor(QUANTILES, dtype=torch.float32)
        self._held_out = None if held_out is None else self._watched_windows(held_out)

    @property
    def module(self) -> PretrainedNetwork:
        """The network in training."""
        return self._network

    @property
    def points(self) -> int:
        """Grid points that training sees."""
        return len(self._series.values)

    @property
    def can_validate(self) -> bool:
        """Whether there is a held-out horizon to stop early on."""
        return self._held_out is not None

    @property
    def windows(self) -> int:
        """How many different windows there are to learn from."""
        return len(self._sampler)

    def batch(self, step: int, seed: int) -> AdaptingBatch:
        """The windows of update `step`."""
        rows, ends = self._sampler.draw(generator(seed, "batch", step), self._count)
        return self._windows(self._series, rows, ends)

    def losses(self, module: nn.Module, batch: AdaptingBatch) -> Tensor:
        """(B,) mean pinball loss of each window over its positions and steps."""
        made, _ = module(batch.reading)
        return mean_loss(made, batch.reading, batch.ahead, self._quantiles)

    def names(self, batch: AdaptingBatch, rows: Sequence[int]) -> Sequence[str]:
        """The labels of the series behind some rows."""
        return [self._series.labels[batch.rows[row]] for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean pinball loss over the horizon that was held out."""
        if self._held_out is None:
            return None
        batch = self._held_out
        made, _ = module(batch.reading)
        place = torch.from_numpy(batch.known) - 1 + torch.arange(self._ahead)[:, None]
        column = torch.arange(len(batch.rows))
        enough = (batch.reading.observed[place, column] >= LEAST)[..., None]
        ahead = torch.where(enough, batch.ahead[place, column], torch.nan)
        loss = pinball(made[place, column], ahead, self._quantiles)
        return float(loss.sum() / (~torch.isnan(ahead)).sum().clamp(min=1))

    def _watched_windows(self, held_out: SeriesSet) -> AdaptingBatch | None:
        """Windows whose horizons follow each other through what was held out; a sample of them."""
        first = self._series.lengths
        turns = -(-int((held_out.lengths - first).max(initial=0)) // self.horizon)
        ends = first[:, None] + self.horizon * np.arange(max(turns, 0))
        rows, turn = np.nonzero((held_out.lengths[:, None] > ends) & (ends >= LEAST))
        if not len(rows):
            return None
        some = np.unique(np.linspace(0, len(rows) - 1, WATCHED_WINDOWS).astype(np.int64))
        rows, turn = rows[some], turn[some]
        return self._windows(held_out, rows, ends[rows, turn])

    def _windows(
        self, series: SeriesSet, rows: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> AdaptingBatch:
        patch = self.design.patch
        known = known_patches(series, rows, ends, self.design)
        positions = int(known.max()) + self._ahead
        values = left_aligned(series, rows, ends, known, positions, patch)
        # Beyond the horizon nothing is asked, so nothing is learnt there.
        place = np.arange(positions * patch)[None, :] - (known * patch)[:, None]
        values[place >= self.horizon] = np.nan
        whole = torch.from_numpy(values)
        visible = torch.where(torch.from_numpy(place < 0), whole, torch.nan)
        reading = read(
            visible,
            torch.full((len(rows),), self._season),
            torch.full((len(rows),), self._long_season),
            origins_of(~torch.isnan(visible), patch),
            self.design,
        )
        return AdaptingBatch(rows, known, reading, targets(whole, reading, patch))


def adapting_plan(steps: int, seed: int, *, stop_early: bool) -> Plan:
    """The training plan of a fine-tuning.

    Arguments:
        steps: updates.
        seed: of the windows.
        stop_early: whether a held-out horizon decides when to stop.
    """
    return Plan(
        steps=steps,
        learning_rate=LEARNING_RATE,
        weight_decay=0.0,
        warmup=min(50, max(steps // 10, 1)),
        clip=1.0,
        evaluate_every=max(steps // VALIDATIONS, 5),
        patience=VALIDATIONS // 3 if stop_early else None,
        average=0.25,
        seed=seed,
    )
