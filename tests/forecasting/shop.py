"""Daily sales that promotions double: covariates of every kind, and a fit of two updates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from holdfast import Forecaster

HORIZON, LENGTH, SERIES = 7, 140, 6
DAYS = pd.date_range("2023-01-02", periods=LENGTH + HORIZON)


def shop(seed: int = 0) -> pd.DataFrame:
    """Daily sales that promotions double, and what is known of the week to come (y missing)."""
    random = np.random.default_rng(seed)
    frames = []
    for number in range(SERIES):
        promotion = np.repeat(random.random(LENGTH // 7 + 1) < 0.3, 7)
        sales = 40.0 * (number + 1) * np.where(promotion, 2.0, 1.0)
        sales = sales * np.exp(random.normal(0.0, 0.1, len(DAYS)))
        frames.append(
            pd.DataFrame(
                {
                    "unique_id": f"p{number}",
                    "ds": DAYS,
                    "y": np.where(np.arange(len(DAYS)) < LENGTH, sales, np.nan),
                    "truth": sales,
                    "promotion": promotion.astype(int),
                    "weather": random.choice(["sun", "rain"], len(DAYS)),
                    "visits": random.normal(size=len(DAYS)),
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def past(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["y"].notna()].drop(columns="truth")


def future(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["y"].isna()][["unique_id", "ds", "promotion", "weather"]]


ITEMS = pd.DataFrame(
    {
        "unique_id": [f"p{number}" for number in range(SERIES)],
        "kind": ["a", "b"] * (SERIES // 2),
        "size": np.arange(float(SERIES)),
    }
)
KNOWN = ("promotion", "weather")


def fitted(frame: pd.DataFrame, **arguments: object) -> Forecaster:
    """Trained for two updates on everything that a table can have beside its values."""
    made = Forecaster(HORIZON, **{"adapt": "full", "steps": 2, **arguments})
    return made.fit(
        frame, static_df=ITEMS, future_covariates=KNOWN, past_covariates="visits", holidays="DE"
    )
