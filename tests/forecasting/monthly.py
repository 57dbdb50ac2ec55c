"""Monthly series with a season, and fits of them that take no time."""

from __future__ import annotations

import numpy as np
import pandas as pd

from holdfast import Forecaster
from holdfast.records import ADAPTED, LSTM, PRETRAINED

HORIZON = 6
PLAIN = (PRETRAINED, ADAPTED, LSTM)


def long_frame(series: int = 4, length: int = 96, seed: int = 0) -> pd.DataFrame:
    """Monthly series with a season of 12."""
    generator = np.random.default_rng(seed)
    month = np.arange(length)
    frames = []
    for number in range(series):
        level = 50.0 * (number + 1) + 0.2 * month
        season = 8.0 * np.sin(2 * np.pi * month / 12 + number)
        frames.append(
            pd.DataFrame(
                {
                    "unique_id": f"s{number}",
                    "ds": pd.date_range("2015-01-01", periods=length, freq="MS"),
                    "y": level + season + generator.normal(0, 1.0, length),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def fitted(frame: object, **arguments: object) -> Forecaster:
    """Fitted without training, unless `arguments` say otherwise."""
    return Forecaster(HORIZON, **{"adapt": "none", **arguments}).fit(frame)


def trained(frame: object, **arguments: object) -> Forecaster:
    """Fitted with a handful of updates of every kind of network."""
    return fitted(frame, **{"adapt": "full", "steps": 2, **arguments})


def numbers(frame: pd.DataFrame) -> np.ndarray:
    return frame.select_dtypes("number").to_numpy()
