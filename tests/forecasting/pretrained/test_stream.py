"""A stream says at every moment what a fresh run over the whole past says."""

from __future__ import annotations

import numpy as np
import pytest
from tests.forecasting.pretrained.examples import (
    DESIGNS,
    PROMISED,
    forecast,
    network_of,
    series_of,
    spread_of,
    walk,
)

from holdfast.errors import ArgumentError
from holdfast.forecasting.networks.design import QUANTILES
from holdfast.forecasting.pretrained.forecast import forecast_pretrained
from holdfast.forecasting.pretrained.stream import Stream


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize(("season", "long_season"), [(1, None), (3, 7)])
def test_at_every_length_it_says_what_a_fresh_run_says(
    name: str, season: int, long_season: int | None
) -> None:
    design = DESIGNS[name]
    network, patch = network_of(design), design.patch
    rows = np.stack([walk(design.context, seed, gaps=0.4 * seed) for seed in range(3)])
    rows[2, : design.patch + 1] = 4.0
    spreads = np.array([spread_of(row) for row in rows])
    stream = Stream(network, count=3, season=season, long_season=long_season)
    for length in range(1, design.context + 1):
        stream.append(rows[:, length - 1])
        if 3 * patch + 1 < length < design.context - 1:
            continue
        for horizon in (1, patch, patch + 1, 4 * patch):
            past = series_of(list(rows[:, :length]))
            expected = forecast_pretrained(network, past, horizon, season, long_season)
            made = stream.forecast(horizon)
            assert made.shape == (3, horizon, len(QUANTILES))
            away = np.abs(made - expected).max(axis=(1, 2))
            assert (away <= PROMISED * spreads).all()


@pytest.mark.parametrize("name", DESIGNS)
def test_asking_changes_nothing(name: str) -> None:
    network = network_of(DESIGNS[name])
    asked, silent = Stream(network, season=3), Stream(network, season=3)
    for value in walk(20):
        asked.append([value])
        asked.forecast(30)
        silent.append([value])
    np.testing.assert_array_equal(asked.forecast(9), silent.forecast(9))


@pytest.mark.parametrize("name", DESIGNS)
def test_series_in_a_stream_know_nothing_of_each_other(name: str) -> None:
    network = network_of(DESIGNS[name])
    together = Stream(network, count=3, season=3)
    alone = [Stream(network, season=3) for _ in range(3)]
    rows = np.stack([walk(30), np.full(30, np.nan), walk(30, 2, gaps=0.4)])
    for values in rows.T:
        together.append(values)
        for stream, value in zip(alone, values, strict=True):
            stream.append([value])
    made = together.forecast(9)
    assert np.isnan(made[1]).all()
    for index in (0, 2):
        allowed = PROMISED * spread_of(rows[index])
        np.testing.assert_allclose(made[index], alone[index].forecast(9)[0], rtol=0, atol=allowed)


@pytest.mark.parametrize("name", DESIGNS)
def test_missing_values_before_a_series_begins_change_nothing(name: str) -> None:
    network, row = network_of(DESIGNS[name]), walk(20)
    for missing in (1, 5, 14):
        stream = Stream(network, season=8)
        for value in np.concatenate([np.full(missing, np.nan), row]):
            stream.append([value])
        expected = forecast(network, row, 9, 8)
        np.testing.assert_allclose(
            stream.forecast(9)[0], expected, rtol=0.0, atol=PROMISED * spread_of(row)
        )


@pytest.mark.parametrize("name", DESIGNS)
def test_beyond_the_context_it_goes_on_without_a_unit(name: str) -> None:
    design = DESIGNS[name]
    row = walk(design.context + 3 * design.patch)
    one, other = (Stream(network_of(design), season=7) for _ in range(2))
    for value in row:
        one.append([value])
        other.append([250.0 * value - 1e5])
    made, moved = one.forecast(20), other.forecast(20)
    assert (np.diff(made, axis=-1) >= 0.0).all()
    allowed = PROMISED * 250.0 * spread_of(row)
    np.testing.assert_allclose(moved, 250.0 * made - 1e5, rtol=0.0, atol=allowed)


def test_what_cannot_be_is_refused_by_name() -> None:
    network = network_of(DESIGNS["fine"])
    for count, season, long_season in ((0, 1, None), (1, 0, None), (1, 1, 0)):
        with pytest.raises(ArgumentError, match="count, season and long_season"):
            Stream(network, count=count, season=season, long_season=long_season)
    stream = Stream(network, count=2)
    with pytest.raises(ArgumentError, match=r"first append\(\)"):
        stream.forecast(3)
    for values in ([1.0], [1.0, 2.0, 3.0], [1.0, np.inf]):
        with pytest.raises(ArgumentError, match="takes 2 finite values"):
            stream.append(values)
    stream.append([1.0, np.nan])
    with pytest.raises(ArgumentError, match="horizon=0"):
        stream.forecast(0)
    made = stream.forecast(3)
    np.testing.assert_array_equal(made[0], 1.0)  # what was refused has left no trace
    assert np.isnan(made[1]).all()
