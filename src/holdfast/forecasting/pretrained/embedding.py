"""A series as one vector: what a pretrained network knows of it after its last value."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.forecasting.pretrained.alignment import known_patches, left_aligned
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.pretrained.reading import mirror, origins_of, read
from holdfast.tables.series import SeriesSet

CHUNK = 256
"""Series read at once, so that memory stays bounded."""


def embed(
    network: PretrainedNetwork, series: SeriesSet, season: int, long_season: int | None = None
) -> NDArray[np.float64]:
    """One vector a series: its shape without its unit, its level and its sign.

    The mean of what the network knows of the series and of its negative, so that ``a·y + b`` gives
    the vector of ``y`` for every a other than 0.

    Arguments:
        network: pretrained.
        series: N histories.
        season: points of a season; 1 where there is none.
        long_season: points of a second, longer one; None where there is none.

    Returns:
        (N, H), H units of the network; NaN for a series without a value.

    Example:
        >>> from holdfast.forecasting.pretrained.patches import FINE
        >>> from holdfast.tables.calendar import Calendar
        >>> y = np.sin(np.arange(40.0))
        >>> series = SeriesSet.from_arrays({"a": y, "b": 7 - 2 * y}, Calendar.integer())
        >>> one, other = embed(PretrainedNetwork(FINE).eval(), series, season=1)
        >>> bool(np.abs(one - other).max() < 1e-5)
        True
    """
    design = network.design
    known = known_patches(series, np.arange(len(series)), series.lengths, design)
    out = np.full((len(series), design.hidden), np.nan)
    order = np.argsort(known, kind="stable")
    for first in range(0, len(order), CHUNK):
        rows = order[first : first + CHUNK]
        positions = int(known[rows].max())
        values = torch.from_numpy(
            left_aligned(series, rows, series.lengths[rows], known[rows], positions, design.patch)
        )
        reading = read(
            values,
            torch.full((len(rows),), season),
            torch.full((len(rows),), long_season or 1),
            origins_of(~torch.isnan(values), design.patch),
            design,
        )
        last = torch.from_numpy(known[rows]) - 1
        column = torch.arange(len(rows))
        with torch.no_grad():
            here, _ = network.known(reading)
            mirrored, _ = network.known(mirror(reading, design))
            mean = 0.5 * (here[last, column] + mirrored[last, column]).double()
        empty = torch.isnan(values).all(dim=1)
        out[rows] = torch.where(empty[:, None], torch.nan, mean).numpy()
    return out
