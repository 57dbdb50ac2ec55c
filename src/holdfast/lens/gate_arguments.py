"""What the gates are applied to, differentiated by the old h and by what a step reads."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

from holdfast.engine.cells import Weights
from holdfast.engine.cells.operations import by_heads

_EPSILON = 1e-5
"""What layer normalisation adds to the variance."""


def by_state(h: Tensor, weights: Weights, groups: tuple[int, ...] = (1,), heads: int = 1) -> Tensor:
    """A: the gates' arguments by the old h, (N or 1, GH, P)."""
    matrix = weights.weight_hh
    if heads > 1:
        eye = torch.eye(h.shape[1], dtype=h.dtype)
        matrix = by_heads(eye, matrix, heads).T
    if weights.norm_hh is None:
        return matrix[None]
    return _normed(linear(h, matrix), matrix, weights.norm_hh, groups)


def by_input_of(x: Tensor, weights: Weights, groups: tuple[int, ...] = (1,)) -> Tensor:
    """The same by x, (N or 1, GH, I)."""
    if weights.norm_ih is None:
        return weights.weight_ih[None]
    return _normed(linear(x, weights.weight_ih), weights.weight_ih, weights.norm_ih, groups)


def _normed(a: Tensor, matrix: Tensor, gain: Tensor, groups: tuple[int, ...]) -> Tensor:
    """The derivative of LN(a) by what a = matrix · it is made of, (N, GH, ·)."""
    unit = len(gain) // sum(groups)
    sizes = [unit * group for group in groups]
    parts = zip(
        torch.split(a, sizes, dim=-1),
        torch.split(matrix, sizes),
        torch.split(gain, sizes),
        strict=True,
    )
    return torch.cat([_normed_together(part, rows, own) for part, rows, own in parts], dim=1)


def _normed_together(a: Tensor, matrix: Tensor, gain: Tensor) -> Tensor:
    """gain (M − mean of its rows − â (âᵀ M) / n) / σ: as `norm_derivative`, times M, (N, n, ·)."""
    unit, deviation = _standardised(a)
    inner = matrix - matrix.mean(0) - unit[:, :, None] * (unit @ matrix / len(gain))[:, None]
    return (gain / deviation)[:, :, None] * inner


def norm_derivative(a: Tensor, gain: Tensor) -> Tensor:
    """∂LN(a)/∂a = gain (1 − 1/n − â âᵀ/n) / σ, (N, n, n), with â the normalised a."""
    count = a.shape[-1]
    unit, deviation = _standardised(a)
    inner = torch.eye(count, dtype=a.dtype) - 1 / count - unit[:, :, None] * unit[:, None] / count
    return (gain / deviation)[:, :, None] * inner


def _standardised(a: Tensor) -> tuple[Tensor, Tensor]:
    """â, and σ (N, 1)."""
    deviation = (a.var(-1, correction=0, keepdim=True) + _EPSILON).sqrt()
    return (a - a.mean(-1, keepdim=True)) / deviation, deviation
