"""A series as a small picture: an SVG path, thinned to what a screen can show."""

from __future__ import annotations

from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

WIDTH: Final = 300
HEIGHT: Final = 90
_MARGIN: Final = 5
_BINS: Final = 240
"""Stretches of a long series of which the lowest and the highest point are drawn."""


def path(values: NDArray[np.float32]) -> str:
    """The SVG path of a series in a box of `WIDTH` by `HEIGHT`; gaps interrupt it.

    Arguments:
        values: (T,) NaN for gaps; the whole width is for T points.

    Example:
        >>> path(np.array([0.0, np.nan, 2.0, 1.0], dtype=np.float32))
        'M0 85h0M200 5L300 45'
    """
    kept = _thinned(values)
    shown = values[kept].astype(np.float64)
    low, high = np.nanmin(shown), np.nanmax(shown)
    if high > low:
        height = HEIGHT - _MARGIN - (shown - low) / (high - low) * (HEIGHT - 2 * _MARGIN)
    else:
        height = np.where(np.isnan(shown), np.nan, HEIGHT / 2)
    across = kept * (WIDTH / max(len(values) - 1, 1))
    parts: list[str] = []
    run: list[str] = []
    for x, y in [*zip(across.tolist(), height.tolist(), strict=True), (0.0, np.nan)]:
        if y == y:
            run.append(f"{x:.4g} {y:.3g}")
            continue
        if run:
            # A point alone is a line of no length, which round ends make a dot.
            parts.append(f"M{run[0]}h0" if len(run) == 1 else "M" + "L".join(run))
        run = []
    return "".join(parts)


def _thinned(values: NDArray[np.float32]) -> NDArray[np.int64]:
    """Which points are drawn: all, or of a long series the extremes of each stretch."""
    points = len(values)
    if points <= 2 * _BINS:
        return np.arange(points)
    edges = np.linspace(0, points, _BINS + 1).astype(np.int64)
    kept: set[int] = set()
    for begin, end in pairwise(edges.tolist()):
        stretch = values[begin:end]
        missing = np.isnan(stretch)
        if missing.any():
            kept.add(int(begin + np.argmax(missing)))
        if not missing.all():
            kept.add(int(begin + np.nanargmin(stretch)))
            kept.add(int(begin + np.nanargmax(stretch)))
    return np.array(sorted(kept))
