from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from command import assert_light, command, one_sentence

ROWS = [("a joy to watch", "good"), ("dull and long", "bad"), ("warm and funny", "good")] * 20


@pytest.fixture
def films(tmp_path: Path) -> Path:
    path = tmp_path / "films.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([("text", "label"), *ROWS])
    return path


def test_a_table_is_learnt_labelled_and_scored(
    films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = films.parent / "out"
    words = ("classify", "train", films, "--steps", 15, "--networks", 1, "-o", out, "--json")
    assert command(monkeypatch, *words) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["scores"]["accuracy"] > 0.9
    assert {entry.name for entry in out.iterdir()} == {"model", "report.html"}
    assert dict(made["scores"]["parts"]).keys() == {"LSTMs alone", "words, pairs and pieces alone"}
    labels = films.parent / "labels.csv"
    assert (
        command(monkeypatch, "classify", "predict", out / "model", films, "-o", labels, "-q") == 0
    )
    with labels.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["text", "label", "p(bad)", "p(good)"]
    assert rows[1]["label"] == "bad"
    assert command(monkeypatch, "classify", "evaluate", out / "model", films) == 0
    assert "expected calibration error" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("text,label\na,x\nb,x\n", "column label: every text has the label 'x'"),
        ("words,label\na,x\nb,y\n", "has no column 'text'; it has words, label"),
        ("text,label\na,x\n,y\n", "line 3: text is empty"),
        (
            "text,label\n" + "".join(f"a,{row}\n" for row in range(40)),
            "40 texts have 40 different labels",
        ),
    ],
)
def test_tables_that_cannot_be_learnt_are_refused(
    content: str,
    says: str,
    films: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    films.write_text(content, encoding="utf-8")
    out = films.parent / "out"
    assert command(monkeypatch, "classify", "train", films, "-o", out) == 2
    assert says in one_sentence(capsys.readouterr().err)
    assert not out.exists()


def test_a_start_is_checked_before_torch_is_loaded(films: Path, tmp_path: Path) -> None:
    assert_light(["classify", "train", str(films), "--from", "missing"], 2, tmp_path)


def test_refusals_do_without_torch(tmp_path: Path) -> None:
    assert_light(["classify", "train", "missing.csv"], 2, tmp_path)
    assert_light(["classify", "predict", "missing", "missing.csv"], 2, tmp_path)


def test_the_column_of_the_texts_keeps_its_name(
    films: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, made = films.parent / "out", films.parent / "new" / "labels.csv"
    train = ("classify", "train", films, "--steps", 5, "--networks", 1, "-o", out, "-q")
    assert command(monkeypatch, *train) == 0
    table = films.parent / "new.csv"
    table.write_text("label\na joy\n", encoding="utf-8")
    predict = ("classify", "predict", out / "model", table, "--text", "label", "-o", made, "-q")
    assert command(monkeypatch, *predict) == 0
    header, row = made.read_text(encoding="utf-8").splitlines()
    assert header.startswith("label,label_,p(")
    assert row.startswith("a joy,")


def test_a_report_does_not_outlive_its_model(
    films: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, few = films.parent / "out", films.parent / "few.csv"
    few.write_text("text,label\na joy,good\ndull,bad\n", encoding="utf-8")
    for data, there in ((films, True), (few, False)):
        train = ("classify", "train", data, "--steps", 5, "--networks", 1, "-o", out)
        assert command(monkeypatch, *train) == 0
        assert (out / "report.html").exists() == there
    assert "Too few texts to hold some out" in capsys.readouterr().out
