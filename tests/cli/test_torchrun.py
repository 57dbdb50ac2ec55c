"""The command under torchrun: as one process with twice the batch, written and said once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from pyarrow import csv
from tests.forecasting.partitions.folders import series_table

from holdfast.training.ranks import SHARDS

TORCHRUN = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")


def run(*words: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """A Python process of its own."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        env={**os.environ, "OMP_NUM_THREADS": "1", **variables},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_torchrun_equals_one_process_with_twice_the_batch(tmp_path: Path) -> None:
    data = tmp_path / "sales.csv"
    csv.write_csv(series_table([f"s{number}" for number in range(40)]), data)
    words = ("backtest", data, "-h", 6, "--adapt", "full", "--steps", 4, "--json", "-o")
    both = run(*TORCHRUN, "-m", "holdfast", *words, tmp_path / "both")
    one = run("-m", "holdfast", *words, tmp_path / "one", **{SHARDS: "2"})
    alone = run("-m", "holdfast", *words, tmp_path / "alone")
    for ended in (both, one, alone):
        assert ended.returncode == 0, ended.stderr
    assert json.loads(both.stdout)["methods"] == json.loads(one.stdout)["methods"]
    made = {name: csv.read_csv(tmp_path / name / "backtest.csv") for name in ("both", "one")}
    assert made["both"].equals(made["one"])
    other = csv.read_csv(tmp_path / "alone" / "backtest.csv")["Adapted"].to_numpy()
    assert np.abs(other - made["one"]["Adapted"].to_numpy()).max() > 0
    assert not (tmp_path / "both" / "training").exists()


@pytest.mark.slow
def test_the_first_process_alone_writes_a_forecast(tmp_path: Path) -> None:
    data, out = tmp_path / "sales.csv", tmp_path / "out"
    csv.write_csv(series_table([f"s{number}" for number in range(9)]), data)
    words = ("forecast", data, "-h", 6, "--adapt", "full", "--steps", 2, "--json", "-o", out)
    ended = run(*TORCHRUN, "-m", "holdfast", *words)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["files"]["forecast"] == str(out / "forecast.csv")
    assert csv.read_csv(out / "forecast.csv").num_rows == 9 * 6
    assert {path.name for path in out.iterdir()} == {"forecast.csv", "model", "report.html"}


@pytest.mark.slow
def test_a_refusal_is_said_once(tmp_path: Path) -> None:
    ended = run(*TORCHRUN, "-m", "holdfast", "forecast", tmp_path / "none.csv", "-h", 6)
    assert ended.returncode != 0
    assert ended.stderr.count("holdfast: There is no file") == 1
