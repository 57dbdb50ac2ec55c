"""Fine-tuning a pretrained network on the user's series: task, plan and precision."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.forecasting.pretrained.features import (
    PatchFeatures,
    history_features,
    known_patches,
    left_aligned,
    patches_of,
    targets,
)
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.quantile_head import pinball
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import Windows, WindowShape, WindowSplit
from holdfast.training.plan import Plan
from holdfast.training.seed import generator

LEAST = 3  # values that a forecast must look back on to be learnt from
POSITIONS = 2048  # positions in one update, over all its windows
LEARNING_RATE = 3e-4  # a seventh of pretraining's: what the network knows is kept
LEAST_EVERY = 10  # updates between two validations at least, of any network
VALIDATIONS = 12  # in a training that stops early; a third of them without improvement stop it


@dataclass(frozen=True, eq=False)
class FineTuningBatch:
    """What one update learns from.

    Arguments:
        rows: (B,) the series that the windows come from.
        known: (B,) patches of each window that the network may read.
        ahead: (K − 1, B, p) what came, in the network's units; NaN for gaps.
    """

    rows: NDArray[np.int64]
    known: NDArray[np.int64]
    features: PatchFeatures
    ahead: Tensor


class FineTuningTask:
    """Fine-tuning a copy of a pretrained network on the series of a table.

    `held_out` are the same series some horizons further, to stop early on; None for never.
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
        precision: Precision = "float32",
    ) -> None:
        self.precision = precision
        self.design = network.design
        self.horizon = horizon
        self._network = copy.deepcopy(network)
        self._season = season
        self._long_season = long_season
        self._ahead = -(-horizon // self.design.patch)
        shape = WindowShape(self.design.context, self.design.patch, horizon)
        self.windows = WindowSplit(series, held_out, shape, LEAST)
        lengths = series.lengths[series.lengths > 0]
        typical = int(np.quantile(patches_of(lengths, self.design), 0.75)) if len(lengths) else 1
        self._count = int(np.clip(POSITIONS // (typical + self._ahead), 16, 256))
        self._quantiles = torch.tensor(QUANTILES, dtype=torch.float32)
        watched = self.windows.validation
        self._held_out = None if watched is None else self._window_batch(watched)

    @property
    def module(self) -> PretrainedNetwork:
        """The network in training."""
        return self._network

    def batch(self, step: int, seed: int) -> FineTuningBatch:
        """The windows of update `step`."""
        return self._window_batch(self.windows.draw(generator(seed, "batch", step), self._count))

    def losses(self, module: nn.Module, batch: FineTuningBatch) -> Tensor:
        """(B,) mean pinball loss of each window over its positions and steps."""
        assert isinstance(module, PretrainedNetwork)
        quantiles = quantiles_in(self.precision, module, batch.features)
        return mean_loss(quantiles, batch.features, batch.ahead, self._quantiles)

    def names(self, batch: FineTuningBatch, rows: Sequence[int]) -> Sequence[str]:
        """The labels of the series behind some rows."""
        return [self.windows.series.labels[batch.rows[row]] for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean pinball loss over the horizon that was held out."""
        if self._held_out is None:
            return None
        batch = self._held_out
        forecast = module(batch.features)
        place = torch.from_numpy(batch.known) - 1 + torch.arange(self._ahead)[:, None]
        column = torch.arange(len(batch.rows))
        enough = (batch.features.observed[place, column] >= LEAST)[..., None]
        ahead = torch.where(enough, batch.ahead[place, column], torch.nan)
        loss = pinball(forecast[place, column], ahead, self._quantiles)
        return float(loss.sum() / (~torch.isnan(ahead)).sum().clamp(min=1))

    def _window_batch(self, windows: Windows) -> FineTuningBatch:
        series, rows, ends = windows.series, windows.rows, windows.ends
        patch = self.design.patch
        known = known_patches(series, rows, ends, self.design)
        positions = int(known.max()) + self._ahead
        values = left_aligned(series, rows, ends, known, positions, patch)
        # Beyond the horizon nothing is forecast, so nothing is learnt there.
        place = np.arange(positions * patch)[None, :] - (known * patch)[:, None]
        values[place >= self.horizon] = np.nan
        whole = torch.from_numpy(values)
        visible = torch.where(torch.from_numpy(place < 0), whole, torch.nan)
        features = history_features(visible, self._season, self._long_season, self.design)
        return FineTuningBatch(rows, known, features, targets(whole, features, patch))


def fine_tuning_plan(steps: int, seed: int, *, stop_early: bool) -> Plan:
    """The training plan of a fine-tuning, with early stopping or without."""
    return Plan(
        steps=steps,
        learning_rate=LEARNING_RATE,
        weight_decay=0.0,
        warmup=min(50, max(steps // 10, 1)),
        clip=1.0,
        evaluate_every=max(steps // VALIDATIONS, LEAST_EVERY),
        patience=VALIDATIONS // 3 if stop_early else None,
        average=0.25,
        seed=seed,
    )


def mean_loss(
    forecast: Tensor, features: PatchFeatures, ahead: Tensor, quantiles: Tensor
) -> Tensor:
    """(B,) mean pinball loss of each row over the positions that look back on enough.

    Patches farther ahead than the next count twice: few positions have any. The forecast is
    (K, B, p, Q), `ahead` (K − 1, B, p) what came, NaN for gaps.
    """
    enough = (features.observed[:-1] >= LEAST)[..., None]
    ahead = torch.where(enough, ahead, torch.nan)
    weight = torch.where(features.ahead[:-1] > 0, 2.0, 1.0)[..., None]
    loss = weight * pinball(forecast[:-1], ahead, quantiles)
    count = (weight * ~torch.isnan(ahead)).sum(dim=(0, 2)).clamp(min=1)
    return loss.sum(dim=(0, 2)) / count


Precision: TypeAlias = Literal["float32", "bfloat16"]
"""Of the multiplications in the recurrent blocks in training; weights and losses are float32."""


def native_precision(device: str) -> Precision:
    """bfloat16 where the processor has instructions for it: an update then takes two thirds."""
    if device == "cuda":
        native = torch.cuda.is_bf16_supported()
    else:
        native = torch.cpu._is_avx512_bf16_supported()
    return "bfloat16" if native else "float32"


def quantiles_in(
    precision: Precision, network: PretrainedNetwork, features: PatchFeatures
) -> Tensor:
    """(K, B, p, Q) quantiles in the network's units, as the network forecasts them while it learns.

    The precision is of the blocks; what stands on top of them is float32.
    """
    device = features.inputs.device.type
    with torch.autocast(device, torch.bfloat16, enabled=precision == "bfloat16"):
        known = network.known(features)
    return network.quantiles_of(known, features.candidates)
