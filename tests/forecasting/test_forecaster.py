"""What a forecaster promises: forecasts, folds, seeds, model folders, refusals."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.forecasting.monthly import HORIZON, PLAIN, fitted, long_frame, numbers, trained

from holdfast import Forecaster
from holdfast.errors import ArgumentError, ModelError, TableError

pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture(scope="module")
def forecaster() -> Forecaster:
    return fitted(long_frame())


def test_intervals_are_nested_around_the_median_at_any_level(forecaster: Forecaster) -> None:
    levels = (30, 50, 66.5, 80, 90, 95, 97, 99.5)
    made = forecaster.predict(level=levels)
    below = [made[f"holdfast-lo-{level:g}"].to_numpy() for level in reversed(levels)]
    above = [made[f"holdfast-hi-{level:g}"].to_numpy() for level in levels]
    stacked = np.stack([*below, made["holdfast"].to_numpy(), *above])
    assert (np.diff(stacked, axis=0) >= 0).all()


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


def test_other_folds_than_those_of_fit_are_trained_for(forecaster: Forecaster) -> None:
    made = forecaster.backtest(folds=2, step=3)
    assert len(made["cutoff"].unique()) == 2
    assert len(forecaster.backtest()["cutoff"].unique()) == 3


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
