"""Each new value beside the interval that was forecast for it; a surprise is an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.forecasting.fitted import Fitted
from holdfast.forecasting.judgement.conformal import scores_needed
from holdfast.forecasting.judgement.surprise import surprise
from holdfast.forecasting.network.members import WindowMember
from holdfast.forecasting.predictor import forecast
from holdfast.forecasting.tables.series import SeriesSet
from holdfast.records import Floats

Indices = NDArray[np.int64]

LEAST_KEPT: Final = 512
"""Newest points of each series that forecasts are made from at least."""

LARGEST_LEAP: Final = 256
"""Points of the calendar between two rows of a series; beyond, a time is taken for a slip."""

_SLIPS: Final = 32
"""Leaps of one series in one batch that are each taken for a slip of its own."""


@dataclass(frozen=True, eq=False)
class Alarms:
    """Values outside their intervals, in the order in which they came.

    Arguments:
        places: (n,) which series.
        ordinals: (n,) when.
        values, median, lower, upper: (n,) what came, and what was forecast.
        scores: (n,) distance from the median in half-widths of the interval, negative below.
    """

    places: Indices
    ordinals: Indices
    values: Floats
    median: Floats
    lower: Floats
    upper: Floats
    scores: Floats


@dataclass(frozen=True, eq=False)
class Refused:
    """A row that was not judged.

    Arguments:
        row: which, of those that were given.
        reason: in words.
    """

    row: int
    reason: str


class Watch:
    """The state of a watch: of each series its newest values and the forecast that is in force.

    What it says depends on the rows of a series and their order alone, and on which rows came
    together only as far as rounding goes.

    Arguments:
        fitted: forecasts; its histories are where the watch begins.
        level: of the intervals, in percent.
        every: rows of a series after which it is forecast anew; the horizon if None.

    Raises:
        ArgumentError: `every` is out of range, or the model reads covariates.
    """

    def __init__(self, fitted: Fitted, level: float, every: int | None = None) -> None:
        horizon = fitted.horizon
        if fitted.series.covariates is not None:
            raise ArgumentError(
                "The model reads covariates, which a watch does not take in yet; fit one without."
            )
        if every is not None and not 1 <= every <= horizon:
            raise ArgumentError(f"every={every} must be from 1 to the model's horizon, {horizon}.")
        self.fitted = fitted
        self.level = level
        self.every = horizon if every is None else every
        self.past = 0
        """Rows so far that lie before what is kept of their series; nothing can be said of them."""
        self._kept = _points_needed(fitted)
        series, count = fitted.series, len(fitted.series)
        self._values = np.full((count, self._kept + LARGEST_LEAP + 2 * self.every), np.nan)
        self._values[:, : self._kept] = series.last(self._kept)
        self._filled = np.full(count, self._kept)
        self._starts = series.starts.copy()
        self.ends = series.ends.copy()
        self._origins = np.full(count, np.iinfo(np.int64).min // 2)
        self._forecasts = np.full((3, count, horizon), np.nan)  # lower, median, upper

    def take(
        self, places: Indices, ordinals: Indices, values: Floats
    ) -> tuple[Alarms, list[Refused]]:
        """Judge some rows and remember them.

        Arguments:
            places: (n,) which series, in the order in which the rows came.
            ordinals: (n,) when.
            values: (n,) NaN for a row without a value, which is not judged.

        Returns:
            What is outside its interval, and the rows that were not judged with the reason. A row
            that says what is known is neither.
        """
        order = np.argsort(places, kind="stable")
        place, ordinal, value = places[order], ordinals[order], values[order]
        late, leaping, before = _sequence(place, ordinal, self.ends)
        refused = [
            Refused(int(order[row]), _leap_words(int(ordinal[row] - before[row])))
            for row in np.flatnonzero(leaping)
        ]
        found: list[tuple[Indices, Floats]] = []
        pending = np.flatnonzero(~late & ~leaping)
        while len(pending):
            here = place[pending]
            ready = ordinal[pending] <= self._origins[here] + self.every
            rows = pending[ready]
            if len(rows):
                self._remember(place[rows], ordinal[rows], value[rows])
                found.append((rows, self._said(place[rows], ordinal[rows])))
            pending, here = pending[~ready], here[~ready]
            if len(pending):
                first = np.concatenate([[True], here[1:] != here[:-1]])
                self._forecast(here[first], ordinal[pending][first] - 1)
        rows = np.concatenate([one for one, _ in found]) if found else np.zeros(0, dtype=np.int64)
        said = np.concatenate([one for _, one in found], axis=1) if found else np.zeros((3, 0))
        lower, median, upper = said
        outside = (value[rows] < lower) | (value[rows] > upper)
        rows, lower, median, upper = (one[outside] for one in (rows, lower, median, upper))
        came = np.argsort(order[rows], kind="stable")
        rows, lower, median, upper = (one[came] for one in (rows, lower, median, upper))
        refused += self._late(order, place, ordinal, value, np.flatnonzero(late))
        alarms = Alarms(
            place[rows], ordinal[rows], value[rows], median, lower, upper,
            surprise(value[rows], median, lower, upper),
        )  # fmt: skip
        return alarms, sorted(refused, key=lambda one: one.row)

    def series(self) -> SeriesSet:
        """The newest values of each series, as far as they are kept."""
        return self._tails(np.arange(len(self.ends)))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The state, by name, for a folder."""
        newest = self._values[self._columns(self._filled - self._kept, self._kept)]
        return {
            "values": newest.reshape(len(self.ends), self._kept),
            "starts": self._starts,
            "ends": self.ends,
            "origins": self._origins,
            "forecasts": self._forecasts,
        }

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """The inverse of `to_arrays`.

        Raises:
            ValueError: an array is missing or does not fit the model.
        """
        count = len(self.ends)
        shapes: dict[str, tuple[tuple[int, ...], type]] = {
            "values": ((count, self._kept), np.float64),
            "starts": ((count,), np.int64),
            "ends": ((count,), np.int64),
            "origins": ((count,), np.int64),
            "forecasts": (self._forecasts.shape, np.float64),
        }
        for name, (shape, kind) in shapes.items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != kind:
                raise ValueError(f"its {name} do not fit the model")
            if kind is np.float64 and np.isinf(np.asarray(array, dtype=np.float64)).any():
                raise ValueError(f"its {name} are damaged")
        if (np.asarray(arrays["ends"]) < self.ends).any():
            raise ValueError("it ends before the model does")
        self._values[:] = np.nan
        self._values[:, : self._kept] = arrays["values"]
        self._filled[:] = self._kept
        self._starts[:], self.ends[:] = arrays["starts"], arrays["ends"]
        self._origins[:], self._forecasts[:] = arrays["origins"], arrays["forecasts"]

    def _said(self, place: Indices, ordinal: Indices) -> Floats:
        """(3, n) what is in force for some rows: lower, median, upper."""
        step = ordinal - self._origins[place] - 1
        said: Floats = self._forecasts[:, place, step]
        return said

    def _forecast(self, places: Indices, ends: Indices) -> None:
        """Forecast some series from given ordinals on; what is missing up to there is a gap."""
        self._grow(places, ends)
        made = forecast(self.fitted, self._tails(places), (self.level,), words=False)
        self._origins[places] = ends
        self._forecasts[:, places] = made.lower[self.level], made.median, made.upper[self.level]

    def _tails(self, places: Indices) -> SeriesSet:
        """The newest points of some series, as they are in force."""
        series = self.fitted.series
        first = np.maximum(self.ends[places] - self._kept + 1, self._starts[places])
        lengths = self.ends[places] - first + 1
        values = self._values[
            np.repeat(places, lengths), _runs(self._filled[places] - lengths, lengths)
        ]
        return SeriesSet(
            labels=tuple(series.labels[place] for place in places.tolist()),
            keys={name: column[places] for name, column in series.keys.items()},
            starts=first,
            offsets=np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64),
            values=values,
            calendar=series.calendar,
        )

    def _remember(self, place: Indices, ordinal: Indices, value: Floats) -> None:
        """Put values behind their series; rows of one series lie together, in rising order."""
        last = np.concatenate([place[1:] != place[:-1], [True]])
        self._grow(place[last], ordinal[last])
        self._values[place, self._filled[place] - 1 - (self.ends[place] - ordinal)] = value

    def _grow(self, places: Indices, ends: Indices) -> None:
        """Room for series up to new ends, NaN so far."""
        more = np.maximum(ends - self.ends[places], 0)
        full = places[self._filled[places] + more > self._values.shape[1]]
        if len(full):
            kept = self._values[self._columns(self._filled - self._kept, self._kept, full)]
            self._values[full] = np.nan
            self._values[full, : self._kept] = kept.reshape(len(full), self._kept)
            self._filled[full] = self._kept
        self._filled[places] += more
        self.ends[places] += more

    def _columns(
        self, begins: Indices, length: int, places: Indices | None = None
    ) -> tuple[Indices, Indices]:
        """Index of `length` columns of some rows of the values, from a beginning each."""
        rows = np.arange(len(self._filled)) if places is None else places
        lengths = np.full(len(rows), length)
        return np.repeat(rows, length), _runs(begins[rows], lengths)

    def _late(
        self, order: Indices, place: Indices, ordinal: Indices, value: Floats, rows: Indices
    ) -> list[Refused]:
        """Rows at or before the newest of their series: known, filling a gap, or another value."""
        column = self._filled[place[rows]] - 1 - (self.ends[place[rows]] - ordinal[rows])
        kept = (column >= self._filled[place[rows]] - self._kept) & (
            ordinal[rows] >= self._starts[place[rows]]
        )
        known = np.full(len(rows), np.nan)
        known[kept] = self._values[place[rows][kept], column[kept]]
        told = ~np.isnan(value[rows])
        odd = np.flatnonzero(told & ~(kept & (known == value[rows])))
        refused = []
        for one in odd.tolist():
            row = rows[one]
            if not kept[one]:
                self.past += 1
                continue
            if np.isnan(known[one]) and np.isnan(self._values[place[row], column[one]]):
                self._values[place[row], column[one]] = value[row]
                reason = "late: it fills a gap, and was not judged."
            elif self._values[place[row], column[one]] == value[row]:
                continue
            else:
                was = self._values[place[row], column[one]]
                reason = f"late: the series has {was:g} there already; the row was left out."
            refused.append(Refused(int(order[row]), reason))
        return refused


