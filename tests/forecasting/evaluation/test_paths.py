"""Marginals, dependence and sample paths: what a path may be relied on for."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.errors import ModelError
from holdfast.forecasting.evaluation.conformal import normal_probability, normal_score
from holdfast.forecasting.evaluation.copula import (
    Dependence,
    Marginals,
    Paths,
    fit_dependence,
    simple_structure,
)

Z80, Z95 = 1.2815515655446004, 1.959963984540054


def normal(level: np.ndarray, spread: float = 1.0, floor: float = -np.inf) -> Marginals:
    """Normal distributions around a level, as bounds of two levels give them."""
    return Marginals.from_bounds(
        level,
        {80.0: level - Z80 * spread, 95.0: level - Z95 * spread},
        {80.0: level + Z80 * spread, 95.0: level + Z95 * spread},
        np.full(level.shape, floor),
    )


def paths(dependence: Dependence, series: int, samples: int = 400) -> Paths:
    return Paths(dependence, len(dependence.steps), np.arange(series), samples, seed=3)


def test_the_table_of_the_normal_distribution_agrees_with_the_error_function() -> None:
    from math import erf, sqrt

    points = np.linspace(-5.5, 5.5, 333)
    exact = np.array([0.5 * (1.0 + erf(point / sqrt(2.0))) for point in points])
    np.testing.assert_allclose(normal_probability(points), exact, atol=1e-6)
    np.testing.assert_allclose(normal_score(exact), points, atol=2e-3)


def test_marginals_of_a_normal_distribution_are_normal_everywhere() -> None:
    result = normal(np.array([10.0]), 2.0)
    expected = 10.0 + 2.0 * normal_score(np.array([0.001, 0.3, 0.999]))
    np.testing.assert_allclose(
        result.quantile(np.array([0.001, 0.3, 0.999]))[:, 0], expected, rtol=1e-4
    )
    np.testing.assert_allclose(result.mean(), [10.0], rtol=1e-4)
    np.testing.assert_allclose(result.ranks(np.array([13.0])), [1.5], atol=2e-3)


def test_the_mean_is_that_of_very_many_quantiles_also_at_a_floor_and_where_the_median_is_zero() -> (
    None
):
    lower = {50.0: np.zeros(2), 99.0: np.array([0.0, -3.0])}
    upper = {50.0: np.array([0.0, 2.0]), 99.0: np.array([7.0, 5.0])}
    result = Marginals.from_bounds(np.zeros(2), lower, upper, np.array([0.0, -4.0]))
    slow = result.quantile((np.arange(200_000) + 0.5) / 200_000).mean(axis=0)
    np.testing.assert_allclose(result.mean(), slow, rtol=2e-3)
    assert result.mean()[0] > 0.2
    assert result.quantile(np.array([0.5]))[0, 0] == 0.0


def test_ranks_invert_quantiles_and_take_the_middle_where_scores_share_a_value() -> None:
    result = Marginals.from_bounds(
        np.zeros(1), {50.0: np.zeros(1)}, {50.0: np.array([4.0])}, np.zeros(1)
    )
    drawn = np.linspace(0.55, 0.99, 9)
    ranks = np.array([result.ranks(value)[0] for value in result.quantile(drawn)])
    np.testing.assert_allclose(normal_probability(ranks), drawn, atol=1e-5)
    # Zero has the lower half of the probability: its middle is a quarter.
    np.testing.assert_allclose(normal_probability(result.ranks(np.zeros(1))), [0.25], atol=1e-5)
    assert np.isnan(result.ranks(np.array([np.nan]))).all()


def test_a_pull_bends_what_lies_above_the_median_and_moves_no_quantile() -> None:
    bounds = ({50.0: np.zeros(1), 90.0: np.zeros(1)}, {50.0: np.ones(1), 90.0: np.full(1, 6.0)})
    result = Marginals.from_bounds(np.zeros(1), *bounds, np.zeros(1), 3.0)
    straight = Marginals.from_bounds(np.zeros(1), *bounds, np.zeros(1))
    np.testing.assert_allclose(
        result.quantile(np.array([0.5, 0.75, 0.95]))[:, 0], [0, 1, 6], atol=1e-4
    )
    slow = result.quantile((np.arange(200_000) + 0.5) / 200_000).mean(axis=0)
    np.testing.assert_allclose(result.mean(), slow, rtol=5e-3)
    assert result.mean()[0] < 0.8 * straight.mean()[0]
    drawn = np.array([0.6, 0.8, 0.9, 0.97])
    ranks = [result.ranks(value)[0] for value in result.quantile(drawn)]
    np.testing.assert_allclose(normal_probability(np.array(ranks)), drawn, atol=1e-5)


def test_ranks_of_draws_are_uniform() -> None:
    result = normal(np.zeros(4000), 3.0, floor=-1.0)
    draws = np.maximum(np.random.default_rng(0).normal(0.0, 3.0, 4000), -1.0)
    found = normal_probability(result.ranks(draws))
    above = found[draws > -1.0]
    assert abs(np.mean(found > 0.9) - 0.1) < 0.015
    assert abs(np.mean((above > 0.5) & (above < 0.7)) * len(above) / 4000 - 0.2) < 0.02


def test_each_step_of_the_paths_has_exactly_its_own_quantiles() -> None:
    level = np.array([[1.0, 5.0, 9.0], [2.0, 2.0, 2.0]])
    result = normal(level)
    drawn = paths(Dependence.unknown(3), 2).values(result, np.arange(2))
    expected = result.quantile((np.arange(400) + 0.5) / 400)
    np.testing.assert_allclose(np.sort(drawn, axis=0), expected)
    np.testing.assert_allclose(drawn.mean(axis=0), result.mean(), atol=0.01)


def test_the_dependence_of_autoregressive_errors_is_found() -> None:
    draws = np.random.default_rng(1)
    errors = draws.normal(size=(40, 30, 12))
    for step in range(1, 12):
        errors[..., step] = 0.7 * errors[..., step - 1] + np.sqrt(0.51) * errors[..., step]
    found = fit_dependence(errors)
    lag = np.abs(np.arange(12)[:, None] - np.arange(12))
    np.testing.assert_allclose(found.steps, 0.7**lag, atol=0.08)
    assert found.common < 0.05
    drawn = paths(found, 1, samples=4000).scores(np.array([0]))[:, 0]
    np.testing.assert_allclose(np.corrcoef(drawn.T), 0.7**lag, atol=0.1)


def test_few_windows_are_shrunk_to_something_simple_and_positive() -> None:
    errors = np.random.default_rng(2).normal(size=(2, 1, 48))
    errors[0, 0, 5:20] = np.nan
    found = fit_dependence(errors)
    assert np.linalg.eigvalsh(found.steps)[0] > 0
    simple = simple_structure(found.simple, 48)
    raw = errors[0, 0, :, None] * errors[0, 0, None, :]
    assert np.abs(found.steps - simple).max() < 0.3 * np.nanmax(np.abs(raw))
    assert fit_dependence(np.full((3, 2, 5), np.nan)).windows == 0


def test_series_that_err_together_are_drawn_together() -> None:
    draws = np.random.default_rng(3)
    shared = draws.normal(size=(60, 1, 4))
    errors = np.sqrt(0.6) * shared + np.sqrt(0.4) * draws.normal(size=(60, 5, 4))
    errors[:, 4] = draws.normal(size=(60, 4))
    found = fit_dependence(errors)
    assert abs(found.series[0, 1] - 0.6) < 0.12
    assert abs(found.series[0, 4]) < 0.2
    drawn = paths(found, 5, samples=3000).scores(np.arange(5))[:, :, 0]
    np.testing.assert_allclose(np.corrcoef(drawn.T), found.series, atol=0.1)
    # Series that the fit never saw have the correlation that any two have.
    new = Paths(found, 4, np.array([0, -1]), 3000, 0).scores(np.arange(2))[:, :, 0]
    assert abs(np.corrcoef(new.T)[0, 1] - found.common) < 0.06


def test_sums_of_independent_series_are_narrower_than_those_that_go_together() -> None:
    result = normal(np.zeros((9, 1)))
    free = Dependence(np.zeros(3), np.eye(1), 0.0, np.zeros((0, 0)), 9)
    bound = Dependence(np.zeros(3), np.eye(1), 0.98, np.zeros((0, 0)), 9)
    spread = [
        np.std(paths(one, 9).values(result, np.arange(9)).sum(axis=1), axis=0)[0]
        for one in (free, bound)
    ]
    assert abs(spread[0] - 3.0) < 0.3
    assert abs(spread[1] - 9.0) < 0.5


def test_paths_of_a_series_do_not_depend_on_which_are_drawn_with_it() -> None:
    result = normal(np.zeros((6, 3)))
    dependence = Dependence.unknown(3)
    every = paths(dependence, 6)
    alone = result.rows(np.array([2, 3]))
    np.testing.assert_array_equal(
        every.values(result, np.arange(6))[:, 2:4], every.values(alone, np.array([2, 3]))
    )


def test_paths_are_never_below_the_floor_and_whole_numbers_keep_the_mean() -> None:
    result = normal(np.full((3, 5), 0.4), 1.0, floor=0.0)
    drawn = paths(Dependence.unknown(5), 3, samples=2000)
    values = drawn.values(result, np.arange(3))
    whole = drawn.whole(values, np.arange(3))
    assert values.min() == 0.0
    assert (whole == np.floor(whole)).all()
    assert whole.min() == 0.0
    np.testing.assert_allclose(whole.mean(), values.mean(), rtol=0.03)


def test_a_horizon_too_long_for_a_matrix_is_drawn_from_the_simple_structure() -> None:
    simple = np.array([0.2, 0.6, 0.9])
    dependence = Dependence(simple, np.zeros((0, 0)), 0.0, np.zeros((0, 0)), 1)
    drawn = Paths(dependence, 600, np.arange(1), 3000, 0).scores(np.array([0]))[:, 0]
    found = np.corrcoef(drawn[:, [0, 1, 10, 500]].T)
    np.testing.assert_allclose(found[0, 1:], [0.74, 0.2 + 0.6 * 0.9**10, 0.2], atol=0.06)


def test_a_damaged_dependence_is_refused() -> None:
    arrays = fit_dependence(np.random.default_rng(0).normal(size=(3, 2, 4))).to_arrays()
    again = Dependence.from_arrays(arrays, 4, 2)
    np.testing.assert_array_equal(again.steps, arrays["steps"])
    damaged = [
        {"steps": np.ones((4, 4))},
        {"steps": np.eye(3)},
        {"series": np.array([[1.0, 2.0], [2.0, 1.0]])},
        {"common and windows": np.array([1.5, 3.0])},
        {"simple": np.array([0.9, 0.9, 0.5])},
        {"simple": np.array([0.1, np.nan, 0.5])},
    ]
    for change in damaged:
        with pytest.raises(ModelError, match="dependence"):
            Dependence.from_arrays(arrays | change, 4, 2)
