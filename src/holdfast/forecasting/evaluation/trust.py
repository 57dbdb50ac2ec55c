"""When not to trust a forecast: findings in a series' history and in its past forecasts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines import reach
from holdfast.forecasting.evaluation.conformal import scores_needed
from holdfast.forecasting.evaluation.metrics import inside, mean_observed, scaled_error
from holdfast.forecasting.evaluation.shifts import Ends, look_at_ends
from holdfast.records import CARE, DISTRUST, NETWORKS, TRUST, Floats, LevelCoverage, MethodScore
from holdfast.tables.series import SeriesSet, trailing_gaps

FEWEST: Final = 4
"""Values below which no forecast is to be trusted."""

WATCHED: Final = 95.0
"""The interval level whose misses in the newest fold are counted."""

MOST_HARD: Final = 10
"""Series that are called hard at most."""

_WORSE: Final = 1.25  # times seasonal naive's error, in every fold
_WORSE_OVERALL: Final = 0.99  # times it, over all series
_FOLDS: Final = 3  # folds that take to be worse in
_MISSED: Final = 0.5  # of the newest fold's values
_MISSED_POINTS: Final = 4
_HARD: Final = 1.5  # times the median series' error
_STILL: Final = 3  # changes, and no more
_STILL_POINTS: Final = 12  # in so many values, or more
_SHORT: Final = 0.1  # by which an interval may fall short of its level
_FIELDS: Final = ("error", "naive", "folds", "worse", "outside", "points")


@dataclass(frozen=True, eq=False)
class PastForecasts:
    """How the blend did on each series in past folds.

    Arguments:
        error, naive: (N,) mean MASE of the blend and of seasonal naive; 0 for series in no fold.
        folds: (N,) folds in which the series was scored.
        worse: (N,) those in which the blend was worse than seasonal naive.
        outside: (N,) values of the newest fold outside the interval of level `WATCHED`.
        points: (N,) values of the newest fold.
    """

    error: Floats
    naive: Floats
    folds: Floats
    worse: Floats
    outside: Floats
    points: Floats

    @classmethod
    def of(
        cls,
        actual: Floats,
        blend: Floats,
        naive: Floats,
        scales: Floats,
        lower: Floats,
        upper: Floats,
    ) -> PastForecasts:
        """The scores of F folds, oldest first.

        Arguments:
            actual, blend, naive: (F, N, K), NaN where something is missing.
            scales: (F, N) MASE units.
            lower, upper: (F, N, K) the interval at level `WATCHED`, out of fold.
        """
        ours = mean_observed(scaled_error(actual, blend, scales), axis=-1)
        theirs = mean_observed(scaled_error(actual, naive, scales), axis=-1)
        both = ~np.isnan(ours) & ~np.isnan(theirs)
        hit = inside(actual, lower, upper)[-1:]
        return cls(
            error=_or_zero(mean_observed(np.where(both, ours, np.nan), axis=0)),
            naive=_or_zero(mean_observed(np.where(both, theirs, np.nan), axis=0)),
            folds=both.sum(axis=0).astype(np.float64),
            worse=(both & (ours > theirs)).sum(axis=0).astype(np.float64),
            outside=(hit == 0).sum(axis=(0, 2)).astype(np.float64),
            points=(~np.isnan(hit)).sum(axis=(0, 2)).astype(np.float64),
        )

    @classmethod
    def none(cls, count: int) -> PastForecasts:
        """Those of series that were never scored."""
        return cls(*(np.zeros(count) for _ in _FIELDS))

    def take(self, places: NDArray[np.int64]) -> PastForecasts:
        """The scores of the series at `places`."""
        return PastForecasts(*(getattr(self, name)[places] for name in _FIELDS))

    def to_array(self) -> Floats:
        """(6, N) for a model folder."""
        return np.stack([getattr(self, name) for name in _FIELDS])

    @classmethod
    def from_array(cls, stored: Floats, count: int) -> PastForecasts:
        """The inverse of `to_array`.

        Raises:
            ValueError: the numbers are impossible, or of more series.
        """
        sound = stored.ndim == 2 and stored.dtype == np.float64 and len(stored) == len(_FIELDS)
        if not sound or stored.shape[1] > count or not np.isfinite(stored).all():
            raise ValueError("its past forecasts are damaged")
        if (stored < 0).any():
            raise ValueError("its past forecasts hold impossible numbers")
        # Series that an update brought have none.
        return cls(*np.pad(stored, ((0, 0), (0, count - stored.shape[1]))))


@dataclass(frozen=True)
class Assessment:
    """What was found about one series.

    Arguments:
        verdict: `TRUST`, `CARE` or `DISTRUST`.
        findings: why, a phrase a reason, the gravest first.
    """

    verdict: str
    findings: tuple[str, ...]


def assess(
    series: SeriesSet,
    season: int,
    horizon: int,
    past: PastForecasts,
    judged: NDArray[np.bool_],
) -> list[Assessment]:
    """Look for reasons not to trust the forecasts of some series.

    One reason asks for care. A grave one, or two, say not to trust.

    Arguments:
        series: N histories.
        season: points of a season; 1 for none.
        horizon: steps of the forecast.
        past: of the N series.
        judged: (N,) whether a backtest was tried on the series: False for those that it never saw.
    """
    ends = look_at_ends(series, season, horizon, reach(season, horizon))
    gaps = trailing_gaps(series)
    seen = ~np.isnan(series.values)
    owner = np.repeat(np.arange(len(series)), series.lengths)
    observed = np.bincount(owner[seen], minlength=len(series))
    low, high = np.full(len(series), np.inf), np.full(len(series), -np.inf)
    np.minimum.at(low, owner[seen], series.values[seen])
    np.maximum.at(high, owner[seen], series.values[seen])
    made = []
    for index in range(len(series)):
        count, gap = int(observed[index]), int(gaps[index])
        grave, found = _about_length(count, season, horizon)
        if count > 1 and low[index] == high[index]:
            found.append(f"a constant series ({_number(low[index])}): no sign of how it may move")
        elif count >= _STILL_POINTS and ends.changes[index] <= _STILL:
            times = "once" if ends.changes[index] == 1 else f"{int(ends.changes[index])} times"
            found.append(f"{count} values that changed {times}: little to learn from")
        if gap:
            _about_gap(gap, season, horizon, grave, found)
        found += _about_end(ends, index)
        found += _about_past(past, index, scored=bool(judged[index]), alone=not (grave or found))
        verdict = DISTRUST if grave or len(found) > 1 else CARE if found else TRUST
        made.append(Assessment(verdict, (*grave, *found)))
    return made


def hardest(error: Floats) -> tuple[int, ...]:
    """Indices of series whose error stands out, the hardest first.

    Arguments:
        error: (N,) MASE out of fold; NaN where there is none.
    """
    known = np.flatnonzero(np.isfinite(error))
    if len(known) < 3:
        return ()
    limit = max(1.0, _HARD * float(np.median(error[known])))
    order = known[np.argsort(-error[known], kind="stable")][:MOST_HARD]
    return tuple(int(index) for index in order if error[index] > limit)


def about_table(
    methods: Sequence[MethodScore], coverage: Sequence[LevelCoverage], scores: int, season: int
) -> tuple[str, ...]:
    """What is true of the forecasts of all series, in sentences.

    Arguments:
        methods: the blend first; empty without folds.
        coverage: one row a level; empty without folds.
        scores: independent scores behind the intervals of the forecast.
        season: points of a season; 1 for none.
    """
    if not methods:
        return ("No past horizon could be scored, so nothing says how good the forecast is.",)
    said = []
    blend = methods[0]
    naive = next((row for row in methods if row.method == "SeasonalNaive"), None)
    if naive is not None and blend.mase >= _WORSE_OVERALL * naive.mase:
        rival = "repeating the last season" if season > 1 else "repeating the last value"
        said.append(
            f"On past horizons the forecast was no better than {rival} (MASE {blend.mase:.2f} "
            f"against {naive.mase:.2f})."
        )
    short = [row for row in coverage if row.coverage < row.level / 100.0 - _SHORT]
    for row in short:
        said.append(
            f"The {row.level:g} % interval held {100 * row.coverage:.0f} % of past values: read it "
            "as narrower than its name."
        )
    missing = [row.level for row in coverage if scores < scores_needed(row.level)]
    if missing:
        levels = " and ".join(f"{level:g} %" for level in missing)
        said.append(
            f"The {levels} intervals are not calibrated: there are {scores} past horizons (series "
            f"× folds), {' and '.join(str(scores_needed(level)) for level in missing)} are needed."
        )
    return tuple(said)


def about_weights(names: Sequence[str], weights: Sequence[float]) -> str:
    """The members of the blend and what each weighs, in a sentence."""
    ranked = sorted(zip(weights, names, strict=True), key=lambda pair: -pair[0])
    shown = [(weight, name) for weight, name in ranked if weight >= 0.005]
    networks = sum(weight for weight, name in shown if name in NETWORKS)
    parts = ", ".join(f"{100 * weight:.0f} % {name}" for weight, name in shown)
    return f"The forecast is {parts}: {100 * networks:.0f} % LSTM, the rest simple methods."


def _about_length(count: int, season: int, horizon: int) -> tuple[list[str], list[str]]:
    """Grave reasons and others."""
    if count < FEWEST:
        values = "a single value" if count == 1 else f"{count} values"
        return [f"{values} of history"], []
    if count < horizon and count < season:
        return [
            f"{count} values of history for {horizon} steps, less than a season of {season}"
        ], []
    if count < 2 * season:
        return [], [f"fewer than two seasons of history ({count} values, a season has {season})"]
    if count < horizon:
        return [], [f"less history ({count} values) than the {horizon} steps to forecast"]
    return [], []


def _about_gap(gap: int, season: int, horizon: int, grave: list[str], found: list[str]) -> None:
    words = "the last value is missing" if gap == 1 else f"the last {gap:,} values are missing"
    if gap > 2 * max(season, horizon):
        grave.append(words)
    else:
        found.append(words)


def _about_end(ends: Ends, index: int) -> list[str]:
    """What is new at the end."""
    found = []
    run, window = int(ends.run[index]), int(ends.window[index])
    if run:
        longest = int(ends.longest[index])
        found.append(
            f"the last {run} values are all the same, and no such run before was longer than "
            f"{longest}"
        )
        return found
    if window:
        change = float(ends.change[index])
        side = "above" if change > 0 else "below"
        begin = "the last value lies" if window == 1 else f"the last {window} values lie"
        found.append(
            f"{begin} {_number(abs(change))} {side} the level before, farther than any "
            f"{'value' if window == 1 else 'stretch'} did (at most {_number(ends.before[index])})"
        )
    elif ends.movement[index] != 1:
        ratio = float(ends.movement[index])
        times = f"{ratio:.1f}" if ratio >= 0.1 else f"{ratio:.2g}"
        found.append(
            f"the last {ends.block} values move {times} times as much as usual, unlike any before"
        )
    return found


def _about_past(past: PastForecasts, index: int, *, scored: bool, alone: bool) -> list[str]:
    """What past folds say."""
    found = []
    folds, error, naive = int(past.folds[index]), past.error[index], past.naive[index]
    if scored and not folds and alone:
        found.append("no past horizon of it could be scored")
    if folds >= _FOLDS and past.worse[index] == folds and error > _WORSE * naive:
        found.append(
            f"worse than seasonal naive in each of {folds} folds (MASE {error:.2f} against "
            f"{naive:.2f})"
        )
    outside, points = int(past.outside[index]), int(past.points[index])
    if points >= _MISSED_POINTS and outside > _MISSED * points:
        found.append(
            f"{outside} of the {points} newest values fell outside their {WATCHED:g} % interval"
        )
    return found


def _number(value: float) -> str:
    """Three digits, without an exponent where a person would write none."""
    size = abs(value)
    if size and not 1e-4 <= size < 1e9:
        return f"{value:.2e}"
    digits = 0 if size >= 100 or not size else 2 - int(np.floor(np.log10(size)))
    return f"{value:,.{digits}f}"


def _or_zero(values: Floats) -> Floats:
    return np.where(np.isnan(values), 0.0, values)
