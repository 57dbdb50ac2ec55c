"""Covariates as numbers: of a regression, and of a network beside its patches and its horizon."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.model import Features
from holdfast.records import Floats
from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import Column, Covariates
from holdfast.tables.holidays import calendar_features, holiday_features
from holdfast.tables.series import SeriesSet

MOST_LEVELS: Final = 40  # categories of a column with effects of their own; the rest have none
FARTHEST: Final = 4.0  # deviations beyond which a column's effect grows no further
_COMMON_HOLIDAYS: Final = ("holiday", "eve of a holiday", "day after a holiday", "holidays")


@dataclass(frozen=True)
class CovariateEncoding:
    """How covariates become numbers for a network.

    Arguments:
        known: units of the columns that are known ahead.
        historic: units of the others.
        lag: points of the recent past.
        statics: columns with one value a series.
        centres, spreads: of static numbers, one a column.
    """

    known: tuple[Unit, ...]
    historic: tuple[Unit, ...]
    holidays: tuple[str, ...]
    lag: int
    statics: tuple[Column, ...]
    centres: tuple[float, ...]
    spreads: tuple[float, ...]

    @classmethod
    def of(cls, series: SeriesSet, season: int) -> CovariateEncoding:
        """From histories with covariates, as far as they may be seen."""
        covariates = series.covariates
        assert covariates is not None
        first, last = int(series.starts.min()), int(series.ends.max())
        days = np.arange(first, max(last, first) + 1)
        holiday_inputs = holiday_features(series.calendar, days, covariates.country)
        static = covariates.static
        known = np.isfinite(static)
        count = np.maximum(known.sum(axis=0), 1)
        centre = np.where(known, static, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(known, static - centre, 0.0) ** 2).sum(axis=0) / count)
        return cls(
            known=units_of(series, known=True),
            historic=units_of(series, known=False),
            holidays=tuple(name for name in _COMMON_HOLIDAYS if name in holiday_inputs),
            lag=max(season // 2, 3),
            statics=covariates.statics,
            centres=tuple(centre.tolist()),
            spreads=tuple(np.where(spread > 0, spread, 1.0).tolist()),
        )

    def sizes(self, calendar: Calendar) -> Sizes:
        """How many numbers there are."""
        return Sizes(
            known=len(input_names(self.known, calendar, self.holidays)),
            historic=sum(unit.width + 1 for unit in self.historic),
            static=sum(1 if one.levels is None else len(one.levels) for one in self.statics),
        )

    def static_inputs(self, static: Floats) -> Floats:
        """(N, S') numbers around zero, and an indicator for each category; zeros where unknown."""
        parts: list[Floats] = []
        for place, column in enumerate(self.statics):
            values = static[:, place]
            if column.levels is None:
                scaled = (values - self.centres[place]) / self.spreads[place]
                parts.append(_bounded(scaled)[:, None])
            else:
                parts.append((values[:, None] == np.arange(len(column.levels))).astype(float))
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(static), 0))


@dataclass(frozen=True)
class Sizes:
    """How many numbers a network reads of covariates.

    Arguments:
        known: at each point and each step of the horizon.
        historic: at each point of the past.
        static: of each series.
    """

    known: int
    historic: int
    static: int

    def of_patch(self, patch: int) -> int:
        """Numbers at each position."""
        return patch * (self.known + self.historic) + self.static


