"""What is new at the end of a history: another level, another liveliness, or no movement at all.

Each test asks whether the end differs from everything before it of the same length, by a margin. A
series that always wanders (a random walk), jumps or swings has shown such changes before, so it is
not flagged; where all windows are alike by chance, the last one is the most extreme of n in one
case of n, and the margin makes that rare.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines import reach
from holdfast.forecasting.baselines.decomposition import deseasonalise
from holdfast.forecasting.evaluation.conformal import scores_needed
from holdfast.forecasting.model import WATCHED, FittedModel, PastForecasts
from holdfast.records import (
    CARE,
    DISTRUST,
    NETWORKS,
    TRUST,
    WITH_COVARIATES,
    Floats,
    LevelCoverage,
    MethodScore,
)
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet, trailing_gaps

WINDOWS: Final = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48)
"""Values at the end that are compared with those before them."""

_MARGIN: Final = 1.3  # times the largest change before
_SPREADS: Final = 5.0  # and times the usual one
_EARLIER: Final = 8  # windows before the last one, at least, that do not overlap
_BASE: Final = 2  # the level before is that of twice as many values
_LEAST_BASE: Final = 8
_LIVELY: Final = 3.0  # times the usual movement
_LIVELIER: Final = 1.6  # times the largest movement before
_CALM: Final = 0.25
_BLOCK: Final = 12  # values whose movement is compared
_RUN: Final = 6  # equal values at the end, at least
_RUNS: Final = 6  # runs before them, so that it is known how long they are
_CHUNK: Final = 1024
_ROUNDING: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Ends:
    """What is new at the end of N series."""

    window: NDArray[np.int64]  # (N,) how many of the last values lie on another level; 0 for none
    change: Floats  # (N,) by how much, in the series' unit
    before: Floats  # (N,) the largest change of such a window before
    # (N,) typical step of the last values over the usual one; 1 where nothing is new
    movement: Floats
    block: int  # how many last values `movement` is that of
    # (N,) equal values at the end, where no earlier run was a third as long; 0 for none
    run: NDArray[np.int64]
    longest: NDArray[np.int64]  # (N,) the longest earlier run of equal values
    changes: NDArray[np.int64]  # (N,) how often a value differed from the one before


def look_at_ends(series: SeriesSet, season: int, horizon: int, reach: int) -> Ends:
    """What is new at the end of each series, in windows of up to `horizon` or `season` values."""
    count = len(series)
    window, change = np.zeros(count, dtype=np.int64), np.zeros(count)
    before, movement = np.zeros(count), np.ones(count)
    block = max(_BLOCK, min(season, max(WINDOWS)))
    lengths = np.minimum(series.lengths, reach)
    order = np.argsort(lengths, kind="stable")
    for begin in range(0, count, _CHUNK):
        rows = order[begin : begin + _CHUNK]
        longest = int(lengths[rows].max(initial=0))
        if longest < 2 * _LEAST_BASE:
            continue
        history = series.take(rows).last(longest)
        size = np.abs(np.where(np.isnan(history), 0.0, history)).max(axis=1)
        unit = np.where(size > 0, size, 1.0)[:, None]
        adjusted = deseasonalise(history / unit, season).adjusted
        window[rows], moved, largest = _levels(adjusted, season, max(horizon, season))
        change[rows], before[rows] = moved * unit[:, 0], largest * unit[:, 0]
        movement[rows] = _movement(adjusted, block, season)
    run, earlier, runs = _runs(series)
    new = (run >= _RUN) & (run > 3 * earlier) & (runs >= _RUNS)
    return Ends(window, change, before, movement, block, np.where(new, run, 0), earlier, runs)


def _levels(adjusted: Floats, season: int, most: int) -> tuple[NDArray[np.int64], Floats, Floats]:
    """The window of each row whose level is the farthest from what was usual, if any is."""
    count, length = adjusted.shape
    found = np.zeros(count, dtype=np.int64)
    best, change, before = np.ones(count), np.zeros(count), np.zeros(count)
    seen = ~np.isnan(adjusted)
    observed = seen.sum(axis=1)
    pad = ((0, 0), (1, 0))
    sums = np.pad(np.cumsum(np.where(seen, adjusted, 0.0), axis=1), pad)
    counts = np.pad(np.cumsum(seen, axis=1), pad)
    for window in WINDOWS:
        base = max(_BASE * window, _LEAST_BASE)
        needed = max((_EARLIER + 1) * window, 2 * season if season > 1 else 0, _EARLIER) + base
        if window > max(most, 6) or length < needed:
            break
        new = _means(sums, counts, window, base)
        old = _means(sums[:, : length + 1 - window], counts[:, : length + 1 - window], base, 0)
        moved = new - old
        earlier, last = moved[:, :-window], moved[:, -1]
        known = ~np.isnan(earlier)
        enough = (known.sum(axis=1) >= _EARLIER * window) & (observed >= needed)
        rows = np.flatnonzero(enough & ~np.isnan(last))
        if not len(rows):
            continue
        centre = _median(earlier[rows])
        away = np.abs(earlier[rows] - centre[:, None])
        largest, usual = np.nanmax(away, axis=1), 1.4826 * _median(away)
        shift = last[rows] - centre
        ratio = np.abs(shift) / np.maximum(largest, _ROUNDING)
        clear = (ratio > _MARGIN) & (np.abs(shift) > np.maximum(_SPREADS * usual, _ROUNDING))
        clear &= _most_moved(adjusted[rows], window, shift, base)
        better = clear & (ratio > best[rows])
        chosen = rows[better]
        found[chosen], best[chosen] = window, ratio[better]
        change[chosen], before[chosen] = shift[better], largest[better]
    return found, change, before


def _means(sums: Floats, counts: NDArray[np.int64], window: int, skipped: int) -> Floats:
    """Means of every `window` values in a row, from the first `skipped` on; NaN where half miss."""
    total = sums[:, window + skipped :] - sums[:, skipped : sums.shape[1] - window]
    seen = counts[:, window + skipped :] - counts[:, skipped : counts.shape[1] - window]
    return np.where(2 * seen > window, total / np.maximum(seen, 1), np.nan)


def _most_moved(adjusted: Floats, window: int, shift: Floats, base: int) -> NDArray[np.bool_]:
    """Whether most of the last values moved, and not one that carries the mean."""
    old = adjusted[:, -window - base : -window]
    total = np.where(np.isnan(old), 0.0, old).sum(axis=1)
    level = total / np.maximum((~np.isnan(old)).sum(axis=1), 1)
    away = (adjusted[:, -window:] - level[:, None]) * np.sign(shift)[:, None]
    seen = ~np.isnan(away)
    far = (away > 0.5 * np.abs(shift)[:, None]) & seen
    return np.asarray(4 * far.sum(axis=1) >= 3 * seen.sum(axis=1))


def _movement(adjusted: Floats, block: int, season: int) -> Floats:
    """(n,) the median step of the last block over that of all before, where it is new; else 1."""
    count, length = adjusted.shape
    steps = np.abs(np.diff(adjusted, axis=1))
    blocks = min(steps.shape[1] // block, 64)
    if blocks < _EARLIER + 1 or length < 2 * season:
        return np.ones(count)
    cut = steps[:, steps.shape[1] - blocks * block :].reshape(count, blocks, block)
    full = (~np.isnan(cut)).sum(axis=2) * 2 > block
    middle = np.where(full, _median(cut), np.nan)
    earlier, last = middle[:, :-1], middle[:, -1]
    known = ~np.isnan(earlier)
    enough = (known.sum(axis=1) >= _EARLIER) & ~np.isnan(last)
    usual = _median(np.where(enough[:, None], earlier, 1.0))
    highest = np.where(known, earlier, 0.0).max(axis=1)
    lowest = np.where(known, earlier, np.inf).min(axis=1)
    enough &= usual > _ROUNDING
    ratio = np.where(enough, last / np.where(enough, usual, 1.0), 1.0)
    lively = (ratio > _LIVELY) & (last > _LIVELIER * highest)
    calm = (ratio < _CALM) & (last < lowest / _LIVELIER)
    return np.where(enough & (lively | calm), ratio, 1.0)


def _median(values: Floats) -> Floats:
    """Medians over the last axis of what is not NaN; NaN, without a warning, for nothing."""
    ordered = np.sort(values, axis=-1)  # NaN comes last
    count = (~np.isnan(values)).sum(axis=-1, keepdims=True)
    middle = np.stack([np.maximum(count - 1, 0) // 2, count // 2])
    middle = np.minimum(middle, values.shape[-1] - 1)
    halves = [np.take_along_axis(ordered, place, axis=-1)[..., 0] for place in middle]
    return np.asarray(0.5 * (halves[0] + halves[1]))


def _runs(
    series: SeriesSet,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """(N,) equal observed values at the end; the longest run of them before, and how many."""
    count = len(series)
    seen = ~np.isnan(series.values)
    values = series.values[seen]
    owner = np.repeat(np.arange(count), series.lengths)[seen]
    last, longest = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    if not len(values):
        return last, longest, last
    new = np.ones(len(values), dtype=bool)
    new[1:] = (values[1:] != values[:-1]) | (owner[1:] != owner[:-1])
    begins = np.flatnonzero(new)
    lengths, holder = np.diff(np.append(begins, len(values))), owner[begins]
    final = np.append(holder[1:] != holder[:-1], True)
    last[holder[final]] = lengths[final]
    np.maximum.at(longest, holder[~final], lengths[~final])
    return last, longest, np.bincount(holder[~final], minlength=count)


FEWEST: Final = 4  # values below which no forecast is to be trusted
MOST_HARD: Final = 10  # series that are called hard at most
_WORSE: Final = 1.25  # times seasonal naive's error, in every fold
_WORSE_OVERALL: Final = 0.99  # times it, over all series
_FOLDS: Final = 3  # folds that take to be worse in
_MISSED: Final = 0.5  # of the newest fold's values
_MISSED_POINTS: Final = 4
_HARD: Final = 1.5  # times the median series' error
_STILL: Final = 3  # changes, and no more
_STILL_POINTS: Final = 12  # in so many values, or more
_SHORT: Final = 0.1  # by which an interval may fall short of its level


@dataclass(frozen=True)
class Assessment:
    """What was found about one series."""

    verdict: str  # `TRUST`, `CARE` or `DISTRUST`
    findings: tuple[str, ...]  # why, a phrase a reason, the gravest first


def assess(
    series: SeriesSet,
    season: int,
    horizon: int,
    past: PastForecasts,
    tested: NDArray[np.bool_],
) -> list[Assessment]:
    """Look for reasons not to trust the forecasts of some series.

    One reason asks for care. A grave one, or two, say not to trust. `tested`, (N,), is False for
    series that no backtest was tried on.
    """
    ends = look_at_ends(series, season, horizon, reach(season, horizon))
    gaps = trailing_gaps(series)
    seen = ~np.isnan(series.values)
    owner = np.repeat(np.arange(len(series)), series.lengths)
    observed = np.bincount(owner[seen], minlength=len(series))
    low, high = np.full(len(series), np.inf), np.full(len(series), -np.inf)
    np.minimum.at(low, owner[seen], series.values[seen])
    np.maximum.at(high, owner[seen], series.values[seen])
    assessments = []
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
        found += filter(None, [_about_end(ends, index)])
        found += _about_past(past, index, scored=bool(tested[index]), alone=not (grave or found))
        verdict = DISTRUST if grave or len(found) > 1 else CARE if found else TRUST
        assessments.append(Assessment(verdict, (*grave, *found)))
    return assessments


def hardest(error: Floats) -> tuple[int, ...]:
    """Indices of series whose (N,) MASE out of fold, or NaN, stands out, the hardest first."""
    known = np.flatnonzero(np.isfinite(error))
    if len(known) < 3:
        return ()
    limit = max(1.0, _HARD * float(np.median(error[known])))
    order = known[np.argsort(-error[known], kind="stable")][:MOST_HARD]
    return tuple(int(index) for index in order if error[index] > limit)


def about_table(
    methods: Sequence[MethodScore], coverage: Sequence[LevelCoverage], scores: int, season: int
) -> tuple[str, ...]:
    """What is true of the forecasts of all series, in sentences; `methods` empty without folds."""
    if not methods:
        return ("No past horizon could be scored, so nothing says how good the forecast is.",)
    sentences = []
    blend = methods[0]
    naive = next((row for row in methods if row.method == "SeasonalNaive"), None)
    if naive is not None and blend.mase >= _WORSE_OVERALL * naive.mase:
        rival = "repeating the last season" if season > 1 else "repeating the last value"
        sentences.append(
            f"On past horizons the forecast was no better than {rival} (MASE {blend.mase:.2f} "
            f"against {naive.mase:.2f})."
        )
    short = [row for row in coverage if row.coverage < row.level / 100.0 - _SHORT]
    for row in short:
        sentences.append(
            f"The {row.level:g} % interval held {100 * row.coverage:.0f} % of past values: read it "
            "as narrower than its name."
        )
    missing = [row.level for row in coverage if scores < scores_needed(row.level)]
    if missing:
        levels = " and ".join(f"{level:g} %" for level in missing)
        sentences.append(
            f"The {levels} intervals are not calibrated: there are {scores} past horizons (series "
            f"× folds), {' and '.join(str(scores_needed(level)) for level in missing)} are needed."
        )
    return tuple(sentences)


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
    if count < min(horizon, season):
        steps = f"{horizon} steps, less than a season of {season}"
        return [f"{count} values of history for {steps}"], []
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


def _about_end(ends: Ends, index: int) -> str:
    """What is new at the end; "" for nothing."""
    run, window = int(ends.run[index]), int(ends.window[index])
    if run:
        return (
            f"the last {run} values are all the same, and no such run before was longer than "
            f"{int(ends.longest[index])}"
        )
    if window:
        change = float(ends.change[index])
        side = "above" if change > 0 else "below"
        begin = "the last value lies" if window == 1 else f"the last {window} values lie"
        return (
            f"{begin} {_number(abs(change))} {side} the level before, farther than any "
            f"{'value' if window == 1 else 'stretch'} did (at most {_number(ends.before[index])})"
        )
    if ends.movement[index] != 1:
        ratio = float(ends.movement[index])
        times = f"{ratio:.1f}" if ratio >= 0.1 else f"{ratio:.2g}"
        return (
            f"the last {ends.block} values move {times} times as much as usual, unlike any before"
        )
    return ""


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


UNKNOWN = "not in the fit"  # what is said of a series that a model has not seen


def assessed(
    model: FittedModel, series: SeriesSet, places: NDArray[np.int64]
) -> tuple[Assessment, ...]:
    """Reasons not to trust the forecasts of some series.

    Arguments:
        places: (N,) of each in the fit; −1 for those that it never saw.
    """
    known = places >= 0
    if model.past is None:
        past, known = PastForecasts.none(len(series)), np.zeros(len(series), dtype=bool)
    else:
        past = PastForecasts(*np.where(known, model.past.to_array()[:, places], 0.0))
    return tuple(assess(series, model.season, model.horizon, past, known))


def notes(
    model: FittedModel,
    series: SeriesSet,
    levels: Sequence[float],
    found: Sequence[Assessment],
    missing: Sequence[frozenset[str]],
    known: NDArray[np.bool_],
    flat: NDArray[np.bool_],
) -> tuple[str, ...]:
    """What a reader should know of each forecast, the verdict first where it is not "trust".

    Arguments:
        found: (N,) from `assessed`.
        missing: (N,) networks that have no forecast for a series.
        known: (N,) whether the fit knew a series.
        flat: (N,) whether the intervals have no width.
    """
    scores = model.ensemble.spread.calibration.scores
    uncertain = [level for level in levels if scores < scores_needed(level)]
    common = [f"{', '.join(f'{level:g} %' for level in uncertain)} not calibrated"]
    result = []
    for index, assessment in enumerate(found):
        findings = list(assessment.findings)
        if flat[index]:
            findings.append("intervals without width: nothing says how wrong it may be")
        for member in model.networks:
            if member.name in missing[index] and model.ensemble.weight(member.name) > 0:
                reason = member.why_not(series.one(index))
                findings.append(f"{reason} for {member.name}: the others share its weight")
        if not known[index]:
            findings.append(UNKNOWN)
            if any(model.ensemble.weight(name) > 0 for name in WITH_COVARIATES):
                findings.append("covariates count as for all series together")
        note = "; ".join([*findings, *(common if uncertain else ())])
        result.append(note if assessment.verdict == TRUST else f"{assessment.verdict}: {note}")
    return tuple(result)


def without_width(lower: Floats, upper: Floats) -> NDArray[np.bool_]:
    """(N,) whether there is a forecast whose interval is a line, at every step."""
    return np.asarray((lower == upper).all(axis=1))


def rests_on(model: FittedModel) -> tuple[str, ...]:
    """What the forecasts rest on, in sentences: weights, and how far back the members look."""
    ensemble, calendar = model.ensemble, model.series.calendar
    sentences = [about_weights(ensemble.names, ensemble.weights.tolist())]
    longest = int(model.series.lengths.max(initial=0))
    by_context: dict[int, list[str]] = {}
    for member in model.networks:
        if ensemble.weight(member.name) > 0:
            by_context.setdefault(member.context, []).append(member.name)
    for context, names in by_context.items():
        verb = "reads" if len(names) == 1 else "read"
        sentences.append(f"{' and '.join(names)} {verb} {_last(calendar, context, longest)}.")
    if any(ensemble.weight(name) > 0 for name in ensemble.names if name not in NETWORKS):
        points = reach(model.season, model.horizon)
        sentences.append(f"The simple methods read {_last(calendar, points, longest)}.")
    return tuple(sentences)


def _last(calendar: Calendar, points: int, longest: int) -> str:
    if points >= longest:
        return f"the whole history, {calendar.duration(longest)}"
    return f"the last {calendar.duration(points)}"
