"""A folder of partitions: its files, their series, and how to read some whole series at a time."""

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

BATCH_ROWS: Final = 500_000
"""Rows of a partition in memory at once, about: a batch is made of whole series."""

BATCH_SERIES: Final = 5_000
"""Series of a partition in memory at once, about."""

MOST_SAMPLED: Final = 16
"""Partitions that a sample is drawn from, at most: each is read once for it."""

_IN_MEMORY: Final = 4_000_000  # hashes that are compared at once
_READ_ROWS: Final = 1 << 17
_LARGEST_TEXT: Final = 256 * 2**20
_SEPARATOR: Final = "\x1f"
_SUFFIXES: Final = (".parquet", ".csv", ".csv.gz", ".tsv", ".txt")


@dataclass(frozen=True)
class Partition:
    """One file of a folder."""

    path: Path  # where it lies
    name: str  # its path below the folder, with "/" between folders
    bytes: int  # its size
    modified: int  # when it was last changed, in nanoseconds

    @property
    def parquet(self) -> bool:
        """Whether it is read a few rows at a time, and not whole."""
        return self.name.endswith(".parquet")

    @property
    def result(self) -> str:
        """The name of its file of results."""
        for suffix in _SUFFIXES:
            if self.name.endswith(suffix):
                return self.name.removesuffix(suffix) + ".parquet"
        return self.name + ".parquet"

    def identity(self) -> dict[str, object]:
        """Name, size and time of the last change, for JSON."""
        return {"name": self.name, "bytes": self.bytes, "modified": self.modified}


def find_partitions(folder: Path) -> tuple[Partition, ...]:
    """The partitions of a folder and of those below it, by name; a file is one partition.

    Files of a folder whose names begin with "." or "_" are left out.

    Raises:
        TableError: there is none, a text file is too large to be read whole, or two partitions
            would be written under one name.
    """
    partitions = []
    if folder.is_file() and not folder.name.endswith(_SUFFIXES):
        raise TableError(
            f"{folder.name} cannot be read a few series at a time; write it as .parquet or .csv, "
            f"or leave out {option('sample')}."
        )
    root = folder.parent if folder.is_file() else folder
    for path in [folder] if folder.is_file() else sorted(folder.rglob("*")):
        inner = path.relative_to(root)
        hidden = path != folder and any(piece[0] in "._" for piece in inner.parts)
        if hidden or not path.name.endswith(_SUFFIXES) or not path.is_file():
            continue
        found = path.stat()
        partitions.append(Partition(path, inner.as_posix(), found.st_size, found.st_mtime_ns))
    if not partitions:
        raise TableError(f"{folder} has no partitions; give a folder of .parquet or .csv files.")
    names: dict[str, str] = {}
    for partition in partitions:
        if not partition.parquet and partition.bytes > _LARGEST_TEXT:
            raise TableError(
                f"{partition.name} has {partition.bytes / 2**20:,.0f} MiB of text; at most 256 are "
                "read in one piece: split it by series, or write it as Parquet."
            )
        other = names.setdefault(partition.result, partition.name)
        if other != partition.name:
            raise TableError(
                f"{other} and {partition.name} would both be written to {partition.result}; "
                "rename one."
            )
    return tuple(partitions)


