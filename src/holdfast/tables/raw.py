"""A table as it came in: named pyarrow columns, and their values as numpy arrays.

pyarrow's own constructors and `to_numpy` import pandas wherever it is installed: a third of a
second before a bad file could be refused. Values are taken from the buffers instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError

if TYPE_CHECKING:
    import pyarrow as pa


_FEW: Final = 16


def row_from_zero(row: int) -> str:
    """How a row of a frame is named to the caller."""
    return f"row {row} (counting from 0)"


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of equal length, as text (CSV) or typed (Excel, Parquet, frames)."""

    where: str  # what to call the table in a sentence: the file's name, or "the table"
    columns: Mapping[str, pa.Array]  # name → pyarrow array
    # number of a row in `columns` as the reader counted it → where a person finds it
    place: Callable[[int], str] = row_from_zero
    delimiter: str = ""  # of a text file; "" for anything else
    messages: tuple[str, ...] = ()  # what was guessed on the way, one sentence each
    # the reader's number of each row; None where no row was left out
    kept: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def at(self, row: int) -> str:
        """Where a person finds a row: "line 17" of a text file, "row 17" of a sheet."""
        return self.place(int(row) if self.kept is None else int(self.kept[row]))

    def refusal(self, row: int, name: str, what: str) -> TableError:
        """That a value is wrong: its place, unless `where` is "", and what is wrong with it."""
        place = f"{self.where}, {self.at(row)}, column {name!r}: " if self.where else ""
        return TableError(f"{place}{what}")

    def keep(self, rows: NDArray[np.bool_]) -> RawTable:
        """Only the rows that are True, which still know where they came from."""
        mask = mask_array(rows)
        kept = np.flatnonzero(rows) if self.kept is None else self.kept[rows]
        columns = {name: column.filter(mask) for name, column in self.columns.items()}
        return replace(self, columns=columns, kept=kept)

    def without(self, names: set[str]) -> RawTable:
        """All columns but these."""
        return replace(self, columns={n: c for n, c in self.columns.items() if n not in names})

    def saying(self, *messages: str) -> RawTable:
        """The same table with more to say."""
        return replace(self, messages=(*self.messages, *messages))


def is_text(kind: pa.DataType) -> bool:
    """Whether a type is one of pyarrow's kinds of text."""
    import pyarrow as pa

    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or kind == pa.string_view()
    )


def integers(array: pa.Array) -> NDArray[np.int64]:
    """Whole numbers (or timestamps, as their count) without missing ones."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return _buffer(pc.cast(array, pa.int64()), np.dtype(np.int64))


def floats(array: pa.Array) -> NDArray[np.float64]:
    """Numbers as float64, NaN where missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    numbers = _buffer(pc.cast(array, pa.float64(), safe=False), np.dtype(np.float64))
    return np.where(missing(array), np.nan, numbers)


def booleans(array: pa.Array) -> NDArray[np.bool_]:
    """Truth values, False where missing."""
    values = _bits(array.buffers()[1], array.offset, len(array))
    return values & ~missing(array)


def matches(texts: pa.Array, pattern: str) -> NDArray[np.bool_]:
    """Which texts a pattern is found in; False where missing.

    A few are searched by Python, which compiles a pattern once; pyarrow does at every call.
    """
    import pyarrow.compute as pc

    if len(texts) > _FEW:
        return booleans(pc.match_substring_regex(texts, pattern))
    search = re.compile(pattern, re.ASCII).search
    return np.array([text is not None and bool(search(text)) for text in texts.to_pylist()], bool)


def missing(array: pa.Array) -> NDArray[np.bool_]:
    """Whether each value is missing."""
    import pyarrow as pa

    if pa.types.is_null(array.type):
        return np.ones(len(array), dtype=bool)
    validity = array.buffers()[0]
    if validity is None or not array.null_count:
        return np.zeros(len(array), dtype=bool)
    return ~_bits(validity, array.offset, len(array))


_NUMPY_NAMES: Final = {"halffloat": "float16", "float": "float32", "double": "float64"}
"""Arrow's names of numbers where numpy has others, or means others by them."""


def objects(array: pa.Array) -> NDArray[Any]:
    """Values as numpy holds them: numbers as numbers, anything else as objects."""
    import pyarrow as pa

    kind = array.type
    if (pa.types.is_integer(kind) or pa.types.is_floating(kind)) and not array.null_count:
        return _buffer(array, np.dtype(_NUMPY_NAMES.get(str(kind), str(kind))))
    result = np.empty(len(array), dtype=object)
    result[:] = array.to_pylist()
    return result


def text_array(texts: Sequence[str]) -> pa.Array:
    """Text as a pyarrow array."""
    import pyarrow as pa

    encoded = [text.encode("utf-8") for text in texts]
    ends = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    data = pa.py_buffer(b"".join(encoded))
    return pa.Array.from_buffers(pa.large_string(), len(encoded), [None, pa.py_buffer(ends), data])


def mask_array(mask: NDArray[np.bool_]) -> pa.Array:
    """Truth values as a pyarrow array."""
    import pyarrow as pa

    bits = pa.py_buffer(np.packbits(mask, bitorder="little"))
    return pa.Array.from_buffers(pa.bool_(), len(mask), [None, bits])


def _buffer(array: pa.Array, kind: np.dtype[Any]) -> NDArray[Any]:
    data = array.buffers()[1]
    if data is None or not len(array):
        return np.zeros(len(array), dtype=kind)
    return np.frombuffer(data, kind, count=len(array), offset=array.offset * kind.itemsize)


def _bits(buffer: pa.Buffer, offset: int, length: int) -> NDArray[np.bool_]:
    if not length:
        return np.zeros(0, dtype=bool)
    octets = np.frombuffer(buffer, np.uint8)
    return np.unpackbits(octets, bitorder="little", count=offset + length)[offset:].astype(bool)
