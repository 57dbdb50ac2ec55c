"""The arrays that records hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Times = NDArray[np.generic]
"""Timestamps: datetime64[ns], or int64 where time is a counter."""

Floats = NDArray[np.float64]
