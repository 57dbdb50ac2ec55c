"""Texts and labels as they are given, checked."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError


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
    """
    values = [one.as_py() if hasattr(one, "as_py") else one for one in labels]
    if len(values) != count or not count:
        raise ArgumentError(f"There are {count:,} texts and {len(values):,} labels.")
    for place, value in enumerate(values):
        if value is None or value != value:
            raise ArgumentError(f"labels[{place}] is missing; leave the text out.")
    found = np.array(values)
    if found.ndim == 1 and found.dtype.kind in "iub" and not _mixed(values):
        return found.astype(np.bool_ if found.dtype.kind == "b" else np.int64)
    return np.array([str(value) for value in values])


def _mixed(values: list[Any]) -> bool:
    """Whether truth values stand among numbers, which numpy would make numbers of."""
    return len({isinstance(value, bool | np.bool_) for value in values}) > 1
