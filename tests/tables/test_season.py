"""The season that values have, not only the one their calendar suggests."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.tables.calendar import Calendar
from holdfast.tables.season import infer_season, long_season
from holdfast.tables.series import SeriesSet


def seasonal(period: int, length: int, noise: float = 0.3, seed: int = 0) -> np.ndarray:
    generator = np.random.default_rng(seed)
    pattern = generator.normal(size=period)
    walk = np.cumsum(generator.normal(size=length)) * 0.2
    repeated = np.resize(pattern, length)
    return np.asarray(50 + 3 * repeated + walk + noise * generator.normal(size=length))


@pytest.mark.parametrize("period", [4, 7, 12, 24, 48, 9, 30])
def test_integer_time_is_searched_for_its_period(period: int) -> None:
    rows = {str(seed): seasonal(period, 400, seed=seed) for seed in range(3)}
    assert infer_season(SeriesSet.from_arrays(rows, Calendar.integer()))[0] == period


@pytest.mark.parametrize(("code", "period"), [("MS", 12), ("D", 7), ("QS", 4), ("h", 24)])
def test_the_usual_season_is_kept_where_it_is_and_dropped_where_it_is_not(
    code: str, period: int
) -> None:
    calendar = Calendar.parse(code)
    there = SeriesSet.from_arrays({"a": seasonal(period, 30 * period)}, calendar)
    assert infer_season(there)[0] == period
    walks = np.random.default_rng(1).normal(size=(5, 40 * period)).cumsum(axis=1)
    walk = SeriesSet.from_arrays({str(k): row for k, row in enumerate(walks)}, calendar)
    season, reason = infer_season(walk)
    assert season == 1
    assert f"the usual {period} is not in the values" in reason


def test_a_yearly_season_under_weekly_noise_is_seen() -> None:
    generator = np.random.default_rng(2)
    weeks = np.arange(600)
    values = 10 + np.sin(2 * np.pi * weeks / 52) + 0.5 * generator.normal(size=600)
    assert infer_season(SeriesSet.from_arrays({"a": values}, Calendar.parse("W")))[0] == 52


def test_random_walks_rarely_show_a_season() -> None:
    generator = np.random.default_rng(3)
    found = [
        infer_season(
            SeriesSet.from_arrays({"a": generator.normal(size=150).cumsum()}, Calendar.integer())
        )[0]
        for _ in range(50)
    ]
    assert sum(season > 1 for season in found) <= 2


def test_gaps_outliers_and_constants_do_not_hide_the_season() -> None:
    values = seasonal(12, 240)
    values[[20, 21, 22, 100, 101]] = np.nan
    values[57] = 1e6
    rows = {"a": values, "flat": np.full(240, 3.0), "line": np.arange(240.0)}
    assert infer_season(SeriesSet.from_arrays(rows, Calendar.integer()))[0] == 12


@pytest.mark.parametrize("length", [0, 1, 3, 10])
def test_short_series_keep_the_usual_season(length: int) -> None:
    rows = {"a": np.arange(float(length))}
    assert infer_season(SeriesSet.from_arrays(rows, Calendar.parse("MS")))[0] == 12
    assert infer_season(SeriesSet.from_arrays(rows, Calendar.integer()))[0] == 1


def test_a_week_beside_a_day_is_found_only_where_weekdays_differ() -> None:
    hours = np.arange(24 * 7 * 8)
    daily = np.sin(2 * np.pi * hours / 24) + 0.1 * np.random.default_rng(4).normal(size=len(hours))
    calendar = Calendar.parse("h")
    assert long_season(SeriesSet.from_arrays({"a": daily}, calendar), 24) is None
    weekend = np.where(hours // 24 % 7 >= 5, 0.3, 1.0)
    assert long_season(SeriesSet.from_arrays({"a": daily * weekend}, calendar), 24) == 168
    assert long_season(SeriesSet.from_arrays({"a": daily[:300]}, calendar), 24) is None
    assert long_season(SeriesSet.from_arrays({"a": daily}, calendar), 12) is None