def _points_needed(fitted: Fitted) -> int:
    """Newest points of a series that a forecast is made from."""
    contexts = [fitted.pretrained.network.design.context]
    contexts += [one.design.context for one in fitted.networks if isinstance(one, WindowMember)]
    return max(LEAST_KEPT, 4 * fitted.season, *contexts)


def _sequence(
    place: Indices, ordinal: Indices, ends: Indices
) -> tuple[NDArray[np.bool_], NDArray[np.bool_], Indices]:
    """Which rows are late, which leap too far, and the newest ordinal before each.

    Arguments:
        place, ordinal: rows by series, in the order in which they came.
        ends: the newest ordinal of each series so far.
    """
    leaping = np.zeros(len(place), dtype=bool)
    # Within each series: shifted so that one running maximum serves all of them.
    shift = np.cumsum(np.concatenate([[0], place[1:] != place[:-1]])) if len(place) else place
    begins = np.concatenate([[True], place[1:] != place[:-1]]) if len(place) else leaping
    relative = np.clip(ordinal - ends[place], -1, 2**40)
    for attempt in range(_SLIPS + 1):
        height = np.where(leaping, 0, np.maximum(relative, 0)) + shift * 2**41
        reached = np.maximum.accumulate(height) - shift * 2**41 if len(height) else height
        previous = (
            np.where(begins, 0, np.concatenate([[0], reached[:-1]])) if len(height) else height
        )
        far = ~leaping & (relative - previous > LARGEST_LEAP)
        if not far.any():
            break
        # The first of each series alone: behind it others may be right again.
        which, first = np.unique(place[far], return_index=True)
        first = np.flatnonzero(far)[first]
        if attempt == _SLIPS:  # a series that has moved on: all of its rows from there on
            begin = np.full(len(ends), len(place))
            begin[which] = first
            leaping |= np.arange(len(place)) >= begin[place]
        leaping[first] = True
    return (relative <= previous) & ~leaping, leaping, previous + ends[place]


def _leap_words(points: int) -> str:
    return (
        f"its time leaps over {points - 1:,} points of the calendar, more than {LARGEST_LEAP}; "
        "mend it, or take the rows in with holdfast update."
    )


def _runs(begins: Indices, lengths: Indices) -> Indices:
    """begins[0], begins[0] + 1 … for each run, one behind the other."""
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return np.arange(offsets[-1]) + np.repeat(begins - offsets[:-1], lengths)


def doubt(fitted: Fitted, level: float) -> str:
    """A sentence where the backtest could not calibrate a level; "" otherwise."""
    scores, needed = fitted.rule.spread.calibration.scores, scores_needed(level)
    if scores >= needed:
        return ""
    return (
        f"{level:g} % intervals are not calibrated: this takes {needed} independent scores, the "
        f"backtest has {scores}; they are as wide as past errors suggest."
    )
