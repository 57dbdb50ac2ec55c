"""New rows with covariates: after an update it forecasts as it does from the whole history."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cli.command import command, one_sentence
from tests.forecasting.shop import DAYS, HORIZON, ITEMS, fitted, future, past, shop

from holdfast import Forecaster
from holdfast.errors import TableError
from holdfast.records import LSTM_X, PRETRAINED_X

LATER = 10
"""Days that an update brings."""


pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return shop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, frame: pd.DataFrame) -> Path:
    """A model of everything but the last days."""
    made = tmp_path_factory.mktemp("update") / "model"
    fitted(earlier(frame), season=7).save(made)
    return made


def earlier(frame: pd.DataFrame) -> pd.DataFrame:
    return past(frame)[past(frame)["ds"] < later_from()]


def later(frame: pd.DataFrame) -> pd.DataFrame:
    return past(frame)[past(frame)["ds"] >= later_from()]


def later_from() -> pd.Timestamp:
    return DAYS[-HORIZON - LATER]


def test_after_an_update_it_forecasts_as_from_the_whole_history(
    folder: Path, frame: pd.DataFrame, tmp_path: Path
) -> None:
    expected = Forecaster.load(folder).predict(past(frame), X_df=future(frame), static_df=ITEMS)
    updated = Forecaster.load(folder).update(later(frame))
    numbers = expected.select_dtypes("number").columns
    made = updated.predict(X_df=future(frame), members=True)
    assert {"holdfast", "holdfast-lo-90"} <= set(numbers)
    np.testing.assert_array_equal(made[numbers], expected[numbers])
    updated.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model").predict(X_df=future(frame))
    np.testing.assert_array_equal(again[numbers], expected[numbers])
    # What came with the rows was read: known columns, and historic ones.
    for name, other, member in (
        ("promotion", 1 - later(frame)["promotion"], PRETRAINED_X), ("visits", 9.0, LSTM_X)
    ):  # fmt: skip
        rows = later(frame).assign(**{name: other})
        moved = Forecaster.load(folder).update(rows).predict(X_df=future(frame), members=True)
        assert (moved[member] != made[member]).all(), name


def test_the_command_writes_the_model_that_update_and_save_write(
    folder: Path,
    frame: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = later(frame).query("unique_id == 'p1'").assign(unique_id="new")
    rows = pd.concat([later(frame), new])
    items = pd.DataFrame({"unique_id": ["new"], "kind": ["b"], "size": [1.0]})
    expected = Forecaster.load(folder).update(rows, static_df=items)
    Forecaster.load(folder).save(tmp_path / "model")
    rows.to_csv(tmp_path / "new.csv", index=False)
    items.to_csv(tmp_path / "items.csv", index=False)
    model = tmp_path / "model"
    words = ("update", model, tmp_path / "new.csv", "--static", tmp_path / "items.csv")
    assert command(monkeypatch, *words) == 0
    assert "1 new series" in capsys.readouterr().out
    ahead = future(frame)
    ahead = pd.concat([ahead, ahead.query("unique_id == 'p1'").assign(unique_id="new")])
    made = Forecaster.load(model).predict(X_df=ahead)
    assert made["unique_id"].nunique() == 7
    ours = expected.predict(X_df=ahead)
    np.testing.assert_array_equal(made["holdfast"], ours["holdfast"])
    # The static of a new series is its own: another one is another forecast.
    other = items.assign(kind="a", size=9.0)
    moved = Forecaster.load(folder).update(rows, static_df=other).predict(X_df=ahead)
    differs = (moved["holdfast"] != ours["holdfast"]).groupby(moved["unique_id"]).any()
    assert differs[differs].index.tolist() == ["new"]


def test_rows_without_their_columns_are_refused_and_nothing_is_written(
    folder: Path,
    frame: pd.DataFrame,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("promotion", "visits"):
        rows = later(frame).drop(columns=name)
        with pytest.raises(TableError, match=f"'{name}'"):
            Forecaster.load(folder).update(rows)
        rows.to_csv(tmp_path / "new.csv", index=False)
        assert command(monkeypatch, "update", folder, tmp_path / "new.csv") == 2
        assert f"'{name}'" in one_sentence(capsys.readouterr().err)
    with pytest.raises(TableError, match="'visits' held numbers"):
        Forecaster.load(folder).update(later(frame).assign(visits="many"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    updated = Forecaster.load(folder).update(later(frame))
    with pytest.raises(TableError, match=r"'promotion'.*7 dates from 2023-05-22"):
        updated.predict()


def test_drift_reads_the_columns_of_new_rows(folder: Path, frame: pd.DataFrame) -> None:
    drift = Forecaster.load(folder).drift
    calm, wild = drift(later(frame)), drift(later(frame).assign(promotion=0))
    assert calm.mase < wild.mase  # without its promotions nothing explains the sales
