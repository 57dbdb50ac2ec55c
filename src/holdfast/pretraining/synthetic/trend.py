"""Structural trends: a level that moves, a slope that persists, noise on top."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.pretraining.synthetic.draws import (
    Array,
    chance,
    choice,
    log_uniform,
    normal,
    uniform,
)
from holdfast.pretraining.synthetic.recursion import first_order

# (general, persistent growth, random walk, walk with drift, line and noise, noise about a level,
# integrated walk)
_KINDS = (0.28, 0.26, 0.12, 0.22, 0.04, 0.06, 0.02)


def structural(
    random: np.random.Generator, count: int, length: int, visible: NDArray[np.int64]
) -> Array:
    """Local level and local slope, as behind ETS(A,A,N), ETS(A,Ad,N), Theta and drifting walks.

    slope(t) = drift + φ (slope(t − 1) − drift) + σ_slope e₁,
    level(t) = level(t − 1) + slope(t) + σ_level e₂, value(t) = level(t) + σ_value e₃.

    In a third of the series e₁, e₂ and e₃ are one noise (the innovations form of exponential
    smoothing), in the others three.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.
        visible: (B,) points of each series that are shown: what a drift is measured in.

    Returns:
        (B, T), in no particular units.

    Source: Hyndman, Koehler, Ord and Snyder (2008), chapters 2 and 13.
    """
    kind = choice(random, count, _KINDS)[:, None]
    general, growth, _, drifting, line, flat, integrated = (kind == k for k in range(7))

    level_noise = np.where(general, log_uniform(random, count, 0.03, 3.0), 1.0)
    level_noise = np.where(
        growth, np.where(chance(random, count, 0.5), 0.0, level_noise), level_noise
    )
    level_noise = np.where(growth, level_noise * log_uniform(random, count, 0.05, 1.0), level_noise)
    level_noise = np.where(line | flat, 0.0, level_noise)
    level_noise = np.where(integrated, 0.0, level_noise)

    persistence = uniform(random, count, 0.4, 0.98)
    persistence = np.where(general & chance(random, count, 0.35), 1.0, persistence)
    persistence = np.where(integrated, 1.0, persistence)
    slope_noise = np.where(general, log_uniform(random, count, 0.005, 0.5), 0.0)
    slope_noise = np.where(growth | integrated, log_uniform(random, count, 0.1, 1.0), slope_noise)

    # Of a persistent slope the drift is measured in its stationary deviations.
    slope_spread = slope_noise / np.sqrt(1 - np.minimum(persistence, 0.98) ** 2)
    drift = np.where(
        general, normal(random, count) * log_uniform(random, count, 0.1, 2.0) * level_noise, 0.0
    )
    drift = np.where(
        growth, slope_spread * normal(random, count) * uniform(random, count, 0, 3), drift
    )
    sign = np.where(chance(random, count, 0.3), -1.0, 1.0)
    drift = np.where(
        drifting,
        sign * np.minimum(log_uniform(random, count, 3.0, 120.0) / visible[:, None], 3.0),
        drift,
    )
    drift = np.where(line, sign, drift)
    value_noise = np.where(general, log_uniform(random, count, 0.01, 2.0), 0.0)
    value_noise = np.where(general & chance(random, count, 0.35), 0.0, value_noise)
    value_noise = np.where(line, log_uniform(random, count, 0.2, 20.0), value_noise)
    value_noise = np.where(flat, 1.0, value_noise)
    value_noise = np.where(
        growth & chance(random, count, 0.25),
        slope_spread * log_uniform(random, count, 0.05, 1.5),
        value_noise,
    )

    noises = random.standard_normal((3, count, length))
    heavy = chance(random, count, 0.25)[:, 0]
    noises[:, heavy] = random.standard_t(4, (3, int(heavy.sum()), length)) / np.sqrt(2.0)
    single = chance(random, count, 0.33)[:, 0]
    noises[1:, single] = noises[:1, single]

    noises[0, :, 0] *= np.where(growth, slope_spread / np.maximum(slope_noise, 1e-12), 1.0)[:, 0]
    slope = drift + first_order(slope_noise * noises[0], persistence)
    level = np.cumsum(slope + level_noise * noises[1], axis=1)
    return np.asarray(level + value_noise * noises[2])
