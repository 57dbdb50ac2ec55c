"""What a network reads: the past alone, and what the past says of itself."""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.forecasting.pretrained.examples import (
    DESIGNS,
    PROMISED,
    Array,
    fresh,
    network_of,
    reading_of,
    spread_of,
    walk,
)

from holdfast.forecasting.pretrained.design import PatchDesign
from holdfast.forecasting.pretrained.features import CLIP, COPIES, CYCLES, candidate_count, targets

SINGLE = 2.0**-23
"""What float32 may lose of a number, of its size."""

PLAIN = 3
"""Level, last value and drift come before the seasonal copies."""

SEASONAL = PLAIN + COPIES
"""What comes behind the seasonal copies."""


def in_values(read_candidates: Array, level: Array, spread: Array) -> Array:
    """(K, B, C, p) from the network's units."""
    return read_candidates.astype(np.float64) * spread[..., None, None] + level[..., None, None]


def origins(row: Array, patch: int) -> list[int]:
    """Of each position: where the last patch ends of which something is visible."""
    seen = ~np.isnan(row.reshape(-1, patch)).all(axis=1)
    ends = np.where(seen, np.arange(1, len(seen) + 1) * patch, 0)
    return [int(end) for end in np.maximum.accumulate(ends)]


def copies_by_hand(
    row: Array, origin: int, begin: int, patch: int, period: int
) -> list[list[float]]:
    """The newest value of each step's phase; means over some seasons, laid around the newest's."""
    means = []
    for cycle in range(CYCLES[-1]):
        first, last = origin - (cycle + 1) * period, origin - cycle * period
        seen = [row[i] for i in range(max(first, 0), max(last, 0)) if not np.isnan(row[i])]
        whole = first >= 0 and 2 * len(seen) >= period
        means.append(sum(seen) / len(seen) if whole else np.nan)
    centre = next((mean for mean in means if not np.isnan(mean)), np.nan)
    copies: list[list[float]] = [[] for _ in CYCLES]
    for step in range(begin, begin + patch):
        source = step
        while source >= origin:
            source -= period
        found = [
            row[place] if place >= 0 else np.nan
            for place in (source - cycle * period for cycle in range(CYCLES[-1]))
        ]
        copies[0].append(next((value for value in found if not np.isnan(value)), np.nan))
        away = [value - mean for value, mean in zip(found, means, strict=True)]
        for copy, count in zip(copies[1:], CYCLES[1:], strict=True):
            seen = [value for value in away[:count] if not np.isnan(value)]
            copy.append(centre + sum(seen) / len(seen) if seen else np.nan)
    return copies


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("future", [1e4, np.nan])
def test_no_position_sees_what_comes_after_it(name: str, future: float) -> None:
    design = DESIGNS[name]
    values = np.stack([walk(8 * design.patch, seed, gaps=0.3 * seed) for seed in range(3)])
    network = network_of(design)
    before = reading_of(values, design, 3, 7)
    expected = network(before)
    for position in range(7):
        changed = values.copy()
        changed[:, (position + 1) * design.patch :] = future
        after = reading_of(changed, design, 3, 7)
        for field in ("inputs", "candidates", "level", "spread", "observed", "ahead"):
            np.testing.assert_array_equal(
                getattr(before, field)[: position + 1], getattr(after, field)[: position + 1]
            )
        result = network(after)
        assert torch.equal(expected[: position + 1], result[: position + 1])
        assert not torch.equal(expected[position + 1], result[position + 1])


@pytest.mark.parametrize("name", DESIGNS)
def test_level_and_spread_are_the_means_of_a_past_that_fades(name: str) -> None:
    design = DESIGNS[name]
    row = walk(10 * design.patch, gaps=0.3)
    read = reading_of(row[None], design)
    for position in range(10):
        past = row[: (position + 1) * design.patch]
        seen = np.flatnonzero(~np.isnan(past))
        weight = 2.0 ** (seen / design.half_life)
        level = np.average(past[seen], weights=weight)
        spread = np.sqrt(np.average((past[seen] - level) ** 2, weights=weight))
        allowed = PROMISED * spread_of(row)
        np.testing.assert_allclose(read.level[position, 0], level, rtol=0.0, atol=allowed)
        np.testing.assert_allclose(read.spread[position, 0], spread, rtol=0.0, atol=allowed)
        assert read.observed[position, 0] == len(seen)


