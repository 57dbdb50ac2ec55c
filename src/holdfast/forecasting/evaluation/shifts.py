"""What is new at the end of a history: another level, another liveliness, or no movement at all.

Each test asks whether the end differs from everything before it of the same length, by a margin. A
series that always wanders (a random walk), jumps or swings has shown such changes before, so it is
not flagged; where all windows are alike by chance, the last one is the most extreme of n in one
case of n, and the margin makes that rare.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.baselines.decomposition import deseasonalise
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet

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
    """What is new at the end of N series.

    Arguments:
        window: (N,) how many of the last values lie on another level; 0 for none.
        change: (N,) by how much, in the series' unit.
        before: (N,) the largest change of such a window before.
        movement: (N,) typical step of the last values over the usual one; 1 where nothing is new.
        block: (N,) how many last values that is.
        run: (N,) equal values at the end, where no earlier run was a third as long; 0 for none.
        longest: (N,) the longest earlier run of equal values.
        changes: (N,) how often a value differed from the one before.
    """

    window: NDArray[np.int64]
    change: Floats
    before: Floats
    movement: Floats
    block: int
    run: NDArray[np.int64]
    longest: NDArray[np.int64]
    changes: NDArray[np.int64]


def look_at_ends(series: SeriesSet, season: int, horizon: int, reach: int) -> Ends:
    """What is new at the end of each series.

    Arguments:
        series: N histories; gaps are NaN.
        season: points of a season; 1 for none.
        horizon: steps of the forecast: windows of up to as many values are compared.
        reach: points of history that are looked at.
    """
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
    there = counts[:, window + skipped :] - counts[:, skipped : counts.shape[1] - window]
    return np.where(2 * there > window, total / np.maximum(there, 1), np.nan)


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
