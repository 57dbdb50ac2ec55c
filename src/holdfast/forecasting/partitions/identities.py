"""Whether every series lies in one part, found without holding all names in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import InputError, TableError
from holdfast.forecasting.partitions.folder import Part, labels_of, open_columns, spoken

_IN_MEMORY: Final = 4_000_000
"""Hashes that are compared at once."""


@dataclass(frozen=True)
class Counted:
    """What a part holds.

    Arguments:
        rows, series: how many.
    """

    rows: int
    series: int


def names_in(part: Part, ids: Sequence[str]) -> tuple[set[str], int]:
    """The series of a part, and its rows."""
    import pyarrow.compute as pc

    found: set[str] = set()
    rows = 0
    for table in open_columns(part, ids):
        rows += table.num_rows
        labels = pc.unique(labels_of(table, ids, part.name))
        found.update(label for label in labels.to_pylist() if label is not None)
    return found, rows


def hashed(labels: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """(n,) 64 bits of each name, which depend on the seed and nothing else.

    Example:
        >>> bool(hashed(["a"], 0) == hashed(["a"], 0)), bool(hashed(["a"], 0) == hashed(["a"], 1))
        (True, False)
    """
    key = seed.to_bytes(8, "little")
    digests = b"".join(
        hashlib.blake2b(label.encode(), digest_size=8, key=key).digest() for label in labels
    )
    return np.frombuffer(digests, dtype="<u8")


def count_parts(
    parts: Sequence[Part], ids: Sequence[str], seed: int, folder: Path
) -> tuple[Counted, ...]:
    """Count rows and series of every part, and refuse a series that is in two of them.

    Names are kept as sorted hashes in files, of which one range is in memory at a time.

    Arguments:
        parts: the files.
        ids: the columns that tell series apart.
        seed: of the hashes.
        folder: for the files of hashes, one a part: "0.npy" …; `bottom` reads them.

    Raises:
        TableError: a series is in two parts; names it and both.
        InputError: the folder cannot be written.
    """
    counted = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, part in enumerate(parts):
            names, rows = names_in(part, ids)
            np.save(folder / f"{number}.npy", np.sort(hashed(sorted(names), seed)))
            counted.append(Counted(rows, len(names)))
    except OSError as problem:
        raise InputError(
            f"{folder} cannot be written: {problem.strerror or problem}; choose another --out."
        ) from None
    _refuse_twice(parts, ids, seed, folder, sum(one.series for one in counted))
    return tuple(counted)


def bottom(folder: Path, numbers: Sequence[int], count: int) -> NDArray[np.uint64]:
    """The `count` smallest hashes of some parts: a sample of their series, each equally likely."""
    smallest = np.zeros(0, dtype=np.uint64)
    for number in numbers:
        hashes = np.load(folder / f"{number}.npy", mmap_mode="r", allow_pickle=False)
        smallest = np.sort(np.concatenate([smallest, hashes[:count]]))[:count]
    return smallest


def _refuse_twice(
    parts: Sequence[Part], ids: Sequence[str], seed: int, folder: Path, total: int
) -> None:
    """Compare all hashes, a range of them at a time."""
    ranges = max(1, -(-total // _IN_MEMORY))
    edges = [2**64 * place // ranges for place in range(1, ranges)]
    files = [
        np.load(folder / f"{number}.npy", mmap_mode="r", allow_pickle=False)
        for number in range(len(parts))
    ]
    bounds = [
        [0, *np.searchsorted(file, np.array(edges, dtype=np.uint64)).tolist(), len(file)]
        for file in files
    ]
    for place in range(ranges):
        spans = [
            file[limit[place] : limit[place + 1]] for file, limit in zip(files, bounds, strict=True)
        ]
        hashes = np.concatenate(spans)
        owner = np.repeat(np.arange(len(parts)), [len(span) for span in spans])
        order = np.argsort(hashes, kind="stable")
        hashes, owner = hashes[order], owner[order]
        for twin in np.flatnonzero(hashes[1:] == hashes[:-1]).tolist():
            if owner[twin] != owner[twin + 1]:
                _refuse_pair(parts[owner[twin]], parts[owner[twin + 1]], ids)


def _refuse_pair(one: Part, other: Part, ids: Sequence[str]) -> None:
    """Equal hashes are mostly equal names; where they are not, nothing is wrong."""
    both = names_in(one, ids)[0] & names_in(other, ids)[0]
    if both:
        raise TableError(
            f"Series {spoken(min(both))!r} is in {one.name} and in {other.name}; a series must lie "
            "whole in one part: write the parts split by series."
        )
