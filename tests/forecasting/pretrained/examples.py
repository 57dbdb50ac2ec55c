"""Small pretrained networks with random weights, and series to run them on."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from holdfast.forecasting.pretrained.design import PatchDesign
from holdfast.forecasting.pretrained.features import PatchFeatures, origins_of, patch_features
from holdfast.forecasting.pretrained.forecast import forecast_pretrained
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.forecasting.pretrained.smoothing import SMOOTHINGS
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet
from holdfast.training.seed import seeded, torch_seed

Array = NDArray[np.float64]

DESIGNS = {
    "fine": PatchDesign(
        patch=4, window=8, context=48, half_life=24, hidden=16, blocks=2, smoothings=SMOOTHINGS
    ),
    "coarse": PatchDesign(
        patch=6, window=12, context=60, half_life=30, hidden=16, blocks=1, smoothings=0
    ),
    "points": PatchDesign(
        patch=1, window=5, context=24, half_life=6, hidden=16, blocks=1, smoothings=SMOOTHINGS
    ),
}

PROMISED = 1e-5
"""In spreads: by how much forecasts may differ that are to be the same."""


def fresh(design: PatchDesign, seed: int = 0) -> PretrainedNetwork:
    """As it is before any training."""
    with seeded(torch_seed(seed), torch.device("cpu")):
        return PretrainedNetwork(design).eval()


def network_of(design: PatchDesign, seed: int = 0) -> PretrainedNetwork:
    """One that chooses between its candidates by its state, as a trained one does."""
    with seeded(torch_seed(seed), torch.device("cpu")):
        network = PretrainedNetwork(design).eval()
        nn.init.normal_(network.choose.weight, std=0.3)
        nn.init.normal_(network.choose.bias)
    return network


def series_of(rows: Sequence[Array]) -> SeriesSet:
    """Series that begin together and end where they end."""
    return SeriesSet.from_arrays({str(i): row for i, row in enumerate(rows)}, Calendar.integer())


def forecast(
    network: PretrainedNetwork,
    row: Array,
    horizon: int,
    season: int = 1,
    long_season: int | None = None,
) -> Array:
    """(H, Q) of one series alone."""
    return forecast_pretrained(network, series_of([row]), horizon, season, long_season)[0]


def reading_of(
    values: Array,
    design: PatchDesign,
    season: int = 1,
    long_season: int = 1,
) -> PatchFeatures:
    """What a network reads of (B, K·patch) values; trailing NaN are the future."""
    given = torch.from_numpy(np.ascontiguousarray(values))
    return patch_features(
        given,
        torch.full((len(given),), season),
        torch.full((len(given),), long_season),
        origins_of(~torch.isnan(given), design.patch),
        design,
    )


def walk(length: int, seed: int = 0, *, gaps: float = 0.0) -> Array:
    """A random walk; the share `gaps` of it is missing, but neither its first nor last value."""
    random = np.random.default_rng(seed)
    row = random.normal(size=length).cumsum()
    missing = random.random(length) < gaps
    missing[[0, -1]] = False
    row[missing] = np.nan
    return row


def spread_of(row: Array) -> float:
    """The deviation of what is there of a series."""
    return float(np.nanstd(row))
