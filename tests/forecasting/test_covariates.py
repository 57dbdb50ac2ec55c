"""Covariates from a caller's frame to forecasts: what is read, what is refused, and no leaks."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.forecasting.fits import edited
from tests.forecasting.shop import DAYS, HORIZON, ITEMS, LENGTH, SERIES, fitted, future, past, shop

from holdfast import Forecaster
from holdfast.errors import ArgumentError, ModelError, TableError
from holdfast.records import LSTM_X, PRETRAINED_X

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return shop()


@pytest.fixture(scope="module")
def forecaster(frame: pd.DataFrame) -> Forecaster:
    return fitted(past(frame))


def test_known_promotions_are_worth_their_weight(
    forecaster: Forecaster, frame: pd.DataFrame
) -> None:
    weights = {
        row.method: row.weight for row in forecaster.record(X_df=future(frame)).backtest.methods
    }
    assert weights[PRETRAINED_X] > 0.3
    assert LSTM_X in weights
    made = forecaster.predict(X_df=future(frame))
    plain = Forecaster(HORIZON, adapt="none").fit(past(frame)[["unique_id", "ds", "y"]]).predict()
    came = frame[frame["y"].isna()]["truth"].to_numpy()
    ours, theirs = (np.abs(one["holdfast"] - came).mean() for one in (made, plain))
    assert ours < 0.7 * theirs


def test_missing_future_values_are_named_by_column_and_dates(
    forecaster: Forecaster, frame: pd.DataFrame
) -> None:
    with pytest.raises(TableError, match=r"'promotion'.*7 dates from 2023-05-22 to 2023-05-28"):
        forecaster.predict()
    ahead = future(frame)
    hole = ahead.assign(promotion=ahead["promotion"].where(ahead["ds"] != "2023-05-24"))
    with pytest.raises(
        TableError, match=r"'promotion'.*'p0' \(and of 5 more series\) on 2023-05-24"
    ):
        forecaster.predict(X_df=hole)
    with pytest.raises(TableError, match="'weather'"):
        forecaster.predict(X_df=ahead.drop(columns="weather"))
    with pytest.raises(TableError, match="calendar"):
        forecaster.predict(X_df=ahead.assign(ds=ahead["ds"] + pd.Timedelta("1h")))


def test_the_future_may_be_one_table_for_all_series(
    forecaster: Forecaster, frame: pd.DataFrame
) -> None:
    one = future(frame).query("unique_id == 'p0'")
    everyone = pd.concat([one.assign(unique_id=name) for name in ITEMS["unique_id"]])
    common = forecaster.predict(X_df=one.drop(columns="unique_id"))
    np.testing.assert_array_equal(common["holdfast"], forecaster.predict(X_df=everyone)["holdfast"])


def test_known_values_matter_inside_the_horizon_and_nowhere_behind_it(
    forecaster: Forecaster, frame: pd.DataFrame
) -> None:
    ahead = future(frame)
    before = forecaster.predict(X_df=ahead)["holdfast"].to_numpy()
    longer = ahead.assign(ds=ahead["ds"] + pd.Timedelta(days=HORIZON), promotion=1)
    behind = forecaster.predict(X_df=pd.concat([ahead, longer]))["holdfast"]
    np.testing.assert_array_equal(before, behind)
    other = forecaster.predict(X_df=ahead.assign(promotion=1 - ahead["promotion"]))["holdfast"]
    assert (before != other).all()


def test_what_came_after_a_cut_off_changes_no_forecast_there(
    forecaster: Forecaster, frame: pd.DataFrame
) -> None:
    """Shuffling y and historic columns behind the cut-off moves no member at any fold before it."""
    table = past(frame)
    newest = DAYS[LENGTH - HORIZON - 1]
    random = np.random.default_rng(1)
    changed = table.copy()
    late = np.flatnonzero(changed["ds"] > newest)
    for name in ("y", "visits"):
        changed.loc[changed.index[late], name] = random.permutation(changed[name].to_numpy()[late])
    before, after = (fitted(one, season=7).backtest() for one in (table, changed))
    members = [PRETRAINED_X, LSTM_X, "Pretrained", "LSTM", "Theta"]
    np.testing.assert_array_equal(before[members], after[members])
    there = (before["cutoff"] == newest).to_numpy()
    assert there.any()
    ours = ["holdfast", "holdfast-lo-90", "holdfast-hi-90"]
    np.testing.assert_array_equal(before.loc[there, ours], after.loc[there, ours])
    assert (before.loc[there, "y"] != after.loc[there, "y"]).any()
    # Folds are cut by time: one cut-off holds for all series.
    assert before.groupby("cutoff")["unique_id"].nunique().eq(SERIES).all()
    assert before.groupby("cutoff")["ds"].min().sub(before["cutoff"].unique()).nunique() == 1


def test_historic_columns_reach_the_lstm_with_covariates(frame: pd.DataFrame) -> None:
    table = past(frame)
    moved = table.assign(visits=table["visits"] ** 3)
    before, after = (fitted(one, season=7).backtest() for one in (table, moved))
    assert (before[LSTM_X] != after[LSTM_X]).all()
    np.testing.assert_array_equal(before[PRETRAINED_X], after[PRETRAINED_X])


def test_a_model_folder_reads_the_same_columns_again(
    forecaster: Forecaster, frame: pd.DataFrame, tmp_path: Path
) -> None:
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    ahead = future(frame)
    expected = forecaster.predict(X_df=ahead)
    np.testing.assert_array_equal(loaded.predict(X_df=ahead)["holdfast"], expected["holdfast"])
    again = loaded.predict(past(frame), X_df=ahead, static_df=ITEMS)
    np.testing.assert_allclose(again["holdfast"], expected["holdfast"], rtol=1e-9)
    edit = lambda manifest, arrays: arrays.update({f"{PRETRAINED_X}/own": np.zeros((1, 1))})  # noqa: E731 # one call
    with pytest.raises(ModelError, match="effects of covariates"):
        Forecaster.load(edited(tmp_path / "model", tmp_path / "other", edit))
    edit = lambda manifest, arrays: manifest["covariates"]["columns"].pop(0)  # noqa: E731 # as above
    with pytest.raises(ModelError, match="does not fit together"):
        Forecaster.load(edited(tmp_path / "model", tmp_path / "third", edit))


def test_new_series_and_unseen_categories_count_as_all_series_do(
    forecaster: Forecaster, frame: pd.DataFrame
) -> None:
    new = past(frame).query("unique_id == 'p1'").assign(unique_id="new")
    ahead = future(frame).query("unique_id == 'p1'").assign(unique_id="new", weather="hail")
    items = pd.DataFrame({"unique_id": ["new"], "kind": ["never seen"], "size": [np.nan]})
    with pytest.raises(TableError, match="'weather' is known ahead"):
        forecaster.predict(new, X_df=ahead, static_df=items)  # a category of nothing is no value
    made = forecaster.predict(new, X_df=ahead.assign(weather="sun"), static_df=items)
    assert np.isfinite(made["holdfast"]).all()
    assert "not in the fit" in made["note"].iloc[0]
    assert "all series together" in made["note"].iloc[0]


def test_gaps_in_covariates_stay_gaps_and_nothing_breaks(frame: pd.DataFrame) -> None:
    random = np.random.default_rng(0)
    table = past(frame)
    holes = random.random(len(table)) < 0.2
    week = table["ds"].between("2023-03-06", "2023-03-12")
    names = ["y", "promotion", "weather", "visits"]
    table[names] = table[names].where(~(holes | week))
    made = fitted(table).predict(X_df=future(frame))
    assert np.isfinite(made.select_dtypes("number")).all().all()


def test_calendar_and_holidays_alone_are_covariates(frame: pd.DataFrame) -> None:
    plain = past(frame)[["unique_id", "ds", "y"]]
    made = Forecaster(HORIZON, adapt="none").fit(plain, holidays="DE")
    assert np.isfinite(made.predict()["holdfast"]).all()  # nothing is asked of the future
    assert PRETRAINED_X in made.backtest().columns


def test_what_makes_no_sense_is_refused(forecaster: Forecaster, frame: pd.DataFrame) -> None:
    table = past(frame)
    fit = Forecaster(HORIZON, adapt="none").fit
    with pytest.raises(TableError, match="did you mean 'promotion'"):
        fit(table, future_covariates="promotions")
    with pytest.raises(ArgumentError, match="twice"):
        fit(table, future_covariates=["promotion"], past_covariates=["promotion"])
    with pytest.raises(ArgumentError, match="did you mean"):
        fit(table, holidays="DEU2")
    with pytest.raises(ArgumentError, match="no part"):
        fit(table, holidays="DE-XX")
    with pytest.raises(TableError, match=r"p0.*two rows"):
        fit(table, static_df=pd.concat([ITEMS, ITEMS]))
    with pytest.raises(TableError, match="kind"):
        forecaster.predict(table, X_df=future(frame), static_df=ITEMS.drop(columns="kind"))
    plain = fit(table[["unique_id", "ds", "y"]])
    with pytest.raises(ArgumentError, match="X_df"):
        plain.predict(X_df=future(frame))
    with pytest.raises(ArgumentError, match="static_df"):
        forecaster.predict(X_df=future(frame), static_df=ITEMS)
