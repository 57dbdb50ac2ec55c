"""What happens to series: noise, events, clipping, rounding, turning, mixing, gaps.

`random` is the source of randomness, `count` B series of `length` T points; `values` and results
are (B, T), `seen` (B, T) the points that are shown, `probability` that of each series.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.pretraining.synthetic.draws import (
    Array,
    Mask,
    chance,
    first_order,
    log_uniform,
    normal,
    spread,
    standardise,
    uniform,
)
from holdfast.pretraining.synthetic.recipe import Recipe


def noise(random: np.random.Generator, count: int, length: int, recipe: Recipe) -> Array:
    """Gaussian, Student, Laplace or coloured noise of deviation about 1, constant or changing."""
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
    """Rare single outliers, mostly 0, in units of the deviation of the series."""
    where = random.random((count, length)) < log_uniform(random, count, 0.002, 0.03)
    size = random.exponential(1.0, (count, length)) * log_uniform(random, count, 0.5, 8.0)
    one_sided = chance(random, count, 0.6)
    sign = np.sign(normal(random, count))
    each = np.where(random.random((count, length)) < 0.5, -1.0, 1.0)
    return np.asarray(where * size * np.where(one_sided, sign, each))


def shocks(random: np.random.Generator, count: int, length: int) -> Array:
    """Rare events whose effect decays, at once or after it has built up; units as of `spikes`."""
    impulses = spikes(random, count, length)
    decay = np.exp(-1 / log_uniform(random, count, 1.0, 0.2 * length + 2))
    response = first_order(impulses, decay)
    building = np.where(chance(random, count, 0.4), np.exp(-1 / 3.0), 0.0)
    return first_order(response * (1 - building), building)


def breaks(random: np.random.Generator, seen: Mask) -> Array:
    """One level shift or bend, mostly late; 0 before it, in units of one-step differences."""
    count, length = seen.shape
    points = seen.sum(axis=1, keepdims=True)
    back = np.maximum(points * log_uniform(random, count, 0.03, 0.7), 2)
    since = np.maximum(np.arange(length)[None, :] - (length - back), 0)
    size = log_uniform(random, count, 1.0, 15.0) * np.sign(normal(random, count))
    bend = size * since / np.maximum(back, 8)
    return np.asarray(np.where(chance(random, count, 0.5), size * (since > 0), bend))


_FEWEST_SEEN = 5


def exponential(random: np.random.Generator, values: Array, probability: float) -> Array:
    """Sums (mean 0, deviation 1) turned into products: the exponential of a random spread."""
    count = len(values)
    rate = log_uniform(random, count, 0.15, 1.3)
    grown = np.exp(np.clip(rate * values, -8, 5))
    return np.where(chance(random, count, probability), grown, values)


def rising(random: np.random.Generator, values: Array, seen: Mask, share: float) -> Array:
    """Series turned upside down so that a share of them ends higher than it begins."""
    first = np.argmax(seen, axis=1)[:, None]
    change = values[:, -1:] - np.take_along_axis(values, first, axis=1)
    direction = np.where(chance(random, len(values), share), 1.0, -1.0)
    return np.where(change * direction < 0, -values, values)


def clipping(random: np.random.Generator, values: Array, probability: float) -> Array:
    """Series that cannot rise above or fall below one of their quantiles."""
    rows = np.flatnonzero(chance(random, len(values), probability))
    if not len(rows):
        return values
    result: Array = values.copy()
    part = values[rows]
    level = log_uniform(random, len(rows), 0.03, 0.5)
    ordered = np.sort(part, axis=1)
    last = values.shape[1] - 1
    low = np.take_along_axis(ordered, (level * last).astype(np.int64), axis=1)
    high = np.take_along_axis(ordered, last - (level * last).astype(np.int64), axis=1)
    kind = uniform(random, len(rows), 0, 1)
    part = np.where(kind < 0.6, np.maximum(part, low), part)
    result[rows] = np.where(kind > 0.5, np.minimum(part, high), part)
    return result


def turning(
    random: np.random.Generator, values: Array, seen: Mask, flip: float, back: float
) -> Array:
    """Series upside down (flip) or backwards (back); what is seen stays the last part."""
    count, length = values.shape
    hidden = length - seen.sum(axis=1, keepdims=True)
    backwards = np.maximum(length - 1 + hidden - np.arange(length)[None, :], 0)
    backwards = np.minimum(backwards, length - 1)
    reversed_ = np.take_along_axis(values, backwards, axis=1)
    turned = np.where(chance(random, count, back), reversed_, values)
    return np.where(chance(random, count, flip), -turned, turned)


def mixing(
    random: np.random.Generator, values: Array, seen: Mask, seasons: NDArray[np.int64], share: float
) -> Array:
    """Convex mixtures of two series of the batch whose seasons (B, K) are equal, standardised.

    Source: TSMixup, Ansari and others (2024), section 4.1.
    """
    count = len(values)
    keys = np.unique(seasons, axis=0, return_inverse=True)[1].reshape(-1)
    order = np.lexsort((random.random(count), keys))
    # The next one of the same seasons; the last one takes the first.
    ends = np.cumsum(np.bincount(keys))
    begins = ends - np.bincount(keys)
    following = np.arange(1, count + 1)
    following[ends - 1] = begins
    partner = np.empty(count, dtype=np.int64)
    partner[order] = order[following]
    mixed = chance(random, count, share)
    weight = random.beta(1.5, 1.5, (count, 1))
    first = standardise(values, seen)
    second = np.clip(standardise(values[partner], seen), -20, 20)
    return np.where(mixed, weight * first + (1 - weight) * second, first)


def placing(random: np.random.Generator, values: Array, seen: Mask) -> Array:
    """Random location and scale for standardised values: mostly positive, near zero or far above.

    Absolute values are at most 10⁶ and the level at most 300 deviations.
    """
    count = len(values)
    lowest = np.where(seen, values, np.inf).min(axis=1, keepdims=True)
    floor = log_uniform(random, count, 0.05, 25.0)
    far = normal(random, count) * log_uniform(random, count, 0.1, 280.0)
    kind = uniform(random, count, 0, 1)
    at_zero = np.where(chance(random, count, 0.15), 0.0, floor)
    location = np.select([kind < 0.84, kind < 0.92], [at_zero - lowest, 0.3 * far], far * 0.1)
    location = np.clip(location, -290, 290)
    scale = log_uniform(random, count, 0.01, 1e4)
    placed = values + location
    top = np.where(seen, np.abs(placed), 0.0).max(axis=1, keepdims=True)
    return np.asarray(placed * np.minimum(scale, 9e5 / np.maximum(top, 1e-9)))


def rounding(random: np.random.Generator, values: Array, seen: Mask, probability: float) -> Array:
    """Values on a grid, from hardly visible to a few steps."""
    count = len(values)
    width = spread(values, seen) * log_uniform(random, count, 0.003, 0.7)
    chosen = chance(random, count, probability) & (width > 0)
    safe = np.where(chosen, width, 1.0)
    return np.where(chosen, np.round(values / safe) * safe, values)


def gaps(random: np.random.Generator, count: int, length: int, probability: float) -> Mask:
    """Where values are missing: single points or stretches; never the last few of all."""
    single = random.random((count, length)) < log_uniform(random, count, 0.01, 0.4)
    starts = random.random((count, length)) < 2 / length
    time = np.arange(length)
    begun = np.where(starts, time, -length)
    since = time - np.maximum.accumulate(begun, axis=1)
    stretch = since < np.maximum(length * log_uniform(random, count, 0.01, 0.15), 2)
    gap = np.where(chance(random, count, 0.6), single, stretch) & chance(random, count, probability)
    gap[:, -_FEWEST_SEEN:] = False
    return gap
