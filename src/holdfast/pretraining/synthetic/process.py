"""Draws of Gaussian processes whose kernels are put together at random."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.pretraining.synthetic.draws import Array, chance, log_uniform, normal

_FREQUENCIES = 20


def gaussian_process(
    random: np.random.Generator, count: int, length: int, visible: NDArray[np.int64]
) -> Array:
    """Sums and products of RBF, Matérn, rational quadratic, cyclic and linear kernels.

    A stationary kernel is the characteristic function of its random frequencies; of a product of
    kernels the frequencies are added, so that products cost no more than sums.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.
        visible: (B,) points of each series that are shown: what lengths are measured in.

    Returns:
        (B, T), in no particular units.

    Source: Rahimi and Recht (2007); the mixture as in KernelSynth, Ansari and others (2024).
    """
    time = np.arange(length) - length / 2.0
    spans = visible[:, None].astype(np.float64)
    values = np.zeros((count, length))
    rows = np.arange(count)
    for _ in range(3):
        frequency = _frequencies(random, len(rows), spans[rows])
        product = chance(random, len(rows), 0.4)
        frequency = frequency + np.where(product, _frequencies(random, len(rows), spans[rows]), 0.0)
        phase = random.uniform(0, 2 * np.pi, (len(rows), _FREQUENCIES))
        angles = frequency[:, :, None] * time + phase[:, :, None]
        size = log_uniform(random, len(rows), 0.1, 1.0)
        values[rows] += size * np.cos(angles).sum(axis=1)
        rows = rows[random.random(len(rows)) < 0.45]
    line = normal(random, count) * chance(random, count, 0.35) * time * 15 / spans
    return values + line


def _frequencies(random: np.random.Generator, count: int, spans: Array) -> Array:
    shape = (count, _FREQUENCIES)
    # As a share of what is seen: from a few points to longer than the series.
    scale = np.maximum(spans * log_uniform(random, count, 0.04, 1.5), 1.5)
    normals = random.standard_normal(shape)
    # Student frequencies give Matérn kernels: 1 degree of freedom ν = 1/2, 3 ν = 3/2.
    degrees = np.where(chance(random, count, 0.5), 3.0, 1.0)
    student = normals / np.sqrt(random.standard_gamma(degrees / 2, shape) / (degrees / 2))
    rational = normals * np.sqrt(random.standard_gamma(1.0, shape))
    kind = random.random((count, 1))
    frequency = np.select([kind < 0.4, kind < 0.65, kind < 0.8], [normals, student, rational], 0.0)
    # The rest: a cycle whose phase wanders, its frequencies in a narrow band.
    cycle = np.sign(normals) * 2 * np.pi / scale * 2 + 0.1 * random.standard_normal(shape) / scale
    return np.clip(np.where(kind < 0.8, frequency / scale, cycle), -np.pi, np.pi)
