"""Forecasts while values arrive: a new value costs one step, however long the past is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from holdfast.errors import ArgumentError
from holdfast.forecasting.pretrained.model import PretrainedNetwork, State
from holdfast.forecasting.pretrained.reading import Reading, mirror, origins_of, read
from holdfast.forecasting.pretrained.smoothing import Smoothing


class Stream:
    """Some series that grow together, one value each at a time.

    A forecast from point n reads patches that end at n. So there are as many readers as a patch
    has points; the value that arrives ends a patch of one of them, whose state moves by one step.
    What a stream forecasts is what a fresh run over the whole past forecasts, as long as that past
    fits into the network's context; beyond it the stream remembers more.

    Arguments:
        network: pretrained.
        count: B, how many series.
        season: points of a season; 1 where there is none.
        long_season: points of a second, longer one; None where there is none.

    Example:
        >>> from holdfast.forecasting.pretrained.patches import FINE
        >>> stream = Stream(PretrainedNetwork(FINE).eval(), count=2, season=12)
        >>> for pair in [(1.0, 10.0), (2.0, 30.0), (3.0, 20.0)]:
        ...     stream.append(pair)
        >>> stream.forecast(horizon=6).shape
        (2, 6, 13)
    """

    def __init__(
        self,
        network: PretrainedNetwork,
        *,
        count: int = 1,
        season: int = 1,
        long_season: int | None = None,
    ) -> None:
        if count < 1 or season < 1 or (long_season is not None and long_season < 1):
            raise ArgumentError("A stream needs count, season and long_season of at least 1.")
        self._network = network
        self._season = torch.full((count,), season)
        self._long_season = torch.full((count,), long_season or 1)
        self._values = torch.zeros((count, 0), dtype=torch.float64)  # the newest context
        self._reference = torch.zeros(count, dtype=torch.float64)  # each series' first value
        self._seen = torch.zeros(count, dtype=torch.bool)
        self._smoothing = Smoothing(self._season, self._long_season, network.design.context)
        self._readers: list[State | None] = [None] * network.design.patch
        self._turn = -1
        self._newest: tuple[Reading, Tensor] | None = None

    def append(self, values: ArrayLike) -> None:
        """Let one new value of each series in.

        Arguments:
            values: (B,) in the order of the series, NaN for one that is missing.

        Raises:
            ArgumentError: there are more or fewer values than series, or one is infinite.
        """
        arrived = np.asarray(values, dtype=np.float64).reshape(-1)
        if len(arrived) != len(self._values) or np.isinf(arrived).any():
            raise ArgumentError(
                f"append() takes {len(self._values)} finite values, one a series (NaN where one "
                f"is missing), and was given {values!r}."
            )
        design = self._network.design
        newest = torch.from_numpy(arrived.copy())
        self._values = torch.cat([self._values, newest[:, None]], dim=1)[:, -design.context :]
        visible = ~torch.isnan(newest)
        self._reference = torch.where(visible & ~self._seen, newest, self._reference)
        self._seen |= visible
        self._smoothing.step(torch.nan_to_num(newest - self._reference), visible)
        self._turn = (self._turn + 1) % design.patch
        reading = self._read(ahead=0)
        quantiles, self._readers[self._turn] = self._advance(reading, self._readers[self._turn])
        self._newest = reading, quantiles

    def forecast(self, horizon: int) -> NDArray[np.float64]:
        """What the network says of each series from its newest value on.

        Arguments:
            horizon: H steps, at least 1.

        Returns:
            (B, H, Q) quantiles at the levels `QUANTILES`; NaN for a series without a value.

        Raises:
            ArgumentError: nothing has arrived yet, or the horizon is out of range.
        """
        if self._newest is None:
            raise ArgumentError("A stream forecasts after the first append().")
        if horizon < 1:
            raise ArgumentError(f"horizon={horizon} must be at least 1.")
        ahead = -(-horizon // self._network.design.patch)
        reading, quantiles = self._newest
        parts = [_in_values(reading, quantiles)]
        if ahead > 1:
            future = self._read(ahead=ahead - 1)
            quantiles, _ = self._advance(future, self._readers[self._turn])
            parts.append(_in_values(future, quantiles))
        made = torch.cat(parts).transpose(0, 1).flatten(1, 2)[:, :horizon]
        empty = torch.isnan(self._values).all(dim=1)
        return torch.where(empty[:, None, None], torch.nan, made).numpy()

    def _read(self, ahead: int) -> Reading:
        """The reading of the newest patch, or of some hidden ones behind it."""
        design = self._network.design
        patch, points = design.patch, self._values.shape[1]
        before = -points % patch
        values = torch.nn.functional.pad(self._values, (before, ahead * patch), value=torch.nan)
        return read(
            values,
            self._season,
            self._long_season,
            origins_of(~torch.isnan(values), patch),
            design,
            newest=ahead or 1,
            smoothed=self._smoothed(ahead) if design.smoothings else None,
        )

    def _smoothed(self, ahead: int) -> tuple[Tensor, Tensor]:
        """What the smoothings say after the newest patch, or after some hidden ones behind it."""
        patch, state = self._network.design.patch, self._smoothing.copy()
        nothing = torch.zeros_like(self._reference)
        made, errors = [], []
        for _ in range(ahead or 1):
            for _ in range(patch if ahead else 0):
                state.step(nothing, nothing.bool())
            made.append(state.ahead(patch) + self._reference[:, None, None])
            errors.append(state.error)
        return torch.stack(made, dim=1), torch.stack(errors, dim=1)

    def _advance(self, reading: Reading, state: State | None) -> tuple[Tensor, State]:
        """The series and their negatives by one or more positions."""
        both = _beside(reading, mirror(reading, self._network.design))
        with torch.no_grad():
            made, state = self._network(both, state)
        count = made.shape[1] // 2
        # A series that has not begun has no past: its first value finds the state of a fresh run.
        begun = (reading.observed[-1] > 0).float().repeat(2)[:, None]
        state = tuple((hidden * begun, cell * begun) for hidden, cell in state)
        return 0.5 * (made[:, :count] - made[:, count:].flip(-1)), state


def _in_values(reading: Reading, quantiles: Tensor) -> Tensor:
    """(K, B, p, Q) from the network's units."""
    return quantiles.double() * reading.spread[..., None, None] + reading.level[..., None, None]


def _beside(one: Reading, other: Reading) -> Reading:
    """Two readings as one of twice the rows."""
    return replace(
        one,
        inputs=torch.cat([one.inputs, other.inputs], dim=1),
        candidates=torch.cat([one.candidates, other.candidates], dim=1),
    )