def open_columns(partition: Partition, columns: Sequence[str] | None) -> Iterator[pa.Table]:
    """A partition's rows in their order, some at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    if not partition.parquet:
        raw = _whole(partition)
        for name in columns or ():
            check_column(raw, name)
        yield pa.table({name: raw.columns[name] for name in columns or raw.columns})
        return
    try:
        with parquet.ParquetFile(partition.path) as file:
            names = file.schema_arrow.names
            missing = [name for name in columns or () if name not in names]
            if missing:
                raise TableError(
                    f"{partition.name} has no column {missing[0]!r}; it has "
                    f"{', '.join(map(repr, names[:8]))}."
                )
            wanted = None if columns is None else list(columns)
            for batch in file.iter_batches(_READ_ROWS, columns=wanted, use_threads=False):
                yield pa.Table.from_batches([batch])
    except (pa.ArrowException, OSError) as problem:
        raise TableError(
            f"{partition.name} is not a complete Parquet file; write it again ({problem})."
        ) from None


def first_rows(partition: Partition) -> RawTable:
    """The first rows of a partition, to tell its columns by."""
    if not partition.parquet:
        return _whole(partition)
    first = next(open_columns(partition, None), None)
    if first is None:
        raise TableError(f"{partition.name} has columns but no rows; give at least one row.")
    return table_of_arrow(first, partition.name)


def row_labels(table: pa.Table, ids: Sequence[str], where: str) -> Any:
    """(rows,) the series of each row as one text; null where its name is missing."""
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


def readable(label: str) -> str:
    """A label of `row_labels` as a person reads it."""
    return label.replace(_SEPARATOR, " / ")


def series_batches(
    partition: Partition, ids: Sequence[str], columns: Sequence[str], count: int
) -> Iterator[RawTable]:
    """A partition as `count` tables of whole series; rows keep their order and their numbers.

    A batch is all series of one hash, so that rows of a partition may come in any order: the file
    is read once a batch, which takes a hundredth of the time that forecasting does.

    Arguments:
        count: from `batches_needed`.
    """
    import pyarrow as pa

    if not partition.parquet:
        text = _whole(partition)
        table = pa.table({name: text.columns[name] for name in ids})
        bucket = _buckets(row_labels(table, ids, partition.name), count)
        for number in range(count):
            if (bucket == number).any():
                yield text.keep(bucket == number)
        return
    for number in range(count):
        tables, rows, begin = [], [], 0
        for table in open_columns(partition, columns):
            if count > 1:
                inside = _buckets(row_labels(table, ids, partition.name), count) == number
                tables.append(table.filter(mask_array(inside)))
                rows.append(begin + np.flatnonzero(inside))
                begin += len(inside)
            else:
                tables.append(table)
        whole = pa.concat_tables(tables) if tables else None
        if whole is None or not whole.num_rows:
            continue  # no series has this hash
        del tables
        raw = table_of_arrow(whole, partition.name)
        yield raw if count == 1 else replace(raw, kept=np.concatenate(rows))


def batches_needed(rows: int, series: int, horizon: int) -> int:
    """In how many batches of series a partition is read, so that memory stays bounded.

    Example:
        >>> batches_needed(1_000_000, 10_000, 12), batches_needed(5_000, 50, 12)
        (2, 1)
    """
    most = max(1, min(BATCH_SERIES, BATCH_ROWS // max(horizon, 1)))
    return max(-(-rows // BATCH_ROWS), -(-series // most), 1)


def _buckets(labels: Any, count: int) -> Any:
    """(rows,) the number of each row's batch; a row without a name is in the first."""
    import pyarrow.compute as pc

    encoded = pc.dictionary_encode(labels)
    texts = encoded.dictionary.to_pylist()
    of_text = np.array([zlib.crc32(text.encode()) % count for text in texts] + [0], dtype=np.int64)
    places = integers(pc.fill_null(encoded.indices, len(texts)))
    return of_text[places]


def _whole(partition: Partition) -> RawTable:
    return replace(read_file(partition.path), where=partition.name)


@dataclass(frozen=True)
class PartitionSize:
    """How much a partition holds."""

    rows: int  # rows, series: how many
    series: int


def series_names(partition: Partition, ids: Sequence[str]) -> tuple[set[str], int]:
    """The series of a partition, and its rows."""
    import pyarrow.compute as pc

    found: set[str] = set()
    rows = 0
    for table in open_columns(partition, ids):
        rows += table.num_rows
        labels = pc.unique(row_labels(table, ids, partition.name))
        found.update(label for label in labels.to_pylist() if label is not None)
    return found, rows


def hash_names(labels: Sequence[str], seed: int) -> NDArray[np.uint64]:
    """(n,) 64 bits of each name, which depend on the seed and nothing else."""
    key = seed.to_bytes(8, "little")
    digests = b"".join(
        hashlib.blake2b(label.encode(), digest_size=8, key=key).digest() for label in labels
    )
    return np.frombuffer(digests, dtype="<u8")


