"""Reasons not to trust a forecast: found where they were planted, rare where there are none."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from holdfast.forecasting.model import PastForecasts
from holdfast.forecasting.reliability import (
    about_table,
    about_weights,
    assess,
    hardest,
    look_at_ends,
)
from holdfast.records import CARE, DISTRUST, TRUST, Floats, LevelCoverage, MethodScore
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

COUNT = 200
Generate = Callable[[np.random.Generator, int], Floats]


def series_of(rows: Floats | list[Floats]) -> SeriesSet:
    return SeriesSet.from_arrays({str(i): row for i, row in enumerate(rows)}, Calendar.integer())


def white(random: np.random.Generator, length: int) -> Floats:
    return 100.0 + 10.0 * random.normal(size=(COUNT, length))


def walk(random: np.random.Generator, length: int) -> Floats:
    return np.cumsum(random.normal(size=(COUNT, length)), axis=1)


def jumpy_walk(random: np.random.Generator, length: int) -> Floats:
    return np.cumsum(random.standard_t(3, size=(COUNT, length)), axis=1)


def seasonal(random: np.random.Generator, length: int) -> Floats:
    step = np.arange(length)
    phase = random.uniform(0.0, 6.0, size=(COUNT, 1))
    wave = 20.0 * np.sin(2.0 * np.pi * step / 12.0 + phase)
    return 200.0 + 0.2 * step + wave + 3.0 * random.normal(size=(COUNT, length))


def trending(random: np.random.Generator, length: int) -> Floats:
    return 2.0 * np.arange(length) + 5.0 * random.normal(size=(COUNT, length))


def counts(random: np.random.Generator, length: int) -> Floats:
    return random.poisson(2.0, size=(COUNT, length)).astype(np.float64)


def heavy(random: np.random.Generator, length: int) -> Floats:
    return random.standard_t(3, size=(COUNT, length))


def verdicts(rows: Floats, season: int, horizon: int = 12) -> list[str]:
    unknown = np.zeros(len(rows), dtype=bool)
    found = assess(series_of(rows), season, horizon, PastForecasts.none(len(rows)), unknown)
    return [one.verdict for one in found]


@pytest.mark.parametrize("length", [48, 144, 400])
@pytest.mark.parametrize(
    ("generate", "season"),
    [
        (white, 1), (walk, 1), (jumpy_walk, 1), (seasonal, 12), (trending, 1), (counts, 1),
        (heavy, 1), (white, 12),
    ],
)  # fmt: skip
def test_false_alarms_are_rare(generate: Generate, season: int, length: int) -> None:
    rows = generate(np.random.default_rng(length), length)
    alarms = sum(verdict != TRUST for verdict in verdicts(rows, season))
    assert alarms < 0.05 * COUNT


@pytest.mark.parametrize("last", [2, 4, 8, 12])
@pytest.mark.parametrize(("generate", "season", "noise"), [(white, 1, 10.0), (seasonal, 12, 3.0)])
def test_a_level_shift_at_the_end_is_found(
    generate: Generate, season: int, noise: float, last: int
) -> None:
    random = np.random.default_rng(last)
    rows = generate(random, 144)
    rows[:, -last:] += 8.0 * noise * random.choice([-1.0, 1.0], size=(COUNT, 1))
    found = assess(series_of(rows), season, 12, PastForecasts.none(COUNT), np.zeros(COUNT, bool))
    named = [one for one in found if any("the level before" in why for why in one.findings)]
    assert len(named) > 0.9 * COUNT
    assert all(one.verdict != TRUST for one in named)


def test_a_shift_that_the_past_has_seen_is_no_news() -> None:
    random = np.random.default_rng(0)
    rows = white(random, 144)
    rows[:, 60:90] += 80.0
    rows[:, -6:] += 80.0
    ends = look_at_ends(series_of(rows), 1, 12, 1024)
    assert (ends.window > 0).mean() < 0.05


def test_a_series_that_has_died_and_one_that_has_come_alive() -> None:
    random = np.random.default_rng(0)
    dead, lively = white(random, 144), white(random, 200)
    dead[:, -20:] = 0.0
    lively[:, -14:] += 60.0 * random.normal(size=(COUNT, 14))
    ends = look_at_ends(series_of(dead), 1, 12, 1024)
    assert (ends.run == 20).all()
    ends = look_at_ends(series_of(lively), 1, 12, 1024)
    assert (ends.movement > 1.0).mean() > 0.8


def test_a_dead_series_says_so_in_one_phrase() -> None:
    row = np.concatenate([np.random.default_rng(0).normal(50.0, 5.0, 100), np.zeros(20)])
    (found,) = assess(series_of([row]), 1, 12, PastForecasts.none(1), np.zeros(1, bool))
    assert found.findings == (
        "the last 20 values are all the same, and no such run before was longer than 1",
    )
    assert found.verdict == CARE


@pytest.mark.parametrize(
    ("row", "season", "horizon", "verdict", "words"),
    [
        ([5.0], 1, 3, DISTRUST, "a single value of history"),
        ([5.0, 6.0, 4.0], 1, 3, DISTRUST, "3 values of history"),
        ([1.0, 2.0, 4.0, 3.0, 5.0], 12, 12, DISTRUST, "less than a season of 12"),
        (list(np.arange(20.0) % 3), 12, 6, CARE, "fewer than two seasons of history (20 values"),
        (list(np.arange(20.0) % 3), 1, 30, CARE, "less history (20 values) than the 30 steps"),
        ([7.0] * 40, 1, 6, CARE, "a constant series (7.00)"),
        ([1.0, 2.0, 1.0, 3.0, 2.0] * 8 + [np.nan], 1, 6, CARE, "the last value is missing"),
        ([1.0, 2.0, 1.0, 3.0, 2.0] * 8 + [np.nan] * 20, 1, 6, DISTRUST, "last 20 values are"),
        ([np.nan, 1.0] * 20, 1, 6, CARE, "a constant series"),
    ],
)
def test_reasons_in_the_history(
    row: list[float], season: int, horizon: int, verdict: str, words: str
) -> None:
    rows = [np.array(row)]
    (found,) = assess(series_of(rows), season, horizon, PastForecasts.none(1), np.zeros(1, bool))
    assert found.verdict == verdict
    assert words in "; ".join(found.findings)


def test_two_reasons_are_worse_than_one() -> None:
    row = np.concatenate([np.full(30, 4.0), [np.nan]])
    (found,) = assess(series_of([row]), 1, 6, PastForecasts.none(1), np.zeros(1, bool))
    assert len(found.findings) == 2
    assert found.verdict == DISTRUST


def past(error: float, naive: float, folds: int, worse: int, outside: int, points: int) -> object:
    return PastForecasts(
        *(np.array([float(x)]) for x in (error, naive, folds, worse, outside, points))
    )


@pytest.mark.parametrize(
    ("scores", "words"),
    [
        (past(2.0, 1.0, 3, 3, 0, 12), "worse than seasonal naive in each of 3 folds"),
        (past(2.0, 1.0, 3, 2, 0, 12), ""),  # better in one of them
        (past(2.0, 1.0, 2, 2, 0, 12), ""),  # too few to say so
        (past(1.1, 1.0, 3, 3, 0, 12), ""),  # hardly worse
        (past(0.5, 1.0, 3, 0, 7, 12), "7 of the 12 newest values fell outside their 95 %"),
        (past(0.5, 1.0, 3, 0, 6, 12), ""),
        (past(0.0, 0.0, 0, 0, 0, 0), "no past horizon of it could be scored"),
    ],
)
def test_reasons_in_past_forecasts(scores: PastForecasts, words: str) -> None:
    row = np.random.default_rng(0).normal(50.0, 5.0, 100)
    (found,) = assess(series_of([row]), 1, 12, scores, np.ones(1, bool))
    assert "; ".join(found.findings).startswith(words)
    assert (found.verdict == TRUST) == (not words)


def test_past_scores_are_those_of_the_folds() -> None:
    actual = np.zeros((2, 2, 3))
    actual[0, 1] = np.nan
    blend, naive = np.full((2, 2, 3), 2.0), np.ones((2, 2, 3))
    low, high = np.full((2, 2, 3), -1.0), np.full((2, 2, 3), 1.0)
    low[1, 0] = [0.5, -1.0, 0.5]
    result = PastForecasts.of(actual, blend, naive, np.full((2, 2), 4.0), low, high)
    assert result.error.tolist() == [0.5, 0.5]
    assert result.folds.tolist() == result.worse.tolist() == [2.0, 1.0]
    assert result.outside.tolist() == [2.0, 0.0]
    again = PastForecasts.from_array(result.to_array(), 2)
    np.testing.assert_array_equal(again.to_array(), result.to_array())
    assert PastForecasts.from_array(result.to_array(), 3).folds.tolist() == [2.0, 1.0, 0.0]
    with pytest.raises(ValueError, match="damaged"):
        PastForecasts.from_array(result.to_array(), 1)


def test_the_hardest_series_are_those_that_stand_out() -> None:
    assert hardest(np.array([0.8, 3.0, 0.9, np.nan, 5.0, 1.0])) == (4, 1)
    assert hardest(np.array([0.8, 0.9, 0.85])) == ()
    assert hardest(np.array([9.0])) == ()


def test_what_is_true_of_all_series() -> None:
    methods = (MethodScore("holdfast", 1.2, 10.0), MethodScore("SeasonalNaive", 1.0, 9.0, 0.5))
    coverage = (LevelCoverage(80.0, 0.6, 1.0, 8, False), LevelCoverage(90.0, 0.9, 1.0, 8, False))
    lines = about_table(methods, coverage, 12, 7)
    assert lines[0].startswith(
        "On past horizons the forecast was no better than repeating the last season"
    )
    assert lines[1].startswith("The 80 % interval held 60 % of past values")
    assert lines[2].startswith("The 90 % intervals are not calibrated: there are 12 past horizons")
    assert len(about_table(methods[:1], (), 12, 7)) == 0
    assert "nothing says how good" in about_table((), (), 0, 1)[0]


def test_weights_in_words() -> None:
    sentences = about_weights(("Pretrained", "Theta", "Naive"), (0.55, 0.45, 0.0))
    assert sentences == (
        "The forecast is 55 % Pretrained, 45 % Theta: 55 % LSTM, the rest simple methods."
    )
