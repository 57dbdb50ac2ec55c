from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.errors import ArgumentError, TextError
from holdfast.language import (
    Sentence,
    SentenceColumns,
    check_tags,
    read_sentences,
    write_sentences,
)

TWO = [Sentence(("Ada", ","), ("B-PER", "O")), Sentence(("runs",), ("O",))]


@pytest.mark.parametrize(
    "text",
    [
        'sentence,word,tag\n1,Ada,B-PER\n1,",",O\n2,runs,O\n',
        "Sentence;Word;POS;Tag\nSentence: 1;Ada;NNP;B-PER\n;,;,;O\nSentence: 2;runs;VBZ;O\n",
        "tag\tword\nB-PER\tAda\nO\t,\n\t\nO\truns\n",
        'word,tag\r\nAda,B-PER\r\n",",O\r\n\r\n\r\nruns,O\r\n',
    ],
)
def test_a_table_of_words_is_read_however_it_tells_its_sentences_apart(
    text: str, tmp_path: Path
) -> None:
    path = tmp_path / "names.csv"
    path.write_text(text, encoding="utf-8", newline="")
    assert read_sentences(path) == TWO


def test_columns_of_a_table_have_the_names_that_are_given(tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("s,token,ner\n1,Ada,B-PER\n", encoding="utf-8")
    named = SentenceColumns("token", "ner", "s")
    assert read_sentences(path, columns=named) == [Sentence(("Ada",), ("B-PER",))]
    assert read_sentences(path, columns=named, tagged=False) == [Sentence(("Ada",))]


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    table, lines = tmp_path / "a.csv", tmp_path / "a.txt"
    write_sentences(table, TWO)
    write_sentences(lines, TWO)
    assert table.read_text(encoding="utf-8") == (
        'sentence,word,tag\n1,Ada,B-PER\n1,",",O\n2,runs,O\n'
    )
    assert lines.read_text(encoding="utf-8") == "Ada\tB-PER\n,\tO\n\nruns\tO\n"
    assert read_sentences(table) == read_sentences(lines) == TWO


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (
            "a.csv",
            b"words,tag\nAda,O\n",
            r"a.csv has no column 'word'; it has words, tag. See word=",
        ),
        ("a.csv", b"word,tag\nAda,O\nruns\n", r"a.csv, line 3 has 1 columns, at least 2"),
        ("a.csv", b"word,tag\nAda,O\nruns,\n", r"a.csv, line 3: tag is empty; fill it in"),
        ("a.csv", b"word,tag\n", r"has no sentence"),
        ("a.csv", b"", r"has no column 'word'"),
        ("a.txt", b"", r"a.txt has no sentence"),
        ("a.txt", b"Ada O\nru\0ns O\n", r"a.txt, line 2 holds a NUL byte"),
        ("a.csv", b"word,tag\nAda,O\nru\0ns,O\n", r"a.csv, line 3 holds a NUL byte"),
        ("a.txt", b"Ada O\n" + b"x" * 1_000_000, r"line 2 has 1,000,000 characters; give a word"),
        ("a.txt", b"Ada O\nJos\xe9 O\n", r"a.txt is not utf-8: byte 9 \(0xe9\).*encoding="),
        ("a.conllu", b"1\tAda\t_\tX\n2\truns\n", r"a.conllu, line 2 has 2 columns, at least 4"),
    ],
)
def test_files_that_cannot_be_read_are_refused_with_the_place(
    name: str, content: bytes, says: str, tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TextError, match=says):
        read_sentences(path)


def test_another_encoding_is_read_where_it_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("José O\n".encode("latin-1"))
    assert read_sentences(path, encoding="latin-1")[0].words == ("José",)


def test_a_table_has_names_and_no_numbered_column(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("word,tag\nAda,O\n", encoding="utf-8")
    with pytest.raises(ArgumentError, match="with tag="):
        read_sentences(path, column=2)


def test_a_table_whose_tags_break_spans_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("word,tag\nAda,B-PER\n,\nruns,I-PER\n", encoding="utf-8")
    with pytest.raises(TextError, match=r"Sentence 2: the word 'runs' has the tag I-PER"):
        check_tags(read_sentences(path))


def test_conll_u_is_known_by_its_ten_columns(tmp_path: Path) -> None:
    path = tmp_path / "names.conll"
    words = "1-2\tAda,\t_\t_\t_\t_\t_\t_\t_\t_\n1\tAda\tAda\tPROPN\t_\t_\t0\troot\t_\t_\n"
    path.write_text(f"# sent_id = 1\n# text = Ada\n{words}\n", encoding="utf-8")
    assert read_sentences(path) == [Sentence(("Ada",), ("PROPN",))]
    assert read_sentences(path, tagged=False) == [Sentence(("Ada",))]


def test_a_lone_quote_does_not_swallow_rows(tmp_path: Path) -> None:
    path = tmp_path / "said.csv"
    path.write_text('sentence,word,tag\n1,",PUNCT\n1,Hello,INTJ\n1,",PUNCT\n', encoding="utf-8")
    with pytest.raises(TextError, match=r"line 4: a word or tag runs over a line break"):
        read_sentences(path)
    path.write_text('sentence,word,tag\n1,"""",PUNCT\n', encoding="utf-8")
    assert read_sentences(path) == [Sentence(('"',), ("PUNCT",))]


def test_as_many_tags_as_words_are_another_column() -> None:
    sentences = [Sentence((f"word{number}",), (f"tag{number}",)) for number in range(600)]
    with pytest.raises(TextError, match=r"600 different tags \('tag0', .*is it the right column"):
        check_tags(sentences)
