"""Deterministic shapes: kinked lines, level shifts, saturation, growth, polynomials."""

from __future__ import annotations

import numpy as np

from holdfast.pretraining.synthetic.draws import (
    Array,
    Mask,
    chance,
    choice,
    log_uniform,
    normal,
    uniform,
)
from holdfast.pretraining.synthetic.recursion import first_order
from holdfast.pretraining.synthetic.scale import standardise

_KINDS = (0.40, 0.15, 0.15, 0.15, 0.15)


def kinks(random: np.random.Generator, count: int, length: int, seen: Mask) -> Array:
    """Kinked lines, level shifts, logistic and exponential curves, polynomials.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.
        seen: (B, T) the part of each series that is shown: where the shapes happen.

    Returns:
        (B, T), in no particular units.
    """
    points = seen.sum(axis=1, keepdims=True)
    # 0 at the first point seen, 1 at the last one; negative before.
    time = (np.arange(length)[None, :] - (length - points)) / points
    kind = choice(random, count, _KINDS)[:, None]
    # One to four changes, as a chance at each point.
    changes = random.random((count, length)) * points < log_uniform(random, count, 0.7, 4.0)
    sizes = random.standard_normal((count, length)) * changes
    lines = np.cumsum(np.cumsum(sizes, axis=1), axis=1) / points + normal(random, count) * time
    shifts = np.cumsum(sizes, axis=1) + normal(random, count) * time * (normal(random, count) > 0)
    rate = log_uniform(random, count, 2.0, 40.0)
    middle = uniform(random, count, -0.2, 1.2)
    sign = np.sign(normal(random, count))
    logistic = sign / (1 + np.exp(np.clip(-rate * (time - middle), -50, 50)))
    growth = np.exp(np.clip(log_uniform(random, count, 0.5, 5.0) * sign * (time - 1), -30, 5))
    growth *= np.sign(normal(random, count))
    centre = time - uniform(random, count, 0.0, 1.2)
    powers = [normal(random, count) * centre ** (k + 1) for k in range(3)]
    polynomial = powers[0] + 2 * powers[1] + 2 * powers[2] * (normal(random, count) > 0)
    shapes = [lines, shifts, logistic, growth]
    shape = standardise(np.select([kind == k for k in range(4)], shapes, polynomial), seen)

    # Around the shape the series strays for good, or comes back.
    noise = random.standard_normal((count, length))
    straying = first_order(noise, np.exp(-1 / log_uniform(random, count, 0.2, 100.0)))
    size = log_uniform(random, count, 0.003, 0.5) * chance(random, count, 0.8)
    return shape + size * standardise(straying, seen)
