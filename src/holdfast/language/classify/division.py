"""Which texts are learnt from, which choose the weights, and which are scored."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.training.seed import generator

STOPPING: Final = 0.08
"""Share of the texts by which the weights are chosen."""

SCORING: Final = 0.12
"""Share on which probabilities are calibrated and scores are printed."""

FEWEST: Final = 20
"""Texts below which none are held out."""


def divided(
    labels: NDArray[np.int64], seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Texts to learn from, to choose the weights by, and to score on; labels in equal shares."""
    nothing = np.zeros(0, dtype=np.int64)
    if len(labels) < FEWEST:
        return np.arange(len(labels)), nothing, nothing
    order = generator(seed, "division").permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    # Steps by the golden ratio spread each part evenly over the order of the labels.
    phase = (np.arange(len(order)) * 0.6180339887498949) % 1.0
    stopping = phase < STOPPING
    scoring = (phase >= STOPPING) & (phase < STOPPING + SCORING)
    learning = ~(stopping | scoring)
    return np.sort(order[learning]), np.sort(order[stopping]), np.sort(order[scoring])
