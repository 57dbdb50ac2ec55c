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

from holdfast.forecasting.networks.covariates.inputs import (
    Unit,
    effect_inputs,
    input_names,
    units_of,
)
from holdfast.records import Floats
from holdfast.tables.covariates import Covariates
from holdfast.tables.holidays import holiday_features
from holdfast.tables.series import SeriesSet

_MOST_ROWS: Final = 200_000
_MOST_SERIES: Final = 1_000
_MOST_GROUPS: Final = 200
STRONGEST: Final = 3.0
"""No effect multiplies or divides by more than e to this power, or moves by more spreads."""

# Rows of noise as loud as a series' own that a coefficient of one must stand against.
_RIDGES: Final = (3.0, 30.0, 300.0, 3000.0)
_SHRINKAGES: Final = (300.0, 30.0, 5.0)  # beside none at all
_ROUNDS: Final = 3  # of reweighting; level and season are taken anew in each
_ROUNDS_OF_SEARCH: Final = 2
_OUTLIER: Final = 6.0  # deviations beyond which a row weighs less
_HELD_OUT: Final = 0.2  # of the time, the newest, on which strengths are chosen


@dataclass(frozen=True, eq=False)
class Effects:
    """What covariates do to series.

    Arguments:
        lag: points of the recent past.
        pooled: (2, F) coefficients of all series: those that move in ratios, in differences.
        groups: (S, L, F) what each category of each static column adds.
        by_series: (N, F) what each series of the fit adds.
        labels: the N series of the fit.
        cuts: (S, 2) where the thirds of a static number end; NaN for categories.
    """

    units: tuple[Unit, ...]
    holidays: tuple[str, ...]
    lag: int
    pooled: Floats
    groups: Floats
    by_series: Floats
    labels: tuple[str, ...]
    cuts: Floats

    def without(
        self, series: SeriesSet, horizon: int, reach: int
    ) -> tuple[SeriesSet, Floats, Floats]:
        """Series as they would be without covariates, and what puts their effect back.

        The ends of the series, `reach` points of each; (N, K) factors and (N, K) terms of the
        horizon: forecast · factor + term.
        """
        ratio, spread = in_ratio(series), spread_of(series)
        beta = self._coefficients(series, ratio)
        series = series.tail(reach + self.lag)
        lengths = series.lengths + horizon
        row = np.repeat(np.arange(len(series)), lengths)
        inputs = effect_inputs(series, horizon, self.units, self.holidays, self.lag)
        effect = _bounded_effect(inputs, beta[row])
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
        covariates = series.covariates
        assert covariates is not None
        codes = group_codes(covariates, self.cuts)
        for place in range(codes.shape[1]):
            known = (codes[:, place] >= 0) & (codes[:, place] < self.groups.shape[1])
            beta[known] += self.groups[place, codes[known, place]]
        places = {label: place for place, label in enumerate(self.labels)}
        fitted = np.array([places.get(label, -1) for label in series.labels], dtype=np.int64)
        beta[fitted >= 0] += self.by_series[fitted[fitted >= 0]]
        return beta


