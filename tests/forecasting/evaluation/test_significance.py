"""The bootstrap: it finds planted differences, claims none where there is none or too little."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.forecasting.evaluation.significance import compare


def pairs(count: int, gain: float, seed: int = 0, folds: int = 3) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    rival = random.gamma(4.0, size=(folds, count))
    return rival * (1.0 - gain) * random.uniform(0.9, 1.1, size=rival.shape), rival


def test_a_planted_gain_is_found_and_its_range_holds_it() -> None:
    result = compare(*pairs(100, 0.10), "The blend", "Theta")
    assert result.low < -10.0 < result.high < 0
    assert result.pairs == 100
    assert "better" in result.sentence
    assert "supports" in result.sentence
    assert compare(*pairs(100, -0.10), "The blend", "Theta").low > 0


def test_no_difference_is_claimed_about_as_often_as_the_range_says() -> None:
    claimed = 0
    for seed in range(100):
        result = compare(*pairs(60, 0.0, seed), "a", "b", seed=seed)
        claimed += result.low > 0 or result.high < 0
    # A 90 % range misses zero in a tenth of the cases: four standard deviations above is 22.
    assert claimed <= 10 + 4 * 3


@pytest.mark.parametrize("count", [1, 5, 19])
def test_below_twenty_pairs_there_is_too_little_data_to_tell(count: int) -> None:
    result = compare(*pairs(count, 0.5, folds=1), "The blend", "Theta")
    assert "too little data to tell" in result.sentence
    assert np.isnan(result.low)
    assert np.isnan(result.high)


def test_steps_and_folds_of_a_series_are_one_pair() -> None:
    assert compare(*pairs(10, 0.5, folds=10), "a", "b").pairs == 10
    assert compare(*pairs(20, 0.5, folds=10), "a", "b").pairs == 20


def test_one_series_with_many_folds_is_compared_over_time() -> None:
    result = compare(*pairs(1, 0.2, folds=40), "a", "b")
    assert result.pairs == 40
    assert result.high < 0


def test_the_same_seed_gives_the_same_range_and_leaves_global_state_alone() -> None:
    before = np.random.get_state()[1].copy()  # noqa: NPY002 - the state that must not change
    one, two = (compare(*pairs(50, 0.02), "a", "b", seed=7) for _ in range(2))
    assert one == two
    assert compare(*pairs(50, 0.02), "a", "b", seed=8) != one
    np.testing.assert_array_equal(before, np.random.get_state()[1])  # noqa: NPY002 - as above


def test_windows_that_one_method_lacks_are_left_out() -> None:
    loss, rival = pairs(50, 0.1)
    loss[:, :10] = np.nan
    result = compare(loss, rival, "a", "b")
    assert result.pairs == 40
    np.testing.assert_allclose(
        result.difference, 100 * (loss[:, 10:].sum() / rival[:, 10:].sum() - 1)
    )


def test_many_series_are_merged_without_a_shift() -> None:
    result = compare(*pairs(5000, 0.1, folds=1), "a", "b")
    assert result.low < result.difference < result.high
    assert result.high - result.low < 1.0


def test_nothing_to_compare_is_said() -> None:
    empty = np.full((2, 3), np.nan)
    assert "too little data" in compare(empty, empty, "a", "b").sentence


def test_windows_without_an_error_of_either_are_no_pairs() -> None:
    loss, rival = pairs(60, 0.1)
    loss[:, 25:] = rival[:, 25:] = 0.0
    result = compare(loss, rival, "a", "b")
    assert result.pairs == 25
    assert result == compare(loss[:, :25], rival[:, :25], "a", "b")


@pytest.mark.parametrize("erring", [1, 2, 5, 40])
def test_a_rival_that_hardly_errs_leaves_no_nan_in_the_sentence(erring: int) -> None:
    loss, rival = pairs(40, 0.1, folds=1)
    rival[:, erring:] = 0.0
    result = compare(loss, rival, "The blend", "Naive")  # warnings are errors
    assert result.pairs == 40
    assert "nan" not in result.sentence
    assert "inf" not in result.sentence
    assert np.isnan(result.low) == np.isnan(result.high) == (erring < 3)
    assert ("too few of 40 pairs" in result.sentence) == (erring < 3)


def test_folds_that_overlap_are_one_pair() -> None:
    loss, rival = pairs(1, 0.2, folds=45)
    result = compare(loss, rival, "a", "b", blocks=np.arange(45)[::-1] // 12)
    assert result.pairs == 4
    assert "too little data to tell" in result.sentence
    # Two series are more than one block of time: then a pair is a series.
    loss, rival = pairs(30, 0.2, folds=45)
    assert compare(loss, rival, "a", "b", blocks=np.arange(45)[::-1] // 12).pairs == 30
