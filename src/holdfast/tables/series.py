"""Many series in one piece of memory: the form in which every floor above sees a table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import Covariates


@dataclass(frozen=True, eq=False)
class SeriesSet:
    """N series on one calendar, each a regular grid from its first to its last timestamp.

    Values are float64 as the user gave them; the network turns them to float32 only after scaling,
    so that a large level costs no digits.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> series = SeriesSet.from_arrays({"a": [1.0, 2.0, 3.0]}, Calendar.integer())
        >>> series.one(0).tolist(), series.ends.tolist()
        ([1.0, 2.0, 3.0], [2])
    """

    # N names to show, one a series (several id columns are joined by " / ")
    labels: tuple[str, ...]
    keys: Mapping[str, NDArray[np.generic]]  # the id columns as they came in, name → N values
    starts: NDArray[np.int64]  # (N,) int64, the calendar's ordinal of each series' first value
    offsets: NDArray[np.int64]  # (N + 1,) int64, series i is ``values[offsets[i]:offsets[i + 1]]``
    values: NDArray[np.float64]  # (total,) float64, NaN where nothing was observed (a gap)
    calendar: Calendar  # turns ordinals to timestamps and back
    covariates: Covariates | None = None  # of the N series: past, future and static; None for none

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, object], calendar: Calendar) -> SeriesSet:
        """Series that all start at ordinal 0; name → values (NaN for gaps)."""
        rows = [np.asarray(values, dtype=np.float64) for values in arrays.values()]
        labels = tuple(arrays)
        offsets = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
        return cls(
            labels=labels,
            keys={"unique_id": np.asarray(labels, dtype=object)},
            starts=np.zeros(len(rows), dtype=np.int64),
            offsets=offsets,
            values=np.concatenate(rows) if rows else np.zeros(0),
            calendar=calendar,
        )

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """(N,) number of grid points of each series, gaps included."""
        return np.diff(self.offsets)

    @property
    def ends(self) -> NDArray[np.int64]:
        """(N,) ordinal of each series' last value (its start − 1 when it is empty)."""
        return self.starts + self.lengths - 1

    @property
    def arrays(self) -> tuple[NDArray[np.generic], ...]:
        """All numbers: what a hash of the series, covariates included, is made of."""
        arrays = (self.starts, self.offsets, self.values)
        return arrays if self.covariates is None else (*arrays, *self.covariates.arrays)

    def one(self, index: int) -> NDArray[np.float64]:
        """The values of series `index`: a view, not a copy."""
        return self.values[self.offsets[index] : self.offsets[index + 1]]

    def cut(self, ordinals: int | NDArray[np.int64]) -> SeriesSet:
        """Each series up to and including an ordinal; later values do not exist in the result.

        Series that start later stay in place with length 0, so that indices keep their meaning.
        Past covariates end there too; future covariates stay.
        """
        kept = np.clip(np.asarray(ordinals) - self.starts + 1, 0, self.lengths)
        offsets = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        source = np.repeat(self.offsets[:-1] - offsets[:-1], kept) + np.arange(offsets[-1])
        covariates = None if self.covariates is None else self.covariates.cut(ordinals)
        return replace(self, offsets=offsets, values=self.values[source], covariates=covariates)

    def take(self, indices: NDArray[np.int64]) -> SeriesSet:
        """The series at `indices`, in that order."""
        lengths = self.lengths[indices]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        source = np.repeat(self.offsets[indices] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return SeriesSet(
            labels=tuple(self.labels[i] for i in indices),
            keys={name: column[indices] for name, column in self.keys.items()},
            starts=self.starts[indices],
            offsets=offsets,
            values=self.values[source],
            calendar=self.calendar,
            covariates=None if self.covariates is None else self.covariates.take(indices),
        )

    def tail(self, points: int) -> SeriesSet:
        """The last `points` of each series, in place; covariates stay whole."""
        kept = np.minimum(self.lengths, points)
        offsets = np.concatenate([[0], np.cumsum(kept)]).astype(np.int64)
        source = np.repeat(self.offsets[1:] - offsets[1:], kept) + np.arange(offsets[-1])
        starts = self.starts + self.lengths - kept
        return replace(self, starts=starts, offsets=offsets, values=self.values[source])

    def last(self, length: int) -> NDArray[np.float64]:
        """(N, length) the last `length` values of each series, NaN before a series begins."""
        return self.span(self.ends - length + 1, length)

    def span(self, first: int | NDArray[np.int64], length: int) -> NDArray[np.float64]:
        """(N, length) the values at ordinals first … first + length − 1, NaN outside a series."""
        position = (np.asarray(first) - self.starts)[:, None] + np.arange(length)[None, :]
        inside = (position >= 0) & (position < self.lengths[:, None])
        flat = np.where(inside, self.offsets[:-1, None] + position, 0)
        if not len(self.values):
            return np.full(flat.shape, np.nan)
        return np.where(inside, self.values[flat], np.nan)


LONG_GAP: Final = 256
"""Missing points at the end beyond which no method finds a value to look back on."""


def trailing_gaps(series: SeriesSet) -> NDArray[np.int64]:
    """(N,) how many points at the end of each series are missing; its length where all are.

    Example:
        >>> from holdfast.tables.calendar import Calendar
        >>> rows = {"a": [1.0, np.nan, np.nan], "b": [1.0, np.nan, 2.0]}
        >>> trailing_gaps(SeriesSet.from_arrays(rows, Calendar.integer())).tolist()
        [2, 0]
    """
    seen = np.flatnonzero(~np.isnan(series.values))
    latest = np.searchsorted(seen, series.offsets[1:]) - 1
    last = np.where(latest >= 0, seen[latest], -1) if len(seen) else np.full(len(series), -1)
    return np.asarray(series.offsets[1:] - 1 - np.maximum(last, series.offsets[:-1] - 1))


def without_long_gaps(series: SeriesSet, season: int) -> SeriesSet:
    """Series whose gap at the end is longer than `LONG_GAP` end whole seasons earlier.

    Their last values then lie where methods look for them, at the phase of the season that the
    gap left them at.
    """
    gaps = trailing_gaps(series)
    long = (gaps > LONG_GAP) & (gaps < series.lengths)
    if not long.any():
        return series
    return series.cut(series.ends - np.where(long, gaps - gaps % season, 0))


def never_negative(series: SeriesSet) -> NDArray[np.float64]:
    """(N,) what no forecast lies below: 0 for a series that never was negative, else -inf."""
    owner = np.repeat(np.arange(len(series)), series.lengths)
    negative = np.bincount(owner[series.values < 0], minlength=len(series))
    return np.where(negative > 0, -np.inf, 0.0)
