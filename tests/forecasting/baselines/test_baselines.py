"""The simple methods against plain loops, and on the series that break forecasters."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.forecasting.baselines import IN_MEAN, forecast_simple, naive2, simple_methods
from holdfast.forecasting.baselines.decomposition import deseasonalise, is_seasonal
from holdfast.forecasting.baselines.naive import seasonal_naive
from holdfast.forecasting.baselines.seasonal_mean import seasonal_mean
from holdfast.forecasting.baselines.smoothing import damped_ets, fit_damped_trend, fit_level
from holdfast.forecasting.baselines.theta import theta
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet, never_negative


def series_of(*rows: object) -> SeriesSet:
    return SeriesSet.from_arrays({f"s{i}": row for i, row in enumerate(rows)}, Calendar.integer())


def walks(count: int, length: int, seed: int = 0) -> np.ndarray:
    return 50.0 + np.cumsum(np.random.default_rng(seed).normal(size=(count, length)), axis=1)


def smoothed(values: np.ndarray, alpha: float, level: float) -> tuple[np.ndarray, float]:
    """One-step errors (0 in gaps) and the last level: the recursion of the textbook."""
    errors = []
    for value in values:
        error = 0.0 if np.isnan(value) else value - level
        errors.append(error)
        level += alpha * error
    return np.array(errors), level


def best_start(values: np.ndarray, alpha: float) -> tuple[float, float]:
    """Least squared error over the initial level, and the last level."""
    base, _ = smoothed(values, alpha, 0.0)
    response = base - smoothed(values, alpha, 1.0)[0]
    start = float(np.linalg.lstsq(response[:, None], base, rcond=None)[0][0])
    errors, level = smoothed(values, alpha, start)
    return float(errors @ errors), level


def test_smoothing_finds_the_parameter_and_the_start_of_least_error() -> None:
    history = walks(6, 40)
    history[2, 10:15] = np.nan
    history[3, :20] = np.nan
    history[4] = np.random.default_rng(1).normal(size=40)
    fit = fit_level(history.T)
    for row in range(len(history)):
        values = history[row][~np.isnan(history[row]).cumprod().astype(bool)]
        error, level = best_start(values, fit.alpha[row])
        assert fit.level[row] == pytest.approx(level, rel=1e-9)
        elsewhere = [best_start(values, alpha)[0] for alpha in np.linspace(0.005, 0.995, 100)]
        assert error <= min(elsewhere) * (1 + 1e-3)


def damped(values: np.ndarray, alpha: float, beta: float, phi: float) -> tuple[float, float, float]:
    """Squared one-step error, level and trend of the textbook's recursion."""
    seen = np.flatnonzero(~np.isnan(values))[:20]
    trend, start = np.polyfit(seen + 1.0, values[seen], 1)
    level, total = start, 0.0
    for value in values:
        trend *= phi
        level += trend
        error = 0.0 if np.isnan(value) else value - level
        level += alpha * error
        trend += beta * error
        total += error**2
    return total, level, trend


def test_damped_trend_follows_its_recursion_and_beats_a_grid() -> None:
    history = walks(5, 50, seed=3) + np.arange(50.0)
    history[1, 20:23] = np.nan
    history[2, :25] = np.nan
    fit = fit_damped_trend(history.T)
    forecast = damped_ets(history, 3)
    for row in range(len(history)):
        values = history[row][~np.isnan(history[row]).cumprod().astype(bool)]
        alpha, share, phi = fit.alpha[row], fit.share[row], fit.phi[row]
        error, level, trend = damped(values, alpha, alpha * share, phi)
        expected = [level + sum(phi**i for i in range(1, k + 1)) * trend for k in (1, 2, 3)]
        np.testing.assert_allclose(forecast[row], expected, rtol=1e-9)
        grid = [
            damped(values, a, a * s, p)[0]
            for a in (0.1, 0.3, 0.6, 0.9)
            for s in (0.02, 0.15, 0.5)
            for p in (0.8, 0.9, 0.98)
        ]
        assert error <= min(grid) * (1 + 1e-12)


