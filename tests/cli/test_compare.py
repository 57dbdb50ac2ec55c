"""`holdfast compare`: a small comparison, and refusals before torch is loaded."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.command import command, one_sentence


def test_a_small_comparison_tells_people_and_programs_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--task", "latch", "--lags", "4", "--seeds", 1, "--updates", 2, "--model", "GRU",
             "--model", "plain RNN", "--out", tmp_path)  # fmt: skip
    assert command(monkeypatch, "compare", *words) == 0
    said = capsys.readouterr().out
    assert "plain RNN" in said
    assert "lag 4" in said
    assert "plain RNN" in (tmp_path / "compare.html").read_text(encoding="utf-8")
    lines = (tmp_path / "runs.jsonl").read_text(encoding="utf-8")
    assert command(monkeypatch, "compare", *words, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [run["model"] for run in told["runs"]] == ["GRU", "plain RNN"]
    assert told["planned"] == 2
    assert (tmp_path / "runs.jsonl").read_text(encoding="utf-8") == lines  # nothing twice


def test_forecasters_of_a_table_are_compared_beside_the_simple_methods(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--example", "air-passengers", "--seeds", 1, "--updates", 2, "--model", "GRU")
    assert command(monkeypatch, "compare", *words, "--out", tmp_path, "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["models"] == ["GRU"]
    assert "Theta" in told["simple"]


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--lags", "10,x"), "--lags"),
        (("--lags", "4"), "lag=4 of the task adding"),
        (("--budget", "soon"), "budget"),
        (("--model", "Transformer"), "--model"),
        (("nowhere.csv", "--horizon", "3"), "nowhere.csv"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(
    words: tuple[str, ...],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert command(monkeypatch, "compare", *words, "--out", tmp_path) == 2
    assert named in one_sentence(capsys.readouterr().err)


def test_refusals_do_without_torch() -> None:
    program = (
        "import sys; sys.argv = ['holdfast', 'compare', '--lags', 'x']\n"
        "from holdfast.cli.main import run\n"
        "try: run()\n"
        "except SystemExit as ended: assert ended.code == 2 and 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, capture_output=True)
