"""The history buffer: the last points of each series and their covariates, as rows come in."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats
from holdfast.tables.covariates import Covariates
from holdfast.tables.series import SeriesSet

Indices = NDArray[np.int64]

_VALUE: Final = 0
"""The channel of the values; those of the covariates follow."""


class HistoryBuffer:
    """The last points of each of N series, with C covariates in time.

    Arguments:
        series: where they begin.
        kept: points of each that are never let go.
        spare: room for more, until the oldest are let go.
    """

    def __init__(self, series: SeriesSet, kept: int, spare: int) -> None:
        count, own = len(series), series.covariates
        self.kept = kept
        self._series = series
        self._own = own
        self.columns = 0 if own is None else len(own.columns)
        self._points = np.full((count, kept + spare, 1 + self.columns), np.nan)
        self._points[:, :kept, _VALUE] = series.last(kept)
        if own is not None:
            self._points[:, :kept, 1:] = own.span(series.ends - kept + 1, kept)
        self._filled = np.full(count, kept)
        self.starts = series.starts.copy()
        self.ends = series.ends.copy()

    def series(self, places: Indices, ahead: Floats | None = None) -> SeriesSet:
        """The newest points of some series, as they are.

        Arguments:
            ahead: (n, C) covariates one step behind the end of each: those that are known there.
        """
        first = np.maximum(self.ends[places] - self.kept + 1, self.starts[places])
        lengths = self.ends[places] - first + 1
        points = self._points[
            np.repeat(places, lengths), runs(self._filled[places] - lengths, lengths)
        ]
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        series = self._series
        histories = SeriesSet(
            labels=tuple(series.labels[place] for place in places.tolist()),
            keys={name: column[places] for name, column in series.keys.items()},
            starts=first,
            offsets=offsets,
            values=np.ascontiguousarray(points[:, _VALUE]),
            calendar=series.calendar,
        )
        if self._own is None:
            return histories
        return replace(
            histories, covariates=_covariates_of(self._own, places, histories, points[:, 1:], ahead)
        )

    def remember(
        self, place: Indices, ordinal: Indices, value: Floats, beside: Floats | None
    ) -> None:
        """Put rows behind their series; those of one series lie together, in rising order."""
        last = np.concatenate([place[1:] != place[:-1], [True]])
        self.grow(place[last], ordinal[last])
        column = self._filled[place] - 1 - (self.ends[place] - ordinal)
        self._points[place, column, _VALUE] = value
        if beside is not None:
            self._points[place, column, 1:] = beside

    def grow(self, places: Indices, ends: Indices) -> None:
        """Room for series up to new ends, NaN so far."""
        more = np.maximum(ends - self.ends[places], 0)
        full = places[self._filled[places] + more > self._points.shape[1]]
        if len(full):
            points = self._kept_points(full)
            self._points[full] = np.nan
            self._points[full, : self.kept] = points
            self._filled[full] = self.kept
        self._filled[places] += more
        self.ends[places] += more

    def columns_of(self, place: Indices, ordinal: Indices) -> tuple[Indices, NDArray[np.bool_]]:
        """Where rows at or before the newest of their series lie, and whether they are kept."""
        column = self._filled[place] - 1 - (self.ends[place] - ordinal)
        kept = (column >= self._filled[place] - self.kept) & (ordinal >= self.starts[place])
        return column, kept

    def values(self, place: Indices, column: Indices) -> Floats:
        """(n,) the values that lie there."""
        return np.asarray(self._points[place, column, _VALUE])

    def fill(self, place: int, column: int, value: float, beside: Floats | None) -> None:
        """Put a value into a gap."""
        self._points[place, column, _VALUE] = value
        if beside is not None:
            self._points[place, column, 1:] = beside

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The state, by name, for a folder."""
        points = self._kept_points(np.arange(len(self.ends)))
        arrays: dict[str, NDArray[np.generic]] = {
            "values": np.ascontiguousarray(points[..., _VALUE]),
            "starts": self.starts,
            "ends": self.ends,
        }
        if self.columns:
            arrays["covariates"] = np.ascontiguousarray(points[..., 1:])
        return arrays

    @property
    def shapes(self) -> dict[str, tuple[tuple[int, ...], type]]:
        """What `to_arrays` makes."""
        count = len(self.ends)
        arrays: dict[str, tuple[tuple[int, ...], type]] = {
            "values": ((count, self.kept), np.float64),
            "starts": ((count,), np.int64),
            "ends": ((count,), np.int64),
        }
        if self.columns:
            arrays["covariates"] = ((count, self.kept, self.columns), np.float64)
        return arrays

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """The inverse of `to_arrays`, of arrays of such shapes.

        Raises:
            ValueError: they end before the series did.
        """
        if (np.asarray(arrays["ends"]) < self.ends).any():
            raise ValueError("it ends before the model does")
        self._points[:] = np.nan
        self._points[:, : self.kept, _VALUE] = arrays["values"]
        if self.columns:
            self._points[:, : self.kept, 1:] = arrays["covariates"]
        self._filled[:] = self.kept
        self.starts[:], self.ends[:] = arrays["starts"], arrays["ends"]

    def _kept_points(self, places: Indices) -> Floats:
        """(n, kept, 1 + C) what is never let go."""
        lengths = np.full(len(places), self.kept)
        rows, columns = np.repeat(places, lengths), runs(self._filled[places] - self.kept, lengths)
        return np.asarray(self._points[rows, columns].reshape(len(places), self.kept, -1))


def runs(begins: Indices, lengths: Indices) -> Indices:
    """begins[0], begins[0] + 1 … for each run, one behind the other."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)


def _covariates_of(
    own: Covariates, places: Indices, series: SeriesSet, values: Floats, ahead: Floats | None
) -> Covariates:
    """Covariates on the grid of some series, and one step behind the end of each."""
    here = replace(
        own,
        starts=series.starts,
        offsets=series.offsets,
        values=values,
        static=own.static[places],
    )
    if ahead is None:
        return here
    next_step = replace(
        here,
        starts=series.ends + 1,
        offsets=np.arange(len(places) + 1, dtype=np.int64),
        values=ahead,
    )
    return here.followed_by(next_step)
