from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from texts import VERSE, write_text

from holdfast.errors import ArgumentError, TextError
from holdfast.language import text_files
from holdfast.language.corpus import prepare
from holdfast.language.text_files import read_all, read_pieces


def test_pieces_put_together_are_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_files, "PIECE", 64)
    text = VERSE * 20 + "\n\n   indented\n日本" * 9
    pieces = list(read_pieces(write_text(tmp_path, text)))
    assert "".join(pieces) == text
    assert len(pieces) > 5
    assert all(piece[0] not in " \n" for piece in pieces[1:])


def test_a_megabyte_without_a_line_break_is_cut_at_a_blank(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "PIECE", 1 << 12)
    monkeypatch.setattr(text_files, "LONGEST", 1 << 14)
    pieces = list(read_pieces(write_text(tmp_path, "word " * 30_000)))
    assert "".join(pieces) == "word " * 30_000
    assert max(map(len, pieces)) <= 1 << 15
    assert all(piece.startswith(" word") for piece in pieces[1:])


def test_a_byte_order_mark_and_nul_bytes_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "marked.txt"
    path.write_bytes(b"\xef\xbb\xbfone\x00two")
    assert "".join(read_pieces(path)) == "one\x00two"


@pytest.mark.parametrize("before", [0, 63, 64, 65, 200])
def test_a_byte_that_is_not_of_the_encoding_is_named(
    before: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_files, "PIECE", 64)
    path = tmp_path / "latin.txt"
    path.write_bytes(b"a" * before + b"\xe9" + b"b" * 100)
    with pytest.raises(TextError, match=rf"latin.txt is not utf-8: byte {before:,} \(0xe9\)"):
        list(read_pieces(path))
    assert "".join(read_pieces(path, encoding="latin-1"))[before] == "é"


def test_a_character_cut_off_at_the_end_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.txt"
    path.write_bytes("日".encode()[:2])
    with pytest.raises(TextError, match="byte 0 "):
        list(read_pieces(path))


def test_missing_empty_and_unknown_are_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="cannot be read: No such file"):
        list(read_all([tmp_path / "none.txt"]))
    empty = write_text(tmp_path, "", "empty.txt")
    with pytest.raises(TextError, match=r"empty.txt is empty; give a text"):
        list(read_all([empty]))
    with pytest.raises(ArgumentError, match="utf-9"):
        list(read_all([empty], encoding="utf-9"))
    with pytest.raises(ArgumentError, match="at least one file"):
        list(read_all([]))


def test_a_corpus_is_the_text_in_order_and_its_end_is_held_out(tmp_path: Path) -> None:
    path = write_text(tmp_path)
    corpus = prepare([path], "char", tmp_path / "numbers", validation=0.2)
    whole = np.concatenate([corpus.training, corpus.validation])
    assert corpus.tokenizer.decode(whole) == path.read_text(encoding="utf-8")
    assert len(corpus.validation) == round(0.2 * len(whole))
    assert corpus.training.dtype == np.uint16


def test_files_of_their_own_are_held_out(tmp_path: Path) -> None:
    held = write_text(tmp_path, VERSE * 3, "held.txt")
    corpus = prepare([write_text(tmp_path)], "char", tmp_path / "numbers", validation=[held])
    assert corpus.tokenizer.decode(corpus.validation) == VERSE * 3
    assert corpus.watched.characters == len(VERSE * 3)


def test_too_little_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TextError, match=r"verse\.txt: 64 tokens to learn from"):
        prepare([write_text(tmp_path, VERSE)], "char", tmp_path / "numbers")
    assert not (tmp_path / "numbers").exists()


def test_an_encoding_without_its_mark_and_one_of_bytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(VERSE, encoding="utf-16-le")
    with pytest.raises(TextError, match="give encoding='utf-16-le' or encoding='utf-16-be'"):
        list(read_all([path], encoding="utf-16"))
    assert "".join(read_all([path], encoding="utf-16-le")) == VERSE
    with pytest.raises(ArgumentError, match="base64"):
        list(read_all([path], encoding="base64"))
