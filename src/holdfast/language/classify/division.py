"""Which texts are learnt from, which choose the weights, and which are scored."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.training.seed import generator

SCORING: Final = 0.12
"""Share of the texts on which probabilities are calibrated and scores are printed."""

STOPPING: Final = 0.09
"""Share of the others by which a network's weights are chosen; another part for each network."""

FEWEST: Final = 20
"""Texts below which none are held out."""

_GOLDEN: Final = 0.6180339887498949
"""Steps by the golden ratio spread each part evenly over the order of the labels."""


def divided(labels: NDArray[np.int64], seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Texts to learn from, and texts to score on; labels in equal shares."""
    if len(labels) < FEWEST:
        return np.arange(len(labels)), np.zeros(0, dtype=np.int64)
    phase = _phases(labels, seed)
    return np.flatnonzero(phase >= SCORING), np.flatnonzero(phase < SCORING)


def stopping(
    labels: NDArray[np.int64], seed: int, number: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of the texts that are learnt from train a network, and which choose its weights.

    Arguments:
        labels: of the texts that are learnt from.
        seed: of the draws.
        number: of the network; networks that follow one another leave out different texts, so that
            together they learn from all.

    Returns:
        Places among `labels`.
    """
    if len(labels) < FEWEST - round(SCORING * FEWEST):
        return np.arange(len(labels)), np.zeros(0, dtype=np.int64)
    phase = (_phases(labels, seed) - number * STOPPING) % 1.0
    return np.flatnonzero(phase >= STOPPING), np.flatnonzero(phase < STOPPING)


def _phases(labels: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    order = generator(seed, "division").permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    phase = np.empty(len(labels))
    phase[order] = (np.arange(len(order)) * _GOLDEN) % 1.0
    return phase