def test_theta_is_the_mean_of_its_two_lines() -> None:
    values = walks(1, 30, seed=5)
    time = np.arange(1.0, 31.0)
    slope, intercept = np.polyfit(time, values[0], 1)
    doubled = 2.0 * values[0] - (intercept + slope * time)
    alpha = fit_level(doubled[:, None]).alpha[0]
    _, level = best_start(doubled, alpha)
    ahead = np.arange(31.0, 35.0)
    expected = 0.5 * (level + intercept + slope * ahead)
    np.testing.assert_allclose(theta(values, 4)[0], expected, rtol=1e-9)


def test_seasonal_naive_takes_the_last_observed_value_of_the_phase() -> None:
    history = np.array([[1.0, 2.0, 3.0, 4.0, np.nan, 6.0], [np.nan] * 5 + [8.0]])
    assert seasonal_naive(history, 3, 4).tolist() == [[4.0, 2.0, 6.0, 4.0], [8.0] * 4]


def test_naive2_repeats_the_season_of_a_seasonal_series() -> None:
    pattern = np.array([1.0, 2.0, 4.0, 1.0])
    series = series_of(np.tile(pattern, 8) * 10.0)
    np.testing.assert_allclose(naive2(series, 4, 6)[0], 10.0 * np.tile(pattern, 2)[:6])


def test_the_season_is_found_where_there_is_one() -> None:
    random = np.random.default_rng(0)
    noise = random.normal(size=(200, 96))
    wave = 5.0 * np.sin(np.arange(96) * 2 * np.pi / 12)
    assert is_seasonal(noise + wave, 12).all()
    # A 90 % test: a tenth of pure noise passes, within four standard deviations.
    assert is_seasonal(noise, 12).mean() < 0.1 + 4 * np.sqrt(0.09 / 200)
    assert not is_seasonal(np.full((1, 96), 3.3), 12).any()
    assert not is_seasonal((noise + wave)[:, :35], 12).any()  # less than three seasons


@pytest.mark.parametrize("shift", [0.0, -500.0])
def test_decomposition_takes_out_what_it_puts_back(shift: float) -> None:
    pattern = np.tile([3.0, -1.0, -2.0, 0.0], 10)
    history = (100.0 + pattern + shift)[None]
    season = deseasonalise(history, 4)
    assert season.found.all()
    assert np.ptp(season.adjusted) < 0.02 * np.ptp(pattern) + 1e-9
    np.testing.assert_allclose(season.restore(season.adjusted[:, :8]), history[:, :8])


def test_seasonal_mean_leans_on_the_week_where_weeks_repeat() -> None:
    random = np.random.default_rng(0)
    week = random.uniform(50.0, 150.0, size=168)
    weekly = np.tile(week, 5)
    daily = np.tile(week[:24], 35) * np.exp(np.arange(35 * 24) / 300.0)
    history = np.stack([weekly, daily]) + random.normal(size=(2, 840))
    result = seasonal_mean(history, 24, 48)
    naive_error = np.abs(seasonal_naive(history, 24, 48)[0] - week[:48]).mean()
    assert np.abs(result[0] - week[:48]).mean() < 0.2 * naive_error
    # On a trend it must not fall back on three weeks ago.
    ahead = np.tile(week[:24], 2) * np.exp(np.arange(840, 888) / 300.0)
    assert (
        np.abs(result[1] - ahead).mean() < np.abs(seasonal_naive(history, 24, 48)[1] - ahead).mean()
    )


