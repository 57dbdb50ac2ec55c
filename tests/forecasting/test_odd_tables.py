"""Odd tables through the commands: a clear sentence or a marked forecast, nothing half-written."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.cli.command import command, one_sentence
from tests.forecasting.odd_tables import ODD, Odd, daily, day

HORIZON = 7
ADAPTED_NOT = ("--adapt", "none")


pytestmark = pytest.mark.usefixtures("small")


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of a sound daily table."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "sound.csv").write_bytes(daily(90))
    with pytest.MonkeyPatch.context() as patch:
        words = ("forecast", folder / "sound.csv", "-h", HORIZON, *ADAPTED_NOT, "-o", folder, "-q")
        assert command(patch, *words) == 0
    return folder / "model"


def written(folder: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def forecasts(folder: Path) -> list[dict[str, str]]:
    with (folder / "forecast.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def assert_finite(rows: list[dict[str, str]]) -> None:
    """Every row has a forecast between its bounds."""
    assert rows
    for row in rows:
        low, middle, high = (
            float(row[name]) for name in ("holdfast-lo-90", "holdfast", "holdfast-hi-90")
        )
        assert math.isfinite(low + middle + high)
        assert low <= middle <= high


def assert_refused(said: str, out: Path) -> str:
    """One sentence on standard error, and no file."""
    sentence = one_sentence(said)
    assert sentence.startswith("holdfast: ")
    assert not written(out)
    return sentence


def test_there_are_a_hundred() -> None:
    assert len({odd.name for odd in ODD}) == len(ODD) >= 100


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_forecast(
    odd: Odd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / odd.file, tmp_path / "out"
    data.write_bytes(odd.content)
    words = ("forecast", data, "-h", HORIZON, *ADAPTED_NOT, "--json", "-o", out, *odd.options)
    code = command(monkeypatch, *words)
    printed = capsys.readouterr()
    if odd.refused:
        assert code == 2
        assert odd.refused in assert_refused(printed.err, out)
        return
    assert code == 0, printed.err
    made: dict[str, Any] = json.loads(printed.out)
    rows = forecasts(out)
    assert_finite(rows)
    assert odd.said in " ".join([*(row["note"] for row in rows), *made["summary"]["messages"]])
    assert sorted(path.name for path in out.iterdir()) == ["forecast.csv", "model", "report.html"]


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_predict_and_update(
    odd: Odd,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    data, out = tmp_path / odd.file, tmp_path / "out"
    data.write_bytes(odd.content)
    before = written(model)
    if command(monkeypatch, "predict", model, data, "-o", out, "-q"):
        assert_refused(capsys.readouterr().err, out)
    else:
        assert_finite(forecasts(out))
        capsys.readouterr()
    if command(monkeypatch, "update", model, data, "-q"):
        assert_refused(capsys.readouterr().err, out / "none")
        assert written(model) == before
    else:
        words = ("predict", model, data, "-o", out, "-q")
        assert command(monkeypatch, *words) in (0, 2)
        restore(model, before)


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: odd.name)
def test_watch(
    odd: Odd,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / odd.file).write_bytes(odd.content)
    before = written(model)
    # The second time everything is known already, and the state of the first is read.
    for _ in range(2):
        with (tmp_path / odd.file).open("rb") as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            code = command(monkeypatch, "watch", model, "--state", tmp_path / "state")
        said = capfd.readouterr().err.splitlines()
        assert code in (0, 2)
        assert said or not code
        assert all(line.startswith("holdfast: ") for line in said)
    assert written(model) == before


def restore(folder: Path, files: dict[str, bytes]) -> None:
    """The folder as it was."""
    for path in folder.rglob("*"):
        if path.is_file() and str(path) not in files:
            path.unlink()
    for name, content in files.items():
        Path(name).write_bytes(content)


TIMES = st.one_of(
    st.integers(0, 400).map(day),
    st.sampled_from(["", "2024-02-30", "01/02/2024", "2024-01-05 07:00", "yesterday", "1e5", "-3"]),
)
NUMBERS = st.one_of(
    st.integers(-5, 50).map(str),
    st.floats(width=32).map(str),
    st.sampled_from(["", "NA", "x", "1,5", '"1,234"', "1e300", "0x10", "٣", "-0", " 7 "]),
)
TABLES = st.one_of(
    # Mostly sound times, so that many of the tables are read and forecast.
    st.lists(NUMBERS, min_size=1, max_size=40).map(
        lambda numbers: [f"{day(place)},{number}" for place, number in enumerate(numbers)]
    ),
    st.lists(st.integers(-5, 50), min_size=1, max_size=40).map(
        lambda numbers: [f"{day(place)},{number}" for place, number in enumerate(numbers)]
    ),
    st.lists(st.tuples(TIMES, NUMBERS).map(",".join), max_size=12),
)


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(rows=TABLES)
def test_any_table(rows: list[str], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("any")
    (folder / "odd.csv").write_text("\n".join(["ds,y", *rows]) + "\n", encoding="utf-8")
    out = folder / "out"
    words = ("forecast", folder / "odd.csv", "-h", 3, *ADAPTED_NOT, "-o", out, "-q")
    with pytest.MonkeyPatch.context() as patch:
        code = command(patch, *words)
    assert code in (0, 2)
    if code:
        assert not written(out)
    else:
        assert_finite(forecasts(out))
