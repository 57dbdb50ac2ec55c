"""Finding the rows of a batch that a loss or a gradient fails on."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

_ENOUGH_ROWS = 8  # an error shows a handful of names; finding more would cost more backward passes


def rows_with_bad_loss(losses: Tensor) -> list[int]:
    """The rows whose loss is not finite.

    Arguments:
        losses: (rows,).

    Example:
        >>> rows_with_bad_loss(torch.tensor([0.5, float("nan"), float("inf")]))
        [1, 2]
    """
    return [int(row) for row in (~torch.isfinite(losses.detach())).nonzero().flatten()]


def rows_with_bad_gradient(losses: Tensor, parameters: Sequence[Tensor]) -> list[int]:
    """The first rows whose loss is finite but whose gradient overflows, found by halving.

    Empty where rows cannot be told apart: an infinite derivative inside one row (a root at 0)
    makes the gradient of every other row NaN too, since 0 × ∞ is NaN.

    Arguments:
        losses: (rows,), with the graph that made them.
        parameters: what the gradients are taken to.

    Example:
        >>> weight = torch.zeros(1, requires_grad=True)
        >>> rows_with_bad_gradient(weight * torch.tensor([1.0, 1e30]) * 1e30, [weight])
        [1]
    """
    if not _finite_gradient(losses * 0.0, parameters):
        return []
    found: list[int] = []
    waiting = [(0, len(losses))]
    while waiting and len(found) < _ENOUGH_ROWS:
        first, end = waiting.pop()
        if _finite_gradient(losses[first:end], parameters):
            continue
        if end - first == 1:
            found.append(first)
        else:
            middle = (first + end) // 2
            waiting += [(middle, end), (first, middle)]
    return found


def _finite_gradient(losses: Tensor, parameters: Sequence[Tensor]) -> bool:
    gradients = torch.autograd.grad(losses.sum(), parameters, retain_graph=True, allow_unused=True)
    return all(bool(torch.isfinite(g).all()) for g in gradients if g is not None)
