from __future__ import annotations

import json
from pathlib import Path

import pytest
from command import assert_light, command, one_sentence

VERSE = "The gate forgets, the gate lets in,\nand what is kept is what has been.\n"


@pytest.fixture
def verse(tmp_path: Path) -> Path:
    path = tmp_path / "verse.txt"
    path.write_text(VERSE * 60, encoding="utf-8")
    return path


def test_a_text_is_learnt_written_scored_and_marked(
    verse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = verse.parent / "out"
    words = ("text", "train", verse, "--steps", 4, "--hidden", 16, "-o", out, "--json")
    assert command(monkeypatch, *words) == 0
    made = json.loads(capsys.readouterr().out)
    assert made["steps"] == 4
    assert made["learnt"] + made["held_out"] == len(VERSE) * 60
    assert {entry.name for entry in out.iterdir()} == {"model", "report.html"}
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "nats each" in page
    assert "{{" not in page.split("<script>")[0]

    model = out / "model"
    assert command(monkeypatch, "text", "generate", model, "--prompt", "The", "--length", 20) == 0
    written = capsys.readouterr().out
    assert written.startswith("The")
    assert len(written) == len("The") + 20 + 1

    assert command(monkeypatch, "text", "evaluate", model, verse, "--json") == 0
    score = json.loads(capsys.readouterr().out)
    assert score["tokens"] == len(VERSE) * 60
    assert {"nats", "bits_per_character", "perplexity", "perplexity_per_word"} <= set(score)

    assert command(monkeypatch, "text", "surprise", model, verse) == 0
    assert "The gate forgets, the gate lets in," in capsys.readouterr().out
    page_path = verse.parent / "surprise.html"
    assert command(monkeypatch, "text", "surprise", model, verse, "-o", page_path) == 0
    assert page_path.stat().st_size < 1_000_000

    assert command(monkeypatch, "text", "export", model, verse.parent / "verse.onnx") == 0
    assert (verse.parent / "verse.tokenizer.json").stat().st_size
    assert command(monkeypatch, "text", "export", model, verse) == 2
    assert "must end in .onnx" in one_sentence(capsys.readouterr().err)


@pytest.mark.parametrize(
    ("content", "options", "says"),
    [
        (b"", (), "verse.txt is empty; give a text"),
        (b"caf\xe9 " * 400, (), "verse.txt is not utf-8: byte 3 (0xe9)"),
        (b"short", (), "tokens to learn from"),
        (b"a b c " * 400, ("--tokens", "word", "--vocab", "50"), "--vocab 50 is more than"),
        (b"a b c " * 400, ("--vocab", "50"), "--vocab 50 is more than the text has: 4 different"),
        (b"a b c " * 400, ("--tokens", "bpe", "--vocab", "900"), "--vocab 900 is more than"),
        (b"a b c " * 400, ("--budget", "soon"), "--budget soon"),
        (b"a b c " * 400, ("--dropout", "1.5"), "--dropout 1.5 must be a share"),
        (b"a b c " * 400, ("--validation", "0"), "--validation 0 must be a share"),
    ],
)
def test_bad_input_is_refused_in_a_sentence_and_leaves_nothing(
    content: bytes,
    options: tuple[str, ...],
    says: str,
    verse: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verse.write_bytes(content)
    out = verse.parent / "out"
    assert command(monkeypatch, "text", "train", verse, "-o", out, *options) == 2
    assert says in one_sentence(capsys.readouterr().err)
    assert not (out / "model").exists()
    assert not (out / "report.html").exists()


@pytest.mark.parametrize(
    "content",
    [b"to be\x00or not\x00 to be,\n" * 80, b"to be or not to be, " * 52_500],
    ids=["NUL bytes", "a line of a megabyte"],
)
def test_odd_texts_are_learnt_and_marked(
    content: bytes, verse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    verse.write_bytes(content)
    out = verse.parent / "out"
    assert command(monkeypatch, "text", "train", verse, "--steps", 2, "--hidden", 8, "-o", out) == 0
    capsys.readouterr()
    model, page = out / "model", verse.parent / "surprise.html"
    assert command(monkeypatch, "text", "surprise", model, verse, "-o", page) == 0
    assert b"\x00" not in page.read_bytes()


def test_a_folder_that_is_no_model_is_refused(
    verse: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(monkeypatch, "text", "evaluate", verse.parent, verse) == 2
    assert "is not a model folder" in one_sentence(capsys.readouterr().err)


def test_help_and_refusals_do_without_torch(tmp_path: Path) -> None:
    assert_light(["text", "train", "--help"], 0, tmp_path)
    assert_light(["text", "train", "missing.txt"], 2, tmp_path)
    assert_light(["text", "generate", "missing"], 2, tmp_path)
