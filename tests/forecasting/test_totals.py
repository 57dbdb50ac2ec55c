"""Totals and paths of a fitted forecaster: coherent, and honest about what is partial."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.forecasting.small import small_network

from holdfast import Forecaster
from holdfast.errors import ArgumentError, TableError

HORIZON = 10


def sales() -> pd.DataFrame:
    """Daily counts of four shops in two regions until 2024-05-17, which is a Friday."""
    draws = np.random.default_rng(0)
    days = pd.date_range(end="2024-05-17", periods=150, freq="D")
    rows = [
        pd.DataFrame(
            {
                "unique_id": name,
                "ds": days,
                "y": draws.poisson(mean, len(days)).astype(float),
                "region": region,
                "size": size,
            }
        )
        for name, region, mean, size in (
            ("a", "north", 8.0, 1), ("b", "south", 5.0, 2), ("c", "north", 0.3, 3),
            ("d", "south", 3.0, 4),
        )
    ]  # fmt: skip
    return pd.concat(rows, ignore_index=True)


@pytest.fixture(scope="module")
def fitted() -> Forecaster:
    with small_network():
        return Forecaster(HORIZON, season=7, adapt="none").fit(
            sales(), id_col="unique_id", time_col="ds", target_col="y"
        )


def test_the_mean_stands_beside_the_median_of_counts_and_bounds_are_whole_on_request(
    fitted: Forecaster,
) -> None:
    plain = fitted.predict(level=(80,))
    rare = plain[plain["unique_id"] == "c"]
    assert rare["holdfast"].mean() < 0.3
    assert 0.05 < rare["holdfast-mean"].mean() < 1.5
    assert (plain[["holdfast", "holdfast-lo-80", "holdfast-mean"]] >= 0).all().all()
    whole = fitted.predict(level=(80,), integers=True)
    for name, change in (("holdfast", abs), ("holdfast-lo-80", -1), ("holdfast-hi-80", 1)):
        moved = whole[name] - plain[name]
        assert (whole[name] == np.floor(whole[name])).all()
        assert (moved.abs() < 1).all()
        assert change is abs or (moved * change > -1e-6).all()
    assert "holdfast-mean" in fitted.backtest(level=(80,))


def test_series_that_count_nothing_have_no_mean_column() -> None:
    table = pd.DataFrame({"ds": range(60), "y": np.random.default_rng(0).normal(size=60)})
    with small_network():
        made = Forecaster(3, season=1, adapt="none").fit(table).predict()
    assert "holdfast-mean" not in made


def test_paths_have_the_bounds_of_the_forecast_and_repeat_with_their_seed(
    fitted: Forecaster,
) -> None:
    paths, forecast = fitted.paths(n=400, seed=1), fitted.predict(level=(80,))
    assert list(paths) == ["unique_id", "ds", "sample", "holdfast"]
    assert len(paths) == 400 * len(forecast)
    found = paths.groupby(["unique_id", "ds"])["holdfast"]
    size = forecast["holdfast-hi-80"].to_numpy()
    for share, column in ((0.1, "holdfast-lo-80"), (0.5, "holdfast"), (0.9, "holdfast-hi-80")):
        np.testing.assert_allclose(
            found.quantile(share).to_numpy(), forecast[column], atol=0.02 * size.max()
        )
    np.testing.assert_allclose(found.mean().to_numpy(), forecast["holdfast-mean"], rtol=0.03)
    pd.testing.assert_frame_equal(paths, fitted.paths(n=400, seed=1))
    assert not paths["holdfast"].equals(fitted.paths(n=400, seed=2)["holdfast"])
    whole = fitted.paths(n=50, integers=True)["holdfast"]
    assert (whole == np.floor(whole)).all()


def test_means_of_totals_are_sums_of_means_and_their_bounds_are_inside_the_sums_of_bounds(
    fitted: Forecaster,
) -> None:
    parts = fitted.predict(level=(80,))
    region = sales().drop_duplicates("unique_id").set_index("unique_id")["region"]
    parts["region"] = parts["unique_id"].map(region)
    made = fitted.totals(by="region", level=(80,))
    summed = parts.groupby(["region", "ds"])[
        ["holdfast-mean", "holdfast-lo-80", "holdfast-hi-80"]
    ].sum()
    assert list(made["region"].unique()) == ["north", "south"]
    assert (made["points"] == 2).all()
    np.testing.assert_allclose(made["holdfast-mean"], summed["holdfast-mean"].to_numpy())
    wide = made["holdfast-hi-80"] - made["holdfast-lo-80"]
    assert (wide < (summed["holdfast-hi-80"] - summed["holdfast-lo-80"]).to_numpy()).mean() > 0.8
    horizon = fitted.totals(by="all", over="horizon", level=(80,))
    assert horizon["total"].tolist() == ["all"]
    assert horizon["points"].tolist() == [4 * HORIZON]
    np.testing.assert_allclose(horizon["holdfast-mean"], parts["holdfast-mean"].sum())
    assert horizon["note"].tolist() == [""]


def test_a_period_that_has_begun_counts_what_was_observed_and_one_that_is_cut_is_marked(
    fitted: Forecaster,
) -> None:
    table, parts = sales(), fitted.predict()
    weeks = fitted.totals(over="week").query("unique_id == 'a'")
    assert weeks["ds"].astype(str).tolist() == ["2024-05-13", "2024-05-20", "2024-05-27"]
    assert weeks["points"].tolist() == [7, 7, 1]
    assert weeks["note"].tolist()[:2] == ["", ""]
    assert weeks["note"].tolist()[2] == "partial: 1 of 7 points, the forecast ends at 2024-05-27"
    this_week = table[(table["unique_id"] == "a") & (table["ds"] >= "2024-05-13")]["y"].sum()
    ahead = parts[(parts["unique_id"] == "a") & (parts["ds"] <= "2024-05-19")]["holdfast-mean"]
    assert weeks["observed"].tolist() == [this_week, 0.0, 0.0]
    np.testing.assert_allclose(weeks["holdfast-mean"].iloc[0], this_week + ahead.sum())
    month = fitted.totals(by="region", over="month")
    assert month["points"].tolist() == [2 * 27, 2 * 27]
    assert month["note"].str.startswith("partial: 54 of 62 points").all()
    begun = table[table["ds"] >= "2024-05-01"].groupby("region")["y"].sum()
    np.testing.assert_allclose(month["observed"], begun)
    assert (month["holdfast-lo-90"] >= month["observed"]).all()


def test_gaps_and_series_that_end_earlier_are_counted_as_they_are() -> None:
    table = sales()
    late = table["ds"] > "2024-05-15"
    table = table[~((table["unique_id"] == "b") & late)]
    gap = (table["unique_id"] == "a") & (table["ds"] == "2024-05-14")
    table.loc[gap, "y"] = np.nan
    with small_network():
        made = Forecaster(HORIZON, season=7, adapt="none").fit(
            table, id_col="unique_id", time_col="ds", target_col="y"
        )
    by_day = made.totals(by="region").query("region == 'south'")
    # Shop b is forecast from the 16th on, when shop d was still seen.
    assert by_day["ds"].astype(str).tolist()[0] == "2024-05-16"
    assert by_day["points"].tolist() == [2] * HORIZON + [1, 1]
    assert by_day["observed"].iloc[0] == table.query("unique_id == 'd'")["y"].iloc[-2]
    assert by_day["note"].str.startswith("partial: 1 of 2 points").tolist()[-2:] == [True, True]
    week = made.totals(over="week").query("unique_id == 'a'")
    assert week["note"].iloc[0] == "1 missing value is left out"


def test_totals_come_out_of_a_model_folder_too(fitted: Forecaster, tmp_path: Path) -> None:
    fitted.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model")
    made = fitted.totals(by="region", over="horizon", seed=4)
    pd.testing.assert_frame_equal(again.totals(sales(), by="region", over="horizon", seed=4), made)
    with pytest.raises(TableError, match="give the table with that column"):
        again.totals(by="region")


def test_what_cannot_be_added_up_is_refused(fitted: Forecaster) -> None:
    table = sales()
    table.loc[3, "region"] = "east"
    with pytest.raises(TableError, match="series 'a' has 'east' here and 'north' before"):
        fitted.totals(table, by="region")
    for change, sentence in (
        ({}, "something to add up"),
        ({"by": "city"}, "no column 'city'"),
        ({"by": "y"}, "no column 'y'"),
        ({"over": "decade"}, "week, month, quarter, year, horizon"),
        ({"over": "month", "n": 1}, "n=1"),
        ({"over": "month", "level": (0,)}, "level"),
    ):
        with pytest.raises((ArgumentError, TableError), match=sentence):
            fitted.totals(**change)  # type: ignore[arg-type]
    counter = pd.DataFrame({"ds": range(60), "y": np.arange(60.0) % 4})
    with small_network():
        steps = Forecaster(3, season=4, adapt="none").fit(counter)
    with pytest.raises(ArgumentError, match="give horizon"):
        steps.totals(over="month")
    assert steps.totals(over="horizon")["points"].tolist() == [3]
