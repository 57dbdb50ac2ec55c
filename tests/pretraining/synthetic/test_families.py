"""Each family by itself: finite, of the right shape, and what its name says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from holdfast.pretraining.synthetic import families
from holdfast.pretraining.synthetic.draws import movement, spread, standardise, visible_part
from holdfast.pretraining.synthetic.families import (
    autoregressive,
    counts,
    gaussian_process,
    kinks,
    log_rate,
    steps,
    structural,
)
from holdfast.pretraining.synthetic.season import seasonal

Make = Callable[[np.random.Generator, int, NDArray[np.int64]], NDArray[np.float64]]
MAKERS: dict[str, Make] = {
    "structural": lambda random, length, seen: structural(random, len(seen), length, seen),
    "kinks": lambda random, length, seen: kinks(
        random, len(seen), length, visible_part(length, seen)
    ),
    "autoregressive": lambda random, length, seen: autoregressive(random, len(seen), length),
    "gaussian_process": lambda random, length, seen: gaussian_process(
        random, len(seen), length, seen
    ),
    "chaotic": lambda random, length, seen: families.chaotic(random, len(seen), length),
    "log_rate": lambda random, length, seen: log_rate(random, len(seen), length),
    "steps": lambda random, length, seen: steps(
        random, len(seen), length, visible_part(length, seen)
    ),
}


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("length", [10, 600])
def test_every_family_gives_finite_series_that_move(name: str, length: int) -> None:
    for seed in range(8):
        random = np.random.default_rng(seed)
        visible = random.integers(10, length + 1, 30)
        values = MAKERS[name](random, length, visible)
        assert values.shape == (30, length)
        assert np.isfinite(values).all()
        assert (spread(values, visible_part(length, visible)) > 0).mean() > 0.8
        # Series of one batch are strangers.
        assert len(np.unique(values[:, -1])) > 20 or name == "steps"


def test_counts_are_whole_and_follow_their_rate() -> None:
    random = np.random.default_rng(0)
    time = np.linspace(-2, 2, 200)
    values = counts(random, np.broadcast_to(time, (400, 200)).copy())
    assert (values >= 0).all()
    np.testing.assert_array_equal(values, np.round(values))
    frequent = values[values.mean(axis=1) > 5]
    assert (frequent[:, 150:].mean(axis=1) > frequent[:, :50].mean(axis=1)).mean() > 0.8


@pytest.mark.parametrize("name", ["_logistic", "_henon", "_lorenz", "_mackey_glass"])
def test_chaos_stays_on_its_attractor_and_forgets_where_it_began(name: str) -> None:
    values = getattr(families, name)(np.random.default_rng(1), 20, 3_000)
    assert values.shape == (20, 3_000)
    assert np.abs(values).max() < 60
    # It has neither died out nor run away: the end moves as the beginning does.
    late, early = values[:, -1_000:].std(axis=1), values[:, 500:1_500].std(axis=1)
    assert (late > 0.3 * early).all()


def test_mackey_glass_in_blocks_is_the_equation() -> None:
    random = np.random.default_rng(3)
    values = families._mackey_glass(random, 2, 200)
    again = np.random.default_rng(3)
    delay, stride = int(again.integers(17, 30)), int(again.integers(1, 4))
    rate = 0.1 * again.uniform(0.8, 1.2, (2, 1))[:, 0]
    state = [*[again.uniform(0.4, 1.4, (2, 1))[:, 0]] * delay]
    for _ in range(200 * stride):
        past = state[-delay]
        state.append((1 - rate) * state[-1] + 2 * rate * past / (1 + past**10))
    expected = np.stack(state[delay:], axis=1)[:, ::stride][:, :200]
    # Chaos doubles a rounding every few steps; the first ones agree to all but a few digits.
    np.testing.assert_allclose(values[:, :20], expected[:, :20], rtol=1e-9)


@pytest.mark.parametrize(("short", "long"), [(24, 168), (48, 336), (7, 364), (12, 84)])
def test_a_season_without_drift_repeats_after_its_longer_one(short: int, long: int) -> None:
    random = np.random.default_rng(2)
    period, longer = np.full(60, float(short)), np.full(60, long)
    values = seasonal(random, 2 * long + 10, period, longer, drift=0.0, holiday=0.0)
    # Positions inside a season are read off a sum; the last digits may differ.
    apart = np.abs(values[:, long:] - values[:, :-long])
    assert (np.median(apart, axis=1) < 1e-9).all()
    # The weekdays do differ.
    within = np.abs(values[:, short:] - values[:, :-short])
    assert (np.median(within, axis=1) > 1e-6).mean() > 0.9


def test_a_single_season_repeats_every_period_until_it_drifts() -> None:
    period, none = np.full(80, 12.0), np.ones(80, dtype=np.int64)
    still = seasonal(np.random.default_rng(0), 120, period, none, drift=0.0, holiday=0.0)
    assert np.median(np.abs(still[:, 12:] - still[:, :-12])) < 1e-9
    assert (still.std(axis=1) > 0).all()
    moving = seasonal(np.random.default_rng(0), 120, period, none, drift=1.0, holiday=0.0)
    assert (np.median(np.abs(moving[:, 12:] - moving[:, :-12]), axis=1) > 1e-6).mean() > 0.9


def test_standardising_counts_only_what_is_seen() -> None:
    values = np.array([[1e6, 1.0, 2.0, 3.0], [5.0, 5.0, 5.0, 5.0]])
    seen = visible_part(4, np.array([3, 4]))
    scaled = standardise(values, seen)
    np.testing.assert_allclose(scaled[0, 1:], np.array([-1, 0, 1]) * np.sqrt(1.5))
    np.testing.assert_array_equal(scaled[1], 0.0)
    np.testing.assert_allclose(movement(values, seen)[:, 0], 0.0, atol=1e-12)
