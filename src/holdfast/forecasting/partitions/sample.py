"""The series on which a job settles what all parts share: season, frequency, blend and widths."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from holdfast.errors import TableError
from holdfast.forecasting.partitions.folder import Part, labels_of, open_columns
from holdfast.forecasting.partitions.identities import bottom, hashed
from holdfast.tables.arrow import integers, mask_array
from holdfast.tables.files import table_of_arrow
from holdfast.tables.raw import RawTable

MOST_PARTS: Final = 16
"""Parts that a sample is drawn from, at most: each is read once for it."""


def sample(
    parts: Sequence[Part],
    ids: Sequence[str],
    columns: Sequence[str],
    *,
    count: int,
    seed: int,
    hashes: Path,
) -> RawTable:
    """All rows of some series, chosen by the seed and their names alone.

    Every series of up to 16 parts is equally likely; of more parts, 16 are drawn first.

    Arguments:
        parts: the files.
        ids: the columns that tell series apart.
        columns: all columns to read, those among them.
        count: how many series.
        seed: of the choice.
        hashes: the folder that `count_parts` wrote, with the same seed.

    Raises:
        TableError: a column has one type in one part and another in another.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    order = np.argsort(hashed([part.name for part in parts], seed), kind="stable")
    numbers = sorted(order[:MOST_PARTS].tolist())
    chosen = bottom(hashes, numbers, count)
    tables = []
    for number in numbers:
        part = parts[number]
        for table in open_columns(part, columns):
            encoded = pc.dictionary_encode(labels_of(table, ids, part.name))
            there = np.isin(hashed(encoded.dictionary.to_pylist(), seed), chosen)
            places = integers(pc.fill_null(encoded.indices, len(there)))
            inside = np.append(there, False)[places]
            if inside.any():
                tables.append(table.filter(mask_array(inside)))
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise TableError(
            f"The parts do not have columns of one type each ({reason}); write them alike."
        ) from None
    return table_of_arrow(whole, "the sample of the parts")
