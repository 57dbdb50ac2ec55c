"""The regression behind the effects of covariates: rows, local levels, shrunken coefficients."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

STRONGEST: Final = 3.0
"""No effect multiplies or divides by more than e to this power, or moves by more spreads."""

# Rows of noise as loud as a series' own that a coefficient of one must stand against.
_RIDGES: Final = (3.0, 30.0, 300.0, 3000.0)
_OWN: Final = (np.inf, 300.0, 30.0, 5.0)
_ROUNDS: Final = 3  # of reweighting; level and season are taken anew in each
_ROUNDS_OF_TRIAL: Final = 2
_OUTLIER: Final = 6.0  # deviations beyond which a row weighs less
_HELD_OUT: Final = 0.2  # of the time, the newest, on which strengths are chosen


def in_ratio(series: SeriesSet) -> NDArray[np.bool_]:
    """(N,) which series were never negative."""
    row = np.repeat(np.arange(len(series)), series.lengths)
    return np.asarray(np.bincount(row[series.values < 0], minlength=len(series)) == 0)


def spread_of(series: SeriesSet) -> Floats:
    """(N,) mean absolute deviation of each series from its mean: the unit of added effects."""
    owner = np.repeat(np.arange(len(series)), series.lengths)
    seen = np.isfinite(series.values)
    count = np.maximum(np.bincount(owner[seen], minlength=len(series)), 1)
    mean = np.bincount(owner[seen], weights=series.values[seen], minlength=len(series)) / count
    away = np.abs(series.values - mean[owner])
    spread = np.bincount(owner[seen], weights=away[seen], minlength=len(series)) / count
    return np.asarray(np.where(spread > 0, spread, 1.0))


def ordinals_of(series: SeriesSet) -> NDArray[np.int64]:
    """(total,) of each value."""
    shift = np.repeat(series.starts - series.offsets[:-1], series.lengths)
    return np.asarray(shift + np.arange(len(series.values)))


@dataclass(frozen=True, eq=False)
class Regression:
    """Rows of a regression.

    Arguments:
        inputs: (total, F).
        values: (total,) in units of each series' size.
        row: (total,) which series.
        ordinals: (total,).
        offsets: (N + 1,).
        ratio: (N,).
        usable: (total,) rows that count.
        reach: points on each side of a level.
        season: points of a season.

    Source: quasi-likelihood: Wedderburn (1974); shrinkage as a normal prior: Hoerl and Kennard,
    Ridge regression (1970).
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
        count = np.maximum(np.bincount(row[seen], minlength=len(series)), 1)
        mean = np.bincount(row[seen], weights=series.values[seen], minlength=len(series)) / count
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

    def of_kind(self, chosen: NDArray[np.bool_]) -> Regression:
        """Only the rows of some series count."""
        return replace(self, usable=self.usable & chosen[self.row])

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
        """A centred mean over whole seasons, of what is there."""
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
    ) -> tuple[Floats, Floats, Floats]:
        """Coefficients of all, of groups and of series, from some rows."""
        count, width = len(self.ratio), self.inputs.shape[1]
        beta = np.zeros((count, width))
        shared, by_group = np.zeros(width), np.zeros((len(groups), 0, width))
        own = np.zeros((count, width))
        for turn in range(rounds):
            effect = np.clip(
                np.einsum("tf,tf->t", self.inputs, beta[self.row]), -STRONGEST, STRONGEST
            )
            working, weight = self._working(effect, rows, turn > 0)
            shared, by_group, own = self._shrunken(working, weight, ridge, alone, groups)
            beta = shared + own
            for place, codes in enumerate(groups):
                known = codes >= 0
                beta[known] += by_group[place, codes[known]]
        return shared, by_group, own

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
    ) -> tuple[Floats, Floats, Floats]:
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
        levels = max([int(one.max(initial=-1)) + 1 for one in groups], default=0)
        by_group = np.zeros((len(groups), levels, width))
        if np.isinf(alone):
            return shared, by_group, np.zeros((count, width))
        for place, codes in enumerate(groups):
            for level in np.unique(codes[codes >= 0]).tolist():
                inside = codes == level
                gram = grams[inside].sum(axis=0)
                by_group[place, level] = np.linalg.solve(
                    gram + alone * eye, left[inside].sum(axis=0)
                )
            known = codes >= 0
            left[known] -= np.einsum("nfg,ng->nf", grams[known], by_group[place, codes[known]])
        own = np.linalg.solve(grams + alone * eye, left[..., None])[..., 0]
        return shared, by_group, np.asarray(own, dtype=np.float64)


def strengths(fit: Regression, groups: list[NDArray[np.int64]]) -> tuple[float, float]:
    """The ridge and the shrinkage of own effects that forecast the newest part of the time best."""
    times = fit.ordinals[fit.usable]
    border = np.quantile(times, 1.0 - _HELD_OUT)
    early = fit.usable & (fit.ordinals <= border)
    late = fit.usable & (fit.ordinals > border)
    if not late.any() or not early.any():
        return _RIDGES[1], np.inf
    best, least = (_RIDGES[-1], np.inf), np.inf
    for ridge in _RIDGES:
        loss = _loss(fit, fit.solved(ridge, np.inf, groups, early, _ROUNDS_OF_TRIAL), groups, late)
        if loss < least:
            best, least = (ridge, np.inf), loss
    for alone in _OWN[1:]:
        loss = _loss(fit, fit.solved(best[0], alone, groups, early, _ROUNDS_OF_TRIAL), groups, late)
        if loss < least:
            best, least = (best[0], alone), loss
    return best


def _loss(
    fit: Regression,
    solved: tuple[Floats, Floats, Floats],
    groups: list[NDArray[np.int64]],
    late: NDArray[np.bool_],
) -> float:
    """Mean absolute error around the local level, each series by its size."""
    shared, by_group, own = solved
    beta = shared + own
    for place, codes in enumerate(groups):
        known = codes >= 0
        beta[known] += by_group[place, codes[known]]
    effect = np.clip(np.einsum("tf,tf->t", fit.inputs, beta[fit.row]), -STRONGEST, STRONGEST)
    base = fit.base(effect)
    made = base * np.exp(effect) if fit.in_ratios else base + effect
    return float(np.mean(np.abs(fit.values - made)[late]))
