"""Each new value beside the interval that was forecast for it; a surprise is an alarm."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, option
from holdfast.forecasting.evaluation.conformal import scores_needed
from holdfast.forecasting.evaluation.metrics import surprise
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.monitoring.history_buffer import HistoryBuffer
from holdfast.forecasting.networks.members import CovariateMember, WindowMember
from holdfast.forecasting.predict import forecast
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

Indices = NDArray[np.int64]

LEAST_KEPT: Final = 512
"""Newest points of each series that forecasts are made from at least."""

LARGEST_LEAP: Final = 256
"""Points of the calendar between two rows of a series; beyond, a time is taken for a slip."""

_SLIPS: Final = 32
"""Leaps of one series in one batch that are each taken for a slip of its own."""


@dataclass(frozen=True, eq=False)
class Alarms:
    """Values outside their intervals, in the order in which they came."""

    places: Indices  # (n,) which series
    ordinals: Indices  # (n,) when
    values: Floats  # values, median, lower, upper: (n,) what came, and what was forecast
    median: Floats
    lower: Floats
    upper: Floats
    scores: Floats  # (n,) distance from the median in half-widths of the interval, negative below


@dataclass(frozen=True, eq=False)
class Refused:
    """A row that was not compared with a forecast."""

    row: int  # which, of those that were given
    reason: str  # in words


class Watch:
    """The state of a watch: of each series its newest values and the forecast that is in force.

    What it says depends on the rows of a series and their order alone, and on which rows came
    together only as far as rounding goes. Where the model reads columns that are known ahead, a
    row is judged by what they say at its own time: each is forecast by itself, one step ahead.

    Arguments:
        model: forecasts; its histories are where the watch begins.
        level: of the intervals, in percent.
        every: rows of a series after which it is forecast anew; the horizon if None, and 1 where
            columns are known ahead.

    Raises:
        ArgumentError: `every` is out of range.
    """

    def __init__(self, model: FittedModel, level: float, every: int | None = None) -> None:
        horizon = model.horizon
        own = model.series.covariates
        self._ahead = own is not None and bool(own.future.any())
        if every is not None and not 1 <= every <= horizon:
            raise ArgumentError(
                f"{option('every', every)} must be from 1 to the model's horizon, {horizon}."
            )
        if self._ahead and every not in (None, 1):
            raise ArgumentError(
                f"{option('every', every)}: the model reads columns that are known ahead, and "
                "rows tell them for their own time alone; leave it out."
            )
        self.model = model
        self.level = level
        self.every = every or (1 if self._ahead else horizon)
        self.past = 0
        """Rows so far that lie before what is kept of their series; nothing can be said of them."""
        kept, count = _points_needed(model), len(model.series)
        self._buffer = HistoryBuffer(model.series, kept, LARGEST_LEAP + 2 * self.every)
        self._origins = np.full(count, np.iinfo(np.int64).min // 2)
        self._forecasts = np.full((3, count, horizon), np.nan)  # lower, median, upper

    @property
    def columns(self) -> int:
        """Covariates in time that each row has."""
        return self._buffer.columns

    def take(
        self, places: Indices, ordinals: Indices, values: Floats, beside: Floats | None = None
    ) -> tuple[Alarms, list[Refused]]:
        """Compare some rows with their forecasts and remember them.

        Arguments:
            places: (n,) which series, in the order in which the rows came.
            ordinals: (n,) when.
            values: (n,) NaN for a row without a value, which is not compared.
            beside: (n, C) the model's covariates in time; None where it has none.

        Returns:
            What is outside its interval, and the rows that were not compared with the reason. A
            row that repeats a known value is neither.
        """
        order = np.argsort(places, kind="stable")
        place, ordinal, value = places[order], ordinals[order], values[order]
        other = None if beside is None or not self.columns else beside[order]
        late, leaping, before = _sequence(place, ordinal, self._buffer.ends)
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
                self._buffer.remember(
                    place[rows], ordinal[rows], value[rows], None if other is None else other[rows]
                )
                found.append((rows, self._in_force(place[rows], ordinal[rows])))
            pending, here = pending[~ready], here[~ready]
            if len(pending):
                first = np.concatenate([[True], here[1:] != here[:-1]])
                rows = pending[first]
                ahead = other[rows] if other is not None and self._ahead else None
                self._forecast(place[rows], ordinal[rows] - 1, ahead)
        rows = np.concatenate([one for one, _ in found]) if found else np.zeros(0, dtype=np.int64)
        bounds = np.concatenate([one for _, one in found], axis=1) if found else np.zeros((3, 0))
        lower, median, upper = bounds
        outside = (value[rows] < lower) | (value[rows] > upper)
        rows, lower, median, upper = (one[outside] for one in (rows, lower, median, upper))
        came = np.argsort(order[rows], kind="stable")
        rows, lower, median, upper = (one[came] for one in (rows, lower, median, upper))
        refused += self._late(order, place, ordinal, value, other, np.flatnonzero(late))
        alarms = Alarms(
            place[rows], ordinal[rows], value[rows], median, lower, upper,
            surprise(value[rows], median, lower, upper),
        )  # fmt: skip
        return alarms, sorted(refused, key=lambda one: one.row)

    def series(self) -> SeriesSet:
        """The newest values of each series, as far as they are kept."""
        return self._buffer.series(np.arange(len(self._buffer.ends)))

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The state, by name, for a folder."""
        return {
            **self._buffer.to_arrays(),
            "origins": self._origins,
            "forecasts": self._forecasts,
        }

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """The inverse of `to_arrays`.

        Raises:
            ValueError: an array is missing or does not fit the model.
        """
        shapes: dict[str, tuple[tuple[int, ...], type]] = {
            **self._buffer.shapes,
            "origins": (self._origins.shape, np.int64),
            "forecasts": (self._forecasts.shape, np.float64),
        }
        for name, (shape, kind) in shapes.items():
            array = arrays.get(name)
            if array is None or array.shape != shape or array.dtype != kind:
                raise ValueError(f"its {name} do not fit the model")
            if kind is np.float64 and np.isinf(np.asarray(array, dtype=np.float64)).any():
                raise ValueError(f"its {name} are damaged")
        self._buffer.restore(arrays)
        self._origins[:], self._forecasts[:] = arrays["origins"], arrays["forecasts"]

    def _in_force(self, place: Indices, ordinal: Indices) -> Floats:
        """(3, n) the forecast in force for some rows: lower, median, upper."""
        in_force: Floats = self._forecasts[:, place, ordinal - self._origins[place] - 1]
        return in_force

    def _forecast(self, places: Indices, ends: Indices, ahead: Floats | None) -> None:
        """Forecast some series from given ordinals on; what is missing up to there is a gap."""
        self._buffer.grow(places, ends)
        series = self._buffer.series(places, ahead)
        made = forecast(self.model, series, (self.level,), words=False)
        self._origins[places] = ends
        bounds = made.lower[self.level], made.median, made.upper[self.level]
        self._forecasts[:, places] = bounds

    def _late(
        self,
        order: Indices,
        place: Indices,
        ordinal: Indices,
        value: Floats,
        beside: Floats | None,
        rows: Indices,
    ) -> list[Refused]:
        """Rows at or before the newest of their series: known, filling a gap, or another value."""
        buffer = self._buffer
        column, kept = buffer.columns_of(place[rows], ordinal[rows])
        known = np.full(len(rows), np.nan)
        known[kept] = buffer.values(place[rows][kept], column[kept])
        told = ~np.isnan(value[rows])
        odd = np.flatnonzero(told & ~(kept & (known == value[rows])))
        refused = []
        for one in odd.tolist():
            row = rows[one]
            if not kept[one]:
                self.past += 1
                continue
            was = float(buffer.values(place[[row]], column[[one]])[0])
            if np.isnan(was):
                other = None if beside is None else beside[row]
                buffer.fill(int(place[row]), int(column[one]), float(value[row]), other)
                reason = "late: it fills a gap, and was not judged."
            elif was == value[row]:
                continue
            else:
                reason = f"late: the series has {was:g} there already; the row was left out."
            refused.append(Refused(int(order[row]), reason))
        return refused


def _points_needed(model: FittedModel) -> int:
    """Newest points of a series that a forecast is made from."""
    contexts = [model.pretrained.network.design.context]
    trained = (WindowMember, CovariateMember)
    contexts += [one.design.context for one in model.networks if isinstance(one, trained)]
    return max(LEAST_KEPT, 4 * model.season, *contexts)


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


def doubt(model: FittedModel, level: float) -> str:
    """A sentence where the backtest could not calibrate a level; "" otherwise."""
    scores, needed = model.ensemble.spread.calibration.scores, scores_needed(level)
    if scores >= needed:
        return ""
    return (
        f"{level:g} % intervals are not calibrated: this takes {needed} independent scores, the "
        f"backtest has {scores}; they are as wide as past errors suggest."
    )
