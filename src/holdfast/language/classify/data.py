"""Texts and labels as they are given, checked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError

FEWEST: Final = 2
MOST: Final = 1_000
SOME: Final = 20
"""Texts from which their labels should repeat."""

_LARGEST: Final = 2.0**53
"""Whole numbers beyond this are not told apart as floats."""


def given_texts(texts: Iterable[Any]) -> list[str]:
    """Texts of a list, an array or a column, checked.

    Raises:
        ArgumentError: it is one text, or a text is missing.

    Example:
        >>> given_texts(np.array(["a joy", "dull"]))
        ['a joy', 'dull']
    """
    if isinstance(texts, str):
        raise ArgumentError(f"Give a list of texts; {texts[:40]!r} is one text.")
    made = []
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
        made.append(str(value))  # numpy's strings too
    return made


def given_labels(labels: Iterable[Any], count: int) -> NDArray[Any]:
    """(N,) labels as an array of texts, whole numbers or truth values.

    Arguments:
        labels: of a list, an array or a column.
        count: how many there must be.

    Raises:
        ArgumentError: there are fewer or more, or one is missing.

    Example:
        >>> given_labels([1, 0], 2).dtype.kind, given_labels(["good", 2], 2).tolist()
        ('i', ['good', '2'])
        >>> given_labels([1.0, 0.0], 2).tolist()
        [1, 0]
    """
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


def check_kinds(labels: Sequence[Any], what: str = "labels") -> None:
    """Refuse labels of one kind, and labels that are nearly all different.

    Arguments:
        labels: one for each text.
        what: they are called in the message.

    Raises:
        ArgumentError: there is nothing to learn from them.
    """
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
