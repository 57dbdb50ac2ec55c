"""pyarrow arrays to numpy and back, by their buffers.

pyarrow's own constructors and `to_numpy` import pandas wherever it is installed: a third of a
second before a bad file could be refused.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow as pa


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
