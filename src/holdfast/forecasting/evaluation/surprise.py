"""How surprising a value is beside the interval that was forecast for it."""

from __future__ import annotations

import numpy as np

from holdfast.records import Floats

LARGEST = 1e6
"""Surprise where the interval has no width and the value is not in it."""


def surprise(value: Floats, median: Floats, lower: Floats, upper: Floats) -> Floats:
    """Distance from the median in units of the interval's half-width on that side.

    Arguments:
        value, median, lower, upper: (…), with lower ≤ median ≤ upper.

    Returns:
        (…) negative below the median; beyond −1 and 1 a value is outside; NaN for a missing value.

    Example:
        >>> one = np.ones(3)
        >>> surprise(np.array([1.0, 4.0, -1.0]), one, 0 * one, 3 * one).tolist()
        [0.0, 1.5, -2.0]
    """
    distance = value - median
    width = np.where(distance < 0, median - lower, upper - median)
    ratio = distance / np.where(width > 0, width, 1.0)
    return np.clip(np.where(width > 0, ratio, np.sign(distance) * LARGEST), -LARGEST, LARGEST)
