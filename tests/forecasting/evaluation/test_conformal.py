"""Intervals: they cover what they say, they nest, and a level with too few scores is marked."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.forecasting.evaluation.conformal import (
    Widths,
    apply_calibration,
    calibrate,
    log_binomial,
    mix_widths,
    residual_widths,
    scale_widths,
    scores_needed,
    series_factors,
    uncalibrated,
    width_unit,
)
from holdfast.forecasting.evaluation.metrics import inside
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

LEVELS = (50.0, 80.0, 90.0, 95.0)


def equal_widths(shape: tuple[int, ...], size: float = 1.0) -> Widths:
    result = {level: np.full(shape, size) for level in LEVELS}
    return Widths(result, dict(result))


@pytest.mark.parametrize("steps", [1, 12, 48])
@pytest.mark.parametrize("skewed", [False, True])
def test_coverage_on_exchangeable_windows_is_the_level(steps: int, skewed: bool) -> None:
    random = np.random.default_rng(steps)
    series = 600
    error = (
        random.gumbel(size=(4, series, steps)) if skewed else random.normal(size=(4, series, steps))
    )
    centre = np.full((4, series, steps), 10.0)
    width = np.broadcast_to(1.0 + np.arange(steps) / 10.0, error.shape)
    widths = Widths(dict.fromkeys(LEVELS, width), dict.fromkeys(LEVELS, width))
    actual = centre + error * width
    calibration = calibrate(centre[:2], actual[:2], widths.at([0, 1]))
    result = apply_calibration(centre[2:], widths.at([2, 3]), calibration)
    points = 2 * series * steps
    for level in LEVELS:
        hit = inside(actual[2:], result.lower[level], result.upper[level]).mean()
        share = level / 100.0
        # Both the calibration and the test have binomial noise; four standard deviations of both.
        assert abs(hit - share) < 4 * np.sqrt(2 * share * (1 - share) / points) + 2 / points
        for outside in (actual[2:] < result.lower[level], actual[2:] > result.upper[level]):
            tail = (1 - share) / 2
            assert (
                abs(outside.mean() - tail)
                < 4 * np.sqrt(2 * tail * (1 - tail) / points) + 2 / points
            )


def test_a_series_left_outside_all_the_time_widens_the_level() -> None:
    random = np.random.default_rng(0)
    # One error a window, at all of its steps: pooled coverage is right, a tenth is always outside.
    error = np.repeat(random.normal(size=(2, 300, 1)), 48, axis=2)
    centre = np.zeros_like(error)
    widths = equal_widths(error.shape)
    calibration = calibrate(centre[:1], error[:1], widths.at([0]))
    result = apply_calibration(centre[1], widths.at(1), calibration)
    covered = inside(error[1], result.lower[90.0], result.upper[90.0]).mean(axis=1)
    # At most one in twenty, with four standard deviations for the two samples of 300.
    assert (covered < 0.7).mean() < 0.05 + 4 * np.sqrt(2 * 0.05 * 0.95 / 300)


def test_the_number_of_scores_a_level_needs() -> None:
    assert [scores_needed(level) for level in (50.0, 80.0, 90.0, 95.0, 99.0)] == [3, 9, 19, 39, 199]


@pytest.mark.parametrize("windows", [8, 9, 18, 19, 38, 39])
def test_a_level_with_too_few_windows_is_marked(windows: int) -> None:
    # Steps are not scores: 50 steps a window calibrate no more than one.
    error = np.random.default_rng(0).normal(size=(1, windows, 50)) * 7.0
    calibration = calibrate(np.zeros_like(error), error, equal_widths(error.shape))
    assert calibration.scores == windows
    for level in LEVELS:
        assert calibration.calibrated[level] == (windows >= scores_needed(level))


def test_an_uncalibrated_level_moves_towards_the_mean_error_and_not_beyond() -> None:
    def multiplier(windows: int) -> float:
        error = np.random.default_rng(0).choice([-1.0, 1.0], size=(1, windows, 50))
        # The half-width that a 90 % interval of a normal error half as large on average has.
        half = 0.5 * 1.6449 * np.sqrt(np.pi / 2.0)
        result = calibrate(np.zeros_like(error), error, equal_widths(error.shape, half))
        assert result.calibrated[90.0] is False
        assert (result.lower[90.0] == result.upper[90.0]).all()
        return float(result.lower[90.0][0])

    assert 1.0 < multiplier(1) < multiplier(3) < multiplier(18) < 2.0
    assert multiplier(3) == pytest.approx(np.sqrt(2.0), rel=1e-4)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 10_000), st.integers(1, 60), st.integers(1, 30))
def test_wider_levels_contain_narrower_ones_and_the_centre(
    seed: int, windows: int, steps: int
) -> None:
    random = np.random.default_rng(seed)
    shape = (2, windows, steps)
    width = {level: random.exponential(size=shape) for level in LEVELS}  # crossing base widths
    widths = Widths(width, {level: random.exponential(size=shape) for level in LEVELS})
    centre, actual = random.normal(size=shape), random.standard_cauchy(size=shape)
    actual[random.random(shape) < 0.2] = np.nan
    for calibration in (calibrate(centre, actual, widths), uncalibrated(widths, steps)):
        result = apply_calibration(centre, widths, calibration)
        inner_low = inner_high = centre
        for level in LEVELS:
            assert (result.lower[level] <= inner_low).all()
            assert (result.upper[level] >= inner_high).all()
            inner_low, inner_high = result.lower[level], result.upper[level]


def test_gaps_and_zero_widths_leave_the_multipliers_alone() -> None:
    random = np.random.default_rng(0)
    error = random.normal(size=(1, 50, 4))
    widths = equal_widths(error.shape)
    plain = calibrate(np.zeros_like(error), error, widths)
    more = np.concatenate([error, np.full((1, 20, 4), np.nan), np.full((1, 20, 4), 99.0)], axis=1)
    wide = {level: np.ones(more.shape) for level in LEVELS}
    for level in LEVELS:
        wide[level][:, 70:] = 0.0
    with_odd = calibrate(np.zeros_like(more), more, Widths(wide, wide), by_step=False)
    # The count of windows enters through (n + 1)/n only.
    np.testing.assert_allclose(with_odd.upper[50.0], plain.upper[50.0], rtol=0.05)


def test_residual_widths_grow_with_the_step_and_fit_a_random_walk() -> None:
    walk = np.random.default_rng(0).normal(size=(200, 400)).cumsum(axis=1)
    series = SeriesSet.from_arrays({f"s{i}": row for i, row in enumerate(walk)}, Calendar.integer())
    width = residual_widths(series, 1, 16, [80.0]).upper[80.0]
    assert (np.diff(width, axis=1) >= 0).all()
    # 1.2816 standard deviations, √k of them; the mean of 200 series is within 5 % (its own
    # standard error is below 2 %).
    np.testing.assert_allclose(width.mean(axis=0), 1.2816 * np.sqrt(np.arange(1, 17)), rtol=0.05)


@pytest.mark.parametrize(
    ("values", "zero"),
    [([5.0] * 30, True), ([7.0], False), ([1.0, 2.0], False), ([3.0, np.nan, 4.0, 4.5], False)],
)
def test_only_a_constant_series_has_no_width(values: list[float], zero: bool) -> None:
    series = SeriesSet.from_arrays({"a": values}, Calendar.integer())
    for season in (1, 12):
        width = residual_widths(series, season, 15, [80.0, 95.0])
        assert np.isfinite(width.upper[95.0]).all()
        assert (width.upper[95.0] == 0).all() == zero
        assert ((width.upper[95.0] > width.upper[80.0]).all()) == (not zero)


def test_a_series_that_errs_more_than_its_widths_say_gets_wider_ones() -> None:
    random = np.random.default_rng(0)
    error = random.normal(size=(2, 40, 24))
    error[:, 0] *= 3.0
    error[:, 1] = np.nan
    factors = series_factors(error, equal_widths(error.shape))
    assert 1.5 < factors[0] < 3.0  # shrunk: two windows count two thirds
    assert factors[1] == 1.0
    scaled = scale_widths(equal_widths(error.shape), factors)
    assert scaled.lower[80.0][1, 0, 0] == factors[0]
    # Two folds that overlap say no more than one about how far to go.
    once = series_factors(error, equal_widths(error.shape), np.array([False, True]))
    assert 1.0 < once[0] < factors[0]
    assert once[0] == pytest.approx(factors[0] ** 0.75)
    assert (series_factors(error[:0], equal_widths(error[:0].shape)) == 1.0).all()


def test_where_the_network_has_no_width_the_residuals_stand_in_at_its_size() -> None:
    network, residual = equal_widths((3, 2), 4.0), equal_widths((3, 2), 2.0)
    for level in LEVELS:
        network.lower[level][0] = np.nan
    unit = width_unit(network, residual)
    assert unit == pytest.approx(2.0)
    for share in (0.0, 0.5, 1.0):
        result = mix_widths(network, residual, share, unit)
        np.testing.assert_allclose(result.lower[80.0][0], result.lower[80.0][1], rtol=1e-12)
    assert mix_widths(None, residual, 0.5, unit) is residual


@pytest.mark.parametrize("steps", [1024, 2000])
def test_a_horizon_of_a_thousand_steps_is_calibrated(steps: int) -> None:
    random = np.random.default_rng(0)
    error = random.normal(size=(1, 40, steps))
    calibration = calibrate(np.zeros_like(error), error, equal_widths(error.shape))
    for level in LEVELS:
        share = NormalDist().inv_cdf(0.5 + level / 200.0)
        # All 40,000 scores are independent: the quantile of 40 windows' would be 1.9 times as far.
        assert 0.97 * share < calibration.upper[level][0] < 1.03 * share


def test_bad_windows_by_chance_are_those_of_the_binomial() -> None:
    for count, share in ((12, 0.1), (48, 0.2), (700, 0.05)):
        exact = [math.comb(count, k) * share**k * (1 - share) ** (count - k) for k in range(40)]
        ours = [math.exp(log_binomial(count, k, share)) for k in range(min(count, 39) + 1)]
        # Logarithms of 10^3 have an absolute error of 10^3 roundings.
        np.testing.assert_allclose(ours, exact[: len(ours)], rtol=1e-11)


def test_steps_of_a_long_horizon_follow_their_own_errors() -> None:
    # The spread grows from 1 to 3 along the horizon; few quantiles are taken, all steps follow.
    steps = 720
    spread = np.linspace(1.0, 3.0, steps)
    error = np.random.default_rng(0).normal(size=(4, 500, steps)) * spread
    calibration = calibrate(np.zeros_like(error), error, equal_widths(error.shape))
    by_step = calibration.upper[80.0] / (1.2816 * spread)
    middle = slice(steps // 8, -steps // 8)  # at the ends the neighbours lie on one side
    # One in 21 of the weight is the pooled multiplier, which is at most twice or half of a step's.
    np.testing.assert_allclose(by_step[middle], 1.0, atol=0.06)
    assert (np.diff(calibration.upper[80.0][middle]) > -0.01).all()


def test_folds_that_overlap_do_not_calibrate_a_level() -> None:
    error = np.random.default_rng(0).normal(size=(45, 1, 12))
    independent = np.arange(45) % 12 == 8
    calibration = calibrate(
        np.zeros_like(error), error, equal_widths(error.shape), independent=independent
    )
    assert calibration.scores == 4
    assert calibration.calibrated == {50.0: True, 80.0: False, 90.0: False, 95.0: False}


@pytest.mark.parametrize("kept", [0.0, 0.8, 1.0])
def test_new_windows_are_covered_as_promised_however_much_their_steps_err_together(
    kept: float,
) -> None:
    draws = np.random.default_rng(1)
    inside = {level: [] for level in (80.0, 90.0)}
    for _ in range(150):
        error = draws.normal(size=(41, 1, 12))
        for step in range(1, 12):
            new = np.sqrt(1.0 - kept**2) * error[..., step]
            error[..., step] = kept * error[..., step - 1] + new
        past, later = error[:21], error[21:]
        widths = equal_widths(past.shape)
        result = calibrate(np.zeros_like(past), past, widths, by_step=False)
        for level, hits in inside.items():
            low = -widths.lower[level][0] * result.lower[level]
            high = widths.upper[level][0] * result.upper[level]
            hits.append(np.mean((later[:, 0] >= low) & (later[:, 0] <= high)))
    for level, hits in inside.items():
        # Two tails of 21 windows: what (n + 1)/n adds where all steps of a window are one.
        assert 100 * np.mean(hits) > level - 1.0
        if kept == 0.0:
            assert 100 * np.mean(hits) < level + 1.5
