"""Synthetic series by a recipe."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.pretraining.synthetic import augmentation
from holdfast.pretraining.synthetic.draws import (
    Array,
    Mask,
    Samples,
    chance,
    choice,
    log_uniform,
    movement,
    standardise,
    uniform,
    visible_part,
)
from holdfast.pretraining.synthetic.families import (
    autoregressive,
    chaotic,
    counts,
    gaussian_process,
    kinks,
    log_rate,
    steps,
    structural,
)
from holdfast.pretraining.synthetic.recipe import FAMILIES, Recipe
from holdfast.pretraining.synthetic.season import seasonal

_SHORTEST = 10
_COUNTS = FAMILIES.index("counts")


def generate(random: np.random.Generator, count: int, length: int, recipe: Recipe) -> Samples:
    """Draw B series of T points; the same generator state gives the same series.

    Seasons that do not fit twice into `length` are not drawn (once for a long season). Series that
    begin late are NaN before.

    Raises:
        ArgumentError: fewer than 1 series or 10 points are asked for.
    """
    if count < 1:
        raise ArgumentError(f"count={count} is too small; draw at least one series.")
    if length < _SHORTEST:
        raise ArgumentError(f"length={length} is too short; draw at least {_SHORTEST} points.")
    family = choice(random, count, recipe.weights)
    season, long_season, calendar, period = _seasons(random, count, length, recipe)
    visible = _visible(random, length, season, recipe)
    seen = visible_part(length, visible)

    core = standardise(_core(random, family, length, visible, recipe), seen)
    core = standardise(_grown(random, core, calendar[:, :1], seen, recipe.growth), seen)
    values = _compose(
        random, core, season, long_season, period, calendar[:, :1], seen, family, recipe
    )
    values = augmentation.rising(random, values, seen, recipe.upward)
    values = standardise(values, seen)
    multiplied = augmentation.exponential(random, values, recipe.exponential)
    counted = np.flatnonzero(family == _COUNTS)
    multiplied[counted] = counts(random, values[counted])
    values = np.clip(standardise(multiplied, seen), -40, 40)
    values = augmentation.clipping(random, values, recipe.clipping)
    values = augmentation.turning(random, values, seen, recipe.flipping, recipe.reversal)
    seasons = np.stack([season, long_season], axis=1)
    values = augmentation.mixing(random, values, seen, seasons, recipe.mixing)
    values = np.where(chance(random, count, recipe.constant), 0.0, values)
    values = augmentation.placing(random, values, seen)
    values = augmentation.rounding(random, values, seen, recipe.rounding)
    hidden = ~seen | augmentation.gaps(random, count, length, recipe.missing)
    return Samples(
        values=np.where(hidden, np.nan, values).astype(np.float32),
        season=season,
        long_season=long_season,
        calendar_season=calendar[:, 0],
        calendar_long_season=calendar[:, 1],
        family=tuple(FAMILIES[index] for index in family),
    )


def _seasons(
    random: np.random.Generator, count: int, length: int, recipe: Recipe
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Array]:
    """The seasons as whole points, those that the calendar suggests, and the period as it is."""
    table = np.array([(short, long) for short, long, _ in recipe.seasons], dtype=np.int64)
    weights = [weight * (2 * short <= length) for short, _, weight in recipe.seasons]
    fits = any(weights)
    drawn = table[choice(random, count, weights)] if fits else np.ones((count, 2), dtype=np.int64)
    season, long_season = drawn[:, 0], drawn[:, 1]
    shortest = min(recipe.shortest_season, length // 2)
    longest = max(min(recipe.longest_season, length // 2), shortest)
    free = np.round(log_uniform(random, count, shortest, longest)[:, 0]).astype(np.int64)
    arbitrary = chance(random, count, recipe.arbitrary_season)[:, 0]
    season = np.where(arbitrary, free, season)
    long_season = np.where(arbitrary | (long_season > length), 1, long_season)
    calendar = np.stack([season, long_season], axis=1)
    keeps = chance(random, count, recipe.long_seasonal)[:, 0]
    long_season = np.where(keeps, long_season, 1)
    has = chance(random, count, recipe.seasonal)[:, 0]
    season, long_season = np.where(has, season, 1), np.where(has, long_season, 1)
    fraction = (
        random.uniform(-0.49, 0.49, count) * chance(random, count, recipe.fractional_season)[:, 0]
    )
    period = season.astype(np.float64)
    period += np.where((season >= 5) & (long_season == 1), fraction, 0.0)
    return season, long_season, calendar, period


def _visible(
    random: np.random.Generator, length: int, season: NDArray[np.int64], recipe: Recipe
) -> NDArray[np.int64]:
    # Nobody names a season of which less than two are there.
    shortest = np.clip(2 * season + 2, _SHORTEST, length)[:, None]
    late = np.exp(random.uniform(np.log(shortest), np.log(length)))
    begins_late = chance(random, len(season), recipe.shortening)
    return np.where(begins_late, np.round(late), length).astype(np.int64)[:, 0]


def _core(
    random: np.random.Generator,
    family: NDArray[np.int64],
    length: int,
    visible: NDArray[np.int64],
    recipe: Recipe,
) -> Array:
    """What a series is apart from its season and the noise on top."""
    values = _families(random, family, length, visible)
    rows = np.flatnonzero(chance(random, len(family), recipe.resampling))
    if len(rows):
        # Made at shorter steps, then averaged or picked, as months are from days.
        parts = int(random.integers(2, 5))
        fine = _families(random, family[rows], length * parts, visible[rows] * parts)
        fine = fine.reshape(len(rows), length, parts)
        picked = chance(random, len(rows), 0.5)
        values[rows] = np.where(picked, fine[:, :, -1], fine.mean(axis=2))
    return values


def _families(
    random: np.random.Generator, family: NDArray[np.int64], length: int, visible: NDArray[np.int64]
) -> Array:
    values = np.empty((len(family), length))
    for index, name in enumerate(FAMILIES):
        rows = np.flatnonzero(family == index)
        if not len(rows):
            continue
        seen = visible_part(length, visible[rows])
        if name == "structural":
            values[rows] = structural(random, len(rows), length, visible[rows])
        elif name == "kinks":
            values[rows] = kinks(random, len(rows), length, seen)
        elif name == "autoregressive":
            values[rows] = autoregressive(random, len(rows), length)
        elif name == "gaussian_process":
            values[rows] = gaussian_process(random, len(rows), length, visible[rows])
        elif name == "chaotic":
            values[rows] = chaotic(random, len(rows), length)
        elif name == "counts":
            values[rows] = log_rate(random, len(rows), length)
        else:
            values[rows] = steps(random, len(rows), length, seen)
    return values


def _grown(
    random: np.random.Generator,
    core: Array,
    calendar: NDArray[np.int64],
    seen: Mask,
    probability: float,
) -> Array:
    """The core with a steady drift, from hardly visible to a line."""
    count, length = core.shape
    step = movement(core, seen) + 1e-3
    # By what the whole series grows, in steps: thirty years grow as far as ten years of months.
    whole = np.minimum(
        log_uniform(random, count, 2.0, 120.0) / seen.sum(axis=1, keepdims=True), 3.0
    )
    # Years and quarters show where things go; months and hours what else happens.
    likelier = np.where(calendar < 3, 1.7, np.where(calendar < 6, 1.4, 0.5))
    drift = step * whole * (random.random((count, 1)) < probability * likelier)
    sign = np.sign(core[:, -1:] - core[:, :1]) + (core[:, -1:] == core[:, :1])
    return np.asarray(core + sign * drift * np.arange(length))


def _compose(
    random: np.random.Generator,
    core: Array,
    season: NDArray[np.int64],
    long_season: NDArray[np.int64],
    period: Array,
    calendar: NDArray[np.int64],
    seen: Mask,
    family: NDArray[np.int64],
    recipe: Recipe,
) -> Array:
    """Core, season, noise and events, each of a strength of its own."""
    count, length = core.shape
    has = (season > 1)[:, None]
    # One step of the core and its whole spread are far apart; every strength lies between.
    step = np.minimum(movement(core, seen), 1.0) + 1e-3
    dominant = chance(random, count, recipe.dominant_season) & has
    # Years and quarters are sums of months: less of noise and season is left in them.
    coarse = np.clip((calendar / 12) ** 1.5, 0.2, 1.0)
    strength = (
        coarse * log_uniform(random, count, 0.05, 3.0) * step ** uniform(random, count, 0.1, 1.0)
    )
    ruling = np.maximum(
        log_uniform(random, count, 0.7, 30.0), step / log_uniform(random, count, 0.003, 0.15)
    )
    strength = np.where(dominant, ruling, strength) * has
    values: Array = core.copy()
    rows = np.flatnonzero(has)
    if len(rows):
        shape = seasonal(
            random, length, period[rows], long_season[rows], recipe.season_drift, recipe.holidays
        )
        values[rows] += strength[rows] * standardise(shape, seen[rows])
    noisiness = (
        coarse * log_uniform(random, count, 0.25, 6.0) * step ** uniform(random, count, 0.3, 1.0)
    )
    noisiness = np.where(dominant, strength * log_uniform(random, count, 0.0005, 0.15), noisiness)
    noisy = random.random((count, 1)) < np.where(calendar > 1, recipe.noise, recipe.noise_alone)
    noisiness = noisiness * (noisy & (family != _COUNTS)[:, None])
    values += noisiness * augmentation.noise(random, count, length, recipe)

    whole = np.sqrt(1 + strength**2 + noisiness**2)
    rows = np.flatnonzero(chance(random, count, recipe.shocks))
    values[rows] += whole[rows] * augmentation.shocks(random, len(rows), length)
    rows = np.flatnonzero(chance(random, count, recipe.spikes))
    values[rows] += whole[rows] * augmentation.spikes(random, len(rows), length)
    rows = np.flatnonzero(chance(random, count, recipe.late_break))
    values[rows] += (step + noisiness)[rows] * augmentation.breaks(random, seen[rows])
    return values
