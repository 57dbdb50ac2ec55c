"""Training forecasting networks: what the one loop of the package is given to learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.forecasting.network.design import QUANTILES, Design
from holdfast.forecasting.network.features import Features, features, targets
from holdfast.forecasting.network.losses import pinball
from holdfast.forecasting.network.model import ForecastNetwork
from holdfast.forecasting.tables.scaling import logarithms, positive
from holdfast.forecasting.tables.series import SeriesSet
from holdfast.forecasting.tables.windows import WindowSampler, window_values
from holdfast.training.plan import Plan
from holdfast.training.seed import generator, seeded, torch_seed


@dataclass(frozen=True, eq=False)
class WindowBatch:
    """What one update learns from.

    Arguments:
        indices: (B,) the series that the windows come from.
        read: what the network reads.
        ahead: (P, B, K) what came, in the network's units; NaN for gaps.
    """

    indices: NDArray[np.int64]
    read: Features
    ahead: Tensor


class NetworkTask:
    """Learning to forecast all series of a table with one network.

    Arguments:
        design: the network's sizes.
        series: histories up to the last value that training may see.
        held_out: the same series `horizon` values further, to stop early on; None for never.
        seed: of the initial weights.
    """

    def __init__(
        self, design: Design, series: SeriesSet, held_out: SeriesSet | None, seed: int
    ) -> None:
        self.design = design
        logs = positive(series)
        self._series = logarithms(series, logs)
        self._sampler = WindowSampler(self._series, design.shape, design.least)
        self._quantiles = torch.tensor(QUANTILES)
        self._held_out = None if held_out is None else self._last_windows(held_out, logs)
        with seeded(torch_seed(seed, "initial weights"), torch.device("cpu")):
            self._network = ForecastNetwork(design)

    @property
    def module(self) -> ForecastNetwork:
        """The network in training."""
        return self._network

    def batch(self, step: int, seed: int) -> WindowBatch:
        """The windows of update `step`."""
        indices, ends = self._sampler.draw(generator(seed, "batch", step), self.design.batch)
        return self._window_batch(self._series, indices, ends)

    def losses(self, module: nn.Module, batch: WindowBatch) -> Tensor:
        """(B,) mean pinball loss of each window over its positions and steps."""
        enough = (batch.read.observed >= self.design.least)[..., None]
        ahead = torch.where(enough, batch.ahead, torch.nan)
        loss = pinball(module(batch.read), ahead, self._quantiles)
        count = (~torch.isnan(ahead)).sum(dim=(0, 2)).clamp(min=1)
        return loss.sum(dim=(0, 2)) / count

    def names(self, batch: WindowBatch, rows: Sequence[int]) -> Sequence[str]:
        """The labels of the series behind some rows."""
        return [self._series.labels[batch.indices[row]] for row in rows]

    def validate(self, module: nn.Module) -> float | None:
        """Mean pinball loss over the horizon that was held out."""
        if self._held_out is None:
            return None
        last = module(self._held_out.read)[-1]
        ahead = self._held_out.ahead[-1]
        loss = pinball(last, ahead, self._quantiles)
        return float(loss.sum() / (~torch.isnan(ahead)).sum().clamp(min=1))

    def _last_windows(self, held_out: SeriesSet, logs: NDArray[np.bool_]) -> WindowBatch | None:
        """The windows whose horizon is what `held_out` holds beyond the training part."""
        # A series of logarithms that turns negative in the held-out part has none there.
        with np.errstate(invalid="ignore", divide="ignore"):
            inner = logarithms(held_out, logs)
        ends = self._series.lengths
        have = np.flatnonzero((held_out.lengths > ends) & (ends >= self.design.least))
        if not len(have):
            return None
        some = have[np.unique(np.linspace(0, len(have) - 1, 512).astype(np.int64))]
        return self._window_batch(inner, some, ends[some])

    def _window_batch(
        self, series: SeriesSet, indices: NDArray[np.int64], ends: NDArray[np.int64]
    ) -> WindowBatch:
        values = torch.from_numpy(window_values(series, indices, ends, self.design.shape))
        read = features(values, self.design)
        ahead = targets(values, read, self.design)
        return WindowBatch(indices, read, torch.where(torch.isfinite(ahead), ahead, torch.nan))


def network_plan(design: Design, steps: int, seed: int, *, stop_early: bool) -> Plan:
    """The training plan of a forecasting network.

    Arguments:
        design: the network's sizes; gives the learning rate.
        steps: updates.
        seed: of the windows and of dropout.
        stop_early: whether a held-out horizon decides when to stop.
    """
    return Plan(
        steps=steps,
        learning_rate=design.learning_rate,
        warmup=min(100, max(steps // 10, 1)),
        clip=1.0,
        evaluate_every=max(steps // 20, 10),
        patience=6 if stop_early else None,
        average=0.25,
        seed=seed,
    )
