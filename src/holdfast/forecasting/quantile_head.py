"""Quantiles that cannot cross, out of a hidden state, and their loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class QuantileHead(nn.Module):
    """Quantiles that cannot cross: the median, and positive steps away from it on both sides.

    Their number is odd, the median in the middle.
    """

    steps_away: Tensor

    def __init__(self, hidden: int, horizon: int, quantiles: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.out = nn.Linear(hidden, horizon * quantiles)
        self.register_buffer("steps_away", _steps_away(quantiles // 2), persistent=False)

    def forward(self, state: Tensor, centre: Tensor, shift: Tensor | None = None) -> Tensor:
        """(P, B, K, Q) quantiles, from state (P, B, H) and a centre (P, B, K) to add to.

        A `shift` of each step, (P, B, K, Q), counts as much as the state.
        """
        out = self.out(state).unflatten(-1, (self.horizon, -1))
        out = out if shift is None else out + shift
        median = out[..., :1] + centre[..., None]
        # softplus(· − 1): the first steps are about .3 of a spread, near where training ends.
        # One product in place of two cumulative sums and a concatenation: a quarter of the time.
        quantiles: Tensor = F.softplus(out[..., 1:] - 1.0) @ self.steps_away + median
        return quantiles


def pinball(forecast: Tensor, actual: Tensor, quantiles: Tensor) -> Tensor:
    """(…) mean pinball loss over the levels (Koenker and Bassett 1978, eq. 1); 0 at gaps.

    From a forecast (…, Q), actuals (…) with NaN for gaps, and levels (Q,) between 0 and 1.
    """
    error = torch.nan_to_num(actual)[..., None] - forecast
    # max(qe, (q − 1)e) = |e|/2 + (q − 1/2)e, which costs less than half as much to differentiate.
    loss = 0.5 * error.abs().mean(dim=-1) + error @ (quantiles - 0.5) / len(quantiles)
    return torch.where(torch.isnan(actual), 0.0, loss)


def _steps_away(side: int) -> Tensor:
    """(2·side, Q): adds the positive steps up from the median, and down from it."""
    up = torch.ones(side, side).triu()
    result = torch.zeros(2 * side, 2 * side + 1)
    result[:side, side + 1 :] = up
    result[side:, :side] = -up.flip(1)
    return result
