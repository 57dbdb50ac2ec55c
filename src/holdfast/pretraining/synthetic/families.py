"""The families of series: trends, shapes, autoregression, Gaussian processes, chaos, counts, steps.

`random` is the source of randomness, `count` B series of `length` T points; `visible` (B,) says how
many points of each are shown, `seen` (B, T) which. Each family is (B, T) in no particular units.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.pretraining.synthetic.draws import (
    Array,
    Mask,
    autoregression,
    chance,
    choice,
    first_order,
    log_uniform,
    normal,
    standardise,
    uniform,
)

# (general, persistent growth, random walk, walk with drift, line and noise, noise about a level,
# integrated walk)
_STRUCTURAL_KINDS = (0.28, 0.26, 0.12, 0.22, 0.04, 0.06, 0.02)


def structural(
    random: np.random.Generator, count: int, length: int, visible: NDArray[np.int64]
) -> Array:
    """Local level and local slope, as behind ETS(A,A,N), ETS(A,Ad,N), Theta and drifting walks.

    slope(t) = drift + φ (slope(t − 1) − drift) + σ_slope e₁,
    level(t) = level(t − 1) + slope(t) + σ_level e₂, value(t) = level(t) + σ_value e₃.

    In a third of the series e₁, e₂ and e₃ are one noise (the innovations form of exponential
    smoothing), in the others three. A drift is measured in the points that are shown.

    Source: Hyndman, Koehler, Ord and Snyder (2008), chapters 2 and 13.
    """
    kind = choice(random, count, _STRUCTURAL_KINDS)[:, None]
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


_SHAPE_KINDS = (0.40, 0.15, 0.15, 0.15, 0.15)


def kinks(random: np.random.Generator, count: int, length: int, seen: Mask) -> Array:
    """Kinked lines, level shifts, logistic and exponential curves, polynomials in the part seen."""
    points = seen.sum(axis=1, keepdims=True)
    # 0 at the first point seen, 1 at the last one; negative before.
    time = (np.arange(length)[None, :] - (length - points)) / points
    kind = choice(random, count, _SHAPE_KINDS)[:, None]
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


_AUTOREGRESSIVE_KINDS = (0.22, 0.26, 0.12, 0.12, 0.28)


def autoregressive(random: np.random.Generator, count: int, length: int) -> Array:
    """AR(1), stochastic cycles (AR(2) with complex roots), ARMA(1,1), long memory, ARIMA(1,1,1).

    Source: Box and Jenkins (1970), chapter 3; the cycle as in Harvey (1989), equation 2.3.38; long
    memory as a sum of AR(1) of many time constants as in Granger (1980).
    """
    kind = choice(random, count, _AUTOREGRESSIVE_KINDS)
    values = np.empty((count, length))
    for which, make in enumerate((_first, _cycles, _mixed, _long_memory, _integrated)):
        rows = np.flatnonzero(kind == which)
        if len(rows):
            values[rows] = make(random, len(rows), length)
    return values


def _first(random: np.random.Generator, count: int, length: int) -> Array:
    # Half uniform, half by time constant, so that slow returns are not rare.
    factor = uniform(random, count, 0.3, 0.99)
    slow = np.exp(-1 / log_uniform(random, count, 1.0, 200.0))
    return autoregression(random, length, np.where(chance(random, count, 0.5), factor, slow))


def _cycles(random: np.random.Generator, count: int, length: int) -> Array:
    period = log_uniform(random, count, 3.0, max(6.0, length / 2))
    modulus = np.exp(-1 / (period * log_uniform(random, count, 0.3, 8.0)))
    factor = modulus * np.exp(2j * np.pi / period)
    noise = random.standard_normal((2, count, length))
    noise[:, :, 0] /= np.sqrt(1 - modulus[:, 0] ** 2)
    smooth = chance(random, count, 0.5)
    cycle = first_order(noise[0] + 1j * noise[1], factor).real
    # A cycle of the second order is smooth from point to point.
    second = first_order(cycle, modulus**2)
    return np.where(smooth, second, cycle)


def _mixed(random: np.random.Generator, count: int, length: int) -> Array:
    values = autoregression(random, length, uniform(random, count, 0.5, 0.99))
    moving = uniform(random, count, -0.9, 0.9)
    values[:, 1:] += moving * values[:, :-1]
    return values


def _long_memory(random: np.random.Generator, count: int, length: int) -> Array:
    values = np.zeros((count, length))
    tilt = uniform(random, count, -0.3, 0.5)
    for scale in (1.0, 4.0, 16.0, 64.0, 256.0):
        constant = scale * log_uniform(random, count, 0.7, 1.4)
        values += constant**tilt * autoregression(random, length, np.exp(-1 / constant))
    return values


def _integrated(random: np.random.Generator, count: int, length: int) -> Array:
    steps = autoregression(random, length, uniform(random, count, -0.3, 0.9))
    drift = normal(random, count) * log_uniform(random, count, 0.02, 1.0)
    return np.cumsum(drift + steps, axis=1)


_FREQUENCIES = 20


def gaussian_process(
    random: np.random.Generator, count: int, length: int, visible: NDArray[np.int64]
) -> Array:
    """Sums and products of RBF, Matérn, rational quadratic, cyclic and linear kernels.

    A stationary kernel is the characteristic function of its random frequencies; of a product of
    kernels the frequencies are added, so that products cost no more than sums. Lengths are measured
    in the points that are shown.

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


