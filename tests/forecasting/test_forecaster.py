from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import torch
from tests.forecasting.small import small_network

from holdfast import Forecaster
from holdfast.errors import ArgumentError, ModelError, TableError
from holdfast.records import ADAPTED, LSTM, PRETRAINED

HORIZON = 6
PLAIN = (PRETRAINED, ADAPTED, LSTM)


def long_frame(series: int = 4, length: int = 96, seed: int = 0) -> pd.DataFrame:
    """Monthly series with a season of 12."""
    generator = np.random.default_rng(seed)
    month = np.arange(length)
    frames = []
    for number in range(series):
        level = 50.0 * (number + 1) + 0.2 * month
        season = 8.0 * np.sin(2 * np.pi * month / 12 + number)
        frames.append(
            pd.DataFrame(
                {
                    "unique_id": f"s{number}",
                    "ds": pd.date_range("2015-01-01", periods=length, freq="MS"),
                    "y": level + season + generator.normal(0, 1.0, length),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def fitted(frame: object, **arguments: object) -> Forecaster:
    """Fitted without training, unless `arguments` say otherwise."""
    return Forecaster(HORIZON, **{"adapt": "none", **arguments}).fit(frame)


def trained(frame: object, **arguments: object) -> Forecaster:
    """Fitted with a handful of updates of every kind of network."""
    return fitted(frame, **{"adapt": "full", "steps": 2, **arguments})


def numbers(frame: pd.DataFrame) -> np.ndarray:
    return frame.select_dtypes("number").to_numpy()


@pytest.fixture(scope="module", autouse=True)
def _small() -> Iterator[None]:
    """A small network that knows nothing, in the place of the one that ships."""
    with small_network():
        yield


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


def test_intervals_are_nested_around_the_median_at_any_level(forecaster: Forecaster) -> None:
    levels = (30, 50, 66.5, 80, 90, 95, 97, 99.5)
    made = forecaster.predict(level=levels)
    below = [made[f"holdfast-lo-{level:g}"].to_numpy() for level in reversed(levels)]
    above = [made[f"holdfast-hi-{level:g}"].to_numpy() for level in levels]
    stacked = np.stack([*below, made["holdfast"].to_numpy(), *above])
    assert (np.diff(stacked, axis=0) >= 0).all()


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


def test_equal_seeds_give_equal_forecasts_and_others_do_not_and_nobody_is_seeded() -> None:
    frame = long_frame(series=2)
    before = (torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate())  # noqa: NPY002  # it must not change
    one, two, other = (trained(frame, seed=seed).backtest() for seed in (1, 1, 2))
    Forecaster(HORIZON, budget=1.0).fit(frame)  # which also times the networks
    assert torch.equal(before[0], torch.get_rng_state())
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002  # as above
    assert before[2] == random.getstate()
    np.testing.assert_array_equal(numbers(one), numbers(two))
    for network in ("Adapted", "LSTM"):
        assert (one[network] != other[network]).all()
    for fixed in ("Pretrained", "Theta"):
        assert (one[fixed] == other[fixed]).all()


def test_nothing_after_a_cutoff_changes_what_is_forecast_there() -> None:
    frame = long_frame(series=3)
    changed = frame.copy()
    last = changed.groupby("unique_id").cumcount(ascending=False) < HORIZON
    changed.loc[last, "y"] += 1000.0
    members = [*PLAIN, "SeasonalNaive", "SeasonalMean", "Theta", "DampedETS", "Naive"]
    before, after = (trained(table, season=12).backtest() for table in (frame, changed))
    assert sorted(before["cutoff"].unique()) == sorted(after["cutoff"].unique())
    newest = before["cutoff"].max()
    # Members of every fold, and the blend and bounds of the one whose actuals changed.
    np.testing.assert_array_equal(before[members].to_numpy(), after[members].to_numpy())
    ours = ["holdfast", "holdfast-lo-80", "holdfast-hi-80", "holdfast-lo-90", "holdfast-hi-90"]
    there = (before["cutoff"] == newest).to_numpy()
    np.testing.assert_array_equal(before.loc[there, ours], after.loc[there, ours])
    assert (before.loc[there, "y"] != after.loc[there, "y"]).all()


def test_odd_series_get_a_forecast_and_a_note() -> None:
    frame = long_frame(series=3)
    months = pd.date_range("2015-01-01", periods=96, freq="MS")
    odd = {
        "constant": np.full(96, 7.0),
        "zeros": np.zeros(96),
        "single": np.array([5.0]),
        "three": np.array([1.0, 2.0, 3.0]),
        "huge": 1e30 * np.arange(1.0, 97.0),
        "gappy": np.where(np.arange(96) % 3 == 0, np.nan, np.arange(96.0)),
        "gap at the end": np.where(np.arange(96) > 85, np.nan, np.arange(96.0)),
    }
    extra = [
        pd.DataFrame({"unique_id": name, "ds": months[-len(values) :], "y": values})
        for name, values in odd.items()
    ]
    made = fitted(pd.concat([frame, *extra], ignore_index=True)).predict()
    assert len(made) == 10 * HORIZON
    assert np.isfinite(numbers(made)).all()
    notes = made.groupby("unique_id")["note"].first()
    assert "constant" in notes["constant"]
    assert "single value" in notes["single"]
    assert "10 values are missing" in notes["gap at the end"]
    constant = made[made["unique_id"] == "constant"]
    np.testing.assert_allclose(constant["holdfast"], 7.0, rtol=1e-3)
    assert (made["holdfast-lo-80"][made["unique_id"] == "zeros"] >= 0).all()


def test_a_three_row_series_and_a_horizon_of_24_is_half_the_network_s() -> None:
    frame = pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=3), "y": [1.0, 2.0, 4.0]})
    made = Forecaster(24).fit(frame).predict(members=True)
    assert len(made) == 24
    assert np.isfinite(numbers(made)).all()
    # Too short for a backtest: half is the pretrained network's, half the simple methods'.
    assert "0.50 Pretrained" in made["method"].iloc[0]
    assert "not calibrated" in made["note"].iloc[0]
    simple = made[["SeasonalNaive", "SeasonalMean", "Theta", "DampedETS"]].mean(axis=1)
    expected = np.maximum(0.5 * (made["Pretrained"] + simple), 0)
    np.testing.assert_allclose(made["holdfast"], expected)


