"""`holdfast pretrain`, with networks that take a moment."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.cli.command import command, one_sentence

from holdfast.forecasting.pretrained import weights
from holdfast.forecasting.pretrained.design import COARSE, FINE
from holdfast.pretraining import run

DESIGNS = {
    "fine": replace(FINE, window=8, context=16, half_life=16, hidden=8, blocks=1),
    "coarse": replace(COARSE, patch=6, window=12, context=24, half_life=24, hidden=8, blocks=1),
}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Networks that take a moment."""
    monkeypatch.setattr(run, "DESIGNS", DESIGNS)


def test_it_says_what_it_will_do_and_what_came_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("pretrain", "--steps", 2, "--out", tmp_path, "--network", "fine", "--device", "cpu")
    assert command(monkeypatch, *words) == 0
    said = capsys.readouterr().out
    assert "Pretraining on CPU" in said
    assert "Series a second" in said
    assert f"{tmp_path / 'fine.safetensors'}\n" in said
    assert str(weights.read_header(tmp_path, "fine")["sha256"]) in said
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "curves.csv",
        "curves.html",
        "fine.json",
        "fine.safetensors",
    ]
    assert b"holdfast pretrain --steps 2" in (tmp_path / "curves.html").read_bytes()


def test_json_is_one_object_about_both_networks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("pretrain", "--steps", 1, "--out", tmp_path, "--device", "cpu", "--json")
    assert command(monkeypatch, *words) == 0
    made = json.loads(capsys.readouterr().out)
    assert [one["network"] for one in made["networks"]] == ["fine", "coarse"]
    assert [one["stopped"] for one in made["networks"]] == ["steps", "steps"]
    assert all(Path(path).exists() for path in made["files"].values())


def test_quiet_is_quiet_and_another_run_is_refused_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("pretrain", "--out", tmp_path, "--network", "coarse", "--device", "cpu", "-q")
    assert command(monkeypatch, *words, "--steps", 1) == 0
    assert capsys.readouterr().out == ""
    assert command(monkeypatch, *words, "--steps", 2) == 2
    said = one_sentence(capsys.readouterr().err)
    assert "coarse.json is the result of another run" in said
