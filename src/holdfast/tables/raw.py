"""A table as it came in: named columns, before anyone knows what they mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.arrow import mask_array

if TYPE_CHECKING:
    import pyarrow as pa


def row_from_zero(row: int) -> str:
    """How a row of a frame is named to the caller."""
    return f"row {row} (counting from 0)"


@dataclass(frozen=True, eq=False)
class RawTable:
    """Columns of equal length, as text (CSV) or typed (Excel, Parquet, frames).

    Arguments:
        where: what to call the table in a sentence: the file's name, or "the table".
        columns: name → pyarrow array.
        place: number of a row in `columns` as the reader counted it → where a person finds it.
        delimiter: of a text file; "" for anything else.
        messages: what was guessed on the way, one sentence each.
        kept: the reader's number of each row; None where no row was left out.
    """

    where: str
    columns: Mapping[str, pa.Array]
    place: Callable[[int], str] = row_from_zero
    delimiter: str = ""
    messages: tuple[str, ...] = ()
    kept: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()))) if self.columns else 0

    def at(self, row: int) -> str:
        """Where a person finds a row: "line 17" of a text file, "row 17" of a sheet."""
        return self.place(int(row) if self.kept is None else int(self.kept[row]))

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
