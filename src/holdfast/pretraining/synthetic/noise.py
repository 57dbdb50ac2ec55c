"""Noise and events: heavy tails, colour, changing variance, spikes, shocks."""

from __future__ import annotations

import numpy as np

from holdfast.pretraining.synthetic.draws import (
    Array,
    Mask,
    chance,
    log_uniform,
    normal,
    uniform,
)
from holdfast.pretraining.synthetic.recipe import Recipe
from holdfast.pretraining.synthetic.recursion import first_order


def noise(random: np.random.Generator, count: int, length: int, recipe: Recipe) -> Array:
    """Gaussian, Student, Laplace or coloured noise of constant or changing variance.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.
        recipe: the probabilities of heavy tails, colour and changing variance.

    Returns:
        (B, T) of deviation about 1.
    """
    values: Array = random.standard_normal((count, length))
    heavy = np.flatnonzero(chance(random, count, recipe.heavy_tails))
    if len(heavy):
        degrees = random.uniform(3, 5, (len(heavy), 1))
        student = random.standard_t(degrees, (len(heavy), length)) / np.sqrt(
            degrees / (degrees - 2)
        )
        laplace = random.laplace(scale=np.sqrt(0.5), size=(len(heavy), length))
        values[heavy] = np.where(chance(random, len(heavy), 0.7), student, laplace)
    changing = np.flatnonzero(chance(random, count, recipe.changing_variance))
    if len(changing):
        values[changing] *= _volatility(random, len(changing), length)
    coloured = np.flatnonzero(chance(random, count, recipe.coloured_noise))
    if len(coloured):
        factor = uniform(random, len(coloured), -0.5, 0.9)
        values[coloured] = first_order(values[coloured], factor) * np.sqrt(1 - factor**2)
    return values


def _volatility(random: np.random.Generator, count: int, length: int) -> Array:
    """A log-volatility that wanders, or calm with sudden bursts that decay."""
    constant = log_uniform(random, count, 5.0, 300.0)
    wander = random.standard_normal((count, length)) * np.sqrt(2 / constant)
    bursts = random.exponential(1.5, (count, length)) * (random.random((count, length)) < 0.02)
    driver = np.where(chance(random, count, 0.6), 0.7 * wander, bursts)
    return np.asarray(np.exp(np.clip(first_order(driver, np.exp(-1 / constant)), -4, 3)))


def spikes(random: np.random.Generator, count: int, length: int) -> Array:
    """Rare single outliers.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.

    Returns:
        (B, T), mostly 0, in units of the deviation of the series.
    """
    where = random.random((count, length)) < log_uniform(random, count, 0.002, 0.03)
    size = random.exponential(1.0, (count, length)) * log_uniform(random, count, 0.5, 8.0)
    one_sided = chance(random, count, 0.6)
    sign = np.sign(normal(random, count))
    each = np.where(random.random((count, length)) < 0.5, -1.0, 1.0)
    return np.asarray(where * size * np.where(one_sided, sign, each))


def shocks(random: np.random.Generator, count: int, length: int) -> Array:
    """Rare events whose effect decays, at once or after it has built up.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.

    Returns:
        (B, T), in units of the deviation of the series.
    """
    impulses = spikes(random, count, length)
    decay = np.exp(-1 / log_uniform(random, count, 1.0, 0.2 * length + 2))
    response = first_order(impulses, decay)
    building = np.where(chance(random, count, 0.4), np.exp(-1 / 3.0), 0.0)
    return first_order(response * (1 - building), building)


def breaks(random: np.random.Generator, seen: Mask) -> Array:
    """One level shift or bend, mostly late: what was is no longer.

    Arguments:
        random: the source of randomness.
        seen: (B, T) the points that are shown.

    Returns:
        (B, T), 0 before the break, in units of one-step differences.
    """
    count, length = seen.shape
    points = seen.sum(axis=1, keepdims=True)
    back = np.maximum(points * log_uniform(random, count, 0.03, 0.7), 2)
    since = np.maximum(np.arange(length)[None, :] - (length - back), 0)
    size = log_uniform(random, count, 1.0, 15.0) * np.sign(normal(random, count))
    bend = size * since / np.maximum(back, 8)
    return np.asarray(np.where(chance(random, count, 0.5), size * (since > 0), bend))
