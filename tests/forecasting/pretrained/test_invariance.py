"""No unit, no zero line, no up and down: what is done to a series is done to its forecast."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.forecasting.pretrained.examples import (
    DESIGNS,
    PROMISED,
    Array,
    forecast,
    fresh,
    network_of,
    reading_of,
    spread_of,
    walk,
)

from holdfast.forecasting.pretrained.features import mirror

ROUNDING = 2.0**-52


@st.composite
def rows(draw: st.DrawFn) -> Array:
    """Walks, noise, outliers and counts: long, short, with gaps, with a constant beginning."""
    length = draw(st.sampled_from([1, 2, 3, 4, 5, 7, 12, 30, 48, 60]))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    row = random.normal(size=length)
    kind = draw(st.sampled_from(["walk", "noise", "outliers", "counts"]))
    if kind == "walk":
        row = row.cumsum()
    elif kind == "outliers":
        row = np.where(random.random(length) < 0.1, 300.0 * row, row)
    elif kind == "counts":
        row = random.poisson(0.5, length).astype(float)
    row[: draw(st.integers(0, length))] = row[0]
    row[random.random(length) < draw(st.sampled_from([0.0, 0.0, 0.2, 0.7]))] = np.nan
    row[draw(st.integers(0, length - 1))] = 1.0  # one at least is there
    return row


@settings(max_examples=80, deadline=None)
@given(
    rows(),
    st.sampled_from(sorted(DESIGNS)),
    st.integers(0, 3),
    st.sampled_from([1, 3, 7]),
    st.floats(-6.0, 6.0),
    st.floats(-1e6, 1e6),
)
@example(np.array([5.0]), "fine", 0, 1, 3.0, -1e6)
@example(np.array([5.0, 7.0]), "fine", 0, 1, -6.0, 1e6)
@example(np.full(40, 7.0), "coarse", 1, 12, 6.0, 1e6)
@example(np.repeat([7.0, 8.0], [39, 1]), "fine", 1, 12, 2.0, 1e6)
def test_scale_and_shift_of_a_series_are_scale_and_shift_of_every_quantile(
    row: Array, name: str, seed: int, season: int, magnitude: float, offset: float
) -> None:
    network = network_of(DESIGNS[name], seed)
    scale = 10.0**magnitude
    shift = offset * scale * (spread_of(row) or 1.0)
    expected = scale * forecast(network, row, 9, season) + shift
    result = forecast(network, scale * row + shift, 9, season)
    size = scale * np.nanmax(np.abs(row)) + abs(shift)
    allowed = PROMISED * scale * spread_of(row) + 4.0 * ROUNDING * size
    np.testing.assert_allclose(result, expected, rtol=0.0, atol=allowed)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(-1000, 1000), min_size=1, max_size=60),
    st.sampled_from(sorted(DESIGNS)),
    st.integers(-400, 400),
    st.integers(-(2**40), 2**40),
)
def test_where_no_digit_is_lost_the_network_reads_the_same_bits(
    counts: list[int], name: str, exponent: int, offset: int
) -> None:
    design = DESIGNS[name]
    row = np.full((1, -(-len(counts) // design.patch) * design.patch), np.nan)
    row[0, -len(counts) :] = counts
    read = reading_of(row, design, 3, 7)
    moved = reading_of(np.ldexp(row + offset, exponent), design, 3, 7)
    assert torch.equal(read.inputs, moved.inputs)
    np.testing.assert_array_equal(read.candidates, moved.candidates)
    assert torch.equal(torch.ldexp(read.spread, torch.tensor(exponent)), moved.spread)


@settings(max_examples=40, deadline=None)
@given(rows(), st.sampled_from(sorted(DESIGNS)), st.integers(0, 3), st.sampled_from([1, 3, 7]))
def test_what_falls_is_forecast_as_what_rises_upside_down(
    row: Array, name: str, seed: int, season: int
) -> None:
    network = network_of(DESIGNS[name], seed)
    up, down = forecast(network, row, 9, season), forecast(network, -row, 9, season)
    allowed = PROMISED * spread_of(row)
    np.testing.assert_allclose(down, -up[:, ::-1], rtol=0.0, atol=allowed)


@pytest.mark.parametrize("name", DESIGNS)
def test_the_mirrored_reading_is_the_reading_of_the_negative(name: str) -> None:
    design = DESIGNS[name]
    values = np.stack([walk(10 * design.patch, seed, gaps=0.3) for seed in range(5)])
    values[0, : design.patch + 1] = 2.0
    mirrored = mirror(reading_of(values, design, 3, 7), design)
    negative = reading_of(-values, design, 3, 7)
    assert torch.equal(mirrored.inputs, negative.inputs)
    np.testing.assert_array_equal(mirrored.candidates, negative.candidates)
    for field in ("level", "spread", "observed", "ahead"):
        assert torch.equal(getattr(mirrored, field), getattr(negative, field))


@pytest.mark.parametrize("name", DESIGNS)
def test_a_constant_is_forecast_as_itself(name: str) -> None:
    for value in (0.0, 0.1, -7e8, 1e-200, 1e200):
        result = forecast(network_of(DESIGNS[name]), np.full(30, value), 9, 7)
        np.testing.assert_array_equal(result, np.full_like(result, value))


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 24, 31, 100])
@pytest.mark.parametrize("season", [1, 4])
def test_the_last_value_counts_before_any_training(name: str, length: int, season: int) -> None:
    network = fresh(DESIGNS[name])
    slopes = []
    for seed in range(5):
        row = walk(length, seed)
        step = 1e-3 * (spread_of(row) or 1.0)
        higher, lower = row.copy(), row.copy()
        higher[-1] += step
        lower[-1] -= step
        median = forecast(network, row, 1, season).shape[1] // 2
        change = forecast(network, higher, 1, season) - forecast(network, lower, 1, season)
        slopes.append(change[0, median] / (2.0 * step))
    # Of one series, random weights may weigh down what the candidates say.
    assert np.mean(slopes) > 0.1
