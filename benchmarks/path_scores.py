"""Scores of sample paths: whole paths at once, and what they sum to."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def energy_score(actual: Floats, paths: Floats) -> Floats:
    """How far paths lie from what came, less half of how far they lie from each other.

    mean ‖x_i − y‖ − ½ · mean ‖x_i − x_j‖ over all pairs i ≠ j: the estimate without bias, so that
    sets of paths of any number can be compared. Smaller is better; in the unit of the values.

    Arguments:
        actual: (…, K) what came; steps with a gap are left out.
        paths: (n, …, K), n at least 2.

    Returns:
        (…), NaN where nothing was observed.

    Source: Gneiting and Raftery, Strictly proper scoring rules (2007), equation 22.

    Example:
        >>> paths = np.array([[[0.0, 0.0]], [[6.0, 8.0]]])
        >>> energy_score(np.array([[0.0, 0.0]]), paths).tolist()
        [0.0]
    """
    seen = ~np.isnan(actual)
    here = np.where(seen, paths, 0.0)
    count = len(paths)
    distance = np.linalg.norm(here - np.where(seen, actual, 0.0), axis=-1).mean(axis=0)
    apart = np.zeros(actual.shape[:-1])
    for shift in range(1, count // 2 + 1):  # each pair once, at its distance around a circle
        pairs = np.linalg.norm(here - np.roll(here, shift, axis=0), axis=-1).sum(axis=0)
        apart += pairs if 2 * shift < count else 0.5 * pairs
    score = distance - apart / (count * (count - 1))
    return np.where(seen.any(axis=-1), score, np.nan)


def sum_inside(actual: Floats, paths: Floats, level: float) -> Floats:
    """1 where the sum of what came lies within the paths' central interval of sums, 0 where not.

    Arguments:
        actual: (…, K); NaN anywhere makes the sum NaN.
        paths: (n, …, K).
        level: in percent.

    Returns:
        (…).
    """
    total = actual.sum(axis=-1)
    tail = 0.5 - level / 200.0
    low, high = np.quantile(paths.sum(axis=-1), [tail, 1.0 - tail], axis=0)
    return np.where(np.isnan(total), np.nan, (total >= low) & (total <= high))