class CovariateWindows:
    """The covariates of some series and of the horizon behind them, to take windows of."""

    def __init__(self, series: SeriesSet, encoding: CovariateEncoding, horizon: int) -> None:
        covariates = series.covariates
        assert covariates is not None
        self.horizon = horizon
        self._lengths = series.lengths + horizon
        self.ends: NDArray[np.int64] = series.lengths
        """(N,) points of each series."""
        self._offsets = np.concatenate([[0], np.cumsum(self._lengths)]).astype(np.int64)
        known = effect_inputs(series, horizon, encoding.known, encoding.holidays, encoding.lag)
        self._known = known.astype(np.float32)
        self._historic = historic_inputs(series, horizon, encoding.historic).astype(np.float32)
        self._static = encoding.static_inputs(covariates.static).astype(np.float32)

    def added_to(
        self, read: Features, rows: NDArray[np.int64], ends: NDArray[np.int64], design: Design,
        *, last: bool = False,
    ) -> Features:  # fmt: skip
        """What a network reads of some windows, with covariates.

        Arguments:
            rows: (B,) which series.
            ends: (B,) how many points the last forecast of each window has seen.
            last: whether only the horizon behind the last position is wanted.
        """
        known = self._window(self._known, rows, ends, -design.context, design.horizon)
        historic = self._window(self._historic, rows, ends, -design.context, 0)
        context = torch.cat([known[:, : design.context], historic], dim=2)
        patches = context.reshape(len(rows), -1, design.patch * context.shape[2])
        static = torch.from_numpy(self._static[rows])[:, None].expand(-1, patches.shape[1], -1)
        inputs = torch.cat([read.inputs, torch.cat([patches, static], dim=2).transpose(0, 1)], 2)
        origins = design.shape.origins[-1:] if last else design.shape.origins
        ahead = known.unfold(1, design.horizon, 1)[:, torch.from_numpy(origins)]
        return replace(read, inputs=inputs, ahead=ahead.permute(1, 0, 3, 2))

    def _window(
        self,
        flat: NDArray[np.float32],
        rows: NDArray[np.int64],
        ends: NDArray[np.int64],
        first: int,
        last: int,
    ) -> Tensor:
        """(B, last − first, F) around the ends of windows; zeros outside a series."""
        position = ends[:, None] + np.arange(first, last)[None, :]
        inside = (position >= 0) & (position < self._lengths[rows][:, None])
        place = np.where(inside, self._offsets[rows][:, None] + position, 0)
        if not len(flat):
            return torch.zeros(*position.shape, flat.shape[1])
        return torch.from_numpy(np.where(inside[..., None], flat[place], np.float32(0.0)))


@dataclass(frozen=True)
class Unit:
    """How the numbers of a column are read.

    Arguments:
        name: of the column.
        kind: "flag" (0 and 1), "ratio" (positive: logarithm of the ratio to the series' own
            median), "number" (deviation from it) or "category".
        spread: what a typical deviation is divided by.
        levels: of a category; 0 for numbers.
    """

    name: str
    kind: str
    spread: float
    levels: int

    @property
    def width(self) -> int:
        """How many numbers a value becomes in the past alone."""
        return min(self.levels, MOST_LEVELS) if self.kind == "category" else 1


def units_of(series: SeriesSet, *, known: bool = True) -> tuple[Unit, ...]:
    """How each column, known ahead or not, is read, from what lies up to each series' end."""
    covariates = series.covariates
    assert covariates is not None
    units = []
    past = _past(covariates, series.ends)
    for place in np.flatnonzero(covariates.future == known).tolist():
        column, values = covariates.columns[place], covariates.values[:, place]
        if column.levels is not None:
            units.append(Unit(column.name, "category", 1.0, len(column.levels)))
            continue
        seen = values[past & np.isfinite(values)]
        if not len(seen) or np.isin(seen, (0.0, 1.0)).all():
            units.append(Unit(column.name, "flag", 1.0, 0))
            continue
        kind = "ratio" if seen.min() > 0 else "number"
        moved = _moved(covariates, place, kind, series.ends)[past]
        moved = moved[np.isfinite(moved)]
        spread = float(np.sqrt(np.mean(moved**2))) if len(moved) else 0.0
        units.append(Unit(column.name, kind, spread if spread > 1e-9 else 1.0, 0))
    return tuple(units)


def input_names(
    units: tuple[Unit, ...], calendar: Calendar, holidays: tuple[str, ...]
) -> tuple[str, ...]:
    """The F inputs, in order; `holidays` are names from `holiday_features` that the fit saw."""
    names: list[str] = []
    for unit in units:
        names += _names_of(unit)
    clock, _ = calendar_features(calendar, np.zeros(1, dtype=np.int64))
    return (*names, *clock, *holidays)


def effect_inputs(
    series: SeriesSet,
    ahead: int,
    units: tuple[Unit, ...],
    holidays: tuple[str, ...],
    lag: int,
) -> Floats:
    """(total, F) inputs from each series' first point to `ahead` points behind its end.

    Nothing behind that point is read: what is known farther ahead changes nothing here. The recent
    past of a number is averaged over `lag` points.
    """
    covariates = series.covariates
    assert covariates is not None
    offsets, ordinals = _stretches(series, ahead)
    parts: list[Floats] = []
    for unit in units:
        parts += _of_unit(unit, _values_of(unit, series, offsets, ordinals), offsets, lag)
    distinct, which = np.unique(ordinals, return_inverse=True)
    clock = calendar_features(series.calendar, distinct)[1]
    holiday_inputs = (
        holiday_features(series.calendar, distinct, covariates.country) if holidays else {}
    )
    zero = np.zeros(len(distinct))
    free = [holiday_inputs.get(name, zero) for name in holidays]
    by_time = np.concatenate([clock, np.stack(free, axis=1)], axis=1) if free else clock
    columns = np.stack(parts, axis=1) if parts else np.zeros((len(ordinals), 0))
    return np.concatenate([columns, by_time[which]], axis=1)


