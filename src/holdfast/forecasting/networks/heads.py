"""What stands on top of the recurrent stack: a centre that can copy, and quantiles around it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LagCopy(nn.Module):
    """Copies from the past: a softmax over the values one lag before each step.

    The state decides how much of each lag a step takes; level zero (the recent mean) is always
    among them. So a season that repeats costs the network nothing to forecast, and the last
    observation reaches the first step before any training. The idea is the pointer of Vinyals,
    Fortunato and Jaitly (2015), eq. 3, over seasonal lags instead of words.

    Arguments:
        hidden: units of the state.
        horizon: steps.
        lags: how many lags lie beside each step.
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


class QuantileHead(nn.Module):
    """Quantiles that cannot cross: the median, and positive steps away from it on both sides.

    Arguments:
        hidden: units of the state.
        horizon: steps.
        quantiles: how many levels, an odd number with the median in the middle.
    """

    steps_away: Tensor

    def __init__(self, hidden: int, horizon: int, quantiles: int) -> None:
        super().__init__()
        self.horizon = horizon
        self.out = nn.Linear(hidden, horizon * quantiles)
        self.register_buffer("steps_away", _steps_away(quantiles // 2), persistent=False)

    def forward(self, state: Tensor, centre: Tensor, said: Tensor | None = None) -> Tensor:
        """(P, B, K, Q) quantiles, from state (P, B, H) and a centre (P, B, K) to add to.

        What is `said` of each step, (P, B, K, Q), counts as much as the state.
        """
        out = self.out(state).unflatten(-1, (self.horizon, -1))
        out = out if said is None else out + said
        median = out[..., :1] + centre[..., None]
        # softplus(· − 1): the first steps are about .3 of a spread, near where training ends.
        # One product in place of two cumulative sums and a concatenation: a quarter of the time.
        quantiles: Tensor = F.softplus(out[..., 1:] - 1.0) @ self.steps_away + median
        return quantiles


def _steps_away(side: int) -> Tensor:
    """(2·side, Q): adds the positive steps up from the median, and down from it."""
    up = torch.ones(side, side).triu()
    result = torch.zeros(2 * side, 2 * side + 1)
    result[:side, side + 1 :] = up
    result[side:, :side] = -up.flip(1)
    return result
