"""Deterministic chaos: the logistic and Hénon maps, Lorenz and Mackey-Glass flows."""

from __future__ import annotations

import numpy as np

from holdfast.pretraining.synthetic.draws import Array, log_uniform, uniform
from holdfast.pretraining.synthetic.recursion import first_order


def chaotic(random: np.random.Generator, count: int, length: int) -> Array:
    """Chaotic maps and flows; all series of one call are of one kind.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.

    Returns:
        (B, T), in no particular units.

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