def chaotic(random: np.random.Generator, count: int, length: int) -> Array:
    """Chaotic maps and flows; all series of one call are of one kind.

    Source: May (1976); Hénon (1976); Lorenz (1963); Mackey and Glass (1977).
    """
    kind = random.random()
    if kind < 0.2:
        return _logistic(random, count, length)
    if kind < 0.35:
        return _henon(random, count, length)
    if kind < 0.7:
        return _lorenz(random, count, length)
    return _mackey_glass(random, count, length)


def _logistic(random: np.random.Generator, count: int, length: int) -> Array:
    rate = random.uniform(3.5, 4.0, count)
    state = random.uniform(0.1, 0.9, count)
    values: Array = np.empty((length, count))
    for step in range(length):
        state = rate * state * (1 - state)
        values[step] = state
    return np.asarray(values.T)


def _henon(random: np.random.Generator, count: int, length: int) -> Array:
    bend = random.uniform(1.1, 1.38, count)
    state, before = random.uniform(-0.1, 0.1, (2, count))
    values: Array = np.empty((length, count))
    for step in range(length):
        state, before = np.clip(1 - bend * state * state + 0.3 * before, -2, 2), state
        values[step] = state
    return np.asarray(values.T)


def _lorenz(random: np.random.Generator, count: int, length: int) -> Array:
    width = log_uniform(random, count, 0.005, 0.04)[:, 0]
    x, y, z = random.standard_normal((3, count)) * 5 + np.array([[0.0], [0.0], [25.0]])
    values: Array = np.empty((length, count))
    for step in range(length):
        # Semi-implicit: each line uses what the line above has made, which keeps it bounded.
        x = x + width * 10 * (y - x)
        y = (y + width * x * (28 - z)) / (1 + width)
        z = np.clip((z + width * x * y) / (1 + width * 8 / 3), -100, 100)
        values[step] = x
    return np.asarray(values.T)


def _mackey_glass(random: np.random.Generator, count: int, length: int) -> Array:
    delay = int(random.integers(17, 30))
    stride = int(random.integers(1, 4))
    rate = 0.1 * uniform(random, count, 0.8, 1.2)
    blocks = -(-length * stride // delay)
    values = np.empty((count, (blocks + 1) * delay))
    values[:, :delay] = random.uniform(0.4, 1.4, (count, 1))
    for start in range(delay, values.shape[1], delay):
        # What feeds a whole delay is known before it begins.
        past = values[:, start - delay : start]
        fed = 2 * rate * past / (1 + past**10)
        fed[:, 0] += (1 - rate[:, 0]) * values[:, start - 1]
        values[:, start : start + delay] = first_order(fed, 1 - rate)
    return values[:, delay::stride][:, :length]


def log_rate(random: np.random.Generator, count: int, length: int) -> Array:
    """The slowly moving logarithm of a rate, about 0."""
    noise = random.standard_normal((count, length)) * log_uniform(random, count, 0.005, 0.1)
    return first_order(noise, np.exp(-1 / log_uniform(random, count, 10.0, 1000.0)))


def counts(random: np.random.Generator, log_rates: Array) -> Array:
    """Whole numbers from 0 on, drawn around a rate.

    Its logarithm, of mean 0 and deviation 1, is moved to a random mean and deviation.

    Source: Croston (1972) for intermittent demand.
    """
    count = len(log_rates)
    mean = log_uniform(random, count, 0.1, 300.0)
    swing = log_uniform(random, count, 0.05, 1.2) * log_rates
    rate = mean * np.exp(np.clip(swing, -4, 3))
    # The gamma mixture of Poisson counts: the negative binomial distribution.
    shape = np.where(chance(random, count, 0.5), log_uniform(random, count, 0.5, 20.0), 1e6)
    clustered = rate * random.standard_gamma(np.broadcast_to(shape, rate.shape)) / shape
    plain = random.poisson(np.minimum(clustered, 1e6)).astype(np.float64)
    arrival = random.random(rate.shape) < np.clip(
        uniform(random, count, 0.05, 0.6) * np.exp(np.clip(swing, -2, 2)), 0, 1
    )
    sizes = 1 + random.poisson(np.broadcast_to(np.minimum(mean, 50.0), rate.shape))
    return np.where(chance(random, count, 0.3), arrival * sizes, plain)


_STEP_KINDS = (0.4, 0.25, 0.2, 0.15)


def steps(random: np.random.Generator, count: int, length: int, seen: Mask) -> Array:
    """Piecewise constant levels, a telegraph, a sawtooth, held walks; durations in points seen."""
    points = seen.sum(axis=1, keepdims=True)
    kind = choice(random, count, _STEP_KINDS)[:, None]
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
