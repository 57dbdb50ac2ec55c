"""The pretrained networks that ship with Holdfast: one for fine calendars, one for coarse ones."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ModelError
from holdfast.forecasting.pretrained import weights_file
from holdfast.forecasting.pretrained.model import PretrainedNetwork

Name = Literal["fine", "coarse"]

FOLDER: Final = Path(__file__).parent / "weights"
"""Where the two networks lie, a safetensors file and a JSON file each."""

LONG_SEASON: Final = 24
"""Points of a season from which on it is read in long patches, where there are enough of them."""

YEAR_OF_WEEKS: Final = 52
"""A season as long that is read in short patches all the same: few histories hold many years."""

LONG_HISTORY: Final = 120
"""Points of a typical history that make five long patches."""

LONG_HORIZON: Final = 48
"""A longer horizon is reached in long patches."""


def choose(
    lengths: NDArray[np.int64], horizon: int, season: int, long_season: int | None = None
) -> Name:
    """Which of the two networks suits a table.

    Arguments:
        lengths: (N,) points of each history.
        horizon: steps to forecast.
        season: points of a season; 1 where there is none.
        long_season: points of a second, longer one; None where there is none.

    Example:
        >>> choose(np.array([144]), 12, 12), choose(np.array([700]), 24, 24, 168)
        ('fine', 'coarse')
    """
    begun = lengths[lengths > 0]  # others start after what may be seen
    typical = float(np.median(begun)) if len(begun) else 0.0
    long = max(season, long_season or 1) >= LONG_SEASON and season != YEAR_OF_WEEKS
    if long and typical >= LONG_HISTORY:
        return "coarse"
    if horizon > LONG_HORIZON and typical >= 2 * LONG_HISTORY:
        return "coarse"
    return "fine"


@cache
def shipped(name: Name) -> PretrainedNetwork:
    """A network that ships with Holdfast; read once in a process, and not to be changed.

    Raises:
        ModelError: its files are missing or damaged.
    """
    try:
        return weights_file.read(FOLDER, name)[0]
    except ModelError as error:
        raise ModelError(f"{error} It comes with Holdfast: install it again.") from error