def test_a_history_of_one_value_is_forecast_by_the_network_too(forecaster: Forecaster) -> None:
    single = long_frame(series=1, length=1).assign(unique_id="newborn")
    made = forecaster.predict(single, members=True)
    assert np.isfinite(numbers(made)).all()
    assert np.isfinite(made["Pretrained"]).all()
    assert "too few" not in made["note"].iloc[0]


def test_histories_never_seen_are_forecast_from_where_they_end(forecaster: Forecaster) -> None:
    frame = long_frame(series=1, length=60, seed=9).assign(unique_id="new")
    made = forecaster.predict(frame)
    assert made["ds"].min() == pd.Timestamp("2020-01-01")
    assert "not in the fit" in made["note"].iloc[0]
    with pytest.raises(TableError, match="monthly"):
        forecaster.predict(frame.assign(ds=pd.date_range("2020-01-01", periods=60, freq="D")))


def test_a_model_folder_gives_the_same_forecasts(forecaster: Forecaster, tmp_path: Path) -> None:
    forecaster.save(tmp_path / "model")
    loaded = Forecaster.load(tmp_path / "model")
    frame = long_frame()
    np.testing.assert_array_equal(
        numbers(loaded.predict(frame)), numbers(forecaster.predict(frame))
    )
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match="other"):
        forecaster.save(tmp_path / "other")
    with pytest.raises(ModelError, match="other"):
        Forecaster.load(tmp_path / "other")
    assert (tmp_path / "other" / "notes.txt").read_text() == "mine"


def test_what_makes_no_sense_is_refused(forecaster: Forecaster) -> None:
    for arguments in ({"horizon": 0}, {"horizon": 3, "season": 0}, {"horizon": 3, "steps": 0},
                      {"horizon": 3, "budget": "soon"}, {"horizon": 3, "adapt": "some"},
                      {"horizon": 2.5}):  # fmt: skip
        with pytest.raises(ArgumentError, match=list(arguments)[-1]):
            Forecaster(**arguments)
    with pytest.raises(ArgumentError, match="fit"):
        Forecaster(3).predict()
    with pytest.raises(ArgumentError, match="level"):
        forecaster.predict(level=(80, 100))
    with pytest.raises(ArgumentError, match="50, 80"):
        forecaster.backtest(level=(81,))


def test_season_and_frequency_may_be_given() -> None:
    frame = long_frame(series=2).assign(ds=np.tile(np.arange(96), 2))
    made = fitted(frame, season=12, freq=1).predict(members=True)
    assert made["ds"].iloc[0] == 96
    # With its season seasonal naive repeats the last year.
    last_year = frame["y"].to_numpy()[84:90]
    np.testing.assert_allclose(made["SeasonalNaive"].to_numpy()[:HORIZON], last_year)


def test_other_folds_than_those_of_fit_are_trained_for(forecaster: Forecaster) -> None:
    made = forecaster.backtest(folds=2, step=3)
    assert len(made["cutoff"].unique()) == 2
    assert len(forecaster.backtest()["cutoff"].unique()) == 3


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


