"""Probabilities that mean what they say."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

_COLDEST, _HOTTEST = 0.4, 20.0
"""No sharper: a few held-out texts that are all right would make every score certain."""


def temperature(scores: Floats, labels: NDArray[np.int64]) -> float:
    """The number by which scores are divided so that held-out labels surprise least.

    Arguments:
        scores: (N, K) of texts that training did not see.
        labels: (N,) theirs.

    Returns:
        The temperature; 1 without texts.

    Source: Guo et al. (2017), "On calibration of modern neural networks", arXiv 1706.04599,
    section 4.2.

    Example:
        >>> scores = np.array([[9.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 0.0]])
        >>> temperature(scores, np.array([0, 0, 1, 1])) > 1.0
        True
    """
    if not len(labels):
        return 1.0
    low, high = np.log(_COLDEST), np.log(_HOTTEST)
    share = (np.sqrt(5.0) - 1.0) / 2.0
    # The surprise has one valley along the inverse temperature: a golden section finds it.
    for _ in range(60):
        left, right = high - share * (high - low), low + share * (high - low)
        if _surprise(scores / np.exp(left), labels) < _surprise(scores / np.exp(right), labels):
            high = right
        else:
            low = left
    return float(np.exp((low + high) / 2.0))


def share_and_temperature(
    networks: Floats, bag: Floats | None, labels: NDArray[np.int64]
) -> tuple[float, float]:
    """The share of a second opinion, and the temperature of both, that surprise least.

    Arguments:
        networks: (N, K) log-probabilities of texts that training did not see.
        bag: (N, K) those of the second opinion; None where there is none.
        labels: (N,) true ones.

    Returns:
        The share, a multiple of a tenth from 0 to 0.9, and the temperature.
    """
    if bag is None or not len(labels):
        return 0.0, temperature(networks, labels)
    tried = []
    for share in (tenths / 10.0 for tenths in range(10)):
        mixed = (1.0 - share) * networks + share * bag
        warmth = temperature(mixed, labels)
        tried.append((_surprise(mixed / warmth, labels), share, warmth))
    _, share, warmth = min(tried)
    return share, warmth


def probabilities(scores: Floats) -> Floats:
    """(N, K) softmax."""
    exponential = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponential / exponential.sum(axis=1, keepdims=True))


def calibration_error(chances: Floats, labels: NDArray[np.int64], *, bins: int = 10) -> float:
    """Expected calibration error: how far confidence and accuracy lie apart, over ten bins.

    Arguments:
        chances: (N, K) probabilities.
        labels: (N,) true ones.
        bins: of equal width.

    Source: Naeini, Cooper and Hauskrecht (2015); Guo et al. (2017), equation 3.

    Example:
        >>> calibration_error(np.array([[0.8, 0.2]] * 5), np.array([0, 0, 0, 0, 1]))
        0.0
    """
    confidence, right = chances.max(axis=1), chances.argmax(axis=1) == labels
    places = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    error = 0.0
    for place in range(bins):
        inside = places == place
        if inside.any():
            error += inside.mean() * abs(float(confidence[inside].mean() - right[inside].mean()))
    return round(float(error), 12)


def _surprise(scores: Floats, labels: NDArray[np.int64]) -> float:
    chances = probabilities(scores)[np.arange(len(labels)), labels]
    return float(-np.log(np.maximum(chances, 1e-300)).mean())
