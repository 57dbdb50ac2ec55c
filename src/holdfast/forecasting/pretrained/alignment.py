"""Histories of unequal length side by side: every one begins a batch at its first patch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.pretrained.patches import PatchDesign
from holdfast.tables.series import SeriesSet


def patches_of(points: NDArray[np.int64], design: PatchDesign) -> NDArray[np.int64]:
    """(B,) patches that hold the last `points`: of the context at most, one at least."""
    known: NDArray[np.int64] = -(-np.clip(points, 1, design.context) // design.patch)
    return known


def known_patches(
    series: SeriesSet, rows: NDArray[np.int64], ends: NDArray[np.int64], design: PatchDesign
) -> NDArray[np.int64]:
    """(B,) patches of each history from its first value on, of those that the context holds.

    What is missing before a series begins is not part of its past, whatever the table's first row.

    Arguments:
        series: the series to read.
        rows: (B,) which of them.
        ends: (B,) how many points of each are known.
        design: the network's sizes.
    """
    points = np.zeros(len(rows), dtype=np.int64)
    for place, (row, end) in enumerate(zip(rows, ends, strict=True)):
        there = ~np.isnan(series.one(row)[max(end - design.context, 0) : end])
        if there.any():
            points[place] = len(there) - there.argmax()
    return patches_of(points, design)


def left_aligned(
    series: SeriesSet,
    rows: NDArray[np.int64],
    ends: NDArray[np.int64],
    known: NDArray[np.int64],
    positions: int,
    patch: int,
) -> NDArray[np.float64]:
    """Some histories, each ending with its last known patch, and what came behind it.

    A recurrent network does not see what lies behind a position, so that rows of unequal length
    may share a batch and give what each would give alone.

    Arguments:
        series: the series to read.
        rows: (B,) which of them.
        ends: (B,) how many points of each are known.
        known: (B,) patches that these take, from `known_patches`.
        positions: patches of the batch; those behind the known ones are the future.
        patch: points of a patch.

    Returns:
        (B, positions·patch) values; NaN before a series begins, after it ends, and in gaps.
    """
    place = np.arange(positions * patch)[None, :] - (known * patch)[:, None]
    source = place + ends[:, None]
    inside = (source >= 0) & (source < series.lengths[rows][:, None])
    flat = np.where(inside, series.offsets[rows][:, None] + source, 0)
    if not len(series.values):
        return np.full(flat.shape, np.nan)
    return np.where(inside, series.values[flat], np.nan)