def test_everything_that_was_trained_is_judged_and_kept_only_where_it_has_weight() -> None:
    made = trained(long_frame(series=2))
    record = made.record()
    rows = {row.method: row.weight for row in record.backtest.methods}
    assert set(PLAIN) <= set(rows)
    assert [one.member for one in record.training] == ["Adapted", "LSTM"]
    kept = [name for name in made.predict(members=True).columns if name in PLAIN]
    assert kept == ["Pretrained", *(name for name in PLAIN[1:] if rows[name])]


def test_without_adapting_nothing_is_trained_and_the_seed_has_no_say() -> None:
    one, other = (fitted(long_frame(series=2), seed=seed) for seed in (1, 2))
    assert one.record().training == ()
    np.testing.assert_array_equal(numbers(one.predict()), numbers(other.predict()))


def test_series_of_one_shape_have_one_vector(forecaster: Forecaster) -> None:
    frame = long_frame(series=2)
    shape = frame["y"][frame["unique_id"] == "s0"].to_numpy()
    frame["y"] = np.concatenate([shape, 1e6 - 250.0 * shape])
    made = forecaster.embed(pd.concat([frame, long_frame(series=4)[192:]]))
    assert list(made.columns[:3]) == ["unique_id", "e0", "e1"]
    assert made["unique_id"].tolist() == ["s0", "s1", "s2", "s3"]
    vectors = made.drop(columns="unique_id").to_numpy()
    near, far = (np.abs(vectors[0] - vectors[other]).max() for other in (1, 2))
    assert near < 1e-3 * far
    own = forecaster.embed()
    assert own["unique_id"].tolist() == ["s0", "s1", "s2", "s3"]
    with pytest.raises(ArgumentError, match="fit"):
        Forecaster(3).embed()


def test_vectors_come_as_the_kind_of_frame_that_went_in(forecaster: Forecaster) -> None:
    made = forecaster.embed(pl.from_pandas(long_frame(series=2)))
    assert isinstance(made, pl.DataFrame)
    assert made.height == 2


def test_notes_say_the_verdict_in_the_same_words_everywhere() -> None:
    frame = long_frame(series=3)
    frame.loc[frame["unique_id"].eq("s1") & (frame["ds"] > "2022-06-01"), "y"] += 60.0
    made = fitted(frame)
    record = made.record()
    assert record.trust is not None
    assert record.trust.verdicts[0] == "trust"
    assert record.trust.verdicts[1] != "trust"
    (first, *_) = record.trust.findings[1]
    assert "above the level before" in first
    notes = made.predict().groupby("unique_id")["note"].first()
    assert notes["s1"].startswith(f"{record.trust.verdicts[1]}: {first}")
    assert tuple(notes) == record.note
    assert sum(record.trust.counts.values()) == 3
    assert any("reads the" in sentence for sentence in record.trust.rests_on)


def test_what_past_folds_said_is_kept_in_the_model_folder(tmp_path: Path) -> None:
    made = fitted(long_frame(series=2))
    made.save(tmp_path / "model")
    again = Forecaster.load(tmp_path / "model")
    kept, stored = made._require().past, again._require().past
    assert kept is not None
    assert stored is not None
    np.testing.assert_array_equal(kept.to_array(), stored.to_array())
    assert made.predict()["note"].tolist() == again.predict()["note"].tolist()


@pytest.mark.parametrize("gap", [20, 300, 1500])
def test_a_series_that_ended_long_ago_is_forecast_and_marked(gap: int) -> None:
    day = np.arange(2000)
    y = 50.0 + 8.0 * (day % 7 == 6)
    y[-gap:] = np.nan
    both = pd.DataFrame(
        {
            "unique_id": np.repeat(["ended", "alive"], 2000),
            "ds": np.tile(pd.date_range("2015-01-01", periods=2000, freq="D"), 2),
            "y": np.concatenate([y, 50.0 + 8.0 * (day % 7 == 6) + 0.1 * (day % 5)]),
        }
    )
    made = fitted(both, season=7).predict(members=True)
    ended = made[made["unique_id"] == "ended"]
    assert np.isfinite(numbers(ended)).all()
    assert ended["note"].iloc[0].startswith(f"do not trust: the last {gap:,} values are missing")
    # The phase of the week is that of the calendar: the peak is where it was.
    peaks = 50.0 + 8.0 * ((2000 + np.arange(HORIZON)) % 7 == 6)
    np.testing.assert_allclose(ended["SeasonalNaive"], peaks)
    bounds = ended["holdfast-hi-90"] - ended["holdfast-lo-90"]
    assert (bounds > 0).all()