@pytest.mark.parametrize("name", DESIGNS)
def test_a_line_drifts_on_as_a_line_from_its_last_value(name: str) -> None:
    design = DESIGNS[name]
    row = np.concatenate([3.0 * np.arange(6.0 * design.patch), np.full(2 * design.patch, np.nan)])
    row[[1, -2 * design.patch - 2]] = np.nan
    read = reading_of(row[None], design)
    level, spread = read.level.numpy(), read.spread.numpy()
    result = in_values(read.candidates.numpy(), level, spread)[:, 0]
    for position in range(5, 8):
        begin = (position + 1) * design.patch
        steps = 3.0 * np.arange(begin, begin + design.patch)
        last = 3.0 * (6 * design.patch - 1)
        allowed = SINGLE * CLIP * spread[position, 0]
        np.testing.assert_allclose(result[position, 0], level[position, 0], rtol=0.0, atol=allowed)
        np.testing.assert_allclose(result[position, 1], last, rtol=0.0, atol=allowed)
        np.testing.assert_allclose(result[position, 2], steps, rtol=0.0, atol=allowed)
        assert read.ahead[position, 0] == position - 5


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("period", [2, 3, 5, 8, 12, 24])
@pytest.mark.parametrize("gaps", [0.0, 0.4])
def test_seasonal_copies_are_what_stood_a_season_before_and_the_mean_of_some(
    name: str, period: int, gaps: float
) -> None:
    design = DESIGNS[name]
    patch = design.patch
    row = walk(2 * design.context + 4 * patch, period, gaps=gaps)
    row[: patch - 1] = np.nan  # a series that begins within its first patch
    row[4 * patch : 6 * patch] = np.nan
    row[-4 * patch :] = np.nan
    read = reading_of(row[None], design, 1, period)
    level, spread = read.level.numpy()[:, 0], read.spread.numpy()[:, 0]
    for position, origin in enumerate(origins(row, patch)):
        begin = (position + 1) * patch
        expected = np.array(copies_by_hand(row, origin, begin, patch, period))
        scaled = (expected - level[position]) / (spread[position] or 1.0)
        np.testing.assert_allclose(
            read.candidates[position, 0, SEASONAL - len(CYCLES) : SEASONAL],
            np.clip(scaled, -CLIP, CLIP),
            rtol=0.0,
            atol=SINGLE * CLIP,
        )
        first = read.candidates[position, 0, PLAIN : SEASONAL - len(CYCLES)]
        assert torch.isnan(first).all()  # no season, no copy


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("period", [2, 5, 8, 12])
@pytest.mark.parametrize("trend", [0.0, 0.05])
def test_every_copy_of_a_periodic_series_is_its_future(
    name: str, period: int, trend: float
) -> None:
    design = DESIGNS[name]
    patch = design.patch
    shape = np.random.default_rng(period).normal(size=period)
    points = np.arange(design.context + 3 * period + patch)
    points = points[: len(points) // patch * patch]
    row = shape[points % period] + trend * points
    future = row.copy()
    row[design.context :] = np.nan
    read = reading_of(row[None], design, period, period)
    result = in_values(read.candidates.numpy(), read.level.numpy(), read.spread.numpy())[:, 0]
    for position in range(-(-period // patch), len(points) // patch - 1):
        steps = np.arange((position + 1) * patch, (position + 2) * patch)
        origin = min((position + 1) * patch, design.context)
        # A copy does not know of a trend: it lags behind by the seasons that it goes back.
        back = (steps - origin) // period + 1
        expected = future[steps] - trend * period * back
        allowed = SINGLE * CLIP * float(read.spread[position, 0])
        for copy in range(PLAIN, SEASONAL):
            np.testing.assert_allclose(result[position, copy], expected, rtol=0.0, atol=allowed)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("period", [3, 5, 8])
def test_the_newest_copy_of_a_periodic_series_is_its_future_also_across_gaps(
    name: str, period: int
) -> None:
    design = DESIGNS[name]
    patch = design.patch
    length = -(-2 * CYCLES[-1] * period // patch) * patch
    shape = np.random.default_rng(period).normal(size=period)
    whole = shape[np.arange(length + 4 * patch) % period]
    row = whole.copy()
    missing = np.random.default_rng(0).random(len(row)) < 0.5
    # Of every phase one of the last values is there, of the last one the newest.
    missing[length - CYCLES[-1] * period : length] = True
    for phase in range(period):
        back = 1 + (period - 1 - phase) % CYCLES[-1]
        missing[length - back * period + phase] = False
    row[missing] = np.nan
    row[length:] = np.nan
    read = reading_of(row[None], design, period)
    result = in_values(read.candidates.numpy(), read.level.numpy(), read.spread.numpy())[:, 0]
    for position in range(length // patch - 1, length // patch + 3):
        steps = slice((position + 1) * patch, (position + 2) * patch)
        allowed = SINGLE * CLIP * float(read.spread[position, 0])
        np.testing.assert_allclose(result[position, PLAIN], whole[steps], rtol=0.0, atol=allowed)


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("period", [1, 60, 10**9])
def test_a_season_longer_than_the_past_gives_no_copies(name: str, period: int) -> None:
    design = DESIGNS[name]
    length = 48 // design.patch * design.patch
    read = reading_of(walk(length)[None], design, period, period)
    assert read.candidates.shape[2] == candidate_count(design)
    assert torch.isnan(read.candidates[:, :, PLAIN:SEASONAL]).all()
    assert not torch.isnan(read.candidates[:, :, :PLAIN]).any()
    assert not torch.isnan(read.candidates[:, :, SEASONAL:]).any()
    assert torch.isfinite(read.inputs).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_targets_are_what_comes_after_each_position(name: str) -> None:
    design = DESIGNS[name]
    patch = design.patch
    values = np.stack([walk(8 * patch, seed) for seed in range(2)])
    seen = values.copy()
    seen[:, -3 * patch :] = np.nan
    read = reading_of(seen, design)
    ahead = targets(torch.from_numpy(values), read, patch).double()
    assert ahead.shape == (7, 2, patch)
    for position, row in itertools.product(range(2, 7), range(2)):
        level, spread = read.level[position, row], read.spread[position, row]
        truth = values[row, (position + 1) * patch : (position + 2) * patch]
        scaled = ((truth - float(level)) / float(spread)).clip(-CLIP, CLIP)
        np.testing.assert_allclose(ahead[position, row], scaled, rtol=0.0, atol=SINGLE * CLIP)


@pytest.mark.parametrize("name", DESIGNS)
def test_targets_have_no_unit_either(name: str) -> None:
    design = DESIGNS[name]
    row = walk(8 * design.patch)
    row[: 3 * design.patch] = row[0]  # nothing moves yet, so there is no unit to measure in
    result = []
    for unit in (2.0**-20, 1.0, 2.0**20):
        values = unit * row[None]
        result.append(targets(torch.from_numpy(values), reading_of(values, design), design.patch))
    np.testing.assert_array_equal(result[0], result[1])
    np.testing.assert_array_equal(result[2], result[1])


@pytest.mark.parametrize("name", DESIGNS)
def test_what_lies_far_off_is_read_and_asked_as_the_bound(name: str) -> None:
    design = DESIGNS[name]
    patch = design.patch
    row = walk(40 * patch)
    row[: 8 * patch] += np.arange(8 * patch)  # a drift, to go on for long
    row[8 * patch :] = np.nan
    read = reading_of(row[None], design, 3, 7)
    assert (read.inputs.abs() <= CLIP).all()
    assert float(read.candidates[-1, 0, 2, -1]) == CLIP
    assert (read.candidates.nan_to_num().abs() <= CLIP).all()
    later = np.where(np.isnan(row), -1e9, row)[None]
    ahead = targets(torch.from_numpy(later), read, patch)
    assert (ahead[7:] == -CLIP).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_the_last_patch_reaches_the_state_and_not_only_the_candidates(name: str) -> None:
    design: PatchDesign = DESIGNS[name]
    read = reading_of(np.stack([walk(8 * design.patch, seed) for seed in range(4)]), design)
    inputs = read.inputs.clone().requires_grad_()
    result = fresh(design)(replace(read, inputs=inputs))
    (gradient,) = torch.autograd.grad(result[-1].sum(), inputs)
    newest = slice(design.window - design.patch, design.window)
    assert (gradient[-1, :, newest] != 0.0).all()
    assert (gradient[-3, :, newest] != 0.0).all()  # and an earlier one, through the state
