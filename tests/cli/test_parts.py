"""`forecast` and `backtest` on a folder of partitions, as a person runs them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from tests.cli.command import assert_light, command, one_sentence
from tests.forecasting.partitions.folders import HereOnly, folder_of, results
from tests.forecasting.small import small_network

from holdfast.forecasting.partitions import job


@pytest.fixture(autouse=True)
def _here() -> Iterator[None]:
    with small_network(), patch.object(job, "Workers", HereOnly):
        yield


def test_a_folder_is_forecast_part_by_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, names = folder_of(tmp_path / "in")
    words = ("forecast", data, "-h", 6, "--adapt", "none", "--sample", 5, "-o", tmp_path / "out")
    assert command(monkeypatch, *words) == 0
    printed = capsys.readouterr().out
    said = "12 series in 3 partitions; season, frequency and ensemble weights are found on a"
    assert f"{said} sample of 5" in " ".join(printed.split())
    assert "report.html" in printed
    assert "5 of 12 series" in (tmp_path / "out" / "report.html").read_text("utf-8")
    made = results(tmp_path / "out")
    assert set(made["unique_id"].to_pylist()) == set(names)
    assert made.num_rows == 72
    (tmp_path / "out" / "forecast" / "part-1.parquet").unlink()
    assert command(monkeypatch, *words, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["series"], said["partitions"], said["partitions_kept"]) == (12, 3, 2)


def test_one_file_with_a_sample_is_forecast_as_a_folder_of_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, names = folder_of(tmp_path / "in", parts=1, series=12)
    (tmp_path / "in" / "note.parquet.txt~").write_text("of no interest")
    words = ("-h", 6, "--adapt", "none", "--sample", 5, "--quiet", "-o")
    assert command(monkeypatch, "forecast", data, *words, tmp_path / "folder") == 0
    file = data / "part-0.parquet"
    assert command(monkeypatch, "forecast", file, *words, tmp_path / "file") == 0
    made = results(tmp_path / "file")
    assert set(made["unique_id"].to_pylist()) == set(names)
    assert made.equals(results(tmp_path / "folder"))
    capsys.readouterr()
    (tmp_path / "sales.xlsx").write_bytes(b"PK")
    words = (*words, tmp_path / "third")
    assert command(monkeypatch, "forecast", tmp_path / "sales.xlsx", *words) == 2
    assert "leave out --sample" in one_sentence(capsys.readouterr().err)
    assert command(monkeypatch, "forecast", file, "--total-over", "month", *words) == 2
    assert "without --sample" in one_sentence(capsys.readouterr().err)


def test_a_folder_is_backtested_with_one_table_of_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, _ = folder_of(tmp_path / "in", parts=2, series=6)
    words = ("backtest", data, "-h", 6, "--adapt", "none", "--folds", 2, "-o", tmp_path / "out")
    assert command(monkeypatch, *words, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["rows"] == 12 * 6 * 2
    methods = {row["method"] for row in said["scores"]}
    assert {"holdfast", "Pretrained", "SeasonalNaive"} <= methods
    assert {row["level"] for row in said["coverage"]} == {80.0, 90.0}


def test_a_folder_is_refused_before_torch_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, _ = folder_of(tmp_path / "in", parts=1)
    (data / "again.parquet").write_bytes((data / "part-0.parquet").read_bytes())
    assert_light(["forecast", "in", "-h", "6"], 2, tmp_path)
    assert command(monkeypatch, "forecast", data, "-h", 6, "-o", tmp_path / "out") == 2
    assert "is in again.parquet and in part-0.parquet" in one_sentence(capsys.readouterr().err)
    for words, reason in (
        (("forecast", data), "Say how many periods"),
        (("forecast", data, "-h", 6, "--wide"), "leave out --wide"),
        (("forecast", data, "-h", 6, "--level", "0.9"), "levels are percentages"),
        (("forecast", tmp_path / "in", "-h", 6, "--id", "shop"), "no column 'shop'"),
    ):
        assert command(monkeypatch, *words, "-o", tmp_path / "out") == 2
        assert reason in one_sentence(capsys.readouterr().err)
