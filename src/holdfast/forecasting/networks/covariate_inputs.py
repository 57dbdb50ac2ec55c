"""What a network reads of covariates: in every patch, at every step of the horizon, and statics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.effect_inputs import (
    Unit,
    effect_inputs,
    historic_inputs,
    input_names,
    units_of,
)
from holdfast.forecasting.networks.features import Features
from holdfast.records import Floats
from holdfast.tables.calendar import Calendar
from holdfast.tables.calendar_features import holiday_features
from holdfast.tables.covariates import Column
from holdfast.tables.series import SeriesSet

_COMMON_HOLIDAYS: Final = ("holiday", "eve of a holiday", "day after a holiday", "holidays")
_FARTHEST: Final = 4.0


@dataclass(frozen=True)
class Reading:
    """How covariates become numbers for a network.

    Arguments:
        known: units of the columns that are known ahead.
        historic: units of the others.
        holidays: inputs of holidays.
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
    def of(cls, series: SeriesSet, season: int) -> Reading:
        """From histories with covariates, as far as they may be seen."""
        made = series.covariates
        assert made is not None
        first, last = int(series.starts.min()), int(series.ends.max())
        days = np.arange(first, max(last, first) + 1)
        spoken = holiday_features(series.calendar, days, made.country)
        static = made.static
        there = np.isfinite(static)
        count = np.maximum(there.sum(axis=0), 1)
        centre = np.where(there, static, 0.0).sum(axis=0) / count
        spread = np.sqrt((np.where(there, static - centre, 0.0) ** 2).sum(axis=0) / count)
        return cls(
            known=units_of(series, known=True),
            historic=units_of(series, known=False),
            holidays=tuple(name for name in _COMMON_HOLIDAYS if name in spoken),
            lag=max(season // 2, 3),
            statics=made.statics,
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
                parts.append(np.nan_to_num(np.clip(scaled, -_FARTHEST, _FARTHEST))[:, None])
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
    """The covariates of some series, of which windows are taken.

    Arguments:
        series: with covariates.
        reading: how they become numbers.
        horizon: steps behind the end of each series that are read, too.
    """

    def __init__(self, series: SeriesSet, reading: Reading, horizon: int) -> None:
        made = series.covariates
        assert made is not None
        self.horizon = horizon
        self._lengths = series.lengths + horizon
        self.ends: NDArray[np.int64] = series.lengths
        """(N,) points of each series."""
        self._offsets = np.concatenate([[0], np.cumsum(self._lengths)]).astype(np.int64)
        known = effect_inputs(series, horizon, reading.known, reading.holidays, reading.lag)
        self._known = known.astype(np.float32)
        self._historic = historic_inputs(series, horizon, reading.historic).astype(np.float32)
        self._static = reading.static_inputs(made.static).astype(np.float32)

    def beside(
        self, read: Features, rows: NDArray[np.int64], ends: NDArray[np.int64], design: Design,
        *, last: bool = False,
    ) -> Features:  # fmt: skip
        """What a network reads of some windows, covariates among it.

        Arguments:
            read: of their values.
            rows: (B,) which series.
            ends: (B,) how many points the last forecast of each window has seen.
            design: the network's sizes.
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
