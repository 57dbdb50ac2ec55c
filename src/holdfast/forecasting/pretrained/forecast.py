"""Forecasts of a pretrained network for any series and any horizon, without training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from holdfast.forecasting.networks.design import QUANTILES
from holdfast.forecasting.networks.threads import side_by_side
from holdfast.forecasting.pretrained.alignment import known_patches, left_aligned
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.pretrained.reading import Reading, mirror, origins_of, read
from holdfast.tables.series import SeriesSet

POSITIONS = 4096
"""Positions that a thread forecasts at once, so that memory stays bounded and the layers busy."""


def forecast_pretrained(
    network: PretrainedNetwork,
    series: SeriesSet,
    horizon: int,
    season: int,
    long_season: int | None = None,
) -> NDArray[np.float64]:
    """What the network says of each series from its last value on.

    Made of the forecast of the series and of that of its negative, so that neither growth nor
    decline is favoured.

    Arguments:
        network: pretrained.
        series: N histories.
        horizon: H steps, as many as are wanted.
        season: points of a season; 1 where there is none.
        long_season: points of a second, longer one; None where there is none.

    Returns:
        (N, H, Q) quantiles at the levels `QUANTILES`; NaN for a series without a value
        among the last that the network's context holds.
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
    for rows, made in zip(batches, side_by_side(forecast, batches), strict=True):
        out[rows] = made
    return out


def _batches(positions: NDArray[np.int64]) -> Iterator[tuple[int, int]]:
    """Where batches of about equal length begin and end: as many rows as `POSITIONS` allows.

    Arguments:
        positions: (N,) that each row takes, in rising order.
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
    seasons = torch.full((len(values),), season)
    longer = torch.full((len(values),), long_season or 1)
    origins = origins_of(~torch.isnan(visible), patch)
    reading = read(visible, seasons, longer, origins, network.design)
    ahead = -(-horizon // patch)
    positions = torch.from_numpy(known)[None, :] - 1 + torch.arange(ahead)[:, None]  # (F, B)
    with torch.no_grad():
        made = _made(network, reading, positions)
        made = 0.5 * (made - _made(network, mirror(reading, network.design), positions).flip(-1))
    level, spread = reading.level.gather(0, positions), reading.spread.gather(0, positions)
    made = made.double() * spread[..., None, None] + level[..., None, None]
    joined = made.transpose(0, 1).flatten(1, 2)[:, :horizon]  # (B, H, Q)
    empty = torch.isnan(visible).all(dim=1)
    return torch.where(empty[:, None, None], torch.nan, joined).numpy()


def _made(network: PretrainedNetwork, reading: Reading, positions: Tensor) -> Tensor:
    """(F, B, p, Q) quantiles in the network's units at F positions of each row."""
    candidates = reading.candidates[positions, torch.arange(positions.shape[1])]
    return network.quantiles_of(network.known_at(reading, positions), candidates)
