"""Any series, any horizon, any company: a forecast is a matter of its own past."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.forecasting.pretrained.examples import (
    DESIGNS,
    PROMISED,
    Array,
    forecast,
    network_of,
    series_of,
    spread_of,
    walk,
)

from holdfast.forecasting.pretrained import forecast as forecasting
from holdfast.forecasting.pretrained.forecast import forecast_pretrained
from holdfast.forecasting.quantiles import QUANTILES

LENGTHS = (1, 2, 3, 4, 5, 6, 7, 13, 23, 24, 48, 49, 95, 97, 200)


def company() -> list[Array]:
    """Series of all lengths, with gaps and without, and one that holds nothing."""
    rows = [walk(length, length, gaps=0.3 * (length % 2)) for length in LENGTHS]
    return [np.full(30, np.nan), *rows, np.full(40, 3.0)]


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("positions", [8, forecasting.POSITIONS])
def test_a_series_is_forecast_in_company_as_alone(
    name: str, positions: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    network, rows = network_of(DESIGNS[name]), company()
    alone = [forecast(network, row, 11, 3, 12) for row in rows]
    monkeypatch.setattr(forecasting, "POSITIONS", positions)
    together = forecast_pretrained(network, series_of(rows), 11, 3, 12)
    for row, result, expected in zip(rows, together, alone, strict=True):
        allowed = 0.0 if np.isnan(row).all() else PROMISED * spread_of(row)
        np.testing.assert_allclose(result, expected, rtol=0.0, atol=allowed)


@pytest.mark.parametrize("name", DESIGNS)
def test_without_a_value_there_is_no_forecast_and_nobody_else_suffers(name: str) -> None:
    rows = company()
    result = forecast_pretrained(network_of(DESIGNS[name]), series_of(rows), 11, 3)
    assert result.shape == (len(rows), 11, len(QUANTILES))
    for row, one in zip(rows, result, strict=True):
        assert (np.isnan(one) if np.isnan(row).all() else np.isfinite(one)).all()


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("others", [0, 2])
def test_a_history_of_no_points_has_no_forecast_and_nobody_else_suffers(
    name: str, others: int
) -> None:
    network, rows = network_of(DESIGNS[name]), [walk(20, seed) for seed in range(others)]
    result = forecast_pretrained(network, series_of([np.zeros(0), *rows]), 9, 3)
    assert result.shape == (1 + others, 9, len(QUANTILES))
    assert np.isnan(result[0]).all()
    for row, one in zip(rows, result[1:], strict=True):
        expected = forecast(network, row, 9, 3)
        np.testing.assert_allclose(one, expected, rtol=0.0, atol=PROMISED * spread_of(row))


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("length", [1, 3, 30, 120])
def test_a_longer_forecast_begins_with_the_shorter_one(name: str, length: int) -> None:
    design = DESIGNS[name]
    network, row = network_of(design), walk(length, gaps=0.2)
    patch = design.patch
    longest = forecast(network, row, 20 * patch + 1, 7, 12)
    for horizon in (1, patch, patch + 1, 5 * patch, 20 * patch):
        shorter = forecast(network, row, horizon, 7, 12)
        assert shorter.shape == (horizon, len(QUANTILES))
        np.testing.assert_allclose(
            shorter, longest[:horizon], rtol=0.0, atol=PROMISED * spread_of(row)
        )


@pytest.mark.parametrize("name", DESIGNS)
def test_a_very_long_forecast_still_begins_with_the_shorter_one(name: str) -> None:
    design = DESIGNS[name]
    network, row = network_of(design), walk(30)
    # After so many half-lives a weight of float64 would be next to nothing.
    horizon = 120 * design.half_life
    longest = forecast(network, row, horizon, 7)
    np.testing.assert_allclose(
        forecast(network, row, 9, 7), longest[:9], rtol=0.0, atol=PROMISED * spread_of(row)
    )
    assert np.isfinite(longest).all()


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("length", [1, 5, 16])
def test_missing_values_at_the_end_are_steps_of_the_horizon(name: str, length: int) -> None:
    design = DESIGNS[name]
    network, row = network_of(design), walk(length)
    later = np.concatenate([row, np.full(2 * design.patch, np.nan)])
    np.testing.assert_allclose(
        forecast(network, later, 5, 7),
        forecast(network, row, 5 + 2 * design.patch, 7)[2 * design.patch :],
        rtol=0.0,
        atol=PROMISED * spread_of(row),
    )


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("season", [1, 8])
def test_missing_values_before_a_series_begins_change_nothing(name: str, season: int) -> None:
    network = network_of(DESIGNS[name])
    for length in (1, 5, 7, 18, 120):
        row = walk(length, length)
        expected = forecast(network, row, 9, season)
        for missing in (1, 3, 4, 6, 24, 300):
            later = np.concatenate([np.full(missing, np.nan), row])
            result = forecast(network, later, 9, season)
            allowed = PROMISED * spread_of(row)
            np.testing.assert_allclose(result, expected, rtol=0.0, atol=allowed)


@pytest.mark.parametrize("name", DESIGNS)
def test_what_lies_before_the_context_has_no_say(name: str) -> None:
    design = DESIGNS[name]
    network, row = network_of(design), walk(3 * design.context)
    np.testing.assert_allclose(
        forecast(network, row, 9, 7),
        forecast(network, row[-design.context :], 9, 7),
        rtol=0.0,
        atol=PROMISED * spread_of(row),
    )
    earlier = row.copy()
    earlier[-design.context] += 100.0
    assert not np.allclose(forecast(network, row, 9, 7), forecast(network, earlier, 9, 7))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(sorted(DESIGNS)), st.sampled_from([1, 2, 7, 999]))
def test_quantiles_never_cross_whatever_comes_in(seed: int, name: str, season: int) -> None:
    random = np.random.default_rng(seed)
    rows = [
        random.standard_cauchy(length) * 10.0 ** random.uniform(-30, 30)
        for length in random.integers(1, 80, 16)
    ]
    for row in rows:
        row[random.random(len(row)) < 0.3] = np.nan
        row[-1] = 5.0
    result = forecast_pretrained(network_of(DESIGNS[name], seed), series_of(rows), 14, season, 500)
    assert np.isfinite(result).all()
    assert (np.diff(result, axis=-1) >= 0.0).all()


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("unit", [1e-300, 1e-200, 1e160, 1e300])
def test_values_of_any_size_that_float64_holds_are_forecast(name: str, unit: float) -> None:
    network, row = network_of(DESIGNS[name]), walk(40)
    result = forecast(network, row * unit, 9, 7)
    np.testing.assert_allclose(
        result / unit, forecast(network, row, 9, 7), rtol=0.0, atol=PROMISED * spread_of(row)
    )
