"""Every past value is judged by a forecast that had not seen it."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from tests.forecasting.fits import fit, table
from tests.forecasting.pretrained.examples import (
    DESIGNS,
    PROMISED,
    network_of,
    series_of,
    spread_of,
    walk,
)

from holdfast import Forecaster
from holdfast.errors import ArgumentError
from holdfast.forecasting.pretrained.forecast import forecast_pretrained, one_step_quantiles

NAMES = np.array(["a", "b"], dtype=object)


@pytest.mark.parametrize("name", DESIGNS)
def test_one_pass_says_of_each_point_what_a_run_over_its_past_says(name: str) -> None:
    network = network_of(DESIGNS[name])
    context, patch = DESIGNS[name].context, DESIGNS[name].patch
    rows = [walk(context, 1), walk(context - patch - 1, 2, gaps=0.3), walk(3, 3)]
    series = series_of(rows)
    made = one_step_quantiles(network, series, 3, None, np.array([1, 5, 1]))
    for row, values in enumerate(rows):
        begin = 5 if row == 1 else 1
        own = made[series.offsets[row] : series.offsets[row + 1]]
        assert np.isnan(own[:begin]).all()
        for point in range(begin, len(values)):
            past = series_of([values[:point]])
            expected = forecast_pretrained(network, past, 1, 3, None)[0, 0]
            away = np.abs(own[point] - expected).max()
            assert away <= PROMISED * spread_of(values), (row, point)


def test_long_histories_are_covered_and_each_point_sees_half_a_context() -> None:
    name = next(iter(DESIGNS))
    design = DESIGNS[name]
    values = walk(3 * design.context + 1, 4)
    made = one_step_quantiles(network_of(design), series_of([values]), 3, None, np.array([1]))
    assert np.isfinite(made[1:]).all()
    changed = values.copy()
    changed[: design.context] += 100.0
    other = one_step_quantiles(network_of(design), series_of([changed]), 3, None, np.array([1]))
    np.testing.assert_allclose(other[-design.context :], made[-design.context :], rtol=1e-4)


def test_what_came_later_changes_no_forecast_of_the_past() -> None:
    frame = table(NAMES)
    forecaster = fit(frame)
    changed = frame.copy()
    changed.loc[frame["ds"] >= "2019-06-01", "y"] *= 3.0
    before, after = (
        forecaster.anomalies(one).set_index(["unique_id", "ds"]) for one in (frame, changed)
    )
    early = before.index.get_level_values("ds") <= "2019-06-01"
    np.testing.assert_allclose(after["holdfast"][early], before["holdfast"][early], rtol=1e-5)


def test_a_spike_is_found_and_ordinary_points_are_mostly_left_alone() -> None:
    random = np.random.default_rng(0)
    step = np.arange(300)
    frame = pd.DataFrame(
        {
            "unique_id": np.repeat(["a", "b", "c"], 300),
            "ds": np.tile(pd.date_range("2024-01-01", periods=300), 3),
            "y": np.concatenate(
                [
                    100 * size + size * (5 * np.sin(2 * np.pi * step / 7) + random.normal(size=300))
                    for size in (1, 10, 100)
                ]
            ),
        }
    )
    spiked = [100, 300 + 150, 600 + 299]
    clean = frame.copy()
    frame.loc[spiked, "y"] *= 1.3
    forecaster = Forecaster(7, season=7, adapt="none").fit(frame)
    found = forecaster.anomalies()
    assert list(found.columns) == [
        "unique_id", "ds", "y", "holdfast", "holdfast-lo-99", "holdfast-hi-99", "score",
        "anomaly", "note",
    ]  # fmt: skip
    assert len(found) == len(frame)
    assert sorted(found["score"].nlargest(3).index) == spiked
    assert found["anomaly"][spiked].all()
    share = forecaster.anomalies(clean, level=90)["anomaly"].mean()
    assert 0.05 < share < 0.15
    assert found["note"].unique().tolist() == ["too early to judge", ""]
    short = forecaster.anomalies(clean[clean["ds"] < "2024-01-20"])
    assert "99 % not calibrated" in set(short["note"])


def test_a_level_that_is_none_is_refused() -> None:
    with pytest.raises(ArgumentError, match="percentage between 0 and 100"):
        fit(table(NAMES)).anomalies(level=100)
