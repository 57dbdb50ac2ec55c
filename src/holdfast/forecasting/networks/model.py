"""The forecasting network: patches in, recurrent stack, quantiles of every step out."""

from __future__ import annotations

from torch import Tensor, nn

from holdfast.forecasting.networks.design import QUANTILES, Design
from holdfast.forecasting.networks.features import EXTRA_INPUTS, Features
from holdfast.forecasting.networks.heads import LagCopy, QuantileHead
from holdfast.nn import LSTM


class ForecastNetwork(nn.Module):
    """One global LSTM that forecasts the whole horizon directly from its last state.

    Each position of the window is a forecast origin: what the network says there rests on the
    state after the patch that ends there, so the last observation reaches the first step, and
    nothing is fed back.

    Arguments:
        design: the network's sizes.

    Example:
        >>> import numpy as np
        >>> import torch
        >>> from holdfast.forecasting.networks.design import choose_design
        >>> from holdfast.forecasting.networks.features import features
        >>> design = choose_design(np.array([100]), horizon=4, season=1)
        >>> values = torch.randn(2, design.context, dtype=torch.float64)
        >>> ForecastNetwork(design)(features(values, design)).shape[-2:]
        torch.Size([4, 13])
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
        """(P, B, K, Q) quantiles in the network's units after each of P positions.

        Arguments:
            read: what the network reads.
            last: whether only the last position is wanted, (1, B, K, Q).
        """
        state: Tensor = self.read(read.inputs)
        for norm, recurrent in zip(self.norms, self.recurrent, strict=True):
            output, _ = recurrent(norm(state))
            state = state + self.dropout(output)
        wanted = slice(-1, None) if last else slice(None)
        state = self.state(state[wanted])
        copied = self.copy(state, read.past[wanted])
        quantiles: Tensor = self.quantiles(state, copied, self.said(state, read))
        return quantiles

    def said(self, state: Tensor, read: Features) -> Tensor | None:
        """What covariates say of each step of the horizon; None where none are read."""
        return None
