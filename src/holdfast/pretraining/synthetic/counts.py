"""Counts: Poisson, negative binomial and intermittent demand around a moving rate."""

from __future__ import annotations

import numpy as np

from holdfast.pretraining.synthetic.draws import Array, chance, log_uniform, uniform
from holdfast.pretraining.synthetic.recursion import first_order


def log_rate(random: np.random.Generator, count: int, length: int) -> Array:
    """The slowly moving logarithm of a rate, about 0.

    Arguments:
        random: the source of randomness.
        count: B, the number of series.
        length: T, points.

    Returns:
        (B, T).
    """
    noise = random.standard_normal((count, length)) * log_uniform(random, count, 0.005, 0.1)
    return first_order(noise, np.exp(-1 / log_uniform(random, count, 10.0, 1000.0)))


def counts(random: np.random.Generator, log_rates: Array) -> Array:
    """Whole numbers drawn around a rate.

    Arguments:
        random: the source of randomness.
        log_rates: (B, T) the logarithm of the rate, of mean 0 and deviation 1; it is moved to a
            random mean and deviation.

    Returns:
        (B, T) whole numbers of at least 0.

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
