"""Networks as members of an ensemble: each gives quantiles of any series, without a trainer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.forecasting.networks.covariates.effects import Effects, fit_effects
from holdfast.forecasting.networks.covariates.inputs import CovariateEncoding, CovariateWindows
from holdfast.forecasting.networks.covariates.network import CovariateNetwork
from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.model import ForecastNetwork, features
from holdfast.forecasting.pretrained.forecast import forecast_pretrained, one_step_quantiles
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.records import LSTM, LSTM_X, PRETRAINED_X, Floats
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import logarithms, positive, window_values

_FAR = 1e100  # a series larger than this, or smaller than its reciprocal, is read in another unit

_ROWS_AT_ONCE = 200_000  # points whose covariates are read at once, so that memory stays bounded
CHUNK = 256  # series forecast at once, so that memory stays bounded
LARGEST_LOG = 650.0  # exp of more than this comes near the end of float64


@dataclass(frozen=True, eq=False)
class PretrainedMember:
    """The pretrained network, as it ships or fine-tuned, under a member's name."""

    name: str
    network: PretrainedNetwork
    horizon: int
    season: int
    long_season: int | None

    def quantiles(self, series: SeriesSet) -> Floats:
        """(N, K, Q); NaN only for a series without a value."""
        out = np.full((len(series), self.horizon, len(QUANTILES)), np.nan)
        size = _sizes(series)
        seen = np.flatnonzero(~np.isnan(size))
        if len(seen):
            known, unit = series.take(seen), _units(size[seen])
            inner = replace(known, values=known.values / np.repeat(unit, known.lengths))
            quantiles = forecast_pretrained(
                self.network, inner, self.horizon, self.season, self.long_season
            )
            out[seen] = quantiles * unit[:, None, None]
        return out

    @property
    def context(self) -> int:
        """Grid points that it reads, at most."""
        return self.network.design.context

    def one_step(self, series: SeriesSet, first: NDArray[np.int64]) -> Floats:
        """(total, Q) quantiles of each value of some series from those before it alone.

        `first` (N,) is the first point of each series to forecast; NaN before it.
        """
        unit = _units(np.nan_to_num(_sizes(series)))
        by_value = np.repeat(unit, series.lengths)
        inner = replace(series, values=series.values / by_value)
        quantiles = one_step_quantiles(self.network, inner, self.season, self.long_season, first)
        return quantiles * by_value[:, None]

    def why_not(self, history: Floats) -> str:
        """Why it has no forecast for a history."""
        return f"no value among its {len(history)} points"


@dataclass(frozen=True, eq=False)
class WindowMember:
    """Networks trained on the user's series alone from different seeds, averaged."""

    name: ClassVar[str] = LSTM
    design: Design
    networks: Sequence[ForecastNetwork]

    def quantiles(self, series: SeriesSet) -> Floats:
        """(N, K, Q); NaN for a series with fewer values in the context than the design needs."""
        return forecast_quantiles(self.networks, self.design, series)

    @property
    def context(self) -> int:
        """Grid points that it reads."""
        return self.design.context

    def why_not(self, history: Floats) -> str:
        """Why it has no forecast for a history."""
        seen = int((~np.isnan(history[-self.design.context :])).sum())
        return f"{seen} values among the last {self.design.context} are too few"


@dataclass(frozen=True, eq=False)
class RegressedMember:
    """The pretrained network around a regression on covariates.

    It reads series from which the effect of their covariates is taken, and the effect of those of
    the horizon is put on its forecast.
    """

    name: ClassVar[str] = PRETRAINED_X
    start: PretrainedMember
    effects: Effects

    def quantiles(self, series: SeriesSet) -> Floats:
        """(N, K, Q); NaN for a series without a value, or where there are no covariates at all."""
        horizon = self.start.horizon

        def forecast(part: SeriesSet) -> Floats:
            plain, factor, term = self.effects.without(part, horizon, self.context)
            return self.start.quantiles(plain) * factor[..., None] + term[..., None]

        return _in_parts(forecast, series, self.context, horizon)

    def why_not(self, history: Floats) -> str:
        """Why it has no forecast for a history."""
        return self.start.why_not(history)

    @property
    def context(self) -> int:
        """Grid points that it reads, at most."""
        return self.start.context


