"""The loss of a quantile forecast."""

from __future__ import annotations

import torch
from torch import Tensor


def pinball(forecast: Tensor, actual: Tensor, quantiles: Tensor) -> Tensor:
    """Mean pinball loss over the levels (Koenker and Bassett 1978, eq. 1); 0 at gaps.

    Arguments:
        forecast: (…, Q).
        actual: (…), NaN for gaps.
        quantiles: (Q,) levels between 0 and 1.

    Returns:
        (…) the loss.

    Example:
        >>> pinball(torch.tensor([[1.0]]), torch.tensor([3.0]), torch.tensor([0.5]))
        tensor([1.])
    """
    error = torch.nan_to_num(actual)[..., None] - forecast
    # max(qe, (q − 1)e) = |e|/2 + (q − 1/2)e, which costs less than half as much to differentiate.
    loss = 0.5 * error.abs().mean(dim=-1) + error @ (quantiles - 0.5) / len(quantiles)
    return torch.where(torch.isnan(actual), 0.0, loss)
