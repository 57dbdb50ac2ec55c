"""Folds: the cut-offs of a backtest, for all series at once."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.forecasting.evaluation.metrics import seasonal_scale
from holdfast.records import Floats
from holdfast.tables.series import SeriesSet


@dataclass(frozen=True, eq=False)
class Folds:
    """The folds of one backtest: cut-offs, ordinals of the last value that a forecast may see.

    Arguments:
        scoring: oldest first; empty where the history is too short.
        stopping: of the earlier fold for early stopping, or None. Its horizon ends at or before the
            first scoring cut-off, so what stops the training is never scored.
        needed: grid points that a series must have up to a cut-off to be scored behind it.
        reason: why there are so many folds and not more, in a sentence; "" where all were made.
    """

    scoring: tuple[int, ...]
    stopping: int | None
    horizon: int
    needed: int
    reason: str

    @property
    def cutoffs(self) -> NDArray[np.int64]:
        """(F,) the scoring folds' cut-offs, oldest first."""
        return np.array(self.scoring, dtype=np.int64)

    def members(self, series: SeriesSet, cutoff: int) -> NDArray[np.bool_]:
        """(N,) which series are long enough at the cut-off and have a value behind it."""
        enough = cutoff - series.starts + 1 >= self.needed
        behind = ~np.isnan(series.span(cutoff + 1, self.horizon)).all(axis=1)
        return np.asarray(enough & behind)

    def actual(self, series: SeriesSet) -> Floats:
        """(F, N, K) what came behind each scoring cut-off; NaN for gaps and series not in it."""
        rows = np.full((len(self.scoring), len(series), self.horizon), np.nan)
        for index, cutoff in enumerate(self.scoring):
            inside = self.members(series, cutoff)[:, None]
            rows[index] = np.where(inside, series.span(cutoff + 1, self.horizon), np.nan)
        return rows

    def scales(self, series: SeriesSet, season: int) -> Floats:
        """(F, N) each fold's MASE unit, from what lies before its cut-off."""
        rows = [seasonal_scale(series.cut(cutoff), season) for cutoff in self.scoring]
        return np.stack(rows) if rows else np.ones((0, len(series)))


def make_folds(
    series: SeriesSet, horizon: int, *, season: int = 1, folds: int = 3, step: int | None = None
) -> Folds:
    """Cuts the time of all series into folds, as many as the history allows, oldest first.

    The cut-offs are end − horizon − k · step, one ordinal for all series. The end is the latest
    ordinal at which at least half as many series still run as ever ran at once: series that ended
    long ago do not matter, and one straggler does not move the backtest to where it is alone.
    A series that ends before a cut-off, or starts after it, has no score there.

    A cut-off needs series with max(horizon, season + 1, 3) grid points before it: at least one, and
    a tenth of those in the newest fold. Where three or more fit, the oldest is for early stopping.
    Tiny histories get no fold, with the reason in words.

    Arguments:
        folds: scoring folds wanted, at least 0.
        step: grid points between cut-offs, the horizon if not given.
    """
    step = horizon if step is None else step
    for name, value, least in (("horizon", horizon, 1), ("folds", folds, 0), ("step", step, 1)):
        if value < least:
            raise ArgumentError(f"{name} is {value}; it must be at least {least}.")
    needed = max(horizon, season + 1, 3)
    long_enough = series.lengths >= needed + horizon
    if not folds or not long_enough.any():
        longest = int(series.lengths.max(initial=0))
        reason = (
            f"No backtest: the longest series has {longest} points, and a fold needs "
            f"{needed + horizon} ({needed} to learn from, {horizon} to score)."
        )
        return Folds((), None, horizon, needed, reason if folds else "No backtest was asked for.")
    starts, ends = series.starts[long_enough], series.ends[long_enough]
    end = _common_end(starts + needed + horizon - 1, ends)

    def scored(cutoff: int) -> int:
        return int(((starts + needed - 1 <= cutoff) & (ends > cutoff)).sum())

    newest = scored(end - horizon)
    fewest = max(1.0, newest / 10.0)
    cutoffs: list[int] = []
    while len(cutoffs) < folds and scored(end - horizon - len(cutoffs) * step) >= fewest:
        cutoffs.append(end - horizon - len(cutoffs) * step)
    possible = len(cutoffs)
    # Early stopping is worth the oldest fold where two are left to cross weights over.
    while scored(cutoffs[-1] - horizon) < fewest and len(cutoffs) > 2:
        cutoffs.pop()
    watched = cutoffs[-1] - horizon
    stops = scored(watched) >= fewest
    if not stops and possible > len(cutoffs):
        cutoffs = [end - horizon - k * step for k in range(possible)]
    return Folds(
        scoring=tuple(reversed(cutoffs)),
        stopping=watched if stops else None,
        horizon=horizon,
        needed=needed,
        reason=_reason(len(cutoffs), folds, needed, horizon, stops),
    )


def time_blocks(cutoffs: NDArray[np.int64], horizon: int) -> NDArray[np.int64]:
    """(F,) which block of time each fold belongs to, 0 for the newest.

    A block is a fold and those less than a horizon older, which overlap it; the next block begins
    with the newest fold that does not. Blocks are as many as folds that share no point of time.
    """
    blocks = np.zeros(len(cutoffs), dtype=np.int64)
    block, newest = -1, 0
    for fold in np.argsort(-cutoffs, kind="stable").tolist():
        if block < 0 or newest - cutoffs[fold] >= horizon:
            block, newest = block + 1, int(cutoffs[fold])
        blocks[fold] = block
    return blocks


def apart_in_time(cutoffs: NDArray[np.int64], horizon: int) -> NDArray[np.bool_]:
    """(F,) True for the newest fold of each of the `time_blocks`: no two of these overlap."""
    blocks = time_blocks(cutoffs, horizon)
    newest = [
        bool(cutoff == cutoffs[blocks == block].max())
        for cutoff, block in zip(cutoffs, blocks, strict=True)
    ]
    return np.array(newest, dtype=bool)


def _common_end(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> int:
    """The latest ordinal at which at least half as many series run as ever ran at once.

    `begins` and `ends` are the first and last ordinal at which each series could be a fold's end.
    """
    candidates = np.unique(ends)
    running = np.searchsorted(np.sort(begins), candidates, side="right")
    running = running - np.searchsorted(np.sort(ends), candidates, side="left")
    return int(candidates[running >= running.max() / 2.0].max())


def _reason(count: int, folds: int, needed: int, horizon: int, stops: bool) -> str:
    """Why there are not more folds, in a sentence; "" where there is nothing to say."""
    parts = []
    if count < folds:
        parts.append(
            f"{count} {'fold' if count == 1 else 'folds'} instead of {folds}: an earlier cut-off "
            f"would leave fewer than {needed} points to learn from"
        )
    if not stops:
        parts.append(f"no room for {horizon} more points to watch for early stopping")
    text = "; ".join(parts)
    return text[:1].upper() + text[1:] + "." if text else ""
