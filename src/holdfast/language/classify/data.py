"""Texts and labels in tables, lists, arrays and columns: reading, checking and writing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, TableError, option
from holdfast.tables.files import read_file
from holdfast.tables.raw import RawTable

FEWEST: Final = 2
MOST: Final = 1_000
SOME: Final = 20
"""Texts from which their labels should repeat."""

_LARGEST: Final = 2.0**53
"""Whole numbers beyond this are not told apart as floats."""


def read_texts(path: str | Path, *, text: str = "text") -> list[str]:
    """A column of texts in a table, checked.

    Arguments:
        path: of the table: CSV, Parquet or Excel.
        text: the column's name.

    Raises:
        TableError: the file cannot be read, lacks the column, or a row has no text.
    """
    return _column(read_file(path), text, "text")


def read_labelled_texts(
    path: str | Path, *, text: str = "text", label: str = "label", learnable: bool = False
) -> tuple[list[str], list[str]]:
    """Columns of texts and of their labels in a table, checked.

    Arguments:
        path: of the table: CSV, Parquet or Excel.
        text, label: the columns' names.
        learnable: whether to refuse labels of which nothing can be learnt.

    Raises:
        TableError: the file cannot be read, lacks a column, or a row has no text or label.
        ArgumentError: there is one label only, or nearly one for each text.
    """
    table = read_file(path)
    texts, labels = _column(table, text, "text"), _column(table, label, "label")
    if learnable:
        check_labels(labels, f"{table.where}, column {label}")
    return texts, labels


def write_labels(
    path: str | Path,
    texts: Sequence[str],
    classes: Iterable[Any],
    chances: NDArray[np.float64],
    *,
    text: str = "text",
) -> None:
    """Write a CSV of texts, the likeliest label of each, and every label's probability.

    Where the column of the texts is called label itself, the new one is label_.

    Arguments:
        path: of the file.
        texts: N.
        classes: K labels.
        chances: (N, K) their probabilities, from `TextClassifier.predict_proba`.
        text: name of the column of the texts.

    Raises:
        InputError: the file cannot be written.
    """
    from holdfast.tables.frames import write_csv  # loads narwhals

    names = np.array([str(one) for one in classes], dtype=object)
    columns = {
        "label": names[chances.argmax(axis=1)],
        **{f"p({name})": chances[:, place] for place, name in enumerate(names)},
    }
    while text in columns:  # the table's own column keeps its name
        columns = {f"{name}_" if name == text else name: one for name, one in columns.items()}
    write_csv(path, {text: np.array(texts, dtype=object), **columns})


def checked_texts(texts: Iterable[Any]) -> list[str]:
    """Texts of a list, an array or a column; an ArgumentError names one that is missing."""
    if isinstance(texts, str):
        raise ArgumentError(f"Give a list of texts; {texts[:40]!r} is one text.")
    checked = []
    for place, text in enumerate(texts):
        value = text.as_py() if hasattr(text, "as_py") else text  # pyarrow's
        if not isinstance(value, str):
            raise ArgumentError(
                f"texts[{place}]={value!r} is a {type(value).__name__}; every text must be a str."
            )
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            half = ord(value[error.start])
            raise ArgumentError(
                f"texts[{place}] holds U+{half:04X}, which is no character; take it out."
            ) from error
        checked.append(str(value))  # numpy's strings too
    return checked


def checked_labels(labels: Iterable[Any], count: int) -> NDArray[Any]:
    """(N,) labels of a list, an array or a column, as texts, whole numbers or truth values."""
    values = [one.as_py() if hasattr(one, "as_py") else one for one in labels]
    if len(values) != count or not count:
        raise ArgumentError(f"There are {count:,} texts and {len(values):,} labels.")
    for place, value in enumerate(values):
        if isinstance(value, np.ndarray | list | tuple):
            raise ArgumentError(f"labels[{place}] holds several; give one label for each text.")
        if _missing(value):
            raise ArgumentError(f"labels[{place}] is missing; leave the text out.")
    found = np.array(values)
    if found.dtype.kind == "b" and not _mixed(values):
        return found.astype(np.bool_)
    if found.dtype.kind in "iuf" and not _mixed(values) and _whole(found):
        return found.astype(np.int64)
    return np.array([str(value) for value in values])


def check_labels(labels: Sequence[Any], what: str = "labels") -> None:
    """Refuse labels of one kind, and labels that are nearly all different."""
    kinds = len(set(labels))
    if kinds < FEWEST:
        raise ArgumentError(
            f"{what}: every text has the label {labels[0]!r}, so there is nothing to learn; give "
            "at least two labels."
        )
    if kinds > MOST or (kinds > len(labels) / 2 and len(labels) >= SOME):
        raise ArgumentError(
            f"{what}: {len(labels):,} texts have {kinds:,} different labels, of which nothing can "
            f"be learnt (at most {MOST:,}, and two texts for each); is it the right column?"
        )


def _whole(found: NDArray[Any]) -> bool:
    """Whether numbers are whole: a column of them is one of floats where a row was missing."""
    return not (found % 1).any() and bool((np.abs(found.astype(np.float64)) < _LARGEST).all())


def _missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas' NA is neither equal nor unequal to itself
        return True


def _mixed(values: list[Any]) -> bool:
    """Whether truth values stand among numbers, which numpy would make numbers of."""
    return len({isinstance(value, bool | np.bool_) for value in values}) > 1


def _column(table: RawTable, name: str, argument: str) -> list[str]:
    """A column as texts; every row must have one."""
    if name not in table.columns:
        names = ", ".join(list(table.columns)[:12])
        raise TableError(
            f"{table.where} has no column {name!r}; it has {names}. See {option(argument)}."
        )
    values = table.columns[name].to_pylist()
    for row, value in enumerate(values):
        if value is None or not str(value).strip():
            raise TableError(
                f"{table.where}, {table.at(row)}: {name} is empty; fill it in or leave the row out."
            )
    if not values:
        raise TableError(f"{table.where} has no rows.")
    return [str(value) for value in values]
