"""Totals and whole numbers from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from tests.cli.command import assert_light, command, one_sentence
from tests.forecasting.small import small_network
from tests.forecasting.test_totals import sales


@pytest.fixture
def table(tmp_path: Path) -> Path:
    sales().to_csv(tmp_path / "sales.csv", index=False)
    return tmp_path / "sales.csv"


def test_forecast_and_predict_write_the_same_totals(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, later = tmp_path / "out", tmp_path / "later"
    asked = ("--total-by", "region", "--total-over", "week", "--integers")
    with small_network():
        fit = ("--id", "unique_id", "--horizon", 9, "--adapt", "none", "--json", "--out", out)
        assert command(monkeypatch, "forecast", table, *fit, *asked) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["totals"] == {"by": "region", "over": "week", "count": 4, "partial": 0}
    assert said["files"]["totals"] == str(out / "totals.csv")
    made = pd.read_csv(out / "totals.csv")
    assert made["region"].tolist() == ["north", "north", "south", "south"]
    assert made["ds"].tolist() == ["2024-05-13", "2024-05-20"] * 2
    assert (made["holdfast-lo-80"] % 1 == 0).all()
    assert (pd.read_csv(out / "forecast.csv")["holdfast"] % 1 == 0).all()
    like = ("--id", "unique_id", "--out", later)
    assert command(monkeypatch, "predict", out / "model", table, *like, *asked) == 0
    assert "Week from" in capsys.readouterr().out
    pd.testing.assert_frame_equal(pd.read_csv(later / "totals.csv"), made)
    assert not list(later.glob(".*"))


def test_a_column_or_period_that_cannot_be_added_up_is_refused_before_torch_is_loaded(
    table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["forecast", str(table), "--id", "unique_id", "--horizon", "9", "--total-by", "city"]
    assert_light(words, 2, tmp_path)
    assert command(monkeypatch, *words) == 2
    assert "'city'" in one_sentence(capsys.readouterr().err)
    monthly = tmp_path / "monthly.csv"
    dates = pd.date_range("2015-01-01", periods=60, freq="MS")
    pd.DataFrame({"ds": dates, "y": range(60)}).to_csv(monthly, index=False)
    assert command(monkeypatch, "forecast", monthly, "--horizon", 3, "--total-over", "week") == 2
    assert "longer period" in one_sentence(capsys.readouterr().err)
    assert not (tmp_path / "holdfast-forecast").exists()
