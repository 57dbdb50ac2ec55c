"""Past, future and static covariates of series, in memory and in a model folder."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Role = Literal["future", "past", "static"]
"""Known ahead, known up to the last value only, or one value a series."""


@dataclass(frozen=True)
class Column:
    """What a column of covariates is."""

    name: str  # the caller's
    role: Role  # whether it is future (known ahead), past or static
    # the names of its categories, whose codes stand in the arrays; None for numbers
    levels: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class CovariateRows:
    """Covariates row by row, before they lie on a calendar."""

    columns: tuple[Column, ...]  # the C columns
    values: NDArray[np.float64]  # (rows, C)

    def take(self, rows: NDArray[np.int64]) -> CovariateRows:
        """Some rows, in that order."""
        return replace(self, values=self.values[rows])

    def combined(self, starts: NDArray[np.int64]) -> CovariateRows:
        """Runs of rows as one each: the mean of numbers, the first of categories."""
        if not self.columns:
            return self.take(starts)
        present = np.isfinite(self.values)
        counts = np.add.reduceat(present.astype(np.float64), starts)
        sums = np.add.reduceat(np.where(present, self.values, 0.0), starts)
        means = np.where(counts > 0, sums / np.maximum(counts, 1.0), np.nan)
        category = np.array([column.levels is not None for column in self.columns])
        return replace(self, values=np.where(category, self.values[starts], means))


@dataclass(frozen=True, eq=False)
class Covariates:
    """The covariates of N series, on their calendar.

    Columns in time lie flat as the values of a `SeriesSet` do, with starts and offsets of their
    own, since what is known ahead reaches beyond the last value of a series.
    """

    columns: tuple[Column, ...]  # the C columns in time, each "future" or "past"
    starts: NDArray[np.int64]  # (N,) the ordinal of each series' first row
    offsets: NDArray[np.int64]  # (N + 1,) series i is ``values[offsets[i]:offsets[i + 1]]``
    # (total, C) float64: numbers or codes of categories, NaN where nothing is known
    values: NDArray[np.float64]
    statics: tuple[Column, ...]  # the S columns with one value a series
    # (N, S) float64: numbers or codes, NaN where nothing is known, as for a category that the fit
    # never saw
    static: NDArray[np.float64]
    # whose public holidays count, as the package `holidays` names it; None for none
    country: str | None = None

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) rows of each series."""
        return np.diff(self.offsets)

    @property
    def future(self) -> NDArray[np.bool_]:
        """(C,) which columns in time are known ahead."""
        return np.array([column.role == "future" for column in self.columns], dtype=np.bool_)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns in time."""
        return tuple(column.name for column in self.columns)

    @property
    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """All numbers."""
        return (self.starts, self.offsets, self.values, self.static)

    def cut(self, ordinals: int | NDArray[np.int64]) -> Covariates:
        """Past covariates up to and including an ordinal; what is known ahead stays."""
        if self.future.all():
            return self
        last = np.broadcast_to(np.asarray(ordinals, dtype=np.int64), self.starts.shape)
        behind = self._ordinals > np.repeat(last, self.lengths)
        hidden = behind[:, None] & ~self.future[None, :]
        return replace(self, values=np.where(hidden, np.nan, self.values))

    def take(self, indices: NDArray[np.int64]) -> Covariates:
        """Those of the series at `indices`, in that order."""
        lengths = self.lengths[indices]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        source = np.repeat(self.offsets[indices] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return replace(
            self,
            starts=self.starts[indices],
            offsets=offsets,
            values=self.values[source],
            static=self.static[indices],
        )

    def span(self, first: int | NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """(N, length, C) the rows at ordinals first … first + length − 1, NaN where none is."""
        position = np.broadcast_to(np.asarray(first) - self.starts, self.starts.shape)
        position = position[:, None] + np.arange(length)[None, :]
        inside = (position >= 0) & (position < self.lengths[:, None])
        if not len(self.values):
            return np.full((*inside.shape, len(self.columns)), np.nan)
        flat = np.where(inside, self.offsets[:-1, None] + position, 0)
        return np.where(inside[..., None], self.values[flat], np.nan)

    def followed_by(self, later: Covariates) -> Covariates:
        """These rows and, of the columns that are known ahead, those of another record.

        Where both have a value at one time, the later record's counts.
        """
        return self._merged(later, self.future)

    def with_rows(self, later: Covariates) -> Covariates:
        """These rows and all those of another record, whose values count where both have one."""
        return self._merged(later, np.ones(len(self.columns), dtype=np.bool_))

    def _merged(self, later: Covariates, taken: NDArray[np.bool_]) -> Covariates:
        starts = np.minimum(
            np.where(self.lengths > 0, self.starts, later.starts),
            np.where(later.lengths > 0, later.starts, self.starts),
        )
        ends = np.maximum(
            np.where(self.lengths > 0, self.starts + self.lengths, starts),
            np.where(later.lengths > 0, later.starts + later.lengths, starts),
        )
        offsets = np.concatenate([[0], np.cumsum(ends - starts)]).astype(np.int64)
        values = np.full((int(offsets[-1]), len(self.columns)), np.nan)
        for one in (self, later):
            shift = offsets[:-1] + one.starts - starts - one.offsets[:-1]
            place = np.repeat(shift, one.lengths) + np.arange(len(one.values))
            counts = np.isfinite(one.values)
            if one is later:
                counts &= taken[None, :]
            values[place] = np.where(counts, one.values, values[place])
        return replace(self, starts=starts, offsets=offsets, values=values)

    @property
    def _ordinals(self) -> NDArray[np.int64]:
        """(total,) of each row."""
        shift = np.repeat(self.starts - self.offsets[:-1], self.lengths)
        return np.asarray(shift + np.arange(len(self.values)))


_MOST_COLUMNS: Final = 10_000
_FARTHEST: Final = 2**62


def described_covariates(
    covariates: Covariates | None,
) -> tuple[dict[str, object] | None, dict[str, NDArray[Any]]]:
    """What `read_covariates` needs: columns for a manifest, and arrays by name."""
    if covariates is None:
        return None, {}
    described: dict[str, object] = {
        "columns": described_columns((*covariates.columns, *covariates.statics)),
        "country": covariates.country,
    }
    return described, {
        "covariates/starts": covariates.starts,
        "covariates/offsets": covariates.offsets,
        "covariates/values": covariates.values,
        "covariates/static": covariates.static,
    }


def read_covariates(
    described: object, arrays: Mapping[str, NDArray[Any]], count: int
) -> Covariates | None:
    """The inverse of `described_covariates`.

    Arguments:
        described, arrays: untrusted.
        count: N series.

    Raises:
        ValueError: something is missing, unknown, damaged or out of range.
    """
    if described is None:
        return None
    if not isinstance(described, dict) or set(described) != {"columns", "country"}:
        raise ValueError("its covariates have missing or unknown fields")
    listed, country = described["columns"], described["country"]
    if country is not None and not isinstance(country, str):
        raise ValueError(f"its country is {reprlib.repr(country)}")
    columns = read_columns(listed)
    in_time = tuple(column for column in columns if column.role != "static")
    statics = tuple(column for column in columns if column.role == "static")
    covariates = Covariates(
        columns=in_time,
        starts=arrays["covariates/starts"],
        offsets=arrays["covariates/offsets"],
        values=arrays["covariates/values"],
        statics=statics,
        static=arrays["covariates/static"],
        country=country,
    )
    _check(covariates, count)
    return covariates


def described_columns(columns: tuple[Column, ...]) -> list[dict[str, object]]:
    """Columns for a manifest."""
    return [
        {
            "name": column.name,
            "role": column.role,
            "levels": None if column.levels is None else list(column.levels),
        }
        for column in columns
    ]


def read_columns(listed: object) -> tuple[Column, ...]:
    """The inverse of `described_columns`."""
    if not isinstance(listed, list) or len(listed) > _MOST_COLUMNS:
        raise ValueError("its columns of covariates are damaged")
    columns = tuple(_column(fields) for fields in listed)
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("two of its covariates have one name")
    return columns


def _column(fields: object) -> Column:
    if not isinstance(fields, dict) or set(fields) != {"name", "role", "levels"}:
        raise ValueError("a column of its covariates has missing or unknown fields")
    name, role, levels = fields["name"], fields["role"], fields["levels"]
    sound = isinstance(name, str) and role in ("future", "past", "static")
    if sound and levels is not None:
        sound = isinstance(levels, list) and all(isinstance(level, str) for level in levels)
        sound = sound and len(set(levels)) == len(levels)
    if not sound:
        raise ValueError(f"a column of its covariates is {reprlib.repr(fields)}")
    return Column(name, role, None if levels is None else tuple(levels))


def _check(covariates: Covariates, count: int) -> None:
    starts, offsets = covariates.starts, covariates.offsets
    values, static = covariates.values, covariates.static
    sound = (
        starts.dtype == offsets.dtype == np.int64
        and values.dtype == static.dtype == np.float64
        and starts.shape == (count,)
        and offsets.shape == (count + 1,)
        and values.shape == (int(offsets[-1]), len(covariates.columns))
        and static.shape == (count, len(covariates.statics))
        and offsets[0] == 0
        and bool((offsets[1:] >= offsets[:-1]).all())
        and bool(((starts >= -_FARTHEST) & (starts <= _FARTHEST)).all())
        and not bool(np.isinf(values).any() or np.isinf(static).any())
    )
    if not sound:
        raise ValueError("its covariates are damaged")
    for columns, numbers in ((covariates.columns, values), (covariates.statics, static)):
        for place, column in enumerate(columns):
            if column.levels is not None:
                codes = numbers[np.isfinite(numbers[:, place]), place]
                if not ((codes >= 0) & (codes < len(column.levels)) & (codes % 1 == 0)).all():
                    raise ValueError(f"its column {column.name!r} has categories that are none")
