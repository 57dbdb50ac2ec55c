"""Seasons: harmonics, arbitrary profiles, days with a night, weeks of days."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.pretraining.synthetic.draws import Array, chance, choice, log_uniform, normal, uniform

_HARMONICS = 6
_SMOOTHING = 4


def seasonal(
    random: np.random.Generator,
    length: int,
    period: Array,
    long_period: NDArray[np.int64],
    drift: float,
    holiday: float,
) -> Array:
    """A season of random profile, with a longer one where there is one.

    Arguments:
        period: (B,) points of a season, at least 2, whole or not.
        long_period: (B,) points of the longer season; 1 where there is none.
        drift: probability that size or profile move slowly.
        holiday: probability of rare cycles that are lower or flatter.
    """
    count = len(period)
    turns = (np.arange(length)[None, :] + random.random((count, 1)) * period[:, None]) / period[
        :, None
    ]
    turns = turns - np.floor(turns[:, :1])
    first = _profile(random, turns, period)
    other = _profile(random, turns, period)

    moving = chance(random, count, drift / 2)
    angle = np.cumsum(random.standard_normal((count, length)), axis=1)
    angle *= log_uniform(random, count, 0.1, 1.5) / np.sqrt(length)
    angle = np.where(moving, angle, 0.0)
    values = first * np.cos(angle) + other * np.sin(angle)

    if (long_period > 1).any():
        values = _week(random, values, other, turns, period, long_period)
    values = values * _size(random, turns, drift)
    free = chance(random, count, holiday) & (period[:, None] >= 5)
    return np.where(free, _holidays(random, values, turns), values)


def _size(random: np.random.Generator, turns: Array, drift: float) -> Array:
    """The slowly moving size of a season, and its change from one cycle to the next."""
    count, length = turns.shape
    walk = np.cumsum(random.standard_normal((count, length)), axis=1)
    strength = log_uniform(random, count, 0.05, 1.0) * chance(random, count, drift)
    slow = strength * (walk - walk[:, -1:]) / np.sqrt(length)
    cycles = random.standard_normal((count, int(turns.max()) + 1))
    cycles *= log_uniform(random, count, 0.02, 0.4) * chance(random, count, drift / 3)
    each = np.take_along_axis(cycles, turns.astype(np.int64), axis=1)
    return np.asarray(np.exp(np.clip(slow + each, -3, 2)))


def _profile(random: np.random.Generator, turns: Array, period: Array) -> Array:
    count = len(period)
    # Long seasons are mostly smooth: days more than years of months.
    kind = np.where(
        period < 20,
        choice(random, count, (0.35, 0.38, 0.27)),
        choice(random, count, (0.48, 0.14, 0.38)),
    )
    # Bumps need points to stand on; a short season has an arbitrary profile instead.
    kind = np.where((kind == 2) & (period < 6), 1, kind)
    values = np.empty_like(turns)
    for which, make in enumerate((_harmonics, _arbitrary, _bumps)):
        rows = np.flatnonzero(kind == which)
        if len(rows):
            profile = make(random, turns[rows], period[rows])
            profile = profile - profile.mean(axis=1, keepdims=True)
            values[rows] = profile / (profile.std(axis=1, keepdims=True) + 1e-9)
    return values


def _harmonics(random: np.random.Generator, turns: Array, period: Array) -> Array:
    count = len(period)
    number = 1 + choice(random, count, (3, 3, 2, 1, 1, 1))
    fall = uniform(random, count, 0.5, 3.0)
    values = np.zeros_like(turns)
    for harmonic in range(1, _HARMONICS + 1):
        kept = (harmonic <= number) & ((harmonic == 1) | (2 * harmonic <= period))
        rows = np.flatnonzero(kept)
        size = harmonic ** -fall[rows] * (0.2 + np.abs(normal(random, len(rows))))
        angle = harmonic * turns[rows] + random.random((len(rows), 1))
        values[rows] += size * np.cos(2 * np.pi * angle)
    return values


def _arbitrary(random: np.random.Generator, turns: Array, period: Array) -> Array:
    """A value for each point of the season, rough or smooth, sometimes one or two far out."""
    count = len(period)
    points = np.maximum(np.round(period).astype(np.int64), 2)
    width = int(points.max())
    table = random.standard_normal((count, width))
    inside = np.arange(width)[None, :] < points[:, None]
    # Means over 1, 2, 4 … neighbours, round the season: from rough to one wave.
    smoothing = np.minimum(
        choice(random, count, (2, 2, 3, 3, 2)), np.log2(np.maximum(points / 3, 1))
    ).astype(np.int64)[:, None]
    for step in range(_SMOOTHING):
        after = (np.arange(width)[None, :] + 2**step) % points[:, None]
        mean = (table + np.take_along_axis(table, after, axis=1)) / 2
        table = np.where(step < smoothing, mean, table)
    table /= np.where(inside, table, 0.0).std(axis=1, keepdims=True) + 1e-9
    # December in a shop, August in a factory.
    far = random.random((count, width)) * points[:, None] < 1.5
    size = log_uniform(random, count, 2.0, 8.0) * np.sign(normal(random, count))
    table = table + far * size * chance(random, count, 0.3) * inside
    phase = turns - np.floor(turns)
    place = np.minimum((phase * points[:, None]).astype(np.int64), points[:, None] - 1)
    return np.take_along_axis(table, place, axis=1)


def _bumps(random: np.random.Generator, turns: Array, period: Array) -> Array:
    """One to three bumps over a floor: mornings, noons and evenings above a night."""
    count = len(period)
    values = np.zeros_like(turns)
    number = 1 + choice(random, count, (2, 2, 1))[:, None]
    # The cycle begins at night, so that days may differ without a jump at noon.
    middle = uniform(random, count, 0.35, 0.65)
    for bump in range(3):
        place = middle + (bump > 0) * uniform(random, count, -0.35, 0.35)
        sharpness = log_uniform(random, count, 0.6, 40.0)
        size = (bump < number) * uniform(random, count, 0.3, 1.0)
        values += size * np.exp(sharpness * (np.cos(2 * np.pi * (turns - place)) - 1))
    top = values.max(axis=1, keepdims=True)
    floor = top * uniform(random, count, 0.05, 0.5) * chance(random, count, 0.4)
    sign = np.where(chance(random, count, 0.15), -1.0, 1.0)
    return np.asarray(sign * np.maximum(values, floor))


def _week(
    random: np.random.Generator,
    values: Array,
    other: Array,
    turns: Array,
    period: Array,
    long_period: NDArray[np.int64],
) -> Array:
    """Days that differ by weekday: in level, in size, and the free days in shape."""
    count = len(period)
    days = np.maximum(np.round(long_period / period).astype(np.int64), 1)[:, None]
    width = int(days.max())
    day = (np.floor(turns).astype(np.int64) + random.integers(0, days)) % days
    place = np.arange(width)[None, :]
    # Two free days of seven, or a share of any other number.
    free = (place < np.maximum(np.round(days * 2 / 7), 1)) & (days > 1)
    usual = 0.12 * log_uniform(random, count, 0.1, 4.0)
    level = usual * random.standard_normal((count, width))
    level += free * normal(random, count) * log_uniform(random, count, 0.1, 2.0)
    size = np.exp(usual * random.standard_normal((count, width)))
    size *= np.where(free, np.exp(-np.abs(normal(random, count)) * 0.6), 1.0)
    share = free * uniform(random, count, 0.0, 1.0) * chance(random, count, 0.7)
    long = (long_period > 1)[:, None]
    # In a third of the series one day passes smoothly into the next.
    weight = (turns - np.floor(turns)) * chance(random, count, 0.35)
    level, size, share = (
        (1 - weight) * np.take_along_axis(table, day, axis=1)
        + weight * np.take_along_axis(table, (day + 1) % days, axis=1)
        for table in (
            np.where(long, level, 0.0),
            np.where(long, size, 1.0),
            np.where(long, share, 0.0),
        )
    )
    return np.asarray(level + size * ((1 - share) * values + share * other))


def _holidays(random: np.random.Generator, values: Array, turns: Array) -> Array:
    """Rare cycles that are lower or flatter than usual."""
    count = len(values)
    cycle = turns.astype(np.int64)
    table = random.random((count, int(cycle.max()) + 1)) < log_uniform(random, count, 0.01, 0.06)
    off = np.take_along_axis(table, cycle, axis=1)
    rest = uniform(random, count, 0.0, 0.8) * values - uniform(random, count, 0.0, 2.5)
    return np.where(off, rest, values)
