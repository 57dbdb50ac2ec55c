"""New errors are held against those of the backtest."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cli.command import command
from tests.forecasting.small import small_network

from holdfast import Forecaster
from holdfast.errors import TableError

HORIZON, SERIES = 6, 12


def frame_of(first: int, length: int, noise: float) -> pd.DataFrame:
    step = first + np.arange(length)
    frames = []
    for number in range(SERIES):
        random = np.random.default_rng(100 * number + first)
        frames.append(
            pd.DataFrame(
                {
                    "unique_id": f"s{number}",
                    "ds": pd.date_range("2010-01-01", periods=first + length, freq="MS")[first:],
                    "y": 50 + 8 * np.sin(2 * np.pi * step / 12) + random.normal(0, noise, length),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    with small_network():
        return Forecaster(HORIZON, season=12, adapt="none").fit(frame_of(0, 96, 1.0))


@pytest.mark.parametrize("length", [2, HORIZON, 15])
def test_errors_like_those_of_the_backtest_are_no_drift(
    forecaster: Forecaster, length: int
) -> None:
    made = forecaster.drift(frame_of(96, length, 1.0))
    assert not made.drifted
    assert made.windows == -(-length // HORIZON)
    assert 0.6 < made.ratio < 1.5
    assert made.sentence.endswith("no need to fit again.")
    assert made.coverage > 0.7


def test_errors_three_times_as_large_are(forecaster: Forecaster) -> None:
    made = forecaster.drift(frame_of(96, 12, 4.0))
    assert made.drifted
    assert made.ratio > 2 > made.limit > 1
    assert made.sentence.startswith(f"Errors are {made.ratio:.1f} times those of the backtest")
    assert made.sentence.endswith("fit again.")
    assert (made.series_ratio > 1).all()


def test_asking_leaves_the_model_as_it_is_and_a_saved_one_says_the_same(
    forecaster: Forecaster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    new = frame_of(96, 12, 4.0)
    before = forecaster.predict()
    expected = forecaster.drift(new).sentence
    pd.testing.assert_frame_equal(forecaster.predict(), before)
    forecaster.save(tmp_path / "model")
    new.to_csv(tmp_path / "new.csv", index=False)
    assert command(monkeypatch, "drift", tmp_path / "model", tmp_path / "new.csv", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sentence"] == expected


def test_without_new_values_or_a_backtest_there_is_nothing_to_compare(
    forecaster: Forecaster,
) -> None:
    with pytest.raises(TableError, match="no values behind the end"):
        forecaster.drift(frame_of(0, 96, 1.0))
    with small_network():
        short = Forecaster(HORIZON, season=12, adapt="none").fit(frame_of(0, 8, 1.0))
    with pytest.raises(TableError, match="no backtest to compare with"):
        short.drift(frame_of(8, 3, 1.0))
