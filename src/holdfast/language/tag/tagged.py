"""Tagged sentences as text: what other tools and `read_sentences` read again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from holdfast.language.tag.sentence_table import TableColumns
from holdfast.language.tag.sentences import Sentence


def as_columns(sentences: Sequence[Sentence]) -> str:
    """A line for each word: the word, a tab and its tag; a blank line between sentences.

    Example:
        >>> as_columns([Sentence(("Ada", "sleeps"), ("B-PER", "O"))])
        'Ada\\tB-PER\\nsleeps\\tO\\n'
    """
    return "\n".join("".join(f"{word}\t{tag}\n" for word, tag in _pairs(one)) for one in sentences)


def as_csv(sentences: Sequence[Sentence], columns: TableColumns) -> str:
    """A row for each word, its sentence's number in front, under a line of names.

    Example:
        >>> as_csv([Sentence(("Ada", ","), ("B-PER", "O"))], TableColumns()).splitlines()
        ['sentence,word,tag', '1,Ada,B-PER', '1,",",O']
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([columns.sentence, columns.word, columns.tag])
    for number, one in enumerate(sentences, start=1):
        writer.writerows([number, word, tag] for word, tag in _pairs(one))
    return out.getvalue()


def _pairs(one: Sentence) -> Iterator[tuple[str, str]]:
    return zip(one.words, one.tags or (), strict=True)