def count_partitions(
    partitions: Sequence[Partition], ids: Sequence[str], seed: int, folder: Path
) -> tuple[PartitionSize, ...]:
    """Count rows and series of every partition, and refuse a series that is in two of them.

    Names are kept as sorted hashes in files, of which one range is in memory at a time.

    Arguments:
        folder: for the files of hashes, one a partition: "0.npy" …; `smallest_hashes` reads them.

    Raises:
        TableError: a series is in two partitions; names it and both.
        InputError: the folder cannot be written.
    """
    sizes = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for number, partition in enumerate(partitions):
            names, rows = series_names(partition, ids)
            np.save(folder / f"{number}.npy", np.sort(hash_names(sorted(names), seed)))
            sizes.append(PartitionSize(rows, len(names)))
    except OSError as problem:
        raise InputError(
            f"{folder} cannot be written: {problem.strerror or problem}; choose another "
            f"{option('out')}."
        ) from None
    _refuse_doubles(partitions, ids, seed, folder, sum(one.series for one in sizes))
    return tuple(sizes)


def smallest_hashes(folder: Path, numbers: Sequence[int], count: int) -> NDArray[np.uint64]:
    """The smallest hashes of some partitions: a sample of their series, each equally likely."""
    smallest = np.zeros(0, dtype=np.uint64)
    for number in numbers:
        hashes = np.load(folder / f"{number}.npy", mmap_mode="r", allow_pickle=False)
        smallest = np.sort(np.concatenate([smallest, hashes[:count]]))[:count]
    return smallest


def _refuse_doubles(
    partitions: Sequence[Partition], ids: Sequence[str], seed: int, folder: Path, total: int
) -> None:
    """Compare all hashes, a range of them at a time."""
    ranges = max(1, -(-total // _IN_MEMORY))
    edges = [2**64 * place // ranges for place in range(1, ranges)]
    files = [
        np.load(folder / f"{number}.npy", mmap_mode="r", allow_pickle=False)
        for number in range(len(partitions))
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
        owner = np.repeat(np.arange(len(partitions)), [len(span) for span in spans])
        order = np.argsort(hashes, kind="stable")
        hashes, owner = hashes[order], owner[order]
        for twin in np.flatnonzero(hashes[1:] == hashes[:-1]).tolist():
            if owner[twin] != owner[twin + 1]:
                _refuse_pair(partitions[owner[twin]], partitions[owner[twin + 1]], ids)


def _refuse_pair(one: Partition, other: Partition, ids: Sequence[str]) -> None:
    """Equal hashes are mostly equal names; where they are not, nothing is wrong."""
    both = series_names(one, ids)[0] & series_names(other, ids)[0]
    if both:
        raise TableError(
            f"Series {readable(min(both))!r} is in {one.name} and in {other.name}; a series must "
            "lie whole in one partition: write the partitions split by series."
        )


def sample(
    partitions: Sequence[Partition],
    ids: Sequence[str],
    columns: Sequence[str],
    *,
    count: int,
    seed: int,
    hashes: Path,
) -> RawTable:
    """All rows of some series, chosen by the seed and their names alone.

    Every series of up to 16 partitions is equally likely; of more partitions, 16 are drawn first.

    Arguments:
        hashes: the folder that `count_partitions` wrote, with the same seed.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    order = np.argsort(
        hash_names([partition.name for partition in partitions], seed), kind="stable"
    )
    numbers = sorted(order[:MOST_SAMPLED].tolist())
    chosen = smallest_hashes(hashes, numbers, count)
    tables = []
    for number in numbers:
        partition = partitions[number]
        for table in open_columns(partition, columns):
            encoded = pc.dictionary_encode(row_labels(table, ids, partition.name))
            there = np.isin(hash_names(encoded.dictionary.to_pylist(), seed), chosen)
            places = integers(pc.fill_null(encoded.indices, len(there)))
            inside = np.append(there, False)[places]
            if inside.any():
                tables.append(table.filter(mask_array(inside)))
    try:
        whole = pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as problem:
        reason = str(problem).splitlines()[0].rstrip(".")
        raise TableError(
            f"The partitions do not have columns of one type each ({reason}); write them alike."
        ) from None
    return table_of_arrow(whole, "the sample of the partitions")
