"""The pretrained network: patches in, recurrent blocks, quantiles of the next patch out."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from holdfast.forecasting.pretrained.design import PatchDesign
from holdfast.forecasting.pretrained.features import PatchFeatures, candidate_count, input_size
from holdfast.forecasting.quantile_head import QuantileHead
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.nn import LSTM


class Block(nn.Module):
    """An LSTM and a feed-forward layer, each behind a norm and beside a residual path.

    The cells' forget gates start spread over `timescale` steps.
    """

    def __init__(self, hidden: int, timescale: float) -> None:
        super().__init__()
        self.before = nn.RMSNorm(hidden)
        self.recurrent = LSTM(hidden, hidden, timescale=timescale)
        self.between = nn.RMSNorm(hidden)
        self.mix = nn.Sequential(
            nn.Linear(hidden, 2 * hidden), nn.SiLU(), nn.Linear(2 * hidden, hidden)
        )

    def forward(self, flow: Tensor) -> Tensor:
        """(K, B, H) → (K, B, H)."""
        return self.think(self.remember(flow))

    def remember(self, flow: Tensor) -> Tensor:
        """The recurrent half: every position needs those before it."""
        output, _ = self.recurrent(self.before(flow))
        remembered: Tensor = flow + output
        return remembered

    def think(self, flow: Tensor) -> Tensor:
        """The feed-forward half: every position by itself."""
        mixed: Tensor = flow + self.mix(self.between(flow))
        return mixed


class PretrainedNetwork(nn.Module):
    """An LSTM over patches that forecasts the patch behind every position.

    Positions whose patch is hidden (the future) are run through like all others; nothing is fed
    back, so that one pass forecasts any horizon. The centre of a forecast is a softmax over
    candidates (level, last value, drift, seasonal copies) and a correction by the state.

    Source: the LSTM of Hochreiter and Schmidhuber (1997) with the forget gate of Gers et al.
    (2000); pre-norm residual blocks after Xiong et al. (2020).
    """

    def __init__(self, design: PatchDesign) -> None:
        super().__init__()
        self.design = design
        hidden, patch = design.hidden, design.patch
        self.enter = nn.Sequential(
            nn.Linear(input_size(design), 2 * hidden), nn.SiLU(), nn.Linear(2 * hidden, hidden)
        )
        timescale = float(max(design.context // patch, 2))
        self.blocks = nn.ModuleList(Block(hidden, timescale) for _ in range(design.blocks))
        self.leave = nn.RMSNorm(hidden)
        self.choose = nn.Linear(hidden, patch * candidate_count(design))
        nn.init.zeros_(self.choose.weight)
        nn.init.zeros_(self.choose.bias)
        self.quantiles = QuantileHead(hidden, patch, len(QUANTILES))

    def forward(self, features: PatchFeatures) -> Tensor:
        """(K, B, p, Q) quantiles in the network's units."""
        return self.quantiles_of(self.known(features), features.candidates)

    def known(self, features: PatchFeatures) -> Tensor:
        """(K, B, H) what the network knows at each position."""
        # What flows beside the layers stays float32 where they multiply in bfloat16.
        flow = self.enter(features.inputs).to(features.inputs.dtype)
        for block in self.blocks:
            flow = block(flow)
        known: Tensor = self.leave(flow)
        return known

    def known_at(self, features: PatchFeatures, positions: Tensor) -> Tensor:
        """(F, B, H) of `known` the positions (F, B): the last layers run at no others."""
        flow = self.enter(features.inputs)
        for number, block in enumerate(self.blocks):
            assert isinstance(block, Block)
            flow = block.remember(flow)
            if number + 1 == len(self.blocks):
                flow = flow[positions, torch.arange(positions.shape[1])]
            flow = block.think(flow)
        known: Tensor = self.leave(flow)
        return known

    def quantiles_of(self, known: Tensor, candidates: Tensor) -> Tensor:
        """(…, B, p, Q) quantiles at some positions, from `known` (…, B, H) and (…, B, C, p)."""
        score = self.choose(known).unflatten(-1, (-1, self.design.patch))
        missing = torch.isnan(candidates)
        share = torch.softmax(score.masked_fill(missing, -torch.inf), dim=-2)
        centre = (share * torch.nan_to_num(candidates)).sum(dim=-2)
        quantiles: Tensor = self.quantiles(known, centre)
        return quantiles
