"""Frames of every kind go into a forecaster, and the same kind comes out."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from tests.forecasting.monthly import HORIZON, fitted, long_frame, numbers

from holdfast import Forecaster
from holdfast.errors import TableError

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return fitted(long_frame())


def test_a_pandas_frame_comes_back_with_the_promised_columns(forecaster: Forecaster) -> None:
    made = forecaster.predict(level=(80, 90), members=True)
    assert isinstance(made, pd.DataFrame)
    assert list(made.columns) == [
        "unique_id", "ds", "holdfast", "holdfast-lo-80", "holdfast-hi-80", "holdfast-lo-90",
        "holdfast-hi-90", "Pretrained", "SeasonalNaive", "SeasonalMean", "Theta", "DampedETS",
        "Naive", "method", "note",
    ]  # fmt: skip
    assert len(made) == 4 * HORIZON
    assert made["ds"].iloc[0] == pd.Timestamp("2023-01-01")
    assert np.isfinite(numbers(made)).all()


def test_polars_and_arrow_go_in_and_come_out_with_the_same_numbers() -> None:
    frame = long_frame(series=2)
    pandas = fitted(frame).predict()
    polars = fitted(pl.from_pandas(frame)).predict()
    arrow = fitted(pa.Table.from_pandas(frame)).predict()
    assert isinstance(polars, pl.DataFrame)
    assert isinstance(arrow, pa.Table)
    for name in ("holdfast", "holdfast-lo-90"):
        np.testing.assert_array_equal(polars[name].to_numpy(), pandas[name].to_numpy())
        np.testing.assert_array_equal(arrow[name].to_numpy(), pandas[name].to_numpy())


def test_a_series_with_dates_is_enough() -> None:
    frame = long_frame(series=1)
    series = pd.Series(frame["y"].to_numpy(), index=pd.DatetimeIndex(frame["ds"]), name="sales")
    made = fitted(series).predict()
    assert len(made) == HORIZON
    np.testing.assert_array_equal(numbers(made), numbers(fitted(frame).predict()))


def test_columns_may_have_any_name_and_ids_more_than_one_column() -> None:
    frame = long_frame(series=2)
    renamed = frame.assign(shop=[1] * 96 + [2] * 96, item="äpfel 🍎").rename(
        columns={"ds": "monat", "y": "menge"}
    )[["menge", "item", "monat", "shop"]]
    made = Forecaster(HORIZON, adapt="none").fit(
        renamed, id_col=["shop", "item"], time_col="monat", target_col="menge"
    ).predict()  # fmt: skip
    assert list(made.columns[:3]) == ["shop", "item", "monat"]
    assert set(made["shop"]) == {1, 2}
    np.testing.assert_array_equal(
        numbers(made[["holdfast"]]), numbers(fitted(frame).predict()[["holdfast"]])
    )


def test_season_and_frequency_may_be_given() -> None:
    frame = long_frame(series=2).assign(ds=np.tile(np.arange(96), 2))
    made = fitted(frame, season=12, freq=1).predict(members=True)
    assert made["ds"].iloc[0] == 96
    # With its season seasonal naive repeats the last year.
    last_year = frame["y"].to_numpy()[84:90]
    np.testing.assert_allclose(made["SeasonalNaive"].to_numpy()[:HORIZON], last_year)


def test_the_same_hours_in_another_time_zone_are_the_same_calendar() -> None:
    hours = pd.date_range("2024-01-01", periods=200, freq="h", tz="UTC")
    frame = pd.DataFrame({"ds": hours, "y": np.sin(np.arange(200) / 24 * 2 * np.pi) + 5})
    made = fitted(frame)
    there = made.predict(frame.assign(ds=hours.tz_convert("Asia/Tokyo")))
    here = made.predict(frame)
    assert (there["ds"] == here["ds"]).all()  # one moment, two clocks
    np.testing.assert_array_equal(there["holdfast"], here["holdfast"])
    with pytest.raises(TableError, match="hourly"):
        made.predict(frame.assign(ds=hours + pd.Timedelta("30min")))


def test_vectors_come_as_the_kind_of_frame_that_went_in(forecaster: Forecaster) -> None:
    made = forecaster.embed(pl.from_pandas(long_frame(series=2)))
    assert isinstance(made, pl.DataFrame)
    assert made.height == 2
