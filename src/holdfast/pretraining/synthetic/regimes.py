"""Regimes: levels between which a series switches, on and off, sawtooth queues."""

from __future__ import annotations

import numpy as np

from holdfast.pretraining.synthetic.draws import Array, Mask, choice, log_uniform, uniform

_KINDS = (0.4, 0.25, 0.2, 0.15)


def steps(random: np.random.Generator, count: int, length: int, seen: Mask) -> Array:
    """Piecewise constant levels, a random telegraph, a sawtooth, walks held for a while.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.
        seen: (B, T) the part of each series that is shown: what durations are measured in.

    Returns:
        (B, T), in no particular units.
    """
    points = seen.sum(axis=1, keepdims=True)
    kind = choice(random, count, _KINDS)[:, None]
    duration = np.maximum(points * np.exp(-uniform(random, count, 0.5, 3.5)), 2.0)
    switches = random.random((count, length)) < 1 / duration
    regime = np.cumsum(switches, axis=1)
    table = random.standard_normal((count, length + 1))
    levels = np.take_along_axis(table, regime, axis=1)
    telegraph = (regime % 2).astype(np.float64)
    time = np.arange(length)
    since = time - np.maximum.accumulate(np.where(switches, time, 0), axis=1)
    sawtooth = since * np.exp(0.3 * levels) / duration
    held = np.take_along_axis(np.cumsum(table, axis=1), regime, axis=1)
    shape = np.select([kind == 0, kind == 1, kind == 2], [levels, telegraph, sawtooth], held)
    noise = random.standard_normal((count, length))
    return np.asarray(shape + log_uniform(random, count, 0.002, 0.5) * noise)
