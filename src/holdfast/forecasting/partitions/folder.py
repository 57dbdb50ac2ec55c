"""A folder of parts: which files they are, and how a part is read a chunk of series at a time."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import InputError, TableError, option
from holdfast.tables.files import read_file, table_of_arrow
from holdfast.tables.raw import RawTable, integers, mask_array
from holdfast.tables.roles import check_column

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS: Final = 500_000
"""Rows of a part that are in memory at once, about: chunks are made of whole series."""

CHUNK_SERIES: Final = 5_000
"""Series of a part that are in memory at once, about."""

_BATCH: Final = 1 << 17
_LARGEST_TEXT: Final = 256 * 2**20
_SEPARATOR: Final = "\x1f"
_SUFFIXES: Final = (".parquet", ".csv", ".csv.gz", ".tsv", ".txt")


@dataclass(frozen=True)
class Part:
    """One file of a folder.

    Arguments:
        path: where it lies.
        name: its path below the folder, with "/" between folders.
        bytes: its size.
        modified: when it was last changed, in nanoseconds.
    """

    path: Path
    name: str
    bytes: int
    modified: int

    @property
    def parquet(self) -> bool:
        """Whether it is read in batches, and not whole."""
        return self.name.endswith(".parquet")

    @property
    def result(self) -> str:
        """The name of what is made of it."""
        for suffix in _SUFFIXES:
            if self.name.endswith(suffix):
                return self.name.removesuffix(suffix) + ".parquet"
        return self.name + ".parquet"

    def identity(self) -> dict[str, object]:
        """What tells another state of the file, for JSON."""
        return {"name": self.name, "bytes": self.bytes, "modified": self.modified}


def find_parts(folder: Path) -> tuple[Part, ...]:
    """The parts of a folder and of those below it, in the order of their names; a file is one part.

    Files of a folder whose names begin with "." or "_" are left out.

    Arguments:
        folder: or a single file.

    Raises:
        TableError: there is none, a text file is too large to be read whole, or two parts would be
            written under one name.
    """
    parts = []
    if folder.is_file() and not folder.name.endswith(_SUFFIXES):
        raise TableError(
            f"{folder.name} cannot be read a chunk of series at a time; write it as .parquet or "
            f".csv, or leave out {option('sample')}."
        )
    root = folder.parent if folder.is_file() else folder
    for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
        inner = path.relative_to(root)
        hidden = path != folder and any(piece[0] in "._" for piece in inner.parts)
        if hidden or not path.name.endswith(_SUFFIXES) or not path.is_file():
            continue
        found = path.stat()
        parts.append(Part(path, inner.as_posix(), found.st_size, found.st_mtime_ns))
    if not parts:
        raise TableError(f"{folder} has no parts; give a folder of .parquet or .csv files.")
    names: dict[str, str] = {}
    for part in parts:
        if not part.parquet and part.bytes > _LARGEST_TEXT:
            raise TableError(
                f"{part.name} has {part.bytes / 2**20:,.0f} MiB of text; at most 256 are read in "
                "one piece: split it by series, or write it as Parquet."
            )
        other = names.setdefault(part.result, part.name)
        if other != part.name:
            raise TableError(
                f"{other} and {part.name} would both be written to {part.result}; rename one."
            )
    return tuple(parts)


def open_columns(part: Part, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """A part's rows in their order, some at a time.

    Arguments:
        part: a file.
        columns: which; None for all.

    Raises:
        TableError: the file cannot be read, or lacks a column.
    """
    import pyarrow as pa
    from pyarrow import parquet

    if not part.parquet:
        raw = _whole(part)
        for name in columns or ():
            check_column(raw, name)
        yield pa.table({name: raw.columns[name] for name in columns or raw.columns})
        return
    try:
        with parquet.ParquetFile(part.path) as file:
            names = file.schema_arrow.names
            missing = [name for name in columns or () if name not in names]
            if missing:
                raise TableError(
                    f"{part.name} has no column {missing[0]!r}; it has "
                    f"{', '.join(map(repr, names[:8]))}."
                )
            wanted = None if columns is None else list(columns)
            for batch in file.iter_batches(_BATCH, columns=wanted, use_threads=False):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as problem:
        raise TableError(
            f"{part.name} is not a complete Parquet file; write it again ({problem})."
        ) from None


def head(part: Part) -> RawTable:
    """The first rows of a part, to tell its columns by."""
    if not part.parquet:
        return _whole(part)
    first = next(open_columns(part, None), None)
    if first is None:
        raise TableError(f"{part.name} has columns but no rows; give at least one row.")
    return table_of_arrow(first, part.name)


def labels_of(table: pa.Table, ids: Sequence[str], where: str) -> Any:
    """(rows,) the series of each row as one text; null where its name is missing.

    Raises:
        TableError: a column cannot tell series apart.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    texts = []
    for name in ids:
        column = table.column(name)
        try:
            texts.append(pc.utf8_trim_whitespace(column.cast(pa.string())))
        except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
            raise TableError(
                f"{where}: column {name!r} holds {column.type} values, which cannot tell series "
                f"apart; name another with {option('id_col')}."
            ) from None
    joined = texts[0] if len(texts) == 1 else pc.binary_join_element_wise(*texts, _SEPARATOR)
    return joined.combine_chunks()


