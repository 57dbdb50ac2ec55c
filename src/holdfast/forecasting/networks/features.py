"""From windows to what the network reads, in torch: a forecast has a gradient in the data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.forecasting.networks.design import Design
from holdfast.tables.scaling import Scale, trailing_scale

EXTRA_INPUTS = 2
"""Inputs beside values and mask: how level and spread moved since the position before."""

CLIP = 12.0
"""Scaled values beyond this are an outlier's; the network sees this and no more."""


@dataclass(frozen=True, eq=False)
class Features:
    """What the network reads at each of P positions, float32.

    Arguments:
        inputs: (P, B, 2·patch + 2) scaled values, their mask, and the moves of level and spread.
        past: (P, B, lags, K) for each step of the horizon the scaled value one lag before it,
            or the same phase in the newest period that was seen; NaN where there is none.
        level, spread: (P, B) float64, turn the network's units back into values.
        observed: (P, B) values seen in the window.
        ahead: (P, B, K, F) covariates of each step of the horizon; None without covariates.
    """

    inputs: Tensor
    past: Tensor
    level: Tensor
    spread: Tensor
    observed: Tensor
    ahead: Tensor | None = None


def features(values: Tensor, design: Design) -> Features:
    """The features of some windows; differentiable in `values`, the scale being held fixed.

    Arguments:
        values: (B, context + …) float64, NaN for gaps; what lies behind the context is not read.
        design: the network's sizes.
    """
    origins = design.shape.origins
    context = values[:, : design.context]
    scale = trailing_scale(context.detach().numpy(), origins, design.span)
    level, spread = torch.from_numpy(scale.level), torch.from_numpy(scale.spread)  # (B, P)

    patches = context.reshape(len(context), -1, design.patch)
    scaled = (patches - level[..., None]) / spread[..., None]
    mask = ~torch.isnan(scaled)
    inputs = torch.cat(
        [torch.nan_to_num(scaled).clamp(-CLIP, CLIP), mask, _moves(scale)],
        dim=2,
    )
    past = (context[:, _sources(design)] - level[..., None, None]) / spread[..., None, None]
    past = torch.where(torch.from_numpy(_exists(design)), past, torch.nan)
    return Features(
        inputs=inputs.transpose(0, 1).float(),
        past=past.clamp(-CLIP, CLIP).transpose(0, 1).float(),
        level=level.T,
        spread=spread.T,
        observed=torch.from_numpy(scale.observed).T,
    )


def targets(values: Tensor, scaled_by: Features, design: Design) -> Tensor:
    """(P, B, K) what came after each position, in the network's units; NaN for gaps.

    Bounded like the inputs: after a flat stretch, whose spread is next to nothing, one step of a
    price would otherwise outweigh every other series of the batch.
    """
    ahead = values.unfold(1, design.horizon, 1)[:, torch.from_numpy(design.shape.origins)]
    level, spread = scaled_by.level.T[..., None], scaled_by.spread.T[..., None]
    return ((ahead - level) / spread).clamp(-CLIP, CLIP).transpose(0, 1).float()


def _moves(scale: Scale) -> Tensor:
    """(B, P, 2) how far level and spread moved since the position before, bounded."""
    level = np.diff(scale.level, axis=1, prepend=scale.level[:, :1]) / scale.spread
    spread = np.diff(np.log(scale.spread), axis=1, prepend=np.log(scale.spread[:, :1]))
    return torch.from_numpy(np.clip(np.stack([level, spread], axis=2), -5.0, 5.0))


def _sources(design: Design) -> NDArray[np.int64]:
    """(P, lags, K) position in the window of the value that lies beside each step."""
    return np.maximum(_lag_positions(design), 0)


def _exists(design: Design) -> NDArray[np.bool_]:
    """(P, lags, K) whether the window holds that value at all."""
    return _lag_positions(design) >= 0


def _lag_positions(design: Design) -> NDArray[np.int64]:
    """(P, lags, K) position of the newest seen value a whole number of lags before each step."""
    step = np.arange(1, design.horizon + 1)[None, :]
    lag = np.asarray(design.lags)[:, None]
    back = lag * -(-step // lag)
    positions: NDArray[np.int64] = design.shape.origins[:, None, None] - 1 + (step - back)[None]
    return positions
