"""The forecasting network: patches in, recurrent stack, quantiles of every step out.

Features are computed in torch, so that a forecast has a gradient in the data.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.quantile_head import QuantileHead
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.nn import LSTM
from holdfast.tables.windows import Scale, trailing_scale

EXTRA_INPUTS = 2
"""Inputs beside values and mask: how level and spread moved since the position before."""

CLIP = 12.0  # scaled values beyond this are an outlier's; the network sees this and no more


class ForecastNetwork(nn.Module):
    """One global LSTM that forecasts the whole horizon directly from its last state.

    Each position of the window is a forecast origin: the forecast at it rests on the state after
    the patch that ends at it, so the last observation reaches the first step, and nothing is fed
    back.
    """

    def __init__(self, design: Design) -> None:
        super().__init__()
        hidden = design.hidden
        steps = design.context // design.patch
        self.read = nn.Sequential(
            nn.Linear(2 * design.patch + EXTRA_INPUTS, hidden),
            nn.SiLU(),
            nn.Linear(hidden, hidden),
        )
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(design.layers))
        self.recurrent = nn.ModuleList(
            LSTM(hidden, hidden, timescale=float(max(steps, 2))) for _ in range(design.layers)
        )
        self.dropout = nn.Dropout(design.dropout)
        self.state = nn.Sequential(nn.LayerNorm(hidden), nn.Linear(hidden, hidden), nn.SiLU())
        self.copy = LagCopy(hidden, design.horizon, len(design.lags))
        self.quantiles = QuantileHead(hidden, design.horizon, len(QUANTILES))

    def forward(self, read: Features, *, last: bool = False) -> Tensor:
        """(P, B, K, Q) quantiles in the network's units at P positions, or at the last alone."""
        state: Tensor = self.read(read.inputs)
        for norm, recurrent in zip(self.norms, self.recurrent, strict=True):
            output, _ = recurrent(norm(state))
            state = state + self.dropout(output)
        positions = slice(-1, None) if last else slice(None)
        state = self.state(state[positions])
        copied = self.copy(state, read.past[positions])
        quantiles: Tensor = self.quantiles(state, copied, self.shift(state, read))
        return quantiles

    def shift(self, state: Tensor, read: Features) -> Tensor | None:
        """What covariates add to each step of the horizon; None where none are read."""
        return None


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

    Values are (B, context + …) float64, NaN for gaps; what lies behind the context is not read.
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
    source = _lag_positions(design)
    past = context[:, np.maximum(source, 0)]
    past = (past - level[..., None, None]) / spread[..., None, None]
    past = torch.where(torch.from_numpy(source >= 0), past, torch.nan)
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


class LagCopy(nn.Module):
    """Copies from the past: a softmax over the values one lag before each step.

    The state decides how much of each lag a step takes; level zero (the recent mean) is always
    among them. So a season that repeats costs the network nothing to forecast, and the last
    observation reaches the first step before any training. The idea is the pointer of Vinyals,
    Fortunato and Jaitly (2015), eq. 3, over seasonal lags instead of words.
    """

    def __init__(self, hidden: int, horizon: int, lags: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.score = nn.Linear(hidden, horizon * (lags + 1))
        nn.init.zeros_(self.score.weight)
        nn.init.zeros_(self.score.bias)

    def forward(self, state: Tensor, past: Tensor) -> Tensor:
        """(P, B, K) the copied centre, from state (P, B, H) and past (P, B, lags, K)."""
        # Lags before steps: a softmax over the last, short axis takes five times as long.
        score = self.score(state).unflatten(-1, (-1, self.horizon))
        missing = F.pad(torch.isnan(past), (0, 0, 1, 0))
        values = F.pad(torch.nan_to_num(past), (0, 0, 1, 0))
        share = torch.softmax(score.masked_fill(missing, -torch.inf), dim=-2)
        return (share * values).sum(dim=-2)


def _moves(scale: Scale) -> Tensor:
    """(B, P, 2) how far level and spread moved since the position before, bounded."""
    level = np.diff(scale.level, axis=1, prepend=scale.level[:, :1]) / scale.spread
    spread = np.diff(np.log(scale.spread), axis=1, prepend=np.log(scale.spread[:, :1]))
    return torch.from_numpy(np.clip(np.stack([level, spread], axis=2), -5.0, 5.0))


def _lag_positions(design: Design) -> NDArray[np.int64]:
    """(P, lags, K) position of the newest seen value a whole number of lags before each step.

    Negative where the window does not hold it.
    """
    step = np.arange(1, design.horizon + 1)[None, :]
    lag = np.asarray(design.lags)[:, None]
    back = lag * -(-step // lag)
    positions: NDArray[np.int64] = design.shape.origins[:, None, None] - 1 + (step - back)[None]
    return positions
