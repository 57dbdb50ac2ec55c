from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import assert_light, command, one_sentence

SENTENCES = "Ada B-PER\nsleeps O\n\nGrace B-PER\nHopper I-PER\nwrites O\n\n" * 30


def test_sentences_are_learnt_tagged_and_scored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "names.txt", tmp_path / "out"
    data.write_text(SENTENCES, encoding="utf-8")
    words = ("tag", "train", data, "--steps", 40, "--hidden", 16, "-o", out, "--json")
    assert command(monkeypatch, *words) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["scores"]["accuracy"] > 0.9
    assert {entry.name for entry in out.iterdir()} == {"model", "report.html"}
    assert "Holdfast tagger" in (out / "report.html").read_text(encoding="utf-8")

    plain = tmp_path / "plain.txt"
    plain.write_text("Ada\nwrites\n\nGrace\nsleeps\n", encoding="utf-8")
    tagged = tmp_path / "tagged.txt"
    assert command(monkeypatch, "tag", "predict", out / "model", plain, "-o", tagged, "-q") == 0
    lines = tagged.read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[0] for line in lines] == ["Ada", "writes", "", "Grace", "sleeps"]

    assert command(monkeypatch, "tag", "evaluate", out / "model", data) == 0
    said = capsys.readouterr().out
    assert "most frequent tag" in said.replace("\n", " ")
    assert "PER" in said


def test_a_table_is_learnt_and_a_table_comes_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, out, made = tmp_path / "names.csv", tmp_path / "out", tmp_path / "made.csv"
    rows = [f"{number},Ada,B-PER\n,sleeps,O\n" for number in range(30)]
    data.write_text("Sentence #,Token,NER\n" + "".join(rows), encoding="utf-8")
    names = ("--word", "token", "--sentence", "sentence #")
    train = ("tag", "train", data, *names, "--tag", "ner", "--steps", 20, "--hidden", 8)
    assert command(monkeypatch, *train, "-o", out, "-q") == 0
    assert command(monkeypatch, "tag", "predict", out / "model", data, *names, "-o", made) == 0
    lines = made.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "sentence #,token,tag"
    assert len(lines) == 61
    assert lines[3].startswith("2,Ada,")


def test_validation_is_read_in_the_same_encoding_and_checked_as_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, held = tmp_path / "names.txt", tmp_path / "held.txt"
    data.write_text(SENTENCES, encoding="latin-1")
    held.write_bytes("José I-PER\n".encode("latin-1"))
    words = ("tag", "train", data, "--validation", held, "-o", tmp_path / "out")
    assert command(monkeypatch, *words) == 2
    assert "is not utf-8" in one_sentence(capsys.readouterr().err)
    assert command(monkeypatch, *words, "--encoding", "latin-1") == 2
    assert "'José' has the tag I-PER" in one_sentence(capsys.readouterr().err)


def test_tags_that_break_spans_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data, out = tmp_path / "names.txt", tmp_path / "out"
    data.write_text("Ada I-PER\nsleeps O\n", encoding="utf-8")
    assert command(monkeypatch, "tag", "train", data, "-o", out) == 2
    assert "must follow B-PER" in one_sentence(capsys.readouterr().err)
    assert not out.exists()


def test_refusals_do_without_torch(tmp_path: Path) -> None:
    assert_light(["tag", "train", "missing.txt"], 2, tmp_path)
    assert_light(["tag", "predict", "missing", "missing.txt"], 2, tmp_path)
