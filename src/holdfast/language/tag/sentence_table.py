"""Sentences with a tag for each word, from a CSV with a row for each word."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.errors import TextError

DELIMITERS: Final = (",", ";", "\t", "|")


@dataclass(frozen=True)
class TableColumns:
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


@dataclass(frozen=True)
class TableWord:
    """A row of the table.

    Arguments:
        line: of the file, counted from 1.
        word, tag: what stands there; a tag of "" where none is needed.
        begins: whether a sentence begins here.
    """

    line: int
    word: str
    tag: str
    begins: bool


def table_words(
    path: str | Path, lines: Iterable[str], columns: TableColumns, *, tagged: bool
) -> Iterator[TableWord]:
    """The words of a CSV in their order.

    Arguments:
        path: of the file, for messages.
        lines: of it, without their ends.
        columns: their names.
        tagged: whether tags are needed.

    Raises:
        TextError: a column is missing, or a row lacks a cell; names the line.

    Example:
        >>> rows = ["sentence,word,tag", "1,Ada,B-PER", "1,sleeps,O", "2,Yes,O"]
        >>> found = table_words("names.csv", rows, TableColumns(), tagged=True)
        >>> [(one.word, one.tag, one.begins) for one in found]
        [('Ada', 'B-PER', True), ('sleeps', 'O', False), ('Yes', 'O', True)]
    """
    given = iter(lines)
    header = next(given, "")
    delimiter = max(DELIMITERS, key=header.count)
    rows = csv.reader(_ended(given), delimiter=delimiter)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    word = _place(path, names, columns.word, "--word")
    tag = _place(path, names, columns.tag, "--tag") if tagged else -1
    wanted = columns.sentence.lower()
    sentence = names.index(wanted) if wanted in names else -1
    before, begins = "", True
    try:
        for row in rows:
            line = rows.line_num + 1  # the header is not counted there
            if not any(cell.strip() for cell in row):
                begins = True
                continue
            needed = max(word, tag, sentence)
            if len(row) <= needed:
                raise TextError(
                    f"{path}, line {line:,} has {len(row)} columns, at least {needed + 1} are "
                    f"needed: {delimiter.join(row)[:60]!r}."
                )
            marked = row[sentence].strip() if sentence >= 0 else ""
            if marked and marked != before:
                before, begins = marked, True
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
            yield TableWord(line, found, label, begins)
            begins = False
    except csv.Error as error:
        raise TextError(f"{path}, line {rows.line_num + 1:,} is no CSV: {error}.") from error


def _ended(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line + "\n"


def _place(path: str | Path, names: list[str], name: str, option: str) -> int:
    if name.lower() not in names:
        raise TextError(
            f"{path} has no column {name!r}; it has {', '.join(names[:12])}. See {option}."
        )
    return names.index(name.lower())
