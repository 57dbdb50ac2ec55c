"""A fitted forecaster takes new rows in, in memory and in its folder, whole or not at all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.cli.command import assert_light, command, one_sentence
from tests.forecasting.fits import edited, fit, table

from holdfast import Forecaster
from holdfast.errors import ArgumentError, ModelError, TableError

NAMES = np.array(["a", "b"], dtype=object)


def halves() -> tuple[pd.DataFrame, pd.DataFrame]:
    whole = table(NAMES)
    late = whole["ds"] >= "2020-10-01"
    return whole[~late].reset_index(drop=True), whole[late].reset_index(drop=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("update") / "model"
    fit(halves()[0]).save(made)
    return made


def test_after_an_update_it_forecasts_as_it_does_from_the_whole_history(folder: Path) -> None:
    expected = Forecaster.load(folder).predict(table(NAMES))
    made = Forecaster.load(folder).update(halves()[1]).predict()
    assert made["ds"].min() == pd.Timestamp("2021-01-01")
    # A loaded model does not know in which unit a caller's timestamps once came.
    made["ds"] = made["ds"].astype(expected["ds"].dtype)
    pd.testing.assert_frame_equal(made, expected)


def test_new_series_are_forecast_and_the_folder_keeps_them(folder: Path, tmp_path: Path) -> None:
    updated = Forecaster.load(folder)
    new = pd.DataFrame({"unique_id": "c", "ds": pd.date_range("2020-10-01", periods=5, freq="MS")})
    updated.update(new.assign(y=[1.0, 2.0, 3.0, 4.0, 5.0])).save(tmp_path / "again")
    made = Forecaster.load(tmp_path / "again").predict()
    pd.testing.assert_frame_equal(made, updated.predict())
    assert made["unique_id"].unique().tolist() == ["a", "b", "c"]


def test_a_new_series_from_the_command_can_be_loaded_and_forecast(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = edited(folder, tmp_path / "model", lambda manifest, arrays: None)
    new = pd.DataFrame({"unique_id": ["c", "c"], "ds": ["2020-10-01", "2020-11-01"], "y": [5, 6]})
    new.to_csv(tmp_path / "new.csv", index=False)
    assert command(monkeypatch, "update", model, tmp_path / "new.csv") == 0
    expected = Forecaster.load(folder).update(new)
    pd.testing.assert_frame_equal(Forecaster.load(model).predict(), expected.predict())
    ours, theirs = Forecaster.load(model)._fitted_model(), expected._fitted_model()
    np.testing.assert_array_equal(ours.dependence.series, theirs.dependence.series)
    assert len(ours.dependence.series) == 3


def test_a_refused_table_changes_nothing(folder: Path) -> None:
    forecaster = Forecaster.load(folder)
    before = forecaster.predict()
    bad = halves()[1].assign(y=lambda frame: frame["y"].where(frame.index != 2, np.inf))
    with pytest.raises(TableError, match="row 2"):
        forecaster.update(bad)
    pd.testing.assert_frame_equal(forecaster.predict(), before)


def test_update_asks_for_a_fit_first() -> None:
    with pytest.raises(ArgumentError, match="not fitted yet"):
        Forecaster(3).update(halves()[1])


def test_the_command_writes_the_model_that_update_and_save_write(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = edited(folder, tmp_path / "model", lambda manifest, arrays: None)
    halves()[1].to_csv(tmp_path / "new.csv", index=False)
    assert command(monkeypatch, "update", model, tmp_path / "new.csv") == 0
    assert "6 values added." in capsys.readouterr().out
    expected = Forecaster.load(folder).update(halves()[1]).predict()
    pd.testing.assert_frame_equal(Forecaster.load(model).predict(), expected)
    assert command(monkeypatch, "update", model, tmp_path / "new.csv") == 0
    assert "0 values added, 6 rows known already." in capsys.readouterr().out


def test_the_command_refuses_a_row_in_one_sentence_and_leaves_the_model(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    new = tmp_path / "new.csv"
    for text, said in (
        ("a,2020-10-01,x", "line 2, column 'y'"),
        ("a,2020-10-05,1", "line 2: 2020-10-05"),
        ("a,2020-10-01,1,7", "line 3"),
        ("a,2020-09-01,1", "line 2"),
    ):
        new.write_text(f"unique_id,ds,y\n{text}\n" + ("b,2020-10-01,1\n" * (said == "line 3")))
        if said == "line 3":
            new.write_text("unique_id,ds,y\nb,2020-10-01,1\n" + text + "\n")
        assert command(monkeypatch, "update", folder, new) == 2
        assert said in one_sentence(capsys.readouterr().err)
        assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_command_needs_no_torch(folder: Path, tmp_path: Path) -> None:
    model = edited(folder, tmp_path / "model", lambda manifest, arrays: None)
    halves()[1].to_csv(tmp_path / "new.csv", index=False)
    assert_light(["update", str(model), str(tmp_path / "new.csv"), "--json"], 0, tmp_path)


def test_damaged_scores_are_refused_and_absent_ones_are_an_older_model(
    folder: Path, tmp_path: Path
) -> None:
    def spoil(name: str, value: object) -> Path:
        return edited(
            folder,
            tmp_path / "spoilt",
            lambda _, arrays: arrays.update({f"backtest/{name}": value}),
        )

    def drop(_: object, arrays: dict[str, np.ndarray]) -> None:
        for name in ("errors", "steps", "cutoffs"):
            del arrays[f"backtest/{name}"]

    for name, value in (
        ("errors", np.full((3, 2), -1.0)),
        ("errors", np.ones((3, 5))),
        ("steps", np.full(3, np.inf)),
        ("cutoffs", np.ones(3)),
    ):
        with pytest.raises(ModelError, match="scores of its backtest are damaged"):
            Forecaster.load(spoil(name, value))
    older = Forecaster.load(edited(folder, tmp_path / "older", drop))
    assert older.update(halves()[1])._fitted_model().scores is None
    kept = Forecaster.load(folder)._fitted_model().scores
    assert kept is not None
    assert np.isfinite(kept.errors).all()


def transactions() -> pd.DataFrame:
    """Of a in three months of 2020 and 2021 with none in November; of b in one."""
    days = ["2020-10-03", "2020-10-20", "2020-12-31", "2021-01-02", "2021-01-30", "2020-10-07"]
    return pd.DataFrame(
        {"unique_id": [*"aaaaab"], "ds": days, "y": [10.0, 5.0, 7.0, 1.0, 2.0, 9.0]}
    )


@pytest.mark.parametrize(
    ("options", "of_a", "of_b"),
    [
        ({"aggregate": "sum"}, [15.0, np.nan, 7.0, 3.0], [9.0]),
        ({"aggregate": "mean", "missing": "zero"}, [7.5, 0.0, 7.0, 1.5], [9.0]),
    ],
)
def test_rows_of_a_period_are_combined_and_missing_periods_may_be_zero(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    options: dict[str, str],
    of_a: list[float],
    of_b: list[float],
) -> None:
    before = Forecaster.load(folder, networks=False)._fitted_model().series
    updated = Forecaster.load(folder, networks=False).update(transactions(), **options)
    model = edited(folder, tmp_path / "model", lambda manifest, arrays: None)
    transactions().to_csv(tmp_path / "new.csv", index=False)
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    assert command(monkeypatch, "update", model, tmp_path / "new.csv", *words) == 0
    for forecaster in (updated, Forecaster.load(model, networks=False)):
        series = forecaster._fitted_model().series
        for row, new in enumerate((of_a, of_b)):
            np.testing.assert_array_equal(series.one(row), [*before.one(row), *new])
    said = " ".join(updated.update_.messages)
    assert ("1 missing value was set to 0" in said) == ("missing" in options)


def test_a_sum_for_a_period_that_has_a_value_is_refused_unless_it_corrects(
    folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    new = tmp_path / "new.csv"
    new.write_text("unique_id,ds,y\na,2020-09-29,4\na,2020-09-30,1\na,2020-10-31,2\n")
    words = ("update", folder, new, "--aggregate", "sum")
    assert command(monkeypatch, *words) == 2
    said = one_sentence(capsys.readouterr().err)
    assert "the period 2020-09-01 of series 'a' has a value already" in said
    assert "--correct" in said
    updated = Forecaster.load(folder, networks=False).update(new, aggregate="sum", correct=True)
    assert updated._fitted_model().series.one(0)[-2:].tolist() == [5.0, 2.0]
