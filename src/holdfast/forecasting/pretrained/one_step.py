"""What a pretrained network said of every point of the past, one step ahead of it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.forecasting.networks.design import QUANTILES
from holdfast.forecasting.networks.threads import side_by_side
from holdfast.forecasting.pretrained.alignment import known_patches, left_aligned
from holdfast.forecasting.pretrained.forecast import POSITIONS
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.pretrained.reading import mirror, origins_of, read
from holdfast.tables.series import SeriesSet

Indices = NDArray[np.int64]


def one_step_quantiles(
    network: PretrainedNetwork,
    series: SeriesSet,
    season: int,
    long_season: int | None,
    first: Indices,
) -> NDArray[np.float64]:
    """Quantiles of each point from those before it alone.

    A pass over a window forecasts what follows each of its patches. So there are as many passes as
    a patch has points, each shifted by one; and windows overlap by half, so that every forecast
    has at least half of the context behind it, or all of the past.

    Arguments:
        network: pretrained; it never saw these series.
        series: N histories.
        season, long_season: points of the seasons; 1 and None where there are none.
        first: (N,) the first point of each series that is wanted; at least 1.

    Returns:
        (total, Q) for each of the values in `series`; NaN before `first` and where nothing is known
        of a series yet.
    """
    design = network.design
    out = np.full((len(series.values), len(QUANTILES)), np.nan)
    rows, ends, begins = _windows(series.lengths, first, design.context, design.patch)
    if not len(rows):
        return out
    known = known_patches(series, rows, ends, design)
    order = np.argsort(known, kind="stable")
    rows, ends, begins, known = rows[order], ends[order], begins[order], known[order]
    size = max(POSITIONS // int(known[-1]), 1)
    batches = [np.arange(at, min(at + size, len(rows))) for at in range(0, len(rows), size)]

    def forecast(batch: Indices) -> tuple[Indices, NDArray[np.float64]]:
        patches, patch = int(known[batch[-1]]), design.patch
        values = left_aligned(series, rows[batch], ends[batch], known[batch], patches, patch)
        # Behind each position stands the point that it forecasts.
        position = np.arange(1, patches + 1)
        point = ends[batch][:, None] - (known[batch][:, None] - position) * patch  # (B, P)
        wanted = (position <= known[batch][:, None]) & (point >= begins[batch][:, None])
        wanted &= (point < series.lengths[rows[batch]][:, None]) & (point > 0)
        made = _first_steps(network, values, season, long_season)
        where = series.offsets[rows[batch]][:, None] + point
        return where[wanted], made[wanted]

    for where, made in side_by_side(forecast, batches):
        out[where] = made
    return out


def _windows(
    lengths: Indices, first: Indices, context: int, patch: int
) -> tuple[Indices, Indices, Indices]:
    """Series, end and first wanted point of each window: stretches of half a context."""
    half = max(context // 2 // patch, 1) * patch
    rows, ends, begins = [], [], []
    for row, (length, begin) in enumerate(zip(lengths.tolist(), first.tolist(), strict=True)):
        for shift in range(min(patch, length)):
            end = length - 1 - shift  # forecasts the point `end`, and others a patch apart
            while end >= begin:
                low = end - half + patch if end > context else begin
                rows.append(row)
                ends.append(end)
                begins.append(max(low, begin))
                end = low - patch
    return (
        np.array(rows, dtype=np.int64),
        np.array(ends, dtype=np.int64),
        np.array(begins, dtype=np.int64),
    )


def _first_steps(
    network: PretrainedNetwork,
    values: NDArray[np.float64],
    season: int,
    long_season: int | None,
) -> NDArray[np.float64]:
    """(B, P, Q) what follows each position of rows that are left-aligned, by one step."""
    visible = torch.from_numpy(values)
    reading = read(
        visible,
        torch.full((len(values),), season),
        torch.full((len(values),), long_season or 1),
        origins_of(~torch.isnan(visible), network.design.patch),
        network.design,
    )
    with torch.no_grad():
        made, _ = network(reading)
        other, _ = network(mirror(reading, network.design))
    steps = 0.5 * (made[:, :, 0] - other[:, :, 0].flip(-1))  # (P, B, Q)
    steps = steps.double() * reading.spread[..., None] + reading.level[..., None]
    # Behind a patch without a value the last one before it would be read: nothing is said there.
    unseen = (reading.observed == 0)[..., None]
    return torch.where(unseen, torch.nan, steps).transpose(0, 1).numpy()
