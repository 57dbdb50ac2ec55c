"""statsforecast beside ours: the same folds, a limit that holds, and words for the rest."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from tests.cli.command import command, one_sentence
from tests.forecasting.odd_tables import daily
from tests.forecasting.small import small_network

from holdfast import Forecaster
from holdfast.errors import ArgumentError, InputError
from holdfast.forecasting.backtest import backtest_data
from holdfast.forecasting.baselines import statsforecast
from holdfast.tables.read import ReadOptions, read

STAND_IN = """
import time
import numpy as np

class AutoTheta:
    wait = 0.0
    def __init__(self, season_length):
        self.season = season_length
    def forecast(self, y, h):
        time.sleep(self.wait)
        assert not np.isnan(y).any()
        return {"mean": np.full(h, y[-1] + self.season)}

class AutoETS(AutoTheta):
    def forecast(self, y, h):
        raise NotImplementedError("tiny datasets")

class AutoARIMA(AutoTheta):
    wait = WAIT
"""


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, wait: float) -> None:
    """A statsforecast whose AutoARIMA takes a while."""
    (folder / "statsforecast").mkdir()
    (folder / "statsforecast" / "__init__.py").write_text("")
    (folder / "statsforecast" / "models.py").write_text(STAND_IN.replace("WAIT", str(wait)))
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setenv("PYTHONPATH", str(folder), prepend=":")


def table() -> object:
    y = 10.0 + np.arange(60.0) % 7
    y[20] = np.nan
    return read(pa.table({"ds": range(60), "y": y}), ReadOptions(season=7))


def test_they_forecast_the_same_folds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 0.0)
    data = backtest_data(table(), 5).with_statistical(60.0)
    assert data.notes == ()
    assert set(data.statistical) == set(statsforecast.METHODS)
    last = np.array([data.table.series.one(0)[cutoff] for cutoff in data.folds.scoring])
    np.testing.assert_array_equal(data.statistical["AutoTheta"][:, 0, 0], last + 7)
    # A history that is too short for a method is forecast by its last value.
    np.testing.assert_array_equal(data.statistical["AutoETS"][:, 0, 4], last)
    assert {row.method for row in data.scores()} >= set(statsforecast.METHODS)


def test_what_does_not_finish_is_said_and_not_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in(tmp_path, monkeypatch, 600.0)
    data = backtest_data(table(), 5).with_statistical(6.0)
    assert "AutoARIMA" not in data.statistical
    (note,) = [remark for remark in data.notes if remark.startswith("AutoARIMA")]
    assert "finished 0 of 3 past forecasts" in note


def test_they_are_shown_and_never_blended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, 0.0)
    (tmp_path / "sound.csv").write_bytes(daily(90))
    with small_network():
        result = Forecaster(7, adapt="none", baselines=True).fit(tmp_path / "sound.csv")
        record = result.record()
    assert record.backtest is not None
    rows = {row.method: row for row in record.backtest.methods}
    assert set(statsforecast.METHODS) <= set(rows)
    assert all(rows[name].weight is None for name in statsforecast.METHODS)
    assert not set(statsforecast.METHODS) & set(record.members)


def test_without_statsforecast_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r'pip install "holdfast\[baselines\]"'):
        statsforecast.require()
    (tmp_path / "sound.csv").write_bytes(daily(90))
    words = ("forecast", tmp_path / "sound.csv", "-h", 7, "--baselines", "-o", tmp_path / "out")
    assert command(monkeypatch, *words) == 2
    assert "holdfast[baselines]" in one_sentence(capsys.readouterr().err)
    assert not (tmp_path / "out").exists()


def test_baselines_is_true_or_false() -> None:
    with pytest.raises(ArgumentError, match="baselines='yes'"):
        Forecaster(7, baselines="yes")  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_real_ones_forecast_a_season() -> None:
    pytest.importorskip("statsforecast")
    y = 10.0 + np.arange(84.0) % 7
    data = backtest_data(
        read(pa.table({"ds": range(84), "y": y}), ReadOptions(season=7)), 7
    ).with_statistical(300.0)
    assert data.notes == ()
    for name in statsforecast.METHODS:
        assert np.abs(data.statistical[name] - data.actual).max() < 1.0