def historic_inputs(series: SeriesSet, ahead: int, units: tuple[Unit, ...]) -> Floats:
    """(total, F) what is known of the past alone, and for each column whether it is known.

    Each series goes on for `ahead` points behind its end, where nothing is known.
    """
    offsets, ordinals = _stretches(series, ahead)
    past = ordinals <= np.repeat(series.ends, np.diff(offsets))
    parts: list[Floats] = []
    for unit in units:
        flat = np.where(past, _values_of(unit, series, offsets, ordinals), np.nan)
        if unit.kind == "category":
            parts += [(flat == code).astype(float) for code in range(unit.width)]
        else:
            parts.append(_bounded(flat / unit.spread))
        parts.append(np.isfinite(flat).astype(float))
    return np.stack(parts, axis=1) if parts else np.zeros((len(ordinals), 0))


def _names_of(unit: Unit) -> list[str]:
    if unit.kind == "category":
        return [f"{unit.name} {code}" for code in range(unit.width)]
    if unit.kind == "flag":
        return [unit.name, f"{unit.name} before"]
    return [unit.name, f"{unit.name} high", f"{unit.name} low", f"{unit.name} before"]


def _of_unit(unit: Unit, flat: Floats, offsets: NDArray[np.int64], lag: int) -> list[Floats]:
    """The inputs of one column; a gap is what is usual."""
    if unit.kind == "category":
        return [(flat == code).astype(float) for code in range(unit.width)]
    scaled = _bounded(flat / unit.spread)
    if unit.kind == "flag":
        return [scaled, trailing_mean(scaled, offsets, 1)]
    before = trailing_mean(scaled, offsets, lag)
    return [scaled, np.maximum(scaled - 1.0, 0.0), np.maximum(-1.0 - scaled, 0.0), before]


def trailing_mean(values: Floats, offsets: NDArray[np.int64], lag: int) -> Floats:
    """(total,) mean of the `lag` points before each; 0 at the first of a series."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    begin = np.repeat(offsets[:-1], np.diff(offsets))
    place = np.arange(len(values))
    first = np.maximum(place - lag, begin)
    return np.asarray((total[place] - total[first]) / np.maximum(place - first, 1))


def _past(covariates: Covariates, ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(total,) rows up to the end of each series."""
    shift = np.repeat(covariates.starts - covariates.offsets[:-1], covariates.lengths)
    return np.asarray(
        shift + np.arange(len(covariates.values)) <= np.repeat(ends, covariates.lengths)
    )


def _moved(covariates: Covariates, place: int, kind: str, ends: NDArray[np.int64]) -> Floats:
    """(total,) a column from each series' own median, as far as the past tells it."""
    values = covariates.values[:, place]
    if kind in ("flag", "category"):
        return values
    if kind == "ratio":
        positive = values > 0
        values = np.log(values, where=positive, out=np.full(len(values), np.nan))
    past = np.where(_past(covariates, ends), values, np.nan)
    centre = np.array(
        [
            _median(past[first:last])
            for first, last in zip(covariates.offsets[:-1], covariates.offsets[1:], strict=True)
        ]
    )
    return np.asarray(values - np.repeat(centre, covariates.lengths))


def _median(values: Floats) -> float:
    seen = values[np.isfinite(values)]
    return float(np.median(seen)) if len(seen) else 0.0


def _bounded(deviation: Floats) -> Floats:
    """Deviations in units of their spread, a gap as what is usual."""
    return np.nan_to_num(np.clip(deviation, -FARTHEST, FARTHEST))


def _stretches(series: SeriesSet, ahead: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(N + 1,) offsets and (total,) ordinals of each series and `ahead` points behind it."""
    lengths = series.lengths + ahead
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return offsets, np.arange(offsets[-1]) + np.repeat(series.starts - offsets[:-1], lengths)


def _values_of(
    unit: Unit, series: SeriesSet, offsets: NDArray[np.int64], ordinals: NDArray[np.int64]
) -> Floats:
    """(total,) one column of the covariates on the stretch of each series."""
    covariates = series.covariates
    assert covariates is not None
    column = _moved(covariates, covariates.names.index(unit.name), unit.kind, series.ends)
    row = np.repeat(np.arange(len(series)), np.diff(offsets))
    position = ordinals - covariates.starts[row]
    inside = (position >= 0) & (position < covariates.lengths[row])
    if not len(column):
        return np.full(len(ordinals), np.nan)
    return np.where(
        inside, column[np.where(inside, covariates.offsets[:-1][row] + position, 0)], np.nan
    )
