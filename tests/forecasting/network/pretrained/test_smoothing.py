"""The exponential smoothings among the candidates are those of the book."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tests.forecasting.network.pretrained.examples import (
    DESIGNS,
    PROMISED,
    Array,
    reading_of,
    spread_of,
    walk,
)

from holdfast.forecasting.network.pretrained import smoothing
from holdfast.forecasting.network.pretrained.smoothing import SMOOTHINGS, Smoothing, smoothings

ROUNDING = 2.0**-52


def smoothed_by_hand(
    row: Array, period: int, temper: tuple[float, float, float, float], steps: int
) -> tuple[list[float], float]:
    """ETS(A,Ad,A) in error-correction form, in plain numbers: (steps,) ahead, and its error."""
    alpha, beta, gamma, damping = temper
    level, slope, mistake, count = 0.0, 0.0, 0.0, 0
    season = [0.0] * period
    for time, value in enumerate(row):
        slope *= damping
        level += slope
        if np.isnan(value):
            continue
        error = value - level - season[time % period]
        early = 1.0 / (count + 1)
        quick = max(alpha, early)
        level += quick * error
        slope += (max(beta, 0.3 * early) if beta else 0.0) * error
        if period > 1:
            fresh = max(gamma, 1.0 / (count // period + 2))
            season[time % period] += fresh * (1.0 - quick) * error
        mistake += max(early, 0.07) * (abs(error) - mistake)
        count += 1
    made, far = [], level
    for step in range(steps):
        slope *= damping
        far += slope
        made.append(far + season[(len(row) + step) % period])
    return made, mistake


def smoothed(values: Array, period: int, steps: int, longest: int = 100) -> tuple[Array, Array]:
    """(B, P, steps) from the last value on, and (B, P) errors."""
    made, errors = smoothings(
        torch.from_numpy(np.nan_to_num(values)),
        torch.from_numpy(~np.isnan(values)),
        torch.full((len(values),), period),
        torch.tensor([values.shape[1] - 1]),
        steps,
        longest,
    )
    return made[:, 0].numpy(), errors[:, 0].numpy()


@pytest.mark.parametrize("period", [1, 2, 7, 12])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_every_temper_is_the_equations_worked_out_by_hand(period: int, gaps: float) -> None:
    values = np.stack([walk(50, seed, gaps=gaps) for seed in range(3)])
    values[0, :9] = np.nan
    made, errors = smoothed(values, period, 15)
    size = ROUNDING * np.nanmax(np.abs(values)) * values.shape[1] * 4
    for (index, row), (place, temper) in itertools.product(
        enumerate(values), enumerate(smoothing._TEMPERS)
    ):
        ahead, error = smoothed_by_hand(row, period, temper, 15)
        np.testing.assert_allclose(made[index, place], ahead, rtol=0.0, atol=15 * size)
        np.testing.assert_allclose(errors[index, place], error, rtol=0.0, atol=size)


def test_a_season_that_does_not_fit_counts_as_none() -> None:
    values = walk(40)[None]
    np.testing.assert_array_equal(
        smoothed(values, 12, 5, longest=11)[0], smoothed(values, 1, 5, longest=11)[0]
    )
    assert not np.array_equal(smoothed(values, 12, 5, longest=12)[0], smoothed(values, 1, 5)[0])


def test_a_step_leaves_a_copy_alone() -> None:
    state = Smoothing(torch.tensor([3]), 100)
    for value in (0.0, 5.0, -2.0, 4.0):
        state.step(torch.tensor([value], dtype=torch.float64), torch.tensor([True]))
    before, copied = state.ahead(6), state.copy()
    copied.step(torch.tensor([1e6], dtype=torch.float64), torch.tensor([True]))
    assert torch.equal(state.ahead(6), before)
    assert not torch.equal(copied.ahead(6), before)


@pytest.mark.parametrize("name", ["fine", "points"])
def test_they_are_the_last_candidates_of_every_position(name: str) -> None:
    design = DESIGNS[name]
    patch = design.patch
    row = walk(8 * patch, gaps=0.3)
    row[-2 * patch :] = np.nan
    read = reading_of(row[None], design, 3)
    made = read.candidates[:, 0, -SMOOTHINGS:].numpy().astype(np.float64)
    made = made * read.spread.numpy()[:, :, None] + read.level.numpy()[:, :, None]
    for position in range(3, 8):
        past = (row - row[~np.isnan(row)][0])[: (position + 1) * patch]
        for place, temper in enumerate(smoothing._TEMPERS):
            ahead, _ = smoothed_by_hand(past, 3, temper, patch)
            np.testing.assert_allclose(
                made[position, place],
                np.array(ahead) + row[~np.isnan(row)][0],
                rtol=0.0,
                atol=PROMISED * spread_of(row),
            )
