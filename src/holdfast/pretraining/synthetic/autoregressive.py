"""Autoregressive series: mean reversion, quasi-cycles, long memory, cumulated."""

from __future__ import annotations

import numpy as np

from holdfast.pretraining.synthetic.draws import (
    Array,
    chance,
    choice,
    log_uniform,
    normal,
    uniform,
)
from holdfast.pretraining.synthetic.recursion import autoregression, first_order

_KINDS = (0.22, 0.26, 0.12, 0.12, 0.28)


def autoregressive(random: np.random.Generator, count: int, length: int) -> Array:
    """AR(1), stochastic cycles (AR(2) with complex roots), ARMA(1,1), long memory, ARIMA(1,1,1).

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.

    Returns:
        (B, T), in no particular units.

    Source: Box and Jenkins (1970), chapter 3; the cycle as in Harvey (1989), equation 2.3.38; long
    memory as a sum of AR(1) of many time constants as in Granger (1980).
    """
    kind = choice(random, count, _KINDS)
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
