"""`holdfast synth`: a page, a table, and nothing heavy behind them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from tests.cli.command import assert_light, command, one_sentence


def test_without_show_it_says_what_the_series_are_made_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert command(monkeypatch, "synth", "--without", "chaotic") == 0
    said = capsys.readouterr().out
    assert re.search(r"^structural +\d\d %", said, re.MULTILINE)
    assert re.search(r"^chaotic +0 %", said, re.MULTILINE)
    assert re.search(r"^exponential +\d+ %", said, re.MULTILINE)
    assert not list(tmp_path.iterdir())


def test_a_page_has_as_many_pictures_as_asked_and_the_seed_decides_which(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pictures = []
    for name, seed in (("one", 0), ("two", 0), ("other", 1)):
        out = tmp_path / f"{name}.html"
        words = ("synth", "--show", "--count", 5, "--seed", seed, "--out", out, "-q")
        assert command(monkeypatch, *words) == 0
        found = re.findall(r"<figure.*?</figure>", out.read_text(encoding="utf-8"), re.DOTALL)
        assert len(found) == 5
        pictures.append(found)
    assert pictures[0] == pictures[1]
    assert pictures[0] != pictures[2]


def test_page_and_table_go_where_they_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "new" / "samples.csv"
    words = ("synth", "--show", "--kind", "long", "--length", 100, "--out", tmp_path / "page")
    assert command(monkeypatch, *words, "--csv", table, "--json") == 0
    made = json.loads(capsys.readouterr().out)
    page = tmp_path / "page" / "samples.html"
    assert made["files"] == {"page": str(page), "table": str(table)}
    assert page.exists()
    assert table.read_text(encoding="utf-8").startswith("unique_id,ds,y\n01 ")
    assert sum(made["families"].values()) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (("--without", "rain"), "rain"),
        (("--count", "9999"), "count=9999"),
        (("--length", "3"), "length=3"),
        (("--show", "--out", "FILE/page"), "FILE"),
        (("--csv", "FILE/samples.csv"), "FILE"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(
    words: tuple[str, ...],
    named: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text("", encoding="utf-8")
    assert command(monkeypatch, "synth", *words) == 2
    assert named in one_sentence(capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["FILE"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["synth", "--help"], 0),
        (["synth"], 0),
        (["synth", "--show", "--csv", "samples.csv"], 0),
        (["pretrain", "--help"], 0),
        (["pretrain", "--out", "out"], 2),
        (["pretrain", "--out", "out", "--budget", "soon"], 2),
        (["pretrain", "--out", "out", "--steps", "1", "--network", "middle"], 2),
        (["pretrain", "--out", "out", "--steps", "1", "--without", "rain"], 2),
        (["pretrain", "--out", "FILE", "--steps", "1"], 2),
    ],
)
def test_synth_and_the_refusals_of_pretrain_do_without_torch(
    words: list[str], code: int, tmp_path: Path
) -> None:
    (tmp_path / "FILE").write_text("", encoding="utf-8")
    assert_light(words, code, tmp_path)
