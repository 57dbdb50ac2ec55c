"""Forecasts of trained networks for any series; no trainer here."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.forecasting.networks.covariate_inputs import CovariateWindows
from holdfast.forecasting.networks.design import QUANTILES, Design
from holdfast.forecasting.networks.features import features
from holdfast.forecasting.networks.model import ForecastNetwork
from holdfast.tables.scaling import logarithms, positive
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import window_values

CHUNK = 256
"""Series forecast at once, so that memory stays bounded."""

LARGEST_LOG = 650.0
"""exp of more than this comes near the end of float64."""


def forecast_quantiles(
    networks: Sequence[ForecastNetwork],
    design: Design,
    series: SeriesSet,
    beside: CovariateWindows | None = None,
) -> NDArray[np.float64]:
    """What the networks say of each series from its last value on, averaged over networks.

    Arguments:
        networks: trained alike from different seeds; all of `design`.
        design: their sizes.
        series: N histories, also of series that training never saw.
        beside: their covariates, for networks that read them.

    Returns:
        (N, K, Q) quantiles at the levels `QUANTILES`; NaN for series that hold fewer observed
        values in the context than the design needs.
    """
    logs = positive(series)
    inner = logarithms(series, logs)
    out = np.full((len(series), design.horizon, len(QUANTILES)), np.nan)
    for first in range(0, len(series), CHUNK):
        chunk = np.arange(first, min(first + CHUNK, len(series)))
        values = torch.from_numpy(window_values(inner, chunk, inner.lengths[chunk], design.shape))
        read = features(values, design)
        if beside is not None:
            read = beside.beside(read, chunk, beside.ends[chunk], design, last=True)
        enough = (read.observed[-1] >= design.least).numpy()
        with torch.no_grad():
            made = [network(read, last=True)[-1] for network in networks]
            scaled = torch.stack(made).double().mean(dim=0)
        level, spread = read.level[-1, :, None, None], read.spread[-1, :, None, None]
        quantiles = (scaled * spread + level).numpy()
        in_logs = logs[chunk, None, None]
        quantiles = np.where(
            in_logs, np.exp(np.where(in_logs, np.minimum(quantiles, LARGEST_LOG), 0.0)), quantiles
        )
        out[chunk] = np.where(enough[:, None, None], quantiles, np.nan)
    return out


def at_level(quantiles: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    """(…,) a quantile at any probability, linear between the neighbours that the network gives.

    Beyond the outermost levels their quantile is taken.

    Arguments:
        quantiles: (…, Q) at the levels `QUANTILES`.
        probability: between 0 and 1.
    """
    upper = int(np.clip(np.searchsorted(QUANTILES, probability), 1, len(QUANTILES) - 1))
    low, high = QUANTILES[upper - 1], QUANTILES[upper]
    share = float(np.clip((probability - low) / (high - low), 0.0, 1.0))
    blended: NDArray[np.float64] = (
        quantiles[..., upper - 1] * (1.0 - share) + quantiles[..., upper] * share
    )
    return blended
