"""The exponential smoothings among the candidates are those of the book."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from tests.forecasting.pretrained.examples import (
    DESIGNS,
    PROMISED,
    Array,
    reading_of,
    spread_of,
    walk,
)

from holdfast.forecasting.pretrained import smoothing
from holdfast.forecasting.pretrained.smoothing import SMOOTHINGS, smoothings

ROUNDING = 2.0**-52

Temper = tuple[float, float, float, float]


def smoothed_by_hand(
    row: Array, period: int, temper: Temper, steps: int
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
    result, far = [], level
    for step in range(steps):
        slope *= damping
        far += slope
        result.append(far + season[(len(row) + step) % period])
    return result, mistake


def tempers_of(season: int, long_season: int) -> list[tuple[int, Temper]]:
    """Every temper with the period that it knows, in the order of the candidates."""
    tempers = [(season, temper) for temper in smoothing._OF_SEASON]
    return tempers + [(long_season, temper) for temper in smoothing._OF_LONG_SEASON]


def smoothed(
    values: Array, season: int, long_season: int, steps: int, longest: int = 100
) -> tuple[Array, Array]:
    """(B, P, steps) from the last value on, and (B, P) errors."""
    result, errors = smoothings(
        torch.from_numpy(np.nan_to_num(values)),
        torch.from_numpy(~np.isnan(values)),
        torch.full((len(values),), season),
        torch.full((len(values),), long_season),
        torch.tensor([values.shape[1] - 1]),
        steps,
        longest,
    )
    return result[:, 0].numpy(), errors[:, 0].numpy()


@pytest.mark.parametrize("periods", [(1, 1), (2, 1), (7, 14), (12, 1), (5, 12)])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_every_temper_is_the_equations_worked_out_by_hand(
    periods: tuple[int, int], gaps: float
) -> None:
    values = np.stack([walk(50, seed, gaps=gaps) for seed in range(3)])
    values[0, :9] = np.nan
    result, errors = smoothed(values, *periods, 15)
    size = ROUNDING * np.nanmax(np.abs(values)) * values.shape[1] * 4
    for (index, row), (place, (period, temper)) in itertools.product(
        enumerate(values), enumerate(tempers_of(*periods))
    ):
        ahead, error = smoothed_by_hand(row, period, temper, 15)
        np.testing.assert_allclose(result[index, place], ahead, rtol=0.0, atol=15 * size)
        np.testing.assert_allclose(errors[index, place], error, rtol=0.0, atol=size)


def test_series_of_unlike_seasons_share_a_batch() -> None:
    values = np.stack([walk(40, seed) for seed in range(2)])
    result, errors = smoothings(
        torch.from_numpy(values),
        torch.ones(values.shape, dtype=torch.bool),
        torch.tensor([4, 7]),
        torch.tensor([12, 1]),
        torch.tensor([39]),
        5,
        100,
    )
    for row, (season, long_season) in enumerate([(4, 12), (7, 1)]):
        ahead, mistake = smoothed(values[row : row + 1], season, long_season, 5)
        np.testing.assert_array_equal(result[row, 0].numpy(), ahead[0])
        np.testing.assert_array_equal(errors[row, 0].numpy(), mistake[0])


@pytest.mark.parametrize("long", [False, True])
def test_a_season_that_does_not_fit_counts_as_none(long: bool) -> None:
    values = walk(40)[None]
    seasons, none = ((1, 12), (1, 1)) if long else ((12, 1), (1, 1))
    kept = smoothed(values, *none, 5)[0]
    np.testing.assert_array_equal(smoothed(values, *seasons, 5, longest=11)[0], kept)
    assert not np.array_equal(smoothed(values, *seasons, 5, longest=12)[0], kept)


@pytest.mark.parametrize("name", ["fine", "points"])
def test_they_are_the_last_candidates_of_every_position(name: str) -> None:
    design = DESIGNS[name]
    patch = design.patch
    row = walk(8 * patch, gaps=0.3)
    row[-2 * patch :] = np.nan
    read = reading_of(row[None], design, 3, 6)
    result = read.candidates[:, 0, -SMOOTHINGS:].numpy().astype(np.float64)
    result = result * read.spread.numpy()[:, :, None] + read.level.numpy()[:, :, None]
    for position in range(3, 8):
        past = (row - row[~np.isnan(row)][0])[: (position + 1) * patch]
        for place, (period, temper) in enumerate(tempers_of(3, 6)):
            ahead, _ = smoothed_by_hand(past, period, temper, patch)
            np.testing.assert_allclose(
                result[position, place],
                np.array(ahead) + row[~np.isnan(row)][0],
                rtol=0.0,
                atol=PROMISED * spread_of(row),
            )