def spoken(label: str) -> str:
    """A label of `labels_of` as a person reads it."""
    return label.replace(_SEPARATOR, " / ")


def chunks(
    part: Part, ids: Sequence[str], columns: Sequence[str], count: int
) -> Iterator[RawTable]:
    """A part as `count` tables of whole series; rows keep their order and their numbers.

    A chunk is all series of one hash, so that rows of a part may come in any order: the file is
    read once a chunk, which takes a hundredth of the time that forecasting does.

    Arguments:
        part: a file.
        ids: the columns that tell series apart.
        columns: all columns to read, those among them.
        count: from `chunks_needed`.
    """
    import pyarrow as pa

    if not part.parquet:
        text = _whole(part)
        table = pa.table({name: text.columns[name] for name in ids})
        bucket = _buckets(labels_of(table, ids, part.name), count)
        for number in range(count):
            if (bucket == number).any():
                yield text.keep(bucket == number)
        return
    for number in range(count):
        tables, rows, begin = [], [], 0
        for table in open_columns(part, columns):
            if count > 1:
                inside = _buckets(labels_of(table, ids, part.name), count) == number
                tables.append(table.filter(mask_array(inside)))
                rows.append(begin + np.flatnonzero(inside))
                begin += len(inside)
            else:
                tables.append(table)
        whole = pa.concat_tables(tables) if tables else None
        if whole is None or not whole.num_rows:
            continue  # no series has this hash
        del tables
        raw = table_of_arrow(whole, part.name)
        yield raw if count == 1 else replace(raw, kept=np.concatenate(rows))


def chunks_needed(rows: int, series: int, horizon: int) -> int:
    """In how many chunks a part is read, so that memory stays bounded.

    Example:
        >>> chunks_needed(1_000_000, 10_000, 12), chunks_needed(5_000, 50, 12)
        (2, 1)
    """
    most = max(1, min(CHUNK_SERIES, CHUNK_ROWS // max(horizon, 1)))
    return max(-(-rows // CHUNK_ROWS), -(-series // most), 1)


def _buckets(labels: Any, count: int) -> Any:
    """(rows,) the number of each row's chunk; a row without a name is in the first."""
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(labels)
    texts = encoded.dictionary.to_pylist()
    of_text = np.array([zlib.crc32(text.encode()) % count for text in texts] + [0], dtype=np.int64)
    places = integers(pc.fill_null(encoded.indices, len(texts)))
    return of_text[places]


def _whole(part: Part) -> RawTable:
    return replace(read_file(part.path), where=part.name)


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
            f"{folder} cannot be written: {problem.strerror or problem}; choose another "
            f"{option('out')}."
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