ODD_SERIES = {
    "single point": [3.0],
    "two points": [3.0, 4.0],
    "shorter than a season": [3.0, 1.0, 2.0, 5.0, 4.0],
    "constant": [5.0] * 60,
    "zeros": [0.0] * 60,
    "negative": list(-np.arange(1.0, 61.0)),
    "mixed signs": list(np.sin(np.arange(60.0)) * 10),
    "huge": list(1e30 * (1 + np.arange(60.0) % 12)),
    "tiny": list(1e-30 * (1 + np.arange(60.0) % 12)),
    "one value in gaps": [np.nan] * 30 + [2.0] + [np.nan] * 29,
    "gap at the end": list(np.arange(48.0)) + [np.nan] * 12,
    "every second missing": [np.nan if i % 2 else float(i % 12) for i in range(60)],
    "long gap": [1.0, 2.0, 3.0] + [np.nan] * 1500 + [4.0],
    "intermittent": [0.0 if i % 7 else 5.0 for i in range(60)],
}


@pytest.mark.parametrize("season", [1, 12, 24])
@pytest.mark.parametrize("name", ODD_SERIES)
def test_every_observed_series_gets_finite_forecasts(name: str, season: int) -> None:
    result = forecast_simple(series_of(ODD_SERIES[name]), season, 30)
    assert set(result) == {*simple_methods(season), "Mean"}
    for forecast in result.values():
        assert forecast.shape == (1, 30)
        assert np.isfinite(forecast).all()


def test_a_series_without_observations_gets_nan_and_disturbs_no_other() -> None:
    row = walks(1, 80)[0]
    alone = forecast_simple(series_of(row), 4, 5)
    beside = forecast_simple(series_of([], row, [np.nan] * 3, [1.0] * 2000), 4, 5)
    for name, forecast in beside.items():
        assert np.isnan(forecast[[0, 2]]).all()
        np.testing.assert_allclose(forecast[1], alone[name][0], rtol=1e-9)


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.floats(1e-6, 1e9), st.sampled_from([1, 4, 24]))
def test_a_change_of_unit_changes_only_the_unit(seed: int, factor: float, season: int) -> None:
    random = np.random.default_rng(seed)
    row = 10.0 + random.normal(size=150).cumsum() + 3.0 * np.sin(np.arange(150) * np.pi / 2)
    one = forecast_simple(series_of(row), season, 6)
    other = forecast_simple(series_of(row * factor), season, 6)
    for name, forecast in one.items():
        np.testing.assert_allclose(other[name], forecast * factor, rtol=1e-6)


def test_a_negative_additive_series_shifts_with_its_level() -> None:
    row = walks(1, 60, seed=2)[0] - 1000.0
    one = forecast_simple(series_of(row), 1, 6)
    other = forecast_simple(series_of(row - 500.0), 1, 6)
    for name, forecast in one.items():
        # The search for parameters ends within 2^-6 of its first step: forecasts agree to that.
        np.testing.assert_allclose(other[name], forecast - 500.0, atol=0.02 * np.std(row))


def test_what_never_was_negative_is_not_forecast_negative() -> None:
    falling = np.maximum(100.0 - 5.0 * np.arange(20.0), 0.0)
    for forecast in forecast_simple(series_of(falling), 1, 24).values():
        assert (forecast >= 0).all()


def test_a_series_that_was_negative_once_however_long_ago_has_no_floor() -> None:
    falling = np.maximum(100.0 - 0.05 * np.arange(2010.0), 0.0)
    once = np.concatenate([[-1.0], falling])
    series = series_of(falling, once, [], [np.nan, -2.0, np.nan], [0.0])
    assert never_negative(series).tolist() == [0.0, -np.inf, 0.0, -np.inf, 0.0]
    result = forecast_simple(series, 1, 24)
    for name in ("Theta", "DampedETS"):
        assert (result[name][0] >= 0).all()
        np.testing.assert_array_equal(result[name][0], np.maximum(result[name][1], 0.0))


def test_the_mean_is_that_of_three_methods() -> None:
    result = forecast_simple(series_of(walks(1, 60)[0]), 4, 5)
    expected = sum(result[name] for name in IN_MEAN) / 3.0
    np.testing.assert_allclose(result["Mean"], expected, rtol=1e-12)
