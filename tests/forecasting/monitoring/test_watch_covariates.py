"""A watch of a model with covariates judges each row by what is known at its own time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.forecasting.shop import DAYS, HORIZON, fitted, past, shop

from holdfast import Forecaster
from holdfast.errors import ArgumentError, TableError
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.monitoring.watch import Watch
from holdfast.forecasting.monitoring.watch_state import WatchState
from holdfast.tables.stream import LineRows, RowLines

LEVEL, NEW = 80.0, 4


pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    return past(shop())


@pytest.fixture(scope="module")
def start() -> pd.Timestamp:
    return DAYS[-HORIZON - NEW]


@pytest.fixture(scope="module")
def forecaster(frame: pd.DataFrame, start: pd.Timestamp) -> Forecaster:
    return fitted(frame[frame["ds"] < start], season=7)


def lines_of(frame: pd.DataFrame, start: pd.Timestamp) -> list[str]:
    """The days from a start on, as they come: all series of a day, then the next day."""
    new = frame[frame["ds"] >= start].sort_values(["ds", "unique_id"])
    return new.to_csv(index=False).splitlines()


def read(fitted: FittedModel, lines: list[str]) -> LineRows:
    return RowLines(fitted.series, fitted.names).read(lines)


def alarms(watch: Watch, rows: LineRows) -> np.ndarray:
    made, refused = watch.take(rows.places, rows.ordinals, rows.values, rows.covariates)
    assert not refused
    return np.stack([made.places, made.ordinals, made.values, made.lower, made.upper], axis=1)


def test_each_row_is_judged_by_what_is_known_at_its_time(
    forecaster: Forecaster, frame: pd.DataFrame, start: pd.Timestamp
) -> None:
    model = forecaster._fitted_model()
    found = alarms(Watch(model, LEVEL), read(model, lines_of(frame, start)))
    expected = []
    for day in range(NEW):
        now = start + pd.Timedelta(days=day)
        came = frame[(frame["ds"] >= start) & (frame["ds"] < now)]
        then = fitted_again(model)
        then = then.update(came) if day else then
        # Of what is known ahead, the row's own day alone is true: the other days must not matter.
        ahead = frame[frame["ds"] == now][["unique_id", "ds", "promotion", "weather"]]
        later = [ahead.assign(ds=now + pd.Timedelta(days=step)) for step in range(1, HORIZON)]
        told = then.predict(X_df=pd.concat([ahead, *later]), level=(LEVEL,))
        told = told.groupby("unique_id").first()
        truth = frame[frame["ds"] == now].set_index("unique_id")["y"]
        for place, name in enumerate(told.index):
            low, high = told.loc[name, ["holdfast-lo-80", "holdfast-hi-80"]]
            if not low <= truth[name] <= high:
                ordinal = int(model.series.ends[0]) + 1 + day
                expected.append((place, ordinal, truth[name], low, high))
    assert 0 < len(expected) < NEW * 6
    np.testing.assert_allclose(found[np.lexsort(found.T[1::-1])], expected, rtol=1e-5)


def fitted_again(model: FittedModel) -> Forecaster:
    made = Forecaster(HORIZON)
    made._model = model
    return made


def test_it_does_not_matter_which_rows_come_together_and_a_kill_loses_nothing(
    forecaster: Forecaster, frame: pd.DataFrame, start: pd.Timestamp, tmp_path: Path
) -> None:
    model = forecaster._fitted_model()
    lines = lines_of(frame, start)
    expected = alarms(Watch(model, LEVEL), read(model, lines))
    reader, parts = RowLines(model.series, model.names), []
    for number, batch in enumerate((lines[:8], lines[8:15], lines[15:])):
        watch = Watch(model, LEVEL)
        with WatchState(tmp_path / "state", watch, "model") as state:  # each time after a kill
            for rows, _ in state.resume():
                watch.take(*rows)
            made = reader.read(batch)
            state.take((made.places, made.ordinals, made.values, made.covariates))
            parts.append(alarms(watch, made))
            if number == 1:
                state.checkpoint(0)
    np.testing.assert_allclose(np.concatenate(parts), expected, rtol=1e-5)


def test_lines_need_the_columns_of_the_fit_in_any_order(
    forecaster: Forecaster, frame: pd.DataFrame, start: pd.Timestamp
) -> None:
    model = forecaster._fitted_model()
    expected = read(model, lines_of(frame, start))
    assert expected.covariates.shape == (NEW * 6, 3)
    assert np.isfinite(expected.covariates).all()
    other = frame[frame.columns[::-1]]
    np.testing.assert_array_equal(
        read(model, lines_of(other, start)).covariates, expected.covariates
    )
    bare = lines_of(frame[["unique_id", "ds", "y", "promotion", "weather", "visits"]], start)
    np.testing.assert_array_equal(read(model, bare[1:]).covariates, expected.covariates)
    with pytest.raises(TableError, match="give unique_id, ds, y, promotion, weather, visits"):
        read(model, lines_of(frame.drop(columns="weather"), start))
    said = read(model, [bare[0], "p0,2023-05-18,5,often,sun,1", "p0,2023-05-18,5,,hail,1"])
    assert said.complaints == (
        "line 2: column 'promotion': 'often' is not a number; mend it or leave it empty.",
    )
    assert np.isnan(said.covariates[0, :2]).all()
    with pytest.raises(ArgumentError, match="known ahead"):
        Watch(model, LEVEL, every=2)
