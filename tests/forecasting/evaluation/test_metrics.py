"""Scores against utilsforecast's, and what ours do where there is nothing to score."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import utilsforecast.losses as theirs

from holdfast.forecasting.evaluation import metrics
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

N, K, L, SEASON = 4, 6, 40, 4


@pytest.fixture
def data() -> tuple[np.ndarray, np.ndarray, np.ndarray, SeriesSet, pd.DataFrame, pd.DataFrame]:
    random = np.random.default_rng(0)
    past = random.normal(10.0, 3.0, size=(N, L))
    actual = random.normal(10.0, 3.0, size=(N, K))
    forecast = actual + random.normal(size=(N, K))
    half = random.uniform(0.1, 2.0, size=(N, K))
    series = SeriesSet.from_arrays({f"s{i}": past[i] for i in range(N)}, Calendar.integer())

    def long(values: np.ndarray, first: int) -> pd.DataFrame:
        return pd.DataFrame(
            {
                "unique_id": np.repeat([f"s{i}" for i in range(N)], values.shape[1]),
                "ds": np.tile(np.arange(first, first + values.shape[1]), N),
                "y": values.ravel(),
            }
        )

    frame = long(actual, L).assign(m=forecast.ravel())
    frame["m-lo-90"], frame["m-hi-90"] = (forecast - half).ravel(), (forecast + half).ravel()
    return actual, forecast, half, series, frame, long(past, 0)


def test_smape_is_twice_that_of_utilsforecast(data) -> None:
    actual, forecast, _, _, frame, _ = data
    ours = metrics.smape(actual, forecast).mean(axis=1) / 200.0
    np.testing.assert_allclose(ours, theirs.smape(frame, ["m"])["m"], rtol=1e-12)


def test_mase_is_that_of_utilsforecast(data) -> None:
    actual, forecast, _, series, frame, past = data
    scale = metrics.seasonal_scale(series, SEASON)
    ours = metrics.scaled_error(actual, forecast, scale).mean(axis=1)
    expected = theirs.mase(frame, ["m"], seasonality=SEASON, train_df=past)["m"]
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


@pytest.mark.parametrize("quantile", [0.1, 0.5, 0.95])
def test_pinball_is_that_of_utilsforecast(data, quantile: float) -> None:
    actual, forecast, _, _, frame, _ = data
    expected = theirs.quantile_loss(frame, {"m": "m"}, q=quantile)["m"]
    ours = metrics.pinball(actual, forecast, quantile).mean(axis=1)
    np.testing.assert_allclose(ours, expected, rtol=1e-12)


def test_interval_score_and_coverage_are_those_of_utilsforecast(data) -> None:
    actual, forecast, half, _, frame, _ = data
    lower, upper = forecast - half, forecast + half
    np.testing.assert_allclose(
        metrics.interval_score(actual, lower, upper, 90.0).mean(axis=1),
        theirs.winkler_score(frame, ["m"], level=90)["m"],
        rtol=1e-12,
    )
    np.testing.assert_array_equal(
        metrics.inside(actual, lower, upper).mean(axis=1),
        theirs.coverage(frame, ["m"], level=90)["m"],
    )


def test_owa_of_seasonal_naive_on_m4_hourly_is_the_organisers() -> None:
    assert metrics.owa(13.912, 1.193, 18.383, 2.395) == pytest.approx(0.627453623361059, abs=1e-4)


def test_gaps_in_the_actuals_change_no_score() -> None:
    actual, forecast = np.array([[1.0, np.nan, 3.0]]), np.array([[2.0, 9.0, 3.0]])
    kept = [0, 2]
    for score in (metrics.smape, lambda a, f: metrics.pinball(a, f, 0.3)):
        with_gap = metrics.mean_observed(score(actual, forecast))
        assert with_gap == score(actual[:, kept], forecast[:, kept]).mean()
    assert np.isnan(metrics.mean_observed(np.array([np.nan])))
    assert metrics.weighted_quantile_loss(actual, forecast, 0.5) == pytest.approx(1.0 / 4.0)


@pytest.mark.parametrize(
    ("values", "season", "expected"),
    [
        ([1.0, 2.0, 4.0], 1, 1.5),
        ([1.0, 2.0, 4.0], 12, 1.5),  # shorter than a season: from point to point
        ([1.0, 3.0, 1.0, 3.0], 2, 2.0),  # a perfect season: from point to point
        ([1.0, 3.0, 1.0, 3.0 + 4e-16], 2, 2.0),  # a season that is perfect but for rounding
        ([5.0, 5.0, 5.0], 1, 5.0),  # a constant: its size
        ([0.1 + 0.2, 0.3, 0.3], 1, 0.3),  # and but for rounding
        ([0.0, 0.0], 1, 1.0),
        ([7.0], 1, 7.0),
        ([np.nan, np.nan], 1, 1.0),
        ([1.0, np.nan, 4.0, 6.0], 1, 2.0),  # no pair across a gap
    ],
)
def test_the_scale_is_positive_for_every_series(
    values: list[float], season: int, expected: float
) -> None:
    around = {"before": [100.0, 0.0], "it": values, "after": [9.0, -9.0]}
    series = SeriesSet.from_arrays(around, Calendar.integer())
    assert metrics.seasonal_scale(series, season)[1] == pytest.approx(expected, rel=1e-15)
