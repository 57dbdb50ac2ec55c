"""The sizes of a forecasting network, chosen from the data before anything is trained."""

from __future__ import annotations

import math
import reprlib
from dataclasses import asdict, dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ModelError
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.tables.windows import WindowShape

SHORT_CONTEXT = 48  # a context of no more points is read point by point
LEAST = 3  # points that a forecast looks back on at least, where a series has as many
MOST_POSITIONS = 24  # patches of a longer context at most: the longer it is, the longer they are

# What a design that was read from a file may ask for; far more than `choose_design` does.
_MOST: Final = {
    "horizon": 100_000,
    "context": 1_000_000,
    "patch": 1_000_000,  # as the context: a season that no number divides is one patch
    "span": 1_000_000,
    "least": 1_000_000,
    "hidden": 4096,
    "layers": 16,
    "batch": 4096,
}
_MOST_RATE: Final = {"dropout": 1.0, "learning_rate": 1e6}
_MOST_LAGS: Final = 16
_MOST_STEPS: Final = 1024


@dataclass(frozen=True)
class Design:
    """The sizes of a forecasting network.

    Arguments:
        patch: grid points that it reads at once; divides `context`.
        span: grid points of the recent past whose mean and deviation scale a position.
        lags: distances in grid points at which the past is laid beside each step of the horizon,
            a season or two back; 1 stands for the last value.
        least: points that a forecast needs to look back on.
        dropout: share of each layer's output that training drops.
        batch: windows in one update.
        learning_rate: the highest rate of the schedule.
    """

    horizon: int
    context: int
    patch: int
    span: int
    lags: tuple[int, ...]
    least: int
    hidden: int
    layers: int
    dropout: float
    batch: int
    learning_rate: float

    @property
    def shape(self) -> WindowShape:
        """The window that the network reads and forecasts."""
        return WindowShape(self.context, self.patch, self.horizon)

    def to_json(self) -> dict[str, object]:
        """Plain numbers and lists."""
        return asdict(self)

    @classmethod
    def from_json(cls, fields: dict[str, object]) -> Design:
        """The inverse of `to_json`; a ModelError where a field is missing or impossible."""
        names = set(cls.__dataclass_fields__)
        if not isinstance(fields, dict) or set(fields) != names:
            odd = ", ".join(sorted(map(str, set(fields) ^ names)))
            raise ModelError(f"The model's design has missing or unknown fields: {odd}.")
        lags, context, patch = fields["lags"], fields["context"], fields["patch"]
        sound = {name: _whole(fields[name], most) for name, most in _MOST.items()}
        sound["lags"] = isinstance(lags, list | tuple) and 1 <= len(lags) <= _MOST_LAGS
        sound |= {name: _between(fields[name], most) for name, most in _MOST_RATE.items()}
        sound["learning_rate"] = sound["learning_rate"] and fields["learning_rate"] != 0
        if sound["context"] and isinstance(context, int):
            sound["span"] = _whole(fields["span"], context)
            if sound["lags"] and isinstance(lags, list | tuple):
                sound["lags"] = all(_whole(lag, context) for lag in lags)
            if sound["patch"] and isinstance(patch, int):
                sound["patch"] = context % patch == 0 and context // patch <= _MOST_STEPS
        for name, is_sound in sound.items():
            if not is_sound:
                shown = reprlib.repr(fields[name])
                raise ModelError(f"The model's design has an impossible {name}: {shown}.")
        assert isinstance(lags, list | tuple)
        return cls(**{**fields, "lags": tuple(lags)})  # type: ignore[arg-type]  # checked above


def _whole(value: object, most: int) -> bool:
    return type(value) is int and 1 <= value <= most


def _between(value: object, end: float) -> bool:
    """Whether it is a number from 0 to below `end`; NaN is not."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < end


def choose_design(
    lengths: NDArray[np.int64], horizon: int, season: int, long_season: int | None = None
) -> Design:
    """A network that fits the data: the points of each training series, and their seasons.

    The context holds two long seasons where the histories do, three seasons otherwise, and at
    least twice the horizon; it never exceeds what most series hold. Patches are whole seasons when
    the context is long (a fortnight of hours is 14 steps of 24), single points when it is short.
    """
    begun = lengths[lengths > 0]  # others start after what training may see
    typical = int(np.quantile(begun, 0.75)) if len(begun) else 1
    longest = max(season, long_season or 1)
    useful = max(2 * longest, 3 * season, 2 * horizon if season > 1 else horizon, 16)
    room = max(typical - min(horizon, typical // 3), min(typical, LEAST))
    context = min(useful, room)
    patch = 1
    if context > SHORT_CONTEXT:
        patch = _patch(context, season)
    context = max(context // patch, 1) * patch
    steps = context // patch

    lags = {1}
    for period in (season, long_season or 1):
        lags |= {lag for lag in (period, 2 * period) if 1 < lag <= context}
    points = int(np.sum(lengths))
    hidden = 128 if points >= 20_000 else 64 if points >= 2_000 else 32
    return Design(
        horizon=horizon,
        context=context,
        patch=patch,
        span=max(min(longest, context), min(8, context)),
        lags=tuple(sorted(lags)),
        least=min(max(min(season, context // 2), patch, LEAST), context),
        hidden=hidden,
        layers=2 if points >= 2_000 else 1,
        dropout=0.1,
        batch=_batch(horizon, steps, points),
        learning_rate=2e-3,
    )


def _patch(context: int, season: int) -> int:
    """Points at once: a divisor of the season, or its multiple, that bounds the positions."""
    least = math.ceil(context / MOST_POSITIONS)
    if season > 1:
        for patch in range(least, season + 1):
            if season % patch == 0:
                return patch
        return season * math.ceil(least / season)
    return least


def _batch(horizon: int, steps: int, points: int) -> int:
    """Windows in one update: fewer for small data, and so many that its forecasts fit the cache."""
    forecasts = 1_000_000
    most = forecasts // (horizon * steps * len(QUANTILES))
    return int(np.clip(min(most, points // 32), 8, 32))
