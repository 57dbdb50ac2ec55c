"""Tagged sentences in CoNLL-U files, columns and CSV: reading, checking and writing."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, TypeAlias

from holdfast.errors import ArgumentError, TextError, option
from holdfast.language.tag.scores import are_span_tags, broken_span
from holdfast.language.text_files import read_pieces
from holdfast.storage import write_text_atomically

CONLLU: Final = (".conllu", ".conll-u")
CSV: Final = (".csv",)
DELIMITERS: Final = (",", ";", "\t", "|")

UPOS: Final = 3
"""The column of the universal part of speech in CoNLL-U, counted from 0."""

LONGEST: Final = 10_000
"""Words of a sentence at most: more means that blank lines are missing."""

LONGEST_LINE: Final = 100_000
"""Characters of a line at most: more means that it holds a text instead of a word."""

MOST_TAGS: Final = 500
"""Different tags: more are most likely another column's values, and the chain over them is as large
as their square."""

_Row: TypeAlias = "tuple[int, str, str] | None"
"""The number of a line, its word and its tag, "" where none is needed; None: a sentence ends."""


@dataclass(frozen=True)
class Sentence:
    """Words and their tags.

    Arguments:
        words: at least one.
        tags: as many; None where nobody has tagged them.
    """

    words: tuple[str, ...]
    tags: tuple[str, ...] | None = None

    def __len__(self) -> int:
        return len(self.words)


@dataclass(frozen=True)
class SentenceColumns:
    """The columns of a CSV in which sentences stand.

    Arguments:
        word, tag: their names.
        sentence: of the column that says to which sentence a word belongs: another value begins
            another sentence, and an empty cell goes on with the one before. A file without this
            column has an empty row between sentences.

    Names are compared without regard to capitals.
    """

    word: str = "word"
    tag: str = "tag"
    sentence: str = "sentence"


def read_sentences(
    path: str | Path,
    *,
    tagged: bool = True,
    column: int | None = None,
    columns: SentenceColumns | None = None,
    encoding: str = "utf-8",
) -> list[Sentence]:
    """The sentences of a file: a word on each line, and a blank line between sentences.

    Files named ``.conllu``, and others whose first line has its ten columns, are CoNLL-U; comments,
    empty nodes and the words that contractions stand for are left out as the format asks. Files
    named ``.csv`` have a row for each word under a line of names. Other files have columns between
    tabs or blanks, the word in the first and the tag in the last.

    Arguments:
        path: of the file.
        tagged: whether tags are needed; otherwise a line may hold a word alone.
        column: of the tag, counted from 1; None for the usual one (the fourth of CoNLL-U, the last
            of others).
        columns: names of a CSV's columns; None for `sentence`, `word` and `tag`.
        encoding: of the file.

    Raises:
        TextError: the file cannot be read, has no sentence, or a line lacks a column; names it.
        ArgumentError: the column cannot be.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "names.txt"
        ...     _ = path.write_text("Ada B-PER\\nsleeps O\\n\\nYes O\\n")
        ...     read_sentences(path)[0]
        Sentence(words=('Ada', 'sleeps'), tags=('B-PER', 'O'))
    """
    if column is not None and column < 1:
        raise ArgumentError(f"{option('column', column)} must be a whole number from 1.")
    if Path(path).suffix.lower() in CSV:
        if column is not None:
            raise ArgumentError(
                f"{path} is a CSV: name the column of its tags with {option('tag')}."
            )
        rows = _csv_rows(path, encoding, columns or SentenceColumns(), tagged)
    else:
        rows = _line_rows(path, encoding, tagged, column)
    sentences: list[Sentence] = []
    words: list[str] = []
    tags: list[str] = []
    for row in chain(rows, [None]):
        if row is None:
            if words:
                sentences.append(Sentence(tuple(words), tuple(tags) if tagged else None))
                words, tags = [], []
            continue
        line, word, tag = row
        words.append(word)
        tags.append(tag)
        if len(words) > LONGEST:
            raise TextError(
                f"{path}, line {line:,}: this sentence has more than {LONGEST:,} words; put a "
                "blank line between sentences."
            )
    if not sentences:
        raise TextError(f"{path} has no sentence; give a word on each line, tags beside it.")
    return sentences


def check_tags(sentences: Sequence[Sentence]) -> None:
    """Refuse tags of spans that break their own grammar, and more tags than can be learnt.

    Raises:
        TextError: an I-X follows neither B-X nor I-X; names the sentence and the word. Or there are
            too many different tags.
    """
    every = {tag for one in sentences for tag in one.tags or ()}
    if len(every) > MOST_TAGS:
        some = ", ".join(repr(tag[:20]) for tag in sorted(every)[:3])
        raise TextError(
            f"There are {len(every):,} different tags ({some}, …), at most {MOST_TAGS} can be "
            f"learnt; is it the right column? See {option('column')} and {option('tag')}."
        )
    if not are_span_tags(sorted(every)):
        return
    for number, one in enumerate(sentences, start=1):
        place = broken_span(one.tags or ())
        if place is not None:
            tag = (one.tags or ())[place]
            raise TextError(
                f"Sentence {number:,}: the word {one.words[place]!r} has the tag {tag}, which must "
                f"follow B-{tag[2:]} or {tag}; begin the span with B-{tag[2:]}."
            )


def write_sentences(
    path: str | Path, sentences: Sequence[Sentence], *, columns: SentenceColumns | None = None
) -> None:
    """Write tagged sentences, as `read_sentences` reads them again.

    A file named ``.csv`` has a row for each word, its sentence's number in front, under a line of
    names. Any other has a line for each word: the word, a tab and its tag; a blank line between
    sentences.

    Arguments:
        path: of the file.
        sentences: with tags.
        columns: names of a CSV's columns; None for `sentence`, `word` and `tag`.

    Raises:
        InputError: the file cannot be written.
    """
    tagged = [list(zip(one.words, one.tags or (), strict=True)) for one in sentences]
    if Path(path).suffix.lower() in CSV:
        names, out = columns or SentenceColumns(), io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow([names.sentence, names.word, names.tag])
        for number, pairs in enumerate(tagged, start=1):
            writer.writerows([number, word, tag] for word, tag in pairs)
        text = out.getvalue()
    else:
        text = "\n".join("".join(f"{word}\t{tag}\n" for word, tag in pairs) for pairs in tagged)
    write_text_atomically(path, text)


def _lines(path: str | Path, encoding: str) -> Iterator[str]:
    number = 0
    for piece in read_pieces(path, encoding=encoding):
        # Not splitlines, which takes some characters inside a word for line breaks.
        for line in piece.removesuffix("\n").replace("\r", "").split("\n"):
            number += 1
            if "\0" in line:
                raise TextError(
                    f"{path}, line {number:,} holds a NUL byte: it is no text, or not {encoding}; "
                    f"give {option('encoding')} (utf-16 has many of them)."
                )
            if len(line) > LONGEST_LINE:
                raise TextError(
                    f"{path}, line {number:,} has {len(line):,} characters; give a word on each "
                    "line, its tag beside it."
                )
            yield line


def _line_rows(path: str | Path, encoding: str, tagged: bool, column: int | None) -> Iterator[_Row]:
    """The words of CoNLL-U, or of columns between tabs or blanks."""
    conllu = Path(path).suffix.lower() in CONLLU or _is_conllu(path, encoding)
    for number, line in enumerate(_lines(path, encoding), start=1):
        if not line.strip():
            yield None
            continue
        if conllu:
            fields = line.split("\t")
            # A line without a word: 3-4 is a contraction, 5.1 an empty node.
            if line.startswith("#") or not fields[0].isdigit():
                continue
            first, place = 1, UPOS if column is None else column - 1
        else:
            fields = line.split("\t") if "\t" in line else line.split()
            if fields[0].upper() == "-DOCSTART-":
                continue
            first, place = 0, len(fields) - 1 if column is None else column - 1
        needed = max(first, place if tagged else 0, first + 1 if tagged and not conllu else 0)
        if len(fields) <= needed:
            raise TextError(
                f"{path}, line {number:,} has {len(fields)} columns, at least {needed + 1} are "
                f"needed: {line[:60]!r}."
            )
        tag = fields[place].strip() if tagged else ""
        if not fields[first].strip() or (tagged and not tag):
            raise TextError(f"{path}, line {number:,} has an empty word or tag: {line[:60]!r}.")
        yield number, fields[first], tag


def _is_conllu(path: str | Path, encoding: str) -> bool:
    """Whether the first line that is no comment has the ten columns of CoNLL-U."""
    for line in _lines(path, encoding):
        if line.strip() and not line.startswith("#"):
            fields = line.split("\t")
            return len(fields) == 10 and re.fullmatch(r"\d+([-.]\d+)?", fields[0]) is not None
    return False


def _csv_rows(
    path: str | Path, encoding: str, columns: SentenceColumns, tagged: bool
) -> Iterator[_Row]:
    """The words of a table with a row for each."""
    lines = _lines(path, encoding)
    header = next(lines, "")
    delimiter = max(DELIMITERS, key=header.count)
    rows = csv.reader((line + "\n" for line in lines), delimiter=delimiter)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    word = _place(path, names, columns.word, "word")
    tag = _place(path, names, columns.tag, "tag") if tagged else -1
    sentence_name = columns.sentence.lower()
    sentence = names.index(sentence_name) if sentence_name in names else -1
    before = ""
    try:
        for row in rows:
            line = rows.line_num + 1  # the header is not counted there
            if not any(cell.strip() for cell in row):
                yield None
                continue
            needed = max(word, tag, sentence)
            if len(row) <= needed:
                raise TextError(
                    f"{path}, line {line:,} has {len(row)} columns, at least {needed + 1} are "
                    f"needed: {delimiter.join(row)[:60]!r}."
                )
            marked = row[sentence].strip() if sentence >= 0 else ""
            if marked and marked != before:
                before = marked
                yield None
            found, label = row[word].strip(), row[tag].strip() if tagged else ""
            if not found or (tagged and not label):
                name = columns.tag if found else columns.word
                raise TextError(f"{path}, line {line:,}: {name} is empty; fill it in.")
            if any(break_ in part for part in (found, label) for break_ in "\n\r\t"):
                raise TextError(
                    f"{path}, line {line:,}: a word or tag runs over a line break or a tab "
                    f"({(found + ' ' + label)[:40]!r}); a lone quote in a cell is written as "
                    'four of them: """".'
                )
            yield line, found, label
    except csv.Error as error:
        raise TextError(f"{path}, line {rows.line_num + 1:,} is no CSV: {error}.") from error


def _place(path: str | Path, names: list[str], name: str, argument: str) -> int:
    if name.lower() not in names:
        raise TextError(
            f"{path} has no column {name!r}; it has {', '.join(names[:12])}. "
            f"See {option(argument)}."
        )
    return names.index(name.lower())
