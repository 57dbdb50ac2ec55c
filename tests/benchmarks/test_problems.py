"""A comparison is fair only if no peer sees what it must forecast, and all see the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from benchmarks.problems import (
    ETT_MONTHS,
    Problem,
    classic,
    etth1,
    held_out,
    long_columns,
    m3,
    m4,
)


@pytest.fixture
def competition() -> Problem:
    """Two series of 5 and 3 points, then 2 to be forecast."""
    past = [np.arange(1.0, 6.0), np.array([10.0, 30.0, 20.0])]
    after = np.array([[6.0, 7.0], [90.0, 50.0]])
    return held_out("small", ["b", "a"], past, after, season=1)


def write_ett(folder: Path, rows: int) -> None:
    """ETTh1 with its row number in OT, and ten times it in HUFL."""
    (folder / "ett").mkdir()
    hours = np.datetime64("2016-07-01T00:00:00") + np.arange(rows) * np.timedelta64(1, "h")
    lines = [
        f"{str(hour).replace('T', ' ')},{10 * number},{number}" for number, hour in enumerate(hours)
    ]
    text = "\n".join(["date,HUFL,OT", *lines])
    (folder / "ett" / "ETTh1.csv").write_text(text, encoding="utf-8")


def test_the_histories_end_before_what_is_asked(competition: Problem) -> None:
    (history,) = competition.histories()
    assert history.one(0).tolist() == [1, 2, 3, 4, 5]
    assert history.one(1).tolist() == [10, 30, 20]
    assert competition.actual.tolist() == [[[6, 7], [90, 50]]]


def test_series_of_a_competition_end_together(competition: Problem) -> None:
    assert len(set(competition.series.ends.tolist())) == 1


def test_the_unit_of_mase_is_blind_to_what_follows(competition: Problem) -> None:
    assert competition.scale.tolist() == [1.0, 15.0]  # with 90 and 50 it would be 35


def test_a_trial_keeps_the_first_series_and_drops_the_organisers_score() -> None:
    full = held_out("x", ["a", "b"], [np.ones(3)] * 2, np.ones((2, 1)), 1, naive2=(1.0, 1.0))
    trial = full.limited(1)
    assert (trial.series.labels, trial.naive2) == (("a",), None)


def test_peers_get_ids_in_the_order_of_the_series_and_one_clock(competition: Problem) -> None:
    columns = long_columns(competition.training)
    assert columns["unique_id"].tolist() == ["00000"] * 5 + ["00001"] * 3
    assert columns["ds"].tolist() == [0, 1, 2, 3, 4, 2, 3, 4]
    assert columns["y"].tolist() == [1, 2, 3, 4, 5, 10, 30, 20]


def test_m4_and_m3_keep_every_series_with_its_kind(tmp_path: Path) -> None:
    for name in ("m3", "m4"):
        (tmp_path / name).mkdir()
    train = [[1.0, 2.0, 3.0], [4.0, 5.0], [6.0, 7.0, 8.0, 9.0]]
    test = [[0.5, 0.6], [0.7, 0.8], [0.9, 1.0]]
    columns = {"id": ["x", "y", "z"], "train": train, "test": test}
    parquet.write_table(pa.table(columns), tmp_path / "m4" / "m4_yearly.parquet")
    periods = {"period": ["YEARLY", "QUARTERLY", "MONTHLY"]}
    other = {"id": ["w"], "train": [[1.0, 1.5]], "test": [[3.0, 3.1]], "period": ["OTHER"]}
    table = pa.concat_tables([pa.table(columns | periods), pa.table(other)])
    parquet.write_table(table, tmp_path / "m3" / "m3.parquet")

    (yearly,) = m4(tmp_path, "yearly")
    assert yearly.series.labels == ("x", "y", "z")
    assert yearly.actual[0].tolist() == test
    kinds = {problem.name: problem for problem in m3(tmp_path)}
    assert [(name, kind.season) for name, kind in kinds.items()] == [
        ("M3 yearly", 1),
        ("M3 quarterly", 4),
        ("M3 monthly", 12),
        ("M3 other", 1),
    ]
    assert kinds["M3 quarterly"].training.one(0).tolist() == [4, 5]
    assert kinds["M3 other"].actual[0].tolist() == [[3.0, 3.1]]


def test_ett_is_forecast_in_the_usual_test_part_only(tmp_path: Path) -> None:
    write_ett(tmp_path, rows=sum(ETT_MONTHS) + 100)
    (problem,) = etth1(tmp_path)
    training, validation, test = ETT_MONTHS
    column = problem.series.labels.index("OT")
    assert problem.training.one(column)[-1] == training + validation - 1
    assert problem.actual[0, column, 0] == training + validation
    assert problem.actual[-1, column, -1] < training + validation + test
    for history, following in zip(problem.histories(), problem.actual, strict=True):
        assert history.one(column)[-1] + 1 == following[column, 0]


def test_what_is_added_between_two_origins_completes_the_history(tmp_path: Path) -> None:
    write_ett(tmp_path, rows=sum(ETT_MONTHS))
    (problem,) = etth1(tmp_path)
    first, second = problem.origins[:2]
    added = problem.between(first, second)
    for index in range(len(problem.series)):
        joined = np.concatenate([problem.training.one(index), added.one(index)])
        assert joined.tolist() == problem.series.cut(second).one(index).tolist()
    assert added.starts.tolist() == [first + 1] * len(added)
    assert long_columns(added)["ds"].max() == second


def test_a_classic_file_is_read_as_users_read_it_and_its_end_held_out(tmp_path: Path) -> None:
    (tmp_path / "classic").mkdir()
    season = [5.0, 9.0, 7.0, 1.0]
    rows = [f"{year}-{month:02d},{season[month // 3] + year}"
            for year in range(1990, 2010) for month in (1, 4, 7, 10)]  # fmt: skip
    text = "\n".join(["Quarter,Beer", *rows])
    (tmp_path / "classic" / "beer.csv").write_text(text, encoding="utf-8")
    (problem,) = classic(tmp_path)
    assert (problem.name, problem.season, problem.horizon) == ("beer", 4, 12)
    assert len(problem.training.one(0)) == 80 - 12
    assert problem.actual[0, 0, -1] == season[10 // 3] + 2009


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"m3\.parquet is not there"):
        m3(tmp_path)
