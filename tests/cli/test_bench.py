"""`holdfast bench`: kernels and their reasons, and measurements."""

from __future__ import annotations

import json

import pytest
from tests.cli.command import command, one_sentence


def test_explain_names_a_kernel_and_its_reason_for_each_shape(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--shape", "7,2,3,4", "--shape", "7,2,3,2000", "--explain", "--json")
    assert command(monkeypatch, "bench", *words) == 0
    small, large = json.loads(capsys.readouterr().out)["layers"]
    assert (small["steps"], small["batch"], small["inputs"], small["units"]) == (7, 2, 3, 4)
    assert small["training"] is None
    assert small["reason"].startswith(f"{small['kernel']}: ")
    assert large["kernel"] == "builtin"
    assert "not cpu: " in large["reason"]


def test_layers_are_measured_beside_torchs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ("--cell", "GRU", "--shape", "3,2,1,4", "--rounds", 1)
    assert command(monkeypatch, "bench", *words) == 0
    said = capsys.readouterr().out
    assert "torch" in said
    assert "×" in said


@pytest.mark.parametrize("shape", ["7,2,3", "7,2,3,0", "a,b,c,d", "1,2,3,-4"])
def test_a_shape_that_is_none_is_refused(
    shape: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "bench", "--shape", shape) == 2
    assert "--shape" in one_sentence(capsys.readouterr().err)