def fit_effects(series: SeriesSet, horizon: int, season: int) -> Effects:
    """What covariates do, from histories as far as they may be seen.

    Source: quasi-likelihood: Wedderburn (1974); shrinkage as a normal prior: Hoerl and Kennard,
    Ridge regression (1970); effects of groups as random effects: Laird and Ware (1982).
    """
    series = _enough(series)
    covariates = series.covariates
    assert covariates is not None
    units = units_of(series)
    distinct = np.unique(ordinals_of(series))
    holiday_inputs = holiday_features(series.calendar, distinct, covariates.country)
    # A holiday is met some times before its own effect is more than the common one's.
    holidays = tuple(name for name, values in holiday_inputs.items() if values.any())
    lag = max(season // 2, 3)
    width = len(input_names(units, series.calendar, holidays))
    cuts = _cuts(covariates)
    problem = Regression.of(series, effect_inputs(series, 0, units, holidays, lag), horizon, season)
    groups = list(group_codes(covariates, cuts).T)
    pooled = np.zeros((2, width))
    by_group = np.zeros((len(groups), _levels(groups), width))
    by_series = np.zeros((len(series), width))
    for kind, chosen in ((0, problem.ratio), (1, ~problem.ratio)):
        usable = problem.usable & chosen[problem.row]
        if usable.any():
            fit = replace(problem, usable=usable)
            ridge, alone = strengths(fit, groups)
            result = fit.solved(ridge, alone, groups, fit.usable)
            pooled[kind] = result.shared
            by_group += result.by_group
            by_series += result.by_series
    return Effects(units, holidays, lag, pooled, by_group, by_series, series.labels, cuts)


@dataclass(frozen=True, eq=False)
class Coefficients:
    """Of all series (F,), what groups add (S, L, F), and what series add (N, F)."""

    shared: Floats
    by_group: Floats
    by_series: Floats

    def of_series(self, groups: list[NDArray[np.int64]]) -> Floats:
        """(N, F) of each series, its groups' included."""
        beta = self.shared + self.by_series
        for place, codes in enumerate(groups):
            known = codes >= 0
            beta[known] += self.by_group[place, codes[known]]
        return beta


@dataclass(frozen=True, eq=False)
class Regression:
    """Rows of a regression.

    Arguments:
        values: (total,) in units of each series' size.
        row: (total,) which series.
        usable: (total,) rows that count.
        reach: points on each side of a level.
    """

    inputs: Floats
    values: Floats
    row: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    offsets: NDArray[np.int64]
    ratio: NDArray[np.bool_]
    usable: NDArray[np.bool_]
    reach: int
    season: int

    @classmethod
    def of(cls, series: SeriesSet, inputs: Floats, horizon: int, season: int) -> Regression:
        """All rows of some series."""
        row = np.repeat(np.arange(len(series)), series.lengths)
        ratio = in_ratio(series)
        spread = spread_of(series)
        seen = np.isfinite(series.values)
        mean = _means(row[seen], series.values[seen], len(series))
        size = np.where(ratio, np.where(mean > 0, mean, 1.0), spread)
        values = np.where(ratio[row], series.values, series.values - mean[row]) / size[row]
        return cls(
            inputs=inputs,
            values=values,
            row=row,
            ordinals=ordinals_of(series),
            offsets=series.offsets,
            ratio=ratio,
            usable=seen,
            reach=max(horizon, season),
            season=season,
        )

    @property
    def in_ratios(self) -> bool:
        """Whether the rows that count move in ratios."""
        return bool(self.ratio[self.row[self.usable][0]])

    def base(self, effect: Floats) -> Floats:
        """(total,) local level and season of the values without an effect."""
        seen = np.isfinite(self.values)
        plain = np.where(seen, self.values, 0.0)
        plain = plain / np.exp(effect) if self.in_ratios else plain - effect
        plain = np.where(seen, plain, 0.0)
        level = self._level(plain, seen)
        if self.season > 1:
            level = self._seasonal(plain, level, seen)
        return level

    def _level(self, plain: Floats, seen: NDArray[np.bool_]) -> Floats:
        """A centred mean over whole seasons, of the observed values."""
        reach = self.reach
        place = np.arange(len(plain))
        low = np.maximum(place - reach, self.offsets[self.row])
        high = np.minimum(place + reach + 1, self.offsets[self.row + 1])
        total = np.concatenate([[0.0], np.cumsum(plain)])
        count = np.concatenate([[0.0], np.cumsum(seen.astype(float))])
        return np.asarray((total[high] - total[low]) / np.maximum(count[high] - count[low], 1.0))

    def _seasonal(self, plain: Floats, level: Floats, seen: NDArray[np.bool_]) -> Floats:
        key = self.row * self.season + self.ordinals % self.season
        size = len(self.ratio) * self.season
        if self.in_ratios:
            top = np.bincount(key[seen], weights=plain[seen], minlength=size)
            bottom = np.bincount(key[seen], weights=level[seen], minlength=size)
            total = np.bincount(self.row[seen], weights=level[seen], minlength=len(self.ratio))
            seasons = np.maximum(np.bincount(self.row[seen], minlength=len(self.ratio)), 1)
            prior = np.repeat(total / seasons, self.season)
            return np.asarray(level * ((top + prior) / np.maximum(bottom + prior, 1e-12))[key])
        away = np.bincount(key[seen], weights=(plain - level)[seen], minlength=size)
        count = np.bincount(key[seen], minlength=size)
        return np.asarray(level + (away / (count + 1.0))[key])

    def solved(
        self,
        ridge: float,
        alone: float,
        groups: list[NDArray[np.int64]],
        rows: NDArray[np.bool_],
        rounds: int = _ROUNDS,
    ) -> Coefficients:
        """Coefficients from some rows, after at least one round."""
        effect = np.zeros(len(self.row))
        for turn in range(rounds):
            working, weight = self._working(effect, rows, turn > 0)
            result = self._shrunken(working, weight, ridge, alone, groups)
            effect = _bounded_effect(self.inputs, result.of_series(groups)[self.row])
        return result

    def _working(
        self, effect: Floats, rows: NDArray[np.bool_], careful: bool
    ) -> tuple[Floats, Floats]:
        """The target and the weight of each row, as iteratively reweighted least squares has it."""
        base = self.base(effect)
        if self.in_ratios:
            mean = base * np.exp(effect)
            sound = rows & (base > 1e-6)
            residual: Floats = np.where(sound, (self.values - mean) / np.maximum(mean, 1e-9), 0.0)
            weight: Floats = np.where(sound, mean, 0.0)
        else:
            sound = rows.copy()
            residual = np.where(rows, self.values - base - effect, 0.0)
            weight = np.where(rows, 1.0, 0.0)
        # Each series by how loud its noise is.
        noise = np.bincount(self.row, weights=weight * residual**2, minlength=len(self.ratio))
        rows_of = np.bincount(self.row[sound], minlength=len(self.ratio))
        noise = np.asarray(noise / np.maximum(rows_of, 1), dtype=np.float64)
        typical = np.median(noise[noise > 0]) if (noise > 0).any() else 1.0
        weight = weight / np.maximum(noise, 0.05 * typical)[self.row]
        if careful:
            away = np.abs(residual) * np.sqrt(weight)
            weight = weight * np.minimum(1.0, _OUTLIER / np.maximum(away, 1e-12))
        return effect + residual, weight

    def _shrunken(
        self,
        target: Floats,
        weight: Floats,
        ridge: float,
        alone: float,
        groups: list[NDArray[np.int64]],
    ) -> Coefficients:
        """Ridge regressions, each on what the one above it leaves."""
        count, width = len(self.ratio), self.inputs.shape[1]
        weighted = self.inputs * weight[:, None]
        grams = np.zeros((count, width, width))
        sides = np.zeros((count, width))
        for series in np.unique(self.row[weight > 0]).tolist():
            stretch = slice(self.offsets[series], self.offsets[series + 1])
            grams[series] = weighted[stretch].T @ self.inputs[stretch]
            sides[series] = weighted[stretch].T @ target[stretch]
        eye = np.eye(width)
        shared = np.linalg.solve(grams.sum(axis=0) + ridge * eye, sides.sum(axis=0))
        left = sides - grams @ shared
        by_group = np.zeros((len(groups), _levels(groups), width))
        if np.isinf(alone):
            return Coefficients(shared, by_group, np.zeros((count, width)))
        for place, codes in enumerate(groups):
            for level in np.unique(codes[codes >= 0]).tolist():
                inside = codes == level
                gram = grams[inside].sum(axis=0)
                by_group[place, level] = np.linalg.solve(
                    gram + alone * eye, left[inside].sum(axis=0)
                )
            known = codes >= 0
            left[known] -= np.einsum("nfg,ng->nf", grams[known], by_group[place, codes[known]])
        by_series = np.linalg.solve(grams + alone * eye, left[..., None])[..., 0]
        return Coefficients(shared, by_group, np.asarray(by_series, dtype=np.float64))


def strengths(fit: Regression, groups: list[NDArray[np.int64]]) -> tuple[float, float]:
    """The ridge and the shrinkage of own effects that forecast the newest part of the time best."""
    times = fit.ordinals[fit.usable]
    border = np.quantile(times, 1.0 - _HELD_OUT)
    early = fit.usable & (fit.ordinals <= border)
    late = fit.usable & (fit.ordinals > border)
    if not late.any() or not early.any():
        return _RIDGES[1], np.inf
    best, least = (_RIDGES[-1], np.inf), np.inf

    def loss_of(ridge: float, alone: float) -> float:
        solved = fit.solved(ridge, alone, groups, early, _ROUNDS_OF_SEARCH)
        return _loss(fit, solved.of_series(groups), late)

    for ridge in _RIDGES:
        loss = loss_of(ridge, np.inf)
        if loss < least:
            best, least = (ridge, np.inf), loss
    for alone in _SHRINKAGES:
        loss = loss_of(best[0], alone)
        if loss < least:
            best, least = (best[0], alone), loss
    return best


def _enough(series: SeriesSet) -> SeriesSet:
    """At most so many series and rows, evenly, as the regression can use at once."""
    lengths = np.cumsum(np.maximum(series.lengths, 1))
    most = min(_MOST_SERIES, max(int(len(series) * _MOST_ROWS / lengths[-1]), 1))
    if len(series) <= most:
        return series
    return series.take(np.unique(np.linspace(0, len(series) - 1, most).astype(np.int64)))


def group_codes(covariates: Covariates, cuts: Floats) -> NDArray[np.int64]:
    """(N, S) which group of each static column a series belongs to; −1 for none."""
    codes = np.full(covariates.static.shape, -1, dtype=np.int64)
    for place in range(covariates.static.shape[1]):
        values = covariates.static[:, place]
        known = np.isfinite(values)
        if np.isnan(cuts[place]).all():
            codes[known, place] = values[known].astype(np.int64)
        else:
            codes[known, place] = np.searchsorted(cuts[place], values[known])
    codes[codes >= _MOST_GROUPS] = -1
    return codes


def _cuts(covariates: Covariates) -> Floats:
    """(S, 2) thirds of each static number."""
    cuts = np.full((len(covariates.statics), 2), np.nan)
    for place, column in enumerate(covariates.statics):
        values = covariates.static[np.isfinite(covariates.static[:, place]), place]
        if column.levels is None and len(values):
            cuts[place] = np.quantile(values, [1 / 3, 2 / 3])
    return cuts


def in_ratio(series: SeriesSet) -> NDArray[np.bool_]:
    """(N,) which series were never negative."""
    row = np.repeat(np.arange(len(series)), series.lengths)
    return np.asarray(np.bincount(row[series.values < 0], minlength=len(series)) == 0)


def spread_of(series: SeriesSet) -> Floats:
    """(N,) mean absolute deviation of each series from its mean: the unit of added effects."""
    seen = np.isfinite(series.values)
    owner, values = np.repeat(np.arange(len(series)), series.lengths)[seen], series.values[seen]
    mean = _means(owner, values, len(series))
    spread = _means(owner, np.abs(values - mean[owner]), len(series))
    return np.where(spread > 0, spread, 1.0)


def _means(owner: NDArray[np.int64], values: Floats, count: int) -> Floats:
    """(count,) mean of each owner's values; 0 where there is none."""
    total = np.bincount(owner, weights=values, minlength=count)
    return np.asarray(total / np.maximum(np.bincount(owner, minlength=count), 1))


def _levels(groups: list[NDArray[np.int64]]) -> int:
    """Groups of the static column that makes most."""
    return max([int(codes.max(initial=-1)) + 1 for codes in groups], default=0)


def _bounded_effect(inputs: Floats, beta: Floats) -> Floats:
    """(total,) the effect of inputs (total, F) with their coefficients."""
    return np.asarray(np.clip(np.einsum("tf,tf->t", inputs, beta), -STRONGEST, STRONGEST))


def ordinals_of(series: SeriesSet) -> NDArray[np.int64]:
    """(total,) of each value."""
    shift = np.repeat(series.starts - series.offsets[:-1], series.lengths)
    return np.asarray(shift + np.arange(len(series.values)))


def _loss(fit: Regression, beta: Floats, late: NDArray[np.bool_]) -> float:
    """Mean absolute error around the local level, each series by its size."""
    effect = _bounded_effect(fit.inputs, beta[fit.row])
    base = fit.base(effect)
    forecast = base * np.exp(effect) if fit.in_ratios else base + effect
    return float(np.mean(np.abs(fit.values - forecast)[late]))
