"""A forecaster as scikit-learn, a pipeline and a service see it: one shape for every model."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pytest
from tests.forecasting.monthly import HORIZON, fitted, long_frame, trained

from holdfast import Forecaster, reports
from holdfast.errors import ArgumentError, ModelError, TableError

pytest.importorskip("sklearn")


pytestmark = pytest.mark.usefixtures("small")


def test_check_is_fitted_tells_a_fit_and_a_loaded_model(tmp_path: Path) -> None:
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    with pytest.raises(NotFittedError):
        check_is_fitted(Forecaster(HORIZON))
    forecaster = fitted(long_frame(series=2))
    check_is_fitted(forecaster)
    forecaster.save(tmp_path / "model")
    check_is_fitted(Forecaster.load(tmp_path / "model"))


def test_a_pipeline_fits_and_forecasts_and_is_cloned() -> None:
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    frame = long_frame(series=2)
    early = FunctionTransformer(lambda table: table[table["ds"] < "2019-06-01"])
    pipeline = make_pipeline(early, Forecaster(HORIZON, season=12, adapt="none"))
    made = clone(pipeline).fit(frame).predict(frame)
    expected = fitted(early.transform(frame), season=12).predict(early.transform(frame))
    pd.testing.assert_frame_equal(made, expected)


def test_a_fit_says_what_it_found_in_attributes() -> None:
    forecaster = trained(long_frame(series=2))
    assert not hasattr(Forecaster(HORIZON), "weights_")
    assert (forecaster.season_, forecaster.freq_) == (12, "MS")
    assert sum(forecaster.weights_.values()) == pytest.approx(1.0)
    assert forecaster.scores_[0].method == "holdfast"
    assert {one.member for one in forecaster.training_} == {"Adapted", "LSTM"}
    assert forecaster.summary_.series == 2
    assert isinstance(forecaster.notes_, tuple)


def test_evaluate_gives_the_scores_of_the_backtest() -> None:
    forecaster = fitted(long_frame(series=2))
    scores = forecaster.evaluate()
    assert list(scores.columns) == ["method", "mase", "smape", "weight"]
    assert scores["method"].tolist() == [one.method for one in forecaster.scores_]
    assert scores["mase"].tolist() == [one.mase for one in forecaster.scores_]
    assert np.isnan(scores["weight"][0])
    unfitted = Forecaster(HORIZON, season=12, adapt="none").evaluate(long_frame(series=2))
    assert unfitted["method"].tolist() == scores["method"].tolist()


@pytest.mark.parametrize("level", [[0.8], [0.8, 0.9], (80, 0.5)])
def test_a_level_that_is_a_share_is_refused_with_the_percentage(level: list[float]) -> None:
    forecaster = fitted(long_frame(series=1))
    for call in (forecaster.predict, forecaster.backtest, forecaster.record):
        with pytest.raises(ArgumentError, match=r"write (80|50) for 0\.[85]"):
            call(level=level)
    with pytest.raises(ArgumentError, match=r"write 99 for 0\.99"):
        forecaster.anomalies(level=0.99)


def test_tables_are_read_with_the_same_options_everywhere(tmp_path: Path) -> None:
    months = pd.date_range("2012-01-01", periods=80, freq="MS").strftime("%d/%m/%Y")
    y = 10.0 + np.arange(80) % 12
    text = [f"{day};{value:.1f}".replace(".", ",") for day, value in zip(months, y, strict=True)]
    first, later = tmp_path / "first.csv", tmp_path / "later.csv"
    first.write_text("\n".join(["month;a", *text[:74]]))
    later.write_text("\n".join(["month;a", *text[74:]]))
    options = {"wide": True, "day_first": True, "decimal": ","}
    forecaster = Forecaster(HORIZON, adapt="none").fit(first, **options)
    assert forecaster.freq_ == "MS"
    by_file = forecaster.predict(first, **options)
    pd.testing.assert_frame_equal(by_file, forecaster.predict())
    table = forecaster.read(first, **options)
    pd.testing.assert_frame_equal(forecaster.predict(table), by_file)
    assert len(forecaster.backtest(first, **options)) == len(forecaster.backtest())
    forecaster.update(later, **options)
    assert forecaster.update_.behind == 6
    assert forecaster.predict()["month"].min() == pd.Timestamp("2018-09-01")


def test_what_the_fit_said_of_covariates_cannot_be_said_again() -> None:
    forecaster = fitted(long_frame(series=1))
    with pytest.raises(ArgumentError, match="those of the fit"):
        forecaster.read(long_frame(series=1), holidays="DE")


def test_rows_can_go_to_a_file(tmp_path: Path) -> None:
    forecaster = fitted(long_frame(series=2))
    for name, call in (
        ("forecast", forecaster.predict),
        ("backtest", forecaster.backtest),
        ("totals", lambda **more: forecaster.totals(by="all", **more)),
    ):
        assert call(csv=tmp_path / f"{name}.csv") is None
        written = pd.read_csv(tmp_path / f"{name}.csv")
        frame = call()
        assert list(written.columns) == list(frame.columns)
        np.testing.assert_allclose(written["holdfast"], frame["holdfast"])


def test_a_fit_tells_how_it_gets_on_and_keeps_checkpoints_until_it_is_saved(
    tmp_path: Path,
) -> None:
    told: list[object] = []
    forecaster = Forecaster(HORIZON, season=12, adapt="full", steps=2)
    forecaster.fit(
        long_frame(series=2),
        checkpoints=tmp_path / "training",
        on_simple_scores=lambda scores, reason: told.append([one.method for one in scores]),
        on_first_forecast=lambda first: told.append(sorted(first.weights_)),
    )
    simple, first = told
    assert "SeasonalNaive" in simple
    assert "Pretrained" in first
    assert "LSTM" not in first
    assert any((tmp_path / "training").iterdir())
    forecaster.save(tmp_path / "model")
    assert not (tmp_path / "training").exists()


def test_a_model_can_be_updated_before_its_networks_are_read(tmp_path: Path) -> None:
    frame = long_frame(series=2)
    late = frame["ds"] >= frame["ds"].max()
    fitted(frame[~late]).save(tmp_path / "model")
    code = (
        "import sys, pyarrow as pa\n"
        "from holdfast import Forecaster\n"
        "rows = pa.table({'unique_id': ['s0'], 'ds': [sys.argv[2]], 'y': [1.0]})\n"
        "Forecaster.load(sys.argv[1], networks=False).update(rows).save(sys.argv[1])\n"
        "assert 'torch' not in sys.modules\n"
    )
    last = str(frame["ds"].max().date())
    subprocess.run([sys.executable, "-c", code, tmp_path / "model", last], check=True)
    made = Forecaster.load(tmp_path / "model").predict()
    assert made.groupby("unique_id")["ds"].min()["s0"] > frame["ds"].max()


def test_bad_tables_and_folders_are_refused_without_torch(tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("ds,y\n2020-01-01,x\n2020-02-01,y\n")
    code = (
        "import sys\n"
        "from holdfast import Forecaster\n"
        "from holdfast.errors import InputError\n"
        "for call in (Forecaster(3).fit, Forecaster(3).backtest, Forecaster.load):\n"
        "    try:\n"
        "        call(sys.argv[1])\n"
        "    except InputError:\n"
        "        assert 'torch' not in sys.modules\n"
        "    else:\n"
        "        raise AssertionError\n"
    )
    subprocess.run([sys.executable, "-c", code, tmp_path / "bad.csv"], check=True)


def test_polars_frames_come_back_as_polars() -> None:
    frame = pl.from_pandas(long_frame(series=2))
    forecaster = fitted(frame)
    for made in (forecaster.predict(), forecaster.backtest(), forecaster.evaluate()):
        assert isinstance(made, pl.DataFrame)


def test_what_has_no_table_or_no_room_is_refused() -> None:
    with pytest.raises(ArgumentError, match="needs a table"):
        Forecaster(HORIZON).backtest()
    with pytest.raises(TableError, match="give a shorter horizon"):
        Forecaster(40, adapt="none").backtest(long_frame(series=1, length=30))
    with pytest.raises(ModelError):
        Forecaster.load("nowhere")


def test_the_frequency_of_counters_is_a_whole_number(tmp_path: Path) -> None:
    counted = Forecaster(2, season=4, adapt="none").fit(
        {"ds": range(0, 96, 2), "y": [float(step % 4) for step in range(48)]}
    )
    assert counted.freq_ == 2
    counted.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    assert (loaded.freq, loaded.freq_) == (2, 2)
    assert isinstance(loaded.freq, int)
    assert list(loaded.predict()["ds"]) == [96, 98]


def test_a_record_after_an_update_forecasts_from_the_new_ends(tmp_path: Path) -> None:
    whole = long_frame(series=2)
    late = whole["ds"] >= "2022-07-01"
    forecaster = fitted(whole[~late], season=12)
    before = forecaster.record()
    new = pd.DataFrame(
        {"unique_id": "new", "ds": pd.date_range("2022-07-01", periods=6, freq="MS"), "y": 5.0}
    )
    forecaster.update(pd.concat([whole[late], new]))
    record, rows = forecaster.record(total_by="all"), forecaster.predict()
    assert record.labels == ("s0", "s1", "new")
    np.testing.assert_array_equal(record.times.ravel(), rows["ds"].to_numpy())
    assert record.times.min() == np.datetime64("2023-01-01")
    np.testing.assert_array_equal(record.median.ravel(), rows["holdfast"].to_numpy())
    np.testing.assert_array_equal(record.history_values[:96], whole["y"].to_numpy()[:96])
    assert (record.summary.series, record.summary.rows) == (3, 198)
    assert record.summary.last == "2022-12-01"
    sums = forecaster.totals(by="all", n=1000, seed=0)
    np.testing.assert_array_equal(record.totals.median.ravel(), sums["holdfast"].to_numpy())
    # The backtest is that of the fit.
    assert record.backtest.methods == before.backtest.methods
    np.testing.assert_array_equal(
        record.backtest.series_mase, [*before.backtest.series_mase, np.nan]
    )
    reports.save(record, tmp_path / "page.html")


def test_times_of_another_kind_than_those_of_the_fit_are_refused_without_an_option() -> None:
    counts = {"ds": range(48), "y": [float(step % 4) for step in range(48)]}
    dates = {"ds": pd.date_range("2020-01-01", periods=48), "y": counts["y"]}
    for fit, other, kind in ((counts, dates, "whole numbers"), (dates, counts, "dates")):
        forecaster = Forecaster(2, season=4, adapt="none").fit(pd.DataFrame(fit))
        with pytest.raises(TableError, match=f"of the fitted table are {kind}") as refusal:
            forecaster.predict(pd.DataFrame(other))
        assert "freq" not in str(refusal.value)


def test_future_covariates_at_times_of_another_kind_are_refused_without_an_option() -> None:
    counts = {"ds": range(48), "y": [float(step % 4) for step in range(48)], "x": [1.0, 2.0] * 24}
    ahead = pd.DataFrame({"ds": pd.date_range("2020-01-01", periods=2), "x": [1.0, 2.0]})
    forecaster = Forecaster(2, season=4, adapt="none")
    forecaster.fit(pd.DataFrame(counts), future_covariates="x")
    with pytest.raises(TableError, match="of the fitted table are whole numbers"):
        forecaster.predict(X_df=ahead)
