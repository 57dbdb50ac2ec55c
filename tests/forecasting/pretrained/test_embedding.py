"""A series as one vector: its shape, whatever its unit, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from tests.forecasting.pretrained.examples import DESIGNS, network_of, series_of, walk

from holdfast.forecasting.pretrained.forecast import embed

FAR = 0.1
"""Vectors of different shapes differ by more, of units of one; those of one shape by far less."""


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(
    ("factor", "offset"), [(1e-3, 0.0), (250.0, 1e6), (-1.0, 0.0), (-3.0, 50.0)]
)
def test_unit_level_and_sign_have_no_say(name: str, factor: float, offset: float) -> None:
    row = walk(50, gaps=0.1)
    network = network_of(DESIGNS[name])
    one, same, other = embed(network, series_of([row, factor * row + offset, walk(50, 1)]), 7)
    far = np.abs(one - other).max()
    assert far > FAR * np.abs(one).max()
    # Of 16 digits 1e6 + 250·y costs 4, and what is left is rounded to float32.
    assert np.abs(one - same).max() < 1e-4 * far


@pytest.mark.parametrize("name", DESIGNS)
def test_a_series_has_the_vector_that_it_has_alone(name: str) -> None:
    network = network_of(DESIGNS[name])
    rows = [walk(length, seed) for seed, length in enumerate((3, 300, 41, 7))]
    together = embed(network, series_of(rows), 5)
    for row, vector in zip(rows, together, strict=True):
        (alone,) = embed(network, series_of([row]), 5)
        np.testing.assert_allclose(vector, alone, atol=1e-5)


def test_the_newest_value_is_part_of_it() -> None:
    network = network_of(DESIGNS["fine"])
    row = walk(42)
    changed = row.copy()
    changed[-1] += 5.0
    one, other = embed(network, series_of([row, changed]), 1)
    assert np.abs(one - other).max() > 0.01


def test_only_a_series_without_a_value_has_no_vector() -> None:
    network = network_of(DESIGNS["fine"])
    rows = [np.array([2.0]), np.full(9, np.nan), np.full(30, 7.0), np.zeros(0)]
    result = embed(network, series_of(rows), 1)
    assert np.isfinite(result[[0, 2]]).all()
    assert np.isnan(result[[1, 3]]).all()
