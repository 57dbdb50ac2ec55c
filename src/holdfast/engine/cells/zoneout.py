"""Units that keep their old state at random."""

from __future__ import annotations

import torch
from torch import Tensor


def zoneout(before: Tensor, after: Tensor, share: float, new: Tensor | None) -> Tensor:
    """A part of the state after a step of which some units keep what they had.

    Source: Krueger et al. (2017), arXiv 1606.01305, section 3; in evaluation the
    expectation.

    Arguments:
        before, after: (B, ·).
        share: the probability of keeping; 0 for none.
        new: True where a unit takes its new value, or None for the expectation.

    Example:
        >>> zoneout(torch.tensor([0.0]), torch.tensor([1.0]), 0.25, None).item()
        0.75
    """
    if share == 0:
        return after
    if new is None:
        return share * before + (1 - share) * after
    return torch.where(new, after, before)
