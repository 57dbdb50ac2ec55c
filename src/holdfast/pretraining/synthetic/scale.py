"""Standardising what is seen of a series."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.pretraining.synthetic.draws import Array, Mask


def visible_part(length: int, visible: NDArray[np.int64]) -> Mask:
    """(B, T) whether a point belongs to the last `visible` ones of its series."""
    return np.arange(length)[None, :] >= length - visible[:, None]


def standardise(values: Array, seen: Mask) -> Array:
    """Mean 0 and standard deviation 1 over the points seen; a constant becomes 0.

    Arguments:
        values: (B, T) finite.
        seen: (B, T) the points that count, at least one in each row.

    Returns:
        (B, T).
    """
    points = seen.sum(axis=1, keepdims=True)
    level = np.where(seen, values, 0.0).sum(axis=1, keepdims=True) / points
    centred = values - level
    spread = np.sqrt((np.where(seen, centred, 0.0) ** 2).sum(axis=1, keepdims=True) / points)
    flat = spread <= 1e-9 * (1e-30 + np.abs(level))
    return np.where(flat, 0.0, centred / np.where(flat, 1.0, spread))


def spread(values: Array, seen: Mask) -> Array:
    """(B, 1) the standard deviation over the points seen.

    Arguments:
        values: (B, T) finite.
        seen: (B, T) the points that count, at least one in each row.
    """
    points = seen.sum(axis=1, keepdims=True)
    mean = np.where(seen, values, 0.0).sum(axis=1, keepdims=True) / points
    squares = np.where(seen, values - mean, 0.0) ** 2
    return np.asarray(np.sqrt(squares.sum(axis=1, keepdims=True) / points))


def movement(values: Array, seen: Mask) -> Array:
    """(B, 1) the root mean square of the differences between neighbours about their mean.

    Arguments:
        values: (B, T) finite.
        seen: (B, T) the points that count, at least two in each row.
    """
    return spread(np.diff(values, axis=1), seen[:, :-1])
