"""Which group each series belongs to, by a column that says one thing of each series."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError
from holdfast.tables.columns import listed
from holdfast.tables.layouts import ColumnNames, identities
from holdfast.tables.raw import RawTable
from holdfast.tables.series import SeriesSet

EVERYTHING = "all"
"""The group of all series, where no column has this name."""


@dataclass(frozen=True, eq=False)
class Groups:
    """What each of N series is part of.

    Arguments:
        name: of the column.
        values: (N,) its value for each series.
    """

    name: str
    values: NDArray[np.generic]


def group_by(name: str, series: SeriesSet, raw: RawTable | None, names: ColumnNames) -> Groups:
    """The groups that a column makes: an id column, a static covariate, or a column of the table.

    Arguments:
        name: of the column, or "all" for one group of all series.
        series: N series.
        raw: the table that they were read from; None where it is not at hand.
        names: what its columns are called.

    Raises:
        TableError: there is no such column, or it says different things of one series.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> series = SeriesSet.from_arrays({"a": [1.0], "b": [2.0]}, Calendar.integer())
        >>> group_by("unique_id", series, None, ColumnNames(("unique_id",), "ds", "y")).values
        array(['a', 'b'], dtype=object)
    """
    if name in series.keys:
        return Groups(name, series.keys[name])
    beside = series.covariates
    for place, column in enumerate(beside.statics if beside is not None else ()):
        if column.name == name and beside is not None:
            return Groups(name, _words(beside.static[:, place], column.levels))
    if raw is not None and name in raw.columns and name not in (names.time, names.target):
        return Groups(name, _column(name, series, raw, names))
    if name == EVERYTHING:
        return Groups("total", np.full(len(series), EVERYTHING, dtype=object))
    known = [*series.keys, *(column.name for column in (beside.statics if beside else ()))]
    if raw is not None:
        known += [one for one in raw.columns if one not in (*known, names.time, names.target)]
    elsewhere = "" if raw is not None else "; give the table with that column"
    raise TableError(
        f"There is no column {name!r} to add up by: series can be told apart by {listed(known)}, "
        f"and {EVERYTHING!r} adds up all of them{elsewhere}."
    )


def _words(codes: NDArray[np.float64], levels: tuple[str, ...] | None) -> NDArray[np.generic]:
    """A static covariate as the caller wrote it."""
    if levels is None:
        return codes
    named = [levels[int(code)] if code == code else "" for code in codes.tolist()]
    return np.array(named, dtype=object)


def _column(name: str, series: SeriesSet, raw: RawTable, names: ColumnNames) -> NDArray[np.generic]:
    """A column of the table, one value a series."""
    ids = tuple(one for one in names.id if one in raw.columns)
    codes, labels, _ = identities(raw, ids, names.target)
    found, texts, values = identities(raw, (name,), name)
    first = np.zeros(len(labels), dtype=np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    differs = np.flatnonzero(found != found[first[codes]])
    if len(differs):
        row = int(differs[0])
        label, there = labels[codes[row]], raw.at(row)
        raise TableError(
            f"{raw.where}, {there}, column {name!r}: series {label!r} has {texts[found[row]]!r} "
            f"here and {texts[found[first[codes[row]]]]!r} before; a column to add up by says one "
            "thing of each series."
        )
    places = {label: place for place, label in enumerate(labels)}
    missing = [label for label in series.labels if label not in places]
    if missing:
        raise TableError(
            f"{raw.where} has no series {missing[0]!r}, so that its {name!r} is not known; give a "
            "table with all series."
        )
    rows = np.array([first[places[label]] for label in series.labels], dtype=np.int64)
    return values[name][found[rows]]
