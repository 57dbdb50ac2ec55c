"""Exponential smoothing of several tempers at once: candidates for the centre of a forecast.

Each is damped Holt-Winters with additive season and fixed smoothing constants; which of them suits
a series is for the network to say, which also reads how well each has done. So the network need
not learn from series alone what a hundred years of statistics know.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

# (level, slope, season, damping): slow and quick levels, slopes that fade, slopes that stay.
_OF_SEASON: Final = (
    (0.10, 0.00, 0.10, 0.00),
    (0.35, 0.00, 0.15, 0.00),
    (0.15, 0.02, 0.10, 1.00),
    (0.40, 0.06, 0.15, 0.95),
    (0.80, 0.15, 0.25, 0.90),
    (0.90, 0.60, 0.25, 0.97),
)
# Others, so that a series without seasons has twelve different ones to choose from.
_OF_LONG_SEASON: Final = (
    (0.20, 0.00, 0.15, 0.00),
    (0.60, 0.00, 0.20, 0.00),
    (0.05, 0.01, 0.10, 1.00),
    (0.30, 0.03, 0.20, 1.00),
    (0.25, 0.10, 0.15, 0.90),
    (0.95, 0.30, 0.30, 0.80),
)

SMOOTHINGS: Final = len(_OF_SEASON) + len(_OF_LONG_SEASON)  # tempers in all
_MEMORY: Final = 0.07  # weight of the newest value in the mean of absolute errors


class Smoothing:
    """Exponential smoothing of B series in P tempers, one value at a time.

    In error-correction form, with e the error of the forecast one step ahead:
    l ← l + φb + αe, b ← φb + βe, s ← s + γ(1 − α)e. The constants are larger for the first few
    values, so that no starting values are needed. A missing value is its own forecast.

    Half of the tempers know the season, half the long season: none where there is none or it is
    longer than `longest`, so that a season which a calendar promises and a series does not have
    need not be believed.

    Source: Hyndman, Koehler, Ord and Snyder (2008), table 2.2, ETS(A,Ad,A).
    """

    def __init__(self, season: Tensor, long_season: Tensor, longest: int) -> None:
        table = torch.tensor(
            _OF_SEASON + _OF_LONG_SEASON, dtype=torch.float64, device=season.device
        )
        self._alpha, self._beta, self._gamma, self._damping = table.T
        periods = [
            period[:, None].expand(-1, len(tempers))
            for period, tempers in ((season, _OF_SEASON), (long_season, _OF_LONG_SEASON))
        ]
        period = torch.cat(periods, dim=1)
        self._period = torch.where(period > longest, 1, period)  # (B, P)
        self._gamma = torch.where(self._period > 1, self._gamma, 0.0)
        rows = len(season)
        zero = table.new_zeros(rows, SMOOTHINGS)
        self._level, self._slope, self.error = zero, zero, zero
        self._season = table.new_zeros(rows, SMOOTHINGS, int(self._period.max()))
        self._count = table.new_zeros(rows, 1)
        self._time = 0

    def step(self, values: Tensor, visible: Tensor) -> None:
        """Let one value (B,) of each series in, where it is visible."""
        place = (self._time % self._period)[..., None]
        season = self._season.gather(2, place)[..., 0]
        slope = self._damping * self._slope
        level = self._level + slope
        error = torch.where(visible[:, None], values[:, None] - level - season, 0.0)
        early = 1.0 / (self._count + 1.0)
        alpha = torch.maximum(self._alpha, early)
        beta = torch.where(self._beta > 0, torch.maximum(self._beta, 0.3 * early), 0.0)
        cycles = torch.floor(self._count / self._period)
        gamma = torch.where(self._gamma > 0, torch.maximum(self._gamma, 1.0 / (cycles + 2.0)), 0.0)
        self._level = level + alpha * error
        self._slope = slope + beta * error
        changed = season + gamma * (1.0 - alpha) * error
        self._season.scatter_(2, place, changed[..., None])
        share = torch.where(visible[:, None], torch.clamp(early, min=_MEMORY), 0.0)
        self.error = self.error + share * (error.abs() - self.error)
        self._count = self._count + visible[:, None]
        self._time += 1

    def ahead(self, steps: int) -> Tensor:
        """(B, P, steps) what each temper forecasts."""
        forward = torch.arange(steps, device=self._period.device)
        place = (self._time + forward) % self._period[..., None]  # (B, P, steps)
        season = self._season.gather(2, place)
        powers = self._damping[:, None] ** (forward + 1)
        forecast: Tensor = (
            self._level[..., None] + self._slope[..., None] * powers.cumsum(1) + season
        )
        return forecast


def smoothings(
    moved: Tensor,
    visible: Tensor,
    season: Tensor,
    long_season: Tensor,
    ends: Tensor,
    patch: int,
    longest: int,
) -> tuple[Tensor, Tensor]:
    """Forecasts of each temper at some positions, (B, K, P, p), and absolute errors, (B, K, P).

    Arguments:
        moved: (B, T) float64, anything where not visible.
        ends: (K,) the last point of each position.
        patch: p points to forecast.
        longest: a season of more points counts as none.
    """
    state = Smoothing(season, long_season, longest)
    positions = set(ends.tolist())
    forecasts, errors = [], []
    for time in range(moved.shape[1]):
        state.step(moved[:, time], visible[:, time])
        if time in positions:
            forecasts.append(state.ahead(patch))
            errors.append(state.error)
    return torch.stack(forecasts, dim=1), torch.stack(errors, dim=1)
