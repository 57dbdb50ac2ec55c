"""Weights: the better member gets them, the useless one does not, few errors change little."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.forecasting.judgement.blend import (
    collect_errors,
    combine,
    fit_weights,
    fit_without_useless,
)

EQUAL = np.full(3, 1.0 / 3.0)


def planted(
    noise: list[float], series: int = 60, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Members with independent errors of the given sizes: (M, 3, series, 8), actual, scale."""
    random = np.random.default_rng(seed)
    actual = 100.0 + random.normal(size=(3, series, 8))
    members = np.stack([actual + size * random.normal(size=actual.shape) for size in noise])
    return members, actual, np.ones((3, series))


def test_the_better_member_gets_the_weight() -> None:
    weights = fit_weights(collect_errors(*planted([0.1, 3.0, 3.0])), EQUAL)
    assert weights[0] > 0.95
    weights = fit_weights(collect_errors(*planted([3.0, 0.1, 3.0])), EQUAL)
    assert weights[1] > 0.95


def test_weights_are_those_of_a_fine_search() -> None:
    errors = collect_errors(*planted([1.0, 1.5, 2.5], series=200))
    weights = fit_weights(errors, EQUAL)
    grid = [
        np.array([a, b, 1 - a - b])
        for a in np.linspace(0, 1, 41)
        for b in np.linspace(0, 1 - a, 41)
    ]
    # The shrinkage of 600 windows is at most this much of the loss.
    slack = 1.0 / (2 * 0.3**2 * errors.windows)
    assert errors.loss(weights) <= min(errors.loss(one) for one in grid) + slack


def test_few_errors_leave_the_weights_near_equal_and_many_do_not() -> None:
    few = fit_weights(collect_errors(*planted([1.0, 1.6, 1.6], series=1)), EQUAL)
    many = fit_weights(collect_errors(*planted([1.0, 1.6, 1.6], series=400)), EQUAL)
    assert np.abs(few - EQUAL).max() < np.abs(many - EQUAL).max()
    assert few.min() > 0.1


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 6), st.floats(-1e9, 1e9))
def test_weights_are_a_share_of_one_whatever_comes(
    seed: int, series: int, count: int, level: float
) -> None:
    random = np.random.default_rng(seed)
    actual = level + random.standard_cauchy(size=(2, series, 3))
    members = actual + random.standard_cauchy(size=(count, 2, series, 3))
    members[random.random(members.shape) < 0.1] = np.nan
    members[0] = members[1]  # the same method twice
    weights = fit_weights(
        collect_errors(members, actual, np.ones((2, series))), np.full(count, 1.0 / count)
    )
    assert (weights >= 0).all()
    assert weights.sum() == pytest.approx(1.0, abs=1e-12)


def test_the_unit_of_the_values_does_not_matter() -> None:
    members, actual, scale = planted([1.0, 1.5, 2.0])
    one = fit_weights(collect_errors(members, actual, scale), EQUAL)
    other = fit_weights(collect_errors(members * 1e6, actual * 1e6, scale * 1e6), EQUAL)
    np.testing.assert_allclose(one, other, atol=1e-6)


def halves(members: np.ndarray, actual: np.ndarray, scale: np.ndarray) -> list:
    fits = []
    for fold in range(3):
        rest = [other for other in range(3) if other != fold]
        fits.append(
            (
                collect_errors(members[:, rest], actual[rest], scale[rest]),
                collect_errors(members[:, [fold]], actual[[fold]], scale[[fold]]),
            )
        )
    return fits


def test_a_useless_candidate_gets_exactly_nothing() -> None:
    members, actual, scale = planted([0.5, 0.5, 1.0])
    # Worse than the second member in the same direction: it has nothing of its own.
    members[0] = members[1] + 2.0 * (members[1] - actual)
    data = members, actual, scale
    weights = fit_without_useless(collect_errors(*data), EQUAL, halves(*data), candidate=0)
    assert weights[0] == 0.0
    assert weights.sum() == pytest.approx(1.0)


def test_a_candidate_that_helps_only_where_it_was_fitted_gets_nothing() -> None:
    # A lucky bias: right in two folds, far off in the third, so no fold confirms the others.
    members, actual, scale = planted([0.5, 0.5, 0.5])
    members[0] = actual + np.array([0.2, -4.0, 4.0])[:, None, None]
    data = members, actual, scale
    weights = fit_without_useless(collect_errors(*data), EQUAL, halves(*data), candidate=0)
    assert weights[0] == 0.0


def test_a_candidate_that_only_the_folds_together_speak_for_gets_nothing() -> None:
    members, actual, scale = planted([0.1, 0.1, 3.0])
    # Two folds in which it makes up for the second member's bias, and one that shows it was luck.
    members[0] += np.array([-3.0, -3.0, 7.0])[:, None, None]
    members[1] += 1.0
    data = members, actual, scale
    errors = collect_errors(*data)
    assert fit_weights(errors, EQUAL)[0] > 0.05
    assert fit_without_useless(errors, EQUAL, halves(*data), candidate=0)[0] == 0.0


def test_a_useful_candidate_keeps_its_weight() -> None:
    data = planted([0.3, 1.0, 1.0])
    errors = collect_errors(*data)
    weights = fit_without_useless(errors, EQUAL, halves(*data), candidate=0)
    np.testing.assert_array_equal(weights, fit_weights(errors, EQUAL))
    assert weights[0] > 0.7


def test_without_errors_the_centre_stands() -> None:
    centre = np.array([0.5, 0.5, 0.0])
    errors = collect_errors(np.full((3, 1, 2, 4), np.nan), np.ones((1, 2, 4)), np.ones((1, 2)))
    assert fit_weights(errors, centre).tolist() == centre.tolist()


def test_a_missing_member_leaves_its_weight_to_the_others() -> None:
    members = np.array(
        [[1.0, np.nan, np.nan, np.nan], [3.0, 3.0, np.nan, np.nan], [9.0, 9.0, 9.0, np.nan]]
    )
    made = combine(members, np.array([0.5, 0.5, 0.0]))
    assert made[:3].tolist() == [2.0, 3.0, 9.0]
    assert np.isnan(made[3])
