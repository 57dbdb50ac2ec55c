"""Short, odd and ended series are forecast all the same, and a note says what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.forecasting.monthly import HORIZON, fitted, long_frame, numbers

from holdfast import Forecaster

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return fitted(long_frame())


def test_odd_series_get_a_forecast_and_a_note() -> None:
    frame = long_frame(series=3)
    months = pd.date_range("2015-01-01", periods=96, freq="MS")
    odd = {
        "constant": np.full(96, 7.0),
        "zeros": np.zeros(96),
        "single": np.array([5.0]),
        "three": np.array([1.0, 2.0, 3.0]),
        "huge": 1e30 * np.arange(1.0, 97.0),
        "gappy": np.where(np.arange(96) % 3 == 0, np.nan, np.arange(96.0)),
        "gap at the end": np.where(np.arange(96) > 85, np.nan, np.arange(96.0)),
    }
    extra = [
        pd.DataFrame({"unique_id": name, "ds": months[-len(values) :], "y": values})
        for name, values in odd.items()
    ]
    made = fitted(pd.concat([frame, *extra], ignore_index=True)).predict()
    assert len(made) == 10 * HORIZON
    assert np.isfinite(numbers(made)).all()
    notes = made.groupby("unique_id")["note"].first()
    assert "constant" in notes["constant"]
    assert "single value" in notes["single"]
    assert "10 values are missing" in notes["gap at the end"]
    constant = made[made["unique_id"] == "constant"]
    np.testing.assert_allclose(constant["holdfast"], 7.0, rtol=1e-3)
    assert (made["holdfast-lo-80"][made["unique_id"] == "zeros"] >= 0).all()


def test_a_three_row_series_and_a_horizon_of_24_is_half_the_network_s() -> None:
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1.0, 2.0, 4.0]})
    made = Forecaster(24).fit(frame).predict(members=True)
    assert len(made) == 24
    assert np.isfinite(numbers(made)).all()
    # Too short for a backtest: half is the pretrained network's, half the simple methods'.
    assert "0.50 Pretrained" in made["method"].iloc[0]
    assert "not calibrated" in made["note"].iloc[0]
    simple = made[["SeasonalNaive", "SeasonalMean", "Theta", "DampedETS"]].mean(axis=1)
    expected = np.maximum(0.5 * (made["Pretrained"] + simple), 0)
    np.testing.assert_allclose(made["holdfast"], expected)


def test_a_history_of_one_value_is_forecast_by_the_network_too(forecaster: Forecaster) -> None:
    single = long_frame(series=1, length=1).assign(unique_id="newborn")
    made = forecaster.predict(single, members=True)
    assert np.isfinite(numbers(made)).all()
    assert np.isfinite(made["Pretrained"]).all()
    assert "too few" not in made["note"].iloc[0]


def test_notes_say_the_verdict_in_the_same_words_everywhere() -> None:
    frame = long_frame(series=3)
    frame.loc[frame["unique_id"].eq("s1") & (frame["ds"] > "2022-06-01"), "y"] += 60.0
    made = fitted(frame)
    record = made.record()
    assert record.trust is not None
    assert record.trust.verdicts[0] == "trust"
    assert record.trust.verdicts[1] != "trust"
    (first, *_) = record.trust.findings[1]
    assert "above the level before" in first
    notes = made.predict().groupby("unique_id")["note"].first()
    assert notes["s1"].startswith(f"{record.trust.verdicts[1]}: {first}")
    assert tuple(notes) == record.note
    assert sum(record.trust.counts.values()) == 3
    assert any("reads the" in sentence for sentence in record.trust.rests_on)


def test_what_past_folds_said_is_kept_in_the_model_folder(tmp_path: Path) -> None:
    made = fitted(long_frame(series=2))
    made.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model")
    kept, stored = made._fitted_model().past, again._fitted_model().past
    assert kept is not None
    assert stored is not None
    np.testing.assert_array_equal(kept.to_array(), stored.to_array())
    assert made.predict()["note"].tolist() == again.predict()["note"].tolist()


@pytest.mark.parametrize("gap", [20, 300, 1500])
def test_a_series_that_ended_long_ago_is_forecast_and_marked(gap: int) -> None:
    day = np.arange(2000)
    y = 50.0 + 8.0 * (day % 7 == 6)
    y[-gap:] = np.nan
    both = pd.DataFrame(
        {
            "unique_id": np.repeat(["ended", "alive"], 2000),
            "ds": np.tile(pd.date_range("2015-01-01", periods=2000, freq="D"), 2),
            "y": np.concatenate([y, 50.0 + 8.0 * (day % 7 == 6) + 0.1 * (day % 5)]),
        }
    )
    made = fitted(both, season=7).predict(members=True)
    ended = made[made["unique_id"] == "ended"]
    assert np.isfinite(numbers(ended)).all()
    assert ended["note"].iloc[0].startswith(f"do not trust: the last {gap:,} values are missing")
    # The phase of the week is that of the calendar: the peak is where it was.
    peaks = 50.0 + 8.0 * ((2000 + np.arange(HORIZON)) % 7 == 6)
    np.testing.assert_allclose(ended["SeasonalNaive"], peaks)
    bounds = ended["holdfast-hi-90"] - ended["holdfast-lo-90"]
    assert (bounds > 0).all()
