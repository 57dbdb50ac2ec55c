"""A pooled, shrunken regression on covariates, whose effect can be taken out and put back.

Series that never were negative move in ratios: y_t ≈ level_t · season_t · exp(x_t β), fitted as a
quasi-Poisson regression, in which zeros need no care. Others move in differences:
y_t ≈ level_t + season_t + s · x_t β. Level and season are local (a centred mean, phase means), so
that β says what x moves within some horizons, and not how the two have drifted over the years.

β has parts: one of all series, one of each group that a static column makes, and one of each
series, each shrunken towards the part above it. How strongly is chosen on the newest fifth of the
time, which the rest forecasts.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.networks.effect_inputs import Unit, effect_inputs, input_names, units_of
from holdfast.forecasting.networks.effect_regression import (
    STRONGEST,
    Regression,
    in_ratio,
    ordinals_of,
    spread_of,
    strengths,
)
from holdfast.records import Floats
from holdfast.tables.calendar_features import holiday_features
from holdfast.tables.covariates import Covariates
from holdfast.tables.series import SeriesSet

_MOST_ROWS: Final = 200_000
_MOST_SERIES: Final = 1_000
_MOST_GROUPS: Final = 200


@dataclass(frozen=True, eq=False)
class Effects:
    """What covariates do to series.

    Arguments:
        units: how columns are read.
        holidays: inputs of holidays.
        lag: points of the recent past.
        pooled: (2, F) coefficients of all series: those that move in ratios, in differences.
        groups: (S, L, F) what each category of each static column adds.
        own: (N, F) what each series of the fit adds.
        labels: the N series of the fit.
        cuts: (S, 2) where the thirds of a static number end; NaN for categories.
    """

    units: tuple[Unit, ...]
    holidays: tuple[str, ...]
    lag: int
    pooled: Floats
    groups: Floats
    own: Floats
    labels: tuple[str, ...]
    cuts: Floats

    def without(
        self, series: SeriesSet, horizon: int, reach: int
    ) -> tuple[SeriesSet, Floats, Floats]:
        """Series as they would be without covariates, and what puts their effect back.

        Arguments:
            series: N histories with covariates.
            horizon: K steps behind each.
            reach: points at the end of each that are wanted.

        Returns:
            the ends of the series; (N, K) factors and (N, K) terms: forecast · factor + term.
        """
        ratio, spread = in_ratio(series), spread_of(series)
        beta = self._coefficients(series, ratio)
        series = series.tail(reach + self.lag)
        lengths = series.lengths + horizon
        row = np.repeat(np.arange(len(series)), lengths)
        inputs = effect_inputs(series, horizon, self.units, self.holidays, self.lag)
        effect = np.einsum("tf,tf->t", inputs, beta[row])
        effect = np.clip(effect, -STRONGEST, STRONGEST)
        offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
        past = np.arange(len(effect)) - np.repeat(offsets[:-1], lengths) < np.repeat(
            series.lengths, lengths
        )
        before = effect[past]
        ahead = effect[~past].reshape(len(series), horizon)
        moves = np.repeat(ratio, series.lengths)
        values = np.where(
            moves,
            series.values / np.exp(np.where(moves, before, 0.0)),
            series.values - np.repeat(spread, series.lengths) * before,
        )
        factors = np.where(ratio[:, None], np.exp(np.where(ratio[:, None], ahead, 0.0)), 1.0)
        terms = np.where(ratio[:, None], 0.0, spread[:, None] * ahead)
        return replace(series, values=values).tail(reach), factors, terms

    def _coefficients(self, series: SeriesSet, ratio: NDArray[np.bool_]) -> Floats:
        """(N, F) of each series: pooled ones for what the fit never saw."""
        beta: Floats = self.pooled[np.where(ratio, 0, 1)].copy()
        made = series.covariates
        assert made is not None
        codes = group_codes(made, self.cuts)
        for place in range(codes.shape[1]):
            known = (codes[:, place] >= 0) & (codes[:, place] < self.groups.shape[1])
            beta[known] += self.groups[place, codes[known, place]]
        places = {label: place for place, label in enumerate(self.labels)}
        own = np.array([places.get(label, -1) for label in series.labels], dtype=np.int64)
        beta[own >= 0] += self.own[own[own >= 0]]
        return beta


def fit_effects(series: SeriesSet, horizon: int, season: int) -> Effects:
    """What covariates do, from histories with covariates.

    Arguments:
        series: as far as may be seen.
        horizon: steps to be forecast.
        season: points of a season; 1 for none.

    Source: quasi-likelihood: Wedderburn (1974); shrinkage as a normal prior: Hoerl and Kennard,
    Ridge regression (1970); effects of groups as random effects: Laird and Ware (1982).
    """
    series = _enough(series)
    made = series.covariates
    assert made is not None
    units = units_of(series)
    distinct = np.unique(ordinals_of(series))
    spoken = holiday_features(series.calendar, distinct, made.country)
    # A holiday is met some times before its own effect is more than the common one's.
    holidays = tuple(name for name, values in spoken.items() if values.any())
    lag = max(season // 2, 3)
    names = input_names(units, series.calendar, holidays)
    cuts = _cuts(made)
    problem = Regression.of(series, effect_inputs(series, 0, units, holidays, lag), horizon, season)
    codes = group_codes(made, cuts)
    groups = [codes[:, place] for place in range(codes.shape[1])]
    pooled = np.zeros((2, len(names)))
    levels = max([int(one.max(initial=-1)) + 1 for one in groups], default=0)
    group = np.zeros((len(groups), levels, len(names)))
    own = np.zeros((len(series), len(names)))
    for kind, chosen in ((0, problem.ratio), (1, ~problem.ratio)):
        if not (chosen[problem.row] & problem.usable).any():
            continue
        fit = problem.of_kind(chosen)
        ridge, alone = strengths(fit, groups)
        shared, by_group, by_series = fit.solved(ridge, alone, groups, fit.usable)
        pooled[kind] = shared
        if levels:
            group += by_group
        own += by_series
    return Effects(units, holidays, lag, pooled, group, own, series.labels, cuts)


def _enough(series: SeriesSet) -> SeriesSet:
    """At most so many series and rows, evenly, as the regression can use at once."""
    lengths = np.cumsum(np.maximum(series.lengths, 1))
    most = min(_MOST_SERIES, max(int(len(series) * _MOST_ROWS / lengths[-1]), 1))
    if len(series) <= most:
        return series
    return series.take(np.unique(np.linspace(0, len(series) - 1, most).astype(np.int64)))


def group_codes(made: Covariates, cuts: Floats) -> NDArray[np.int64]:
    """(N, S) which group of each static column a series belongs to; −1 for none."""
    codes = np.full(made.static.shape, -1, dtype=np.int64)
    for place in range(made.static.shape[1]):
        values = made.static[:, place]
        there = np.isfinite(values)
        if np.isnan(cuts[place]).all():
            codes[there, place] = values[there].astype(np.int64)
        else:
            codes[there, place] = np.searchsorted(cuts[place], values[there])
    codes[codes >= _MOST_GROUPS] = -1
    return codes


def _cuts(made: Covariates) -> Floats:
    """(S, 2) thirds of each static number."""
    cuts = np.full((len(made.statics), 2), np.nan)
    for place, column in enumerate(made.statics):
        values = made.static[np.isfinite(made.static[:, place]), place]
        if column.levels is None and len(values):
            cuts[place] = np.quantile(values, [1 / 3, 2 / 3])
    return cuts
