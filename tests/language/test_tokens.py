from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import VERSE

from holdfast.errors import ArgumentError, ModelError, TextError
from holdfast.language.tokenizer import KINDS, Kind, Tokenizer, train_tokenizer

MADE = {
    kind: train_tokenizer(kind, [VERSE * 3 + "é\u2028日本\n\n  x\t"], size=None) for kind in KINDS
}
TEXTS = st.text(alphabet=st.sampled_from("abTg é日😀\n\t.,'’-<>@x"), max_size=60)


@given(TEXTS)
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("kind", KINDS)
def test_tokens_are_those_of_the_tokenizer_that_is_stored(kind: Kind, text: str) -> None:
    tokens = MADE[kind]
    assert tokens.encode(text).tolist() == tokens.backend.encode(text).ids


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
@pytest.mark.parametrize("kind", ["byte", "bpe"])
def test_bytes_and_pieces_write_any_text(kind: Kind, text: str) -> None:
    if not text.isprintable() and "\ud800" <= max(text, default="a") <= "\udfff":
        return
    tokens = MADE[kind]
    assert tokens.decode(tokens.encode(text)) == text


def test_characters_that_were_never_counted_are_unknown() -> None:
    tokens = train_tokenizer("char", ["abc"])
    assert tokens.decode(tokens.encode("abz")) == "ab<unk>"
    assert tokens.encode("z").tolist() == [tokens.unknown]


def test_words_that_occur_once_are_unknown_unless_the_text_says_unk_itself() -> None:
    assert "once" not in train_tokenizer("word", ["two two once"]).texts
    assert "once" in train_tokenizer("word", ["two two once <unk>"]).texts


def test_marks_stand_apart_from_words_only_where_they_touched_them() -> None:
    touching = train_tokenizer("word", ["Stop, stop, now. Stop, now."])
    assert touching.decode(touching.encode("Stop, now")) == "Stop , now"
    apart = train_tokenizer("word", ["a @-@ b 's , c . a @-@ b 's , c ."])
    assert {"@-@", "'s"} <= set(apart.texts)


def test_line_breaks_are_words_and_come_back() -> None:
    tokens = train_tokenizer("word", ["a b\nb a\n\na b"])
    assert tokens.decode(tokens.encode("a b\n\nb a")) == "a b\n\nb a"


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_comes_back_from_its_json(kind: Kind) -> None:
    again = Tokenizer.from_json(kind, MADE[kind].to_json())
    assert np.array_equal(again.encode(VERSE), MADE[kind].encode(VERSE))
    assert again.texts == MADE[kind].texts


@pytest.mark.parametrize("text", ["{}", "no json", '{"model": 3}', 7])
def test_a_damaged_tokenizer_is_refused(text: object) -> None:
    with pytest.raises(ModelError, match=r"tokenizer|kind"):
        Tokenizer.from_json("char", text)


@pytest.mark.parametrize(
    ("kind", "size", "word"),
    [
        ("word", 50, "more than the text has: 3 different words"),
        ("char", 50, "different characters"),
        ("bpe", 4000, "more than the text has pieces for"),
        ("bpe", 100, "at least 257"),
        ("byte", 100, "leave out vocab="),
        ("char", 1, "from 2 to"),
    ],
)
def test_a_vocabulary_that_cannot_be_is_refused(kind: Kind, size: int, word: str) -> None:
    with pytest.raises(ArgumentError, match=word):
        train_tokenizer(kind, ["one two three"], size=size)


def test_the_most_frequent_words_are_kept() -> None:
    tokens = train_tokenizer("word", ["a a a b b c"], size=3)
    assert tokens.texts == ("<unk>", "a", "b")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "char"])
def test_half_a_character_is_refused(kind: Kind) -> None:
    with pytest.raises(TextError, match=r"holds U\+DCFF at character 3"):
        MADE[kind].encode("To\udcff")
