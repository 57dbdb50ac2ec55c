"""Weights: the better member gets them, the useless one does not, few errors change little."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.forecasting.evaluation.ensemble import (
    Prior,
    _least_on_simplex,
    collect_errors,
    combine,
    fit_useful_weights,
    fit_weights,
)

EQUAL = np.full(3, 1.0 / 3.0)
NOBODY = np.zeros(3, dtype=bool)
ALIKE = Prior(NOBODY, NOBODY)


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
    slack = 1.0 / (2 * 0.5**2 * errors.windows)
    assert errors.loss(weights) <= min(errors.loss(one) for one in grid) + slack


def test_few_windows_keep_the_weights_nearer_to_equal_than_many() -> None:
    errors = collect_errors(*planted([1.0, 1.6, 1.6], series=1))
    away = [
        float(np.abs(fit_weights(replace(errors, windows=windows), EQUAL) - EQUAL).max())
        for windows in (1, 3, 30, 100_000)
    ]
    assert away == sorted(away)
    assert away[1] < 0.8 * away[-1]


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
    weights = fit_useful_weights(collect_errors(*data), ALIKE, halves(*data), [0])
    assert weights[0] == 0.0
    assert weights.sum() == pytest.approx(1.0)


def test_a_candidate_that_helps_only_where_it_was_fitted_gets_nothing() -> None:
    # A lucky bias: right in two folds, far off in the third, so no fold confirms the others.
    members, actual, scale = planted([0.5, 0.5, 0.5])
    members[0] = actual + np.array([0.2, -4.0, 4.0])[:, None, None]
    data = members, actual, scale
    weights = fit_useful_weights(collect_errors(*data), ALIKE, halves(*data), [0])
    assert weights[0] == 0.0


def test_a_candidate_that_only_the_folds_together_speak_for_gets_nothing() -> None:
    members, actual, scale = planted([0.1, 0.1, 3.0])
    # Two folds in which it makes up for the second member's bias, and one that shows it was luck.
    members[0] += np.array([-3.0, -3.0, 7.0])[:, None, None]
    members[1] += 1.0
    data = members, actual, scale
    errors = collect_errors(*data)
    assert fit_weights(errors, EQUAL)[0] > 0.05
    assert fit_useful_weights(errors, ALIKE, halves(*data), [0])[0] == 0.0


def test_a_useful_candidate_keeps_its_weight() -> None:
    data = planted([0.3, 1.0, 1.0])
    errors = collect_errors(*data)
    weights = fit_useful_weights(errors, ALIKE, halves(*data), [0])
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
    result = combine(members, np.array([0.5, 0.5, 0.0]))
    assert result[:3].tolist() == [2.0, 3.0, 9.0]
    assert np.isnan(result[3])


@pytest.mark.parametrize("outlier", [1e6, 1e12, 1e15])
def test_members_alike_but_for_rounding_and_one_enormous_error_leave_weights(
    outlier: float,
) -> None:
    random = np.random.default_rng(0)
    actual = 10.0 + np.tile(np.sin(np.arange(7.0)), (3, 1, 2))
    members = np.stack([actual * (1.0 + 1e-16 * random.normal(size=actual.shape))] * 5)
    members[3] += outlier * (np.arange(14) == 3)
    members[4] += outlier * (np.arange(14) == 3)
    for scale in (1.0, 1e-15):
        errors = collect_errors(members, actual, np.full((3, 1), scale))
        weights = fit_weights(errors, np.full(5, 0.2))
        assert (weights >= 0).all()
        assert weights.sum() == pytest.approx(1.0, abs=1e-12)
        # What is off by that much in every fold gets nothing.
        assert weights[3:].sum() < 1e-6


@pytest.mark.parametrize("unit", [1e-310, 1e-200, 1e200, 1e300])
def test_values_near_the_ends_of_the_floats_get_the_weights_of_any_other(unit: float) -> None:
    members, actual, scale = planted([1.0, 1.5, 2.0])
    one = fit_weights(collect_errors(members, actual, scale), EQUAL)
    other = fit_weights(collect_errors(members * unit, actual * unit, scale * unit), EQUAL)
    # 1e-310 has 11 bits fewer than 1e-300: some 1e-12 of rounding, and errors are a hundredth of
    # the values.
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_windows_of_folds_that_overlap_are_not_counted_again() -> None:
    data = planted([1.0, 1.5, 2.0])
    independent = np.array([True, False, True])
    assert collect_errors(*data).windows == 180
    assert collect_errors(*data, independent).windows == 120
    assert len(collect_errors(*data, independent).actual) == len(collect_errors(*data).actual)


def test_half_of_the_weight_starts_with_the_networks() -> None:
    network = np.array([True, True, True, False, False, False])
    prior = Prior(network, np.array([False] * 5 + [True]))

    def centre(*present: int) -> list[float]:
        return prior.centre(np.isin(np.arange(6), present)).tolist()

    assert centre(0, 1, 2, 3, 4, 5) == pytest.approx([1 / 6, 1 / 6, 1 / 6, 1 / 4, 1 / 4, 0])
    assert centre(0, 3, 4, 5) == pytest.approx([1 / 2, 0, 0, 1 / 4, 1 / 4, 0])
    # A half of which nobody is there goes to the other.
    assert centre(3, 4, 5) == pytest.approx([0, 0, 0, 1 / 2, 1 / 2, 0])
    assert centre(0, 2) == pytest.approx([1 / 2, 0, 1 / 2, 0, 0, 0])
    assert centre(5) == [0, 0, 0, 0, 0, 1]


def test_each_of_several_candidates_must_earn_its_place_beside_the_others() -> None:
    members, actual, scale = planted([0.5, 0.5, 0.5, 1.0, 1.0])
    members[1] = members[0]  # it says what another says, and adds nothing
    members[2] = members[3] + 2.0 * (members[3] - actual)  # and it is far off
    data = members, actual, scale
    prior = Prior(np.array([True, True, True, False, False]), np.zeros(5, dtype=bool))
    errors = collect_errors(*data)
    weights = fit_useful_weights(errors, prior, halves(*data), [2, 1])
    assert weights[1] == weights[2] == 0.0
    assert weights[0] > 0.5


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 10_000), st.integers(1, 9))
def test_the_least_on_the_simplex_is_that_of_trying_every_face(seed: int, count: int) -> None:
    random = np.random.default_rng(seed)
    root = random.normal(size=(count, count + 2))
    quadratic, linear = root @ root.T, 3.0 * random.normal(size=count)
    best, least = np.zeros(count), np.inf
    for face in range(1, 2**count):
        free = np.flatnonzero(face >> np.arange(count) & 1)
        inner = quadratic[np.ix_(free, free)]
        solved = np.linalg.solve(inner, np.stack([linear[free], np.ones(len(free))], axis=1))
        point = np.zeros(count)
        price = (1.0 - solved[:, 0].sum()) / solved[:, 1].sum()
        point[free] = solved[:, 0] + price * solved[:, 1]
        value = 0.5 * point @ quadratic @ point - point @ linear
        if (point >= -1e-9).all() and value < least:
            best, least = point, value
    start = random.dirichlet(np.full(count, 0.3))
    result = _least_on_simplex(quadratic, linear, start)
    # Solving loses the condition number's digits of 16; 7 are left by far.
    np.testing.assert_allclose(result, best, atol=1e-7)
