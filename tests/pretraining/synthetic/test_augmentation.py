"""What the augmentations may do to a series, and what they must leave alone."""

from __future__ import annotations

import numpy as np

from holdfast.pretraining.synthetic import augmentation
from holdfast.pretraining.synthetic.draws import standardise, visible_part
from holdfast.pretraining.synthetic.recipe import SHORT


def walks(count: int = 60, length: int = 80, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((count, length)).cumsum(axis=1)


def test_probability_nought_changes_nothing() -> None:
    random, values = np.random.default_rng(0), walks()
    seen = visible_part(80, np.full(60, 50))
    np.testing.assert_array_equal(augmentation.exponential(random, values, 0.0), values)
    np.testing.assert_array_equal(augmentation.clipping(random, values, 0.0), values)
    np.testing.assert_array_equal(augmentation.turning(random, values, seen, 0.0, 0.0), values)
    np.testing.assert_array_equal(augmentation.rounding(random, values, seen, 0.0), values)
    assert not augmentation.gaps(random, 60, 80, 0.0).any()


def test_backwards_is_what_is_seen_read_from_its_end() -> None:
    values = walks()
    visible = np.random.default_rng(1).integers(5, 81, 60)
    seen = visible_part(80, visible)
    turned = augmentation.turning(np.random.default_rng(0), values, seen, 0.0, 1.0)
    for row, back, points in zip(values, turned, visible, strict=True):
        np.testing.assert_array_equal(back[80 - points :], row[80 - points :][::-1])


def test_rising_gives_the_wanted_share_of_series_that_end_higher() -> None:
    values, seen = walks(4_000), visible_part(80, np.full(4_000, 30))
    up = augmentation.rising(np.random.default_rng(0), values, seen, 0.9)
    np.testing.assert_allclose(np.abs(up), np.abs(values))
    share = (up[:, -1] > up[:, 50]).mean()
    assert abs(share - 0.9) < 5 * np.sqrt(0.09 / 4_000)


def test_clipping_holds_values_at_one_of_their_own() -> None:
    values = walks()
    clipped = augmentation.clipping(np.random.default_rng(0), values, 1.0)
    assert (clipped.max(axis=1) <= values.max(axis=1)).all()
    assert (clipped.min(axis=1) >= values.min(axis=1)).all()
    for before, after in zip(values, clipped, strict=True):
        assert np.isin(after, before).all()
    assert (clipped != values).any(axis=1).mean() > 0.9


def test_rounding_leaves_whole_multiples() -> None:
    values, seen = walks(), visible_part(80, np.full(60, 80))
    rounded = augmentation.rounding(np.random.default_rng(0), values, seen, 1.0)
    for before, after in zip(values, rounded, strict=True):
        steps = np.unique(after)
        width = np.diff(steps).min()
        np.testing.assert_allclose(steps / width, np.round(steps / width), atol=1e-6)
        assert np.abs(after - before).max() <= width / 2 + 1e-9


def test_only_series_of_equal_seasons_are_mixed() -> None:
    # Two kinds of series that cannot be taken for each other: lines and waves.
    time = np.arange(80.0)
    values = np.where(np.arange(40)[:, None] < 20, time, np.sin(2 * np.pi * time / 8))
    values = values + 1e-3 * walks(40)
    seasons = np.where(np.arange(40)[:, None] < 20, 1, 8)
    seen = visible_part(80, np.full(40, 80))
    mixed = augmentation.mixing(np.random.default_rng(0), values, seen, seasons, 1.0)
    own = standardise(values, seen)
    assert (mixed != own).any(axis=1).all()
    assert np.abs(mixed - own).max() < 0.1


def test_placing_keeps_the_shape_and_mostly_stays_positive() -> None:
    seen = visible_part(80, np.full(600, 80))
    values = standardise(walks(600), seen)
    placed = augmentation.placing(np.random.default_rng(0), values, seen)
    np.testing.assert_allclose(standardise(placed, seen), values, atol=1e-9)
    assert np.abs(placed).max() <= 1e6
    assert (np.abs(placed.mean(axis=1)) <= 300 * placed.std(axis=1)).all()
    positive = (placed.min(axis=1) >= -1e-9).mean()
    assert 0.84 < positive < 0.98


def test_gaps_come_singly_and_in_stretches_but_never_at_the_end() -> None:
    gap = augmentation.gaps(np.random.default_rng(0), 500, 100, 1.0)
    assert not gap[:, -5:].any()
    assert gap.mean(axis=1).max() < 0.75
    runs = [
        max(len(run) for run in "".join("#" if g else "." for g in row).split(".")) for row in gap
    ]
    assert max(runs) >= 8
    assert min(run for run in runs if run) == 1


def test_noise_has_about_unit_spread_and_tails_only_when_asked() -> None:
    values = augmentation.noise(np.random.default_rng(0), 400, 500, SHORT)
    assert 0.8 < np.median(values.std(axis=1)) < 1.2
    plain = SHORT.without("heavy_tails").without("changing_variance").without("coloured_noise")
    calm = augmentation.noise(np.random.default_rng(0), 400, 500, plain)
    # The largest of 200,000 Gaussian numbers lies beyond 6 once in 2,500 times.
    assert np.abs(calm).max() < 6
    assert np.abs(values).max() > 6


def test_a_break_comes_in_what_is_seen_and_shows_in_its_last_point() -> None:
    seen = visible_part(100, np.full(300, 40))
    broken = augmentation.breaks(np.random.default_rng(0), seen)
    np.testing.assert_array_equal(broken[:, :60], 0.0)
    assert (broken[:, -1] != 0).all()
