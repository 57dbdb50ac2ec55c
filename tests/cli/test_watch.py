"""`holdfast watch` as a process: alarms at once, bad lines named, and a kill loses nothing."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.forecasting.fits import fit, table


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("watch") / "model"
    fit(table(np.array(["a", "b"], dtype=object))).save(made)
    return made


def new_rows(count: int) -> list[str]:
    random = np.random.default_rng(3)
    days = pd.date_range("2021-01-01", periods=count, freq="MS").strftime("%Y-%m-%d")
    values = 50 + 15 * random.normal(size=(count, 2))
    rows = zip(days, values, strict=True)
    return [
        f"{name},{day},{v:.4f}\n" for day, pair in rows for name, v in zip("ab", pair, strict=True)
    ]


def started(model: Path, *words: object) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "holdfast", "watch", str(model), *map(str, words)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def ended(process: subprocess.Popen[bytes], text: str) -> tuple[list[str], list[str]]:
    """Lines on standard output and standard error."""
    said, wrong = process.communicate(text.encode(), timeout=120)
    assert process.returncode == 0, wrong.decode()
    return said.decode().splitlines(), wrong.decode().splitlines()


def test_bad_lines_are_named_and_the_others_are_judged(model: Path, tmp_path: Path) -> None:
    lines = [
        "y,extra,ds,unique_id\n",
        "1000,x,2021-01-01,a\n",
        "50,x,2021-01-01,c\n",
        "fifty,x,2021-02-01,a\n",
        "50,2021-02-01,a\n",
        "50,x,2021-02-05,a\n",
        "50,x,02/01/2021,a\n",
        "\n",
        "51,x,2021-01-01,a\n",
        "50,x,2021-01-01,\n",
        "-1000,x,2021-01-01,b",
    ]
    said, wrong = ended(started(model, "--state", tmp_path / "state"), "".join(lines))
    rows = list(csv.DictReader(said))
    assert [(row["unique_id"], row["ds"], row["y"]) for row in rows] == [
        ("a", "2021-01-01", "1000.0"),
        ("b", "2021-01-01", "-1000.0"),
    ]
    assert float(rows[0]["score"]) > 1 > -1 > float(rows[1]["score"])
    assert float(rows[0]["holdfast-lo-99"]) < float(rows[0]["holdfast"]) < 1000
    named = [line for line in wrong if "line" in line]
    for number, words in (
        (3, "'c' is not in the model"), (4, "'fifty' is not a number"), (5, "3 values where"),
        (6, "does not lie on the model's calendar"), (7, "is not a date"),
        (9, "1000 there already"),
        (10, "name of the series is missing"),
    ):  # fmt: skip
        assert any(f"line {number}: " in line and words in line for line in named), (number, named)
    assert len(named) == 7
    assert "not calibrated" in wrong[0]


def test_a_first_line_that_means_nothing_is_refused(model: Path, tmp_path: Path) -> None:
    process = started(model, "--state", tmp_path / "state")
    _, wrong = process.communicate(b"what,is,this\na,2021-01-01,5\n", timeout=120)
    assert process.returncode == 2
    assert "neither a row nor a header" in wrong.decode()


def test_killed_at_any_moment_it_loses_no_row_and_the_file_has_each_alarm_once(
    model: Path, tmp_path: Path
) -> None:
    rows = new_rows(120)
    calm, harried = tmp_path / "calm.jsonl", tmp_path / "harried.jsonl"
    words = ("--level", 80, "--format", "json", "--quiet")
    said, _ = ended(
        started(model, "--state", tmp_path / "one", "--alarms", calm, *words), "".join(rows)
    )
    expected = [json.loads(line) for line in calm.read_text().splitlines()]
    assert [json.loads(line) for line in said] == expected
    assert 5 < len(expected) < 200
    words = ("--state", tmp_path / "two", "--alarms", harried, *words)
    for sent in (140,):
        process = started(model, *words)
        assert process.stdin is not None
        before = _taken(tmp_path / "two")
        process.stdin.write("".join(rows[:sent]).encode())
        process.stdin.flush()
        deadline = time.monotonic() + 60
        while _taken(tmp_path / "two") <= before and time.monotonic() < deadline:
            time.sleep(0.01)
        process.kill()
        process.communicate()
    ended(started(model, *words), "".join(rows))
    found = [json.loads(line) for line in harried.read_text().splitlines()]
    assert [(row["unique_id"], row["ds"], row["y"]) for row in found] == [
        (row["unique_id"], row["ds"], row["y"]) for row in expected
    ]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours["score"] == pytest.approx(theirs["score"], rel=1e-4)
    again, _ = ended(started(model, *words), "".join(rows))
    assert again == []


def _taken(state: Path) -> int:
    return sum(path.stat().st_size for path in state.glob("rows-*")) if state.exists() else 0
