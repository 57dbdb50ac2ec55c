"""Jobs over folders of partitions: every series once, as one table would be, whatever is killed."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from tests.forecasting.partitions.folders import (
    folder_of,
    results,
    run_here,
    series_table,
    settings_for,
)
from tests.forecasting.small import small_network

from holdfast.errors import InputError, TableError
from holdfast.forecasting.backtest import Backtest, backtest_data_on
from holdfast.forecasting.evaluation.folds import Folds
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.partitions import folder
from holdfast.forecasting.partitions.work import ScoreSums
from holdfast.forecasting.predict import forecast
from holdfast.tables.read import ReadOptions, read


@pytest.fixture(autouse=True)
def _small() -> Iterator[None]:
    with small_network():
        yield


@pytest.mark.parametrize("by_time", [False, True])
def test_batches_of_partitions_give_what_one_table_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_time: bool
) -> None:
    data, names = folder_of(tmp_path / "in", series=7, by_time=by_time)
    monkeypatch.setattr(folder, "BATCH_SERIES", 2)  # four batches a partition
    monkeypatch.setattr(folder, "_READ_ROWS", 100)  # batches that end within a series
    out = tmp_path / "out"
    done = run_here(out, settings_for(data))
    made = results(out)
    assert (done.series, done.rows) == (len(names), made.num_rows) == (21, 21 * 6)
    assert Counter(made["unique_id"].to_pylist()) == dict.fromkeys(names, 6)
    assert made.schema.field("ds").type == pa.date32()  # as in the parts

    whole = read(series_table(names), ReadOptions(freq="MS", season=12))
    once = forecast(FittedModel.load(out / "model"), whole.series, [80.0])
    for index, name in enumerate(names):
        rows = made.filter(pa.compute.equal(made["unique_id"], name))
        assert rows["ds"].to_pylist()[0].isoformat() == "2024-01-01"
        # Rows of a batch do not see each other, but matrices of another height round otherwise:
        # by a few parts in 10⁷ of float32 in the network, here 10⁻⁴ of the spread at most.
        close = 1e-5 * np.abs(once.median[index]).max()
        assert np.abs(rows["holdfast"].to_numpy() - once.median[index]).max() < close
        assert np.abs(rows["holdfast-lo-80"].to_numpy() - once.lower[80.0][index]).max() < close


def test_a_job_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    data, names = folder_of(tmp_path / "in")
    out, settings = tmp_path / "out", settings_for(data)
    run_here(out, settings)
    before = results(out)
    kept, lost = out / "forecast/part-0.parquet", out / "forecast/part-1.parquet"
    os.utime(kept, ns=(1, 1))
    lost.unlink()
    left = out / "forecast/.holdfast-0badcafe0badcafe.part"
    left.write_bytes(b"PAR1 half")
    again = run_here(out, settings)
    assert (again.kept, again.partitions, again.series) == (2, 3, len(names))
    assert kept.stat().st_mtime_ns == 1
    assert not left.exists()
    assert results(out).equals(before)
    assert not (out / "identities").exists()


def test_another_job_is_refused_in_a_sentence(tmp_path: Path) -> None:
    data, _ = folder_of(tmp_path / "in", parts=2)
    out, settings = tmp_path / "out", settings_for(data)
    run_here(out, settings)
    with pytest.raises(InputError, match=r"a job with horizon=6, and this one is with horizon=7"):
        run_here(out, replace(settings, horizon=7))
    parquet.write_table(series_table(["new"]), data / "part-9.parquet")
    with pytest.raises(InputError, match=r"part-9\.parquet is new since this job began"):
        run_here(out, settings)
    (data / "part-9.parquet").unlink()
    parquet.write_table(series_table(["other"]), data / "part-1.parquet")
    with pytest.raises(InputError, match=r"part-1\.parquet has changed"):
        run_here(out, settings)
    (data / "part-1.parquet").unlink()
    with pytest.raises(InputError, match=r"part-1\.parquet is gone"):
        run_here(out, settings)
    (out / "plan.json").write_text("{}")
    with pytest.raises(InputError, match=r"plan\.json is not a plan"):
        run_here(out, settings)
    (out / "plan.json").unlink()
    with pytest.raises(InputError, match=r"holds files and .* no plan\.json"):
        run_here(out, settings)


@pytest.mark.parametrize("ranges", [1, 5])
def test_a_series_in_two_parts_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ranges: int
) -> None:
    data, names = folder_of(tmp_path / "in")
    parquet.write_table(series_table(["own", names[5]]), data / "late.parquet")
    monkeypatch.setattr(folder, "_IN_MEMORY", -(-14 // ranges))
    with pytest.raises(
        TableError, match=r"Series 's1-1' is in late\.parquet and in part-1\.parquet"
    ):
        run_here(tmp_path / "out", settings_for(data))
    assert not (tmp_path / "out" / "plan.json").exists()


def test_equal_hashes_of_two_names_are_no_mistake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, names = folder_of(tmp_path / "in")
    monkeypatch.setattr(
        folder, "hash_names", lambda labels, seed: np.zeros(len(labels), dtype=np.uint64)
    )
    parts = folder.find_partitions(data)
    counted = folder.count_partitions(parts, ["unique_id"], 0, tmp_path / "hashes")
    assert sum(one.series for one in counted) == len(names)


def test_what_is_wrong_with_one_part_is_said_and_the_others_are_done(tmp_path: Path) -> None:
    data, _ = folder_of(tmp_path / "in", parts=2, series=30)
    weekly = series_table(["odd"])
    dates = np.arange(60) * np.timedelta64(7, "D") + np.datetime64("2020-01-06")
    parquet.write_table(weekly.set_column(1, "ds", pa.array(dates)), data / "part-2.parquet")
    out = tmp_path / "out"
    settings = settings_for(data, sample=5)  # the seed draws none of "odd"
    with pytest.raises(InputError, match=r"1 of 3 partitions .*part-2\.parquet.* does not lie on"):
        run_here(out, settings)
    assert len(list((out / "forecast").iterdir())) == 2


def test_text_parts_and_folders_below(tmp_path: Path) -> None:
    data = tmp_path / "in"
    for place in ("a", "b"):
        (data / place).mkdir(parents=True)
        csv.write_csv(series_table([f"{place}1", f"{place}2"]), data / place / "x.csv")
    (data / "_SUCCESS").touch()
    out = tmp_path / "out"
    done = run_here(out, settings_for(data, sample=3))
    assert (done.partitions, done.series) == (2, 4)
    assert parquet.read_table(out / "forecast/b/x.parquet")["unique_id"].unique().to_pylist() == [
        "b1",
        "b2",
    ]


def test_folders_that_cannot_be_used(tmp_path: Path) -> None:
    data, _ = folder_of(tmp_path / "in", parts=1)
    with pytest.raises(InputError, match="lies inside the folder of partitions"):
        run_here(data / "out", settings_for(data))
    (tmp_path / "empty").mkdir()
    with pytest.raises(TableError, match="has no partitions"):
        run_here(tmp_path / "out", settings_for(tmp_path / "empty"))
    (data / "part-0.csv").write_text("unique_id,ds,y\n")
    with pytest.raises(TableError, match="would both be written to"):
        run_here(tmp_path / "out", settings_for(data))


def test_scores_of_parts_add_up_to_those_of_all_series(tmp_path: Path) -> None:
    """One part and a sample of everything: the scores are those that the fit itself prints."""
    data, names = folder_of(tmp_path / "in", parts=1, series=12)
    out = tmp_path / "out"
    done = run_here(out, settings_for(data, verb="backtest", sample=12))
    plan = done.plan
    table = read(series_table(names), ReadOptions(freq="MS", season=12))
    folds = Folds(plan.cutoffs, None, 6, plan.needed, "")
    assert len(folds.scoring) == 3
    trial = Backtest(backtest_data_on(table, 6, folds), (80.0,), 0)
    for member in FittedModel.load(out / "model").networks:
        trial.add(member)
    judged = trial.evaluate().evaluation
    assert done.sums is not None
    for ours, theirs in zip(done.sums.methods(), judged.methods, strict=True):
        assert ours.method == theirs.method
        # ScoreSums in another order: a rounding for each of the 216 terms at most.
        assert ours.mase == pytest.approx(theirs.mase, rel=216 * 2.3e-16)
        assert ours.smape == pytest.approx(theirs.smape, rel=216 * 2.3e-16)
    mine = done.sums.coverage()[0]
    theirs_80 = next(row for row in judged.coverage if row.level == 80.0)
    assert mine.coverage == pytest.approx(theirs_80.coverage)
    assert mine.width == pytest.approx(theirs_80.width)
    made = results(out, "backtest")
    assert Counter(made["unique_id"].to_pylist()) == dict.fromkeys(names, 18)


def test_sums_add_up() -> None:
    one = ScoreSums(mase={"a": (2.0, 4)}, inside={"80": (3.0, 4)}, width={"80": (8.0, 4)},
               scores={"80": 90}, smape={"a": (10.0, 4)})  # fmt: skip
    other = ScoreSums(mase={"a": (4.0, 2)}, inside={"80": (1.0, 2)}, width={"80": (1.0, 2)},
                 scores={"80": 20}, smape={"a": (5.0, 1)}, uncalibrated=["80"])  # fmt: skip
    one.add(ScoreSums.from_json(other.to_json()))
    assert one.methods()[0].mase == 1.0
    assert one.methods()[0].smape == 3.0
    row = one.coverage()[0]
    assert (row.coverage, row.width, row.scores, row.calibrated) == (4 / 6, 1.5, 20, False)
