"""A column of covariates as numbers or categories, and the series that its rows belong to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError
from holdfast.tables.arrow import integers, missing, objects
from holdfast.tables.columns import check_column, listed
from holdfast.tables.covariates import Column, Covariates, Role
from holdfast.tables.files import read_file
from holdfast.tables.frames import read_frame
from holdfast.tables.layouts import identities
from holdfast.tables.raw import RawTable
from holdfast.tables.values import blank_to_null, is_numeric, read_numbers


def open_table(source: object, where: str) -> RawTable:
    """The table at a path, or in a frame, which sentences call `where`."""
    if isinstance(source, str | Path):
        return read_file(source)
    return replace(read_frame(source)[0], where=where)


def read_column(
    raw: RawTable, name: str, role: Role, like: Covariates | None, said: list[str] | None = None
) -> tuple[Column, NDArray[np.float64]]:
    """A column as numbers, or as the codes of its categories."""
    import pyarrow as pa

    check_column(raw, name)
    column = raw.columns[name]
    former = None
    if like is not None:
        every = {one.name: one for one in (*like.columns, *like.statics)}
        former = every.get(name)
    numeric = is_numeric(column) or pa.types.is_boolean(column.type)
    if former is not None and former.levels is None and not numeric:
        raise TableError(f"{raw.where}: column {name!r} held numbers in the fit and now does not.")
    if numeric and (former is None or former.levels is None):
        return Column(name, role), read_numbers(raw, name).values
    return _categories(raw, name, role, None if former is None else former.levels, said)


def _categories(
    raw: RawTable,
    name: str,
    role: Role,
    levels: tuple[str, ...] | None,
    said: list[str] | None,
) -> tuple[Column, NDArray[np.float64]]:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = raw.columns[name]
    try:
        text = blank_to_null(pc.cast(column, pa.string()))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise TableError(
            f"{raw.where}: column {name!r} holds {column.type} values, which are neither numbers "
            "nor categories."
        ) from None
    encoded = pc.dictionary_encode(text)
    found = [str(value) for value in objects(encoded.dictionary)]
    if levels is None:
        levels = tuple(sorted(found))
    place = {level: float(code) for code, level in enumerate(levels)}
    codes = np.array([place.get(level, np.nan) for level in found] + [np.nan])
    unseen = [level for level in found if level not in place]
    if unseen and said is not None:
        said.append(
            f"Column {name!r} has categories that the fit never saw, {listed(unseen)}: what all "
            "series share counts there."
        )
    which = np.where(missing(encoded.indices), len(found), integers(encoded.indices))
    return Column(name, role, levels), codes[which]


def rows_of(raw: RawTable, labels: tuple[str, ...], ids: tuple[str, ...]) -> NDArray[np.int64]:
    """(rows,) which series each row belongs to; −1 for none."""
    if not ids:
        return np.zeros(len(raw), dtype=np.int64)
    codes, there, _ = identities(raw, ids, "")
    places = {label: place for place, label in enumerate(labels)}
    found = np.array([places.get(label, -1) for label in there], dtype=np.int64)
    return found[codes]