@dataclass(frozen=True, eq=False)
class CovariateMember:
    """Networks trained on the user's series and their covariates from different seeds, averaged."""

    name: ClassVar[str] = LSTM_X
    design: Design
    encoding: CovariateEncoding
    networks: Sequence[CovariateNetwork]

    def quantiles(self, series: SeriesSet) -> Floats:
        """(N, K, Q); NaN for a series with fewer values in the context than the design needs."""
        horizon = self.design.horizon

        def forecast(part: SeriesSet) -> Floats:
            read = part.tail(self.context + self.encoding.lag)
            covariates = CovariateWindows(read, self.encoding, horizon)
            return forecast_quantiles(self.networks, self.design, part, covariates)

        return _in_parts(forecast, series, self.context, horizon)

    @property
    def context(self) -> int:
        """Grid points that it reads."""
        return self.design.context

    def why_not(self, history: Floats) -> str:
        """Why it has no forecast for a history."""
        return WindowMember(self.design, ()).why_not(history)


NetworkMember: TypeAlias = PretrainedMember | WindowMember | RegressedMember | CovariateMember
"""A network, or several that are averaged, beside the simple methods.

Each has a `name` out of `records.NETWORKS`, `quantiles` of any series, and says `why_not`."""


def regressed(start: PretrainedMember, series: SeriesSet, season: int) -> RegressedMember | None:
    """The pretrained network around effects fitted on series; None where nothing has an effect."""
    if series.covariates is None or not np.isfinite(series.values).any():
        return None
    effects = fit_effects(series, start.horizon, season)
    return RegressedMember(start, effects) if effects.pooled.size else None


def forecast_quantiles(
    networks: Sequence[ForecastNetwork],
    design: Design,
    series: SeriesSet,
    covariates: CovariateWindows | None = None,
) -> NDArray[np.float64]:
    """(N, K, Q) quantiles of every series from its last value on, averaged over networks.

    NaN for series that hold fewer observed values in the context than the design needs.
    """
    logs = positive(series)
    inner = logarithms(series, logs)
    out = np.full((len(series), design.horizon, len(QUANTILES)), np.nan)
    for first in range(0, len(series), CHUNK):
        chunk = np.arange(first, min(first + CHUNK, len(series)))
        values = torch.from_numpy(window_values(inner, chunk, inner.lengths[chunk], design.shape))
        read = features(values, design)
        if covariates is not None:
            read = covariates.added_to(read, chunk, covariates.ends[chunk], design, last=True)
        enough = (read.observed[-1] >= design.least).numpy()
        with torch.no_grad():
            each = [network(read, last=True)[-1] for network in networks]
            scaled = torch.stack(each).double().mean(dim=0)
        level, spread = read.level[-1, :, None, None], read.spread[-1, :, None, None]
        quantiles = (scaled * spread + level).numpy()
        in_logs = logs[chunk, None, None]
        quantiles = np.where(
            in_logs, np.exp(np.where(in_logs, np.minimum(quantiles, LARGEST_LOG), 0.0)), quantiles
        )
        out[chunk] = np.where(enough[:, None, None], quantiles, np.nan)
    return out


def _in_parts(
    forecast: Callable[[SeriesSet], Floats], series: SeriesSet, context: int, horizon: int
) -> Floats:
    """(N, K, Q) forecasts, some series with covariates at once; NaN where no series has any."""
    out = np.full((len(series), horizon, len(QUANTILES)), np.nan)
    if series.covariates is not None:
        part = np.cumsum(np.full(len(series), context + horizon)) // _ROWS_AT_ONCE
        for number in np.unique(part).tolist():
            rows = np.flatnonzero(part == number)
            out[rows] = forecast(series.take(rows))
    return out


def _sizes(series: SeriesSet) -> Floats:
    """(N,) the largest absolute value of each series; NaN where it has none."""
    seen = ~np.isnan(series.values)
    owner = np.repeat(np.arange(len(series)), series.lengths)[seen]
    size = np.full(len(series), -np.inf)
    np.maximum.at(size, owner, np.abs(series.values[seen]))
    return np.where(np.isneginf(size), np.nan, size)


def _units(size: Floats) -> Floats:
    """(N,) what to divide by so that squares neither overflow nor vanish: mostly 1.

    Powers of two, by which nothing is rounded.
    """
    far = (size > _FAR) | ((size > 0) & (size < 1.0 / _FAR))
    exponent = np.where(far, np.frexp(size)[1], 0)
    return np.asarray(np.ldexp(1.0, np.clip(exponent, -1000, 1000)))
