"""Forecasts of a pretrained network for any series and any horizon; embeddings; no training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.forecasting.pretrained.features import (
    PatchFeatures,
    history_features,
    known_patches,
    left_aligned,
    mirror,
)
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.tables.series import SeriesSet
from holdfast.training.threads import side_by_side

Indices = NDArray[np.int64]

CHUNK = 256  # series embedded at once, so that memory stays bounded
POSITIONS = 4096  # positions forecast at once, so that memory stays bounded and the layers busy


def forecast_pretrained(
    network: PretrainedNetwork,
    series: SeriesSet,
    horizon: int,
    season: int,
    long_season: int | None = None,
) -> NDArray[np.float64]:
    """(N, H, Q) quantiles at the levels `QUANTILES` of every series from its last value on.

    The mean of the forecast of the series and of that of its negative, turned back, so that
    neither growth nor decline is favoured. NaN for a series without a value among the last that the
    network's context holds. The season is 1 and the long season None where a table has none.
    """
    patch = network.design.patch
    ahead = -(-horizon // patch)
    known = known_patches(series, np.arange(len(series)), series.lengths, network.design)
    out = np.full((len(series), horizon, len(QUANTILES)), np.nan)
    order = np.argsort(known, kind="stable")

    def forecast(rows: NDArray[np.int64]) -> NDArray[np.float64]:
        values = left_aligned(
            series, rows, series.lengths[rows], known[rows], int(known[rows[-1]]) + ahead, patch
        )
        return _quantiles(network, values, known[rows], horizon, season, long_season)

    batches = [order[first:last] for first, last in _batches(known[order] + ahead)]
    for rows, quantiles in zip(batches, side_by_side(forecast, batches), strict=True):
        out[rows] = quantiles
    return out


def _batches(positions: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where batches of about equal length begin and end: as many rows as `POSITIONS` allows.

    `positions` (N,), those that each row takes, rise.
    """
    first = 0
    for last in range(1, len(positions) + 1):
        full = last == len(positions) or (last + 1 - first) * positions[last] > POSITIONS
        if full:
            yield first, last
            first = last


def _quantiles(
    network: PretrainedNetwork,
    values: NDArray[np.float64],
    known: NDArray[np.int64],
    horizon: int,
    season: int,
    long_season: int | None,
) -> NDArray[np.float64]:
    """(B, H, Q) of rows that are left-aligned."""
    patch = network.design.patch
    visible = torch.from_numpy(values)
    features = history_features(visible, season, long_season, network.design)
    ahead = -(-horizon // patch)
    positions = torch.from_numpy(known)[None, :] - 1 + torch.arange(ahead)[:, None]  # (F, B)
    with torch.no_grad():
        plain = _at_positions(network, features, positions)
        other = _at_positions(network, mirror(features, network.design), positions)
        quantiles = 0.5 * (plain - other.flip(-1))
    level, spread = features.level.gather(0, positions), features.spread.gather(0, positions)
    quantiles = quantiles.double() * spread[..., None, None] + level[..., None, None]
    joined = quantiles.transpose(0, 1).flatten(1, 2)[:, :horizon]  # (B, H, Q)
    empty = torch.isnan(visible).all(dim=1)
    return torch.where(empty[:, None, None], torch.nan, joined).numpy()


def _at_positions(network: PretrainedNetwork, features: PatchFeatures, positions: Tensor) -> Tensor:
    """(F, B, p, Q) quantiles in the network's units at F positions of each row."""
    candidates = features.candidates[positions, torch.arange(positions.shape[1])]
    return network.quantiles_of(network.known_at(features, positions), candidates)


def one_step_quantiles(
    network: PretrainedNetwork,
    series: SeriesSet,
    season: int,
    long_season: int | None,
    first: Indices,
) -> NDArray[np.float64]:
    """(total, Q) quantiles of each value of N series from those before it alone.

    A pass over a window forecasts what follows each of its patches. So there are as many passes as
    a patch has points, each shifted by one; and windows overlap by half, so that every forecast
    has at least half of the context behind it, or all of the past. `first` (N,) is the first point
    of each series to forecast, at least 1: NaN before it and where no value is known yet.
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
        needed = (position <= known[batch][:, None]) & (point >= begins[batch][:, None])
        needed &= (point < series.lengths[rows[batch]][:, None]) & (point > 0)
        steps = _first_steps(network, values, season, long_season)
        where = series.offsets[rows[batch]][:, None] + point
        return where[needed], steps[needed]

    for where, quantiles in side_by_side(forecast, batches):
        out[where] = quantiles
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
    features = history_features(visible, season, long_season, network.design)
    with torch.no_grad():
        plain = network(features)
        other = network(mirror(features, network.design))
    steps = 0.5 * (plain[:, :, 0] - other[:, :, 0].flip(-1))  # (P, B, Q)
    steps = steps.double() * features.spread[..., None] + features.level[..., None]
    # Behind a patch without a value the last one before it would be read: no forecast there.
    unseen = (features.observed == 0)[..., None]
    return torch.where(unseen, torch.nan, steps).transpose(0, 1).numpy()


def embed(
    network: PretrainedNetwork, series: SeriesSet, season: int, long_season: int | None = None
) -> NDArray[np.float64]:
    """(N, H) one vector a series: its shape without its unit, its level and its sign.

    The mean of what the network knows of the series and of its negative, so that ``a·y + b`` gives
    the vector of ``y`` for every a other than 0. NaN for a series without a value.
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
        features = history_features(values, season, long_season, design)
        last = torch.from_numpy(known[rows]) - 1
        column = torch.arange(len(rows))
        with torch.no_grad():
            here = network.known(features)
            mirrored = network.known(mirror(features, design))
            mean = 0.5 * (here[last, column] + mirrored[last, column]).double()
        empty = torch.isnan(values).all(dim=1)
        out[rows] = torch.where(empty[:, None], torch.nan, mean).numpy()
    return out
