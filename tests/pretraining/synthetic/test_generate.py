"""What a pretraining run relies on in the series it draws."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import ArgumentError
from holdfast.pretraining.synthetic.draws import Samples
from holdfast.pretraining.synthetic.generate import generate
from holdfast.pretraining.synthetic.recipe import FAMILIES, LONG, PARTS, SHORT, Recipe


def draw(recipe: Recipe, count: int = 200, length: int = 160, seed: int = 0) -> Samples:
    return generate(np.random.default_rng(seed), count, length, recipe)


@pytest.mark.parametrize("recipe", [SHORT, LONG], ids=["short", "long"])
def test_the_same_state_gives_the_same_series_and_another_state_others(recipe: Recipe) -> None:
    first, second = draw(recipe, 30), draw(recipe, 30)
    np.testing.assert_array_equal(first.values, second.values)
    np.testing.assert_array_equal(first.season, second.season)
    assert first.family == second.family
    assert not np.array_equal(first.values, draw(recipe, 30, seed=1).values, equal_nan=True)


def test_the_global_random_state_is_neither_read_nor_changed() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 # what must stay as it is
    draw(SHORT, 20)
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002


@settings(deadline=None, max_examples=25)
@given(
    st.integers(1, 40), st.integers(10, 260), st.integers(0, 2**31), st.sampled_from([SHORT, LONG])
)
def test_any_size_gives_series_that_single_precision_holds(
    count: int, length: int, seed: int, recipe: Recipe
) -> None:
    samples = generate(np.random.default_rng(seed), count, length, recipe)
    values = samples.values
    assert values.shape == (count, length)
    assert values.dtype == np.float32
    assert not np.isinf(values).any()
    assert np.nanmax(np.abs(values)) <= 1.0001e6
    # The last five points are there, so that every series has something to be forecast.
    assert np.isfinite(values[:, -5:]).all()
    assert len(samples.family) == len(samples.season) == len(samples.long_season) == count
    assert (samples.season >= 1).all()
    assert (2 * samples.season <= max(length, 2)).all()
    long = samples.long_season > 1
    assert (samples.long_season[long] > samples.season[long]).all()
    assert (samples.long_season <= length).all()


def test_the_level_never_swallows_the_movement() -> None:
    for seed in range(5):
        values = draw(dataclasses.replace(SHORT, missing=0, shortening=0), seed=seed).values
        spread = values.astype(np.float64).std(axis=1)
        moving = spread > 1e-6 * np.abs(values).max(axis=1)
        level = np.abs(values[moving].mean(axis=1, dtype=np.float64))
        assert (level <= 301 * spread[moving]).all()
        # Only those that are drawn constant, clipped flat or never counted stand still.
        assert moving.mean() > 0.93


@pytest.mark.parametrize("recipe", [SHORT, LONG], ids=["short", "long"])
def test_families_and_seasons_come_as_often_as_the_recipe_says(recipe: Recipe) -> None:
    count = 3_000
    samples = generate(np.random.default_rng(5), count, 48, recipe)
    weights = np.array(recipe.weights) / sum(recipe.weights)
    for name, share in zip(FAMILIES, weights, strict=True):
        # Five standard errors of a share.
        band = 5 * np.sqrt(share * (1 - share) / count)
        assert abs(samples.family.count(name) / count - share) < band, name
    # All calendars have a season but those drawn as (1, 1), unless these got an arbitrary one.
    drawn = [(short, weight) for short, _, weight in recipe.seasons if 2 * short <= 48]
    without = sum(weight for short, weight in drawn if short == 1)
    without = without / sum(weight for _, weight in drawn) * (1 - recipe.arbitrary_season)
    share = recipe.seasonal * (1 - without)
    assert abs((samples.season > 1).mean() - share) < 5 * np.sqrt(share * (1 - share) / count)


def test_half_of_the_series_begin_late_and_hold_two_seasons() -> None:
    samples = draw(dataclasses.replace(SHORT, missing=0.0), count=2_000)
    seen = np.isfinite(samples.values)
    lengths = seen.sum(axis=1)
    # Without gaps what is seen is one stretch at the end.
    assert (np.diff(seen.astype(np.int8), axis=1) >= 0).all()
    assert (lengths >= np.minimum(2 * samples.season, 160)).all()
    assert abs((lengths < 160).mean() - SHORT.shortening) < 5 * np.sqrt(0.25 / 2_000) + 0.02
    assert lengths.min() <= 12


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_is_switched_off_is_gone_and_no_switch_is_dead(part: str) -> None:
    recipe = LONG if part == "long_seasonal" else SHORT
    without = recipe.without(part)
    assert getattr(without, part) == 0
    count, length = 150, 400 if recipe is LONG else 120
    found = draw(without, count, length)
    assert not np.array_equal(found.values, draw(recipe, count, length).values, equal_nan=True)
    if part in FAMILIES:
        assert part not in found.family


@pytest.mark.parametrize(
    ("part", "holds"),
    [
        ("seasonal", lambda samples: (samples.season == 1).all()),
        ("long_seasonal", lambda samples: (samples.long_season == 1).all()),
        ("shortening", lambda samples: np.isfinite(samples.values[:, 0]).mean() > 0.95),
        (
            "missing",
            lambda samples: (np.diff(np.isfinite(samples.values).astype(int), axis=1) >= 0).all(),
        ),
    ],
)
def test_what_is_switched_off_does_not_show(part: str, holds: object) -> None:
    assert callable(holds)
    assert not holds(draw(LONG, 300, 400))
    assert holds(draw(LONG.without(part), 300, 400))


def test_an_unknown_part_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ArgumentError, match=r"part='trend' is not .* structural, .* constant"):
        SHORT.without("trend")
    single = dataclasses.replace(SHORT, **dict.fromkeys(FAMILIES[1:], 0.0))
    with pytest.raises(ArgumentError, match="last family"):
        single.without("structural")


def test_a_recipe_is_written_as_json_and_read_again() -> None:
    fields = json.loads(json.dumps(LONG.to_json()))
    fields["seasons"] = tuple(tuple(row) for row in fields["seasons"])
    assert Recipe(**fields) == LONG


@pytest.mark.parametrize("recipe", [SHORT, LONG], ids=["short", "long"])
def test_a_series_has_its_calendars_seasons_or_none(recipe: Recipe) -> None:
    samples = draw(recipe, 1_000, 400)
    for has, suggested in (
        (samples.season, samples.calendar_season),
        (samples.long_season, samples.calendar_long_season),
    ):
        assert ((has == suggested) | (has == 1)).all()
    # A calendar's promise is broken as often as the recipe says: that is what it is there for.
    promised = samples.calendar_season > 1
    kept = (samples.season[promised] > 1).mean()
    band = 5 * np.sqrt(recipe.seasonal * (1 - recipe.seasonal) / promised.sum())
    assert abs(kept - recipe.seasonal) < band


@pytest.mark.parametrize(("count", "length", "name"), [(0, 50, "count"), (5, 9, "length")])
def test_sizes_that_are_too_small_are_refused_by_name(count: int, length: int, name: str) -> None:
    with pytest.raises(ArgumentError, match=f"{name}="):
        generate(np.random.default_rng(0), count, length, SHORT)


@pytest.mark.parametrize("recipe", [SHORT, LONG], ids=["short", "long"])
def test_the_season_that_is_named_is_the_season_that_is_there(recipe: Recipe) -> None:
    strong = dataclasses.replace(recipe, seasonal=1.0, dominant_season=1.0)
    hiding = ("shortening", "missing", "counts", "constant", "clipping", "rounding", "mixing")
    for part in (*hiding, "fractional_season", "spikes", "shocks", "late_break"):
        strong = strong.without(part)
    samples = draw(strong, count=300, length=420)
    # Fourteen cycles or more: of fewer the neighbouring lags of a smooth season are too alike.
    rows = np.flatnonzero((samples.season > 1) & (samples.season <= 30))
    assert len(rows) > 150
    values = np.diff(samples.values[rows].astype(np.float64), axis=1)
    agrees = []
    for row, season in zip(values, samples.season[rows], strict=True):
        lags = [season - 1, season, season + 1]
        correlations = [np.corrcoef(row[lag:], row[:-lag])[0, 1] for lag in lags]
        agrees.append(int(np.argmax(correlations)) == 1)
    # Found for 93 to 100 in 100; a season named wrongly by one would be found in hardly any.
    assert np.mean(agrees) > 0.85
