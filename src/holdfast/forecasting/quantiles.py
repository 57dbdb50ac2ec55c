"""The quantiles that every network forecasts, and those between them; no torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUANTILES: tuple[float, ...] = (
    0.005, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95, 0.975, 0.995,
)  # fmt: skip
"""The levels that every network forecasts, the median in the middle."""


def at_level(quantiles: NDArray[np.float64], probability: float) -> NDArray[np.float64]:
    """(…,) a quantile at any probability, linear between its neighbours among the (…, Q) given.

    Beyond the outermost of `QUANTILES` their quantile is taken.
    """
    upper = int(np.clip(np.searchsorted(QUANTILES, probability), 1, len(QUANTILES) - 1))
    low, high = QUANTILES[upper - 1], QUANTILES[upper]
    share = float(np.clip((probability - low) / (high - low), 0.0, 1.0))
    blended: NDArray[np.float64] = (
        quantiles[..., upper - 1] * (1.0 - share) + quantiles[..., upper] * share
    )
    return blended
