"""The scores that the tables of peers show, by hand on a few points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmarks.problems import Problem, held_out
from benchmarks.scores import DECILES, Forecasts, score


def problem(name: str, past: list[float], after: list[float]) -> Problem:
    return held_out(name, ["a"], [np.asarray(past)], np.asarray([after]), season=1)


def forecasts(point: list[float], spread: float | None = None) -> Forecasts:
    """Deciles at equal steps around the point, the outer bounds three spreads away."""
    made = np.asarray(point)[None, None, :]
    if spread is None:
        return Forecasts(made, None, None, 1.5, 0.5)
    steps = (DECILES - 0.5)[:, None, None, None] * spread
    return Forecasts(made, made + steps, np.stack([made - 3 * spread, made + 3 * spread]), 1.5, 0.5)


def test_scores_of_one_problem_by_hand() -> None:
    # Naive errs by 2 a step before the origin, by 2 and 4 after it; the forecast by 1 and 1.
    given = problem("one", [1.0, 3.0, 5.0], [7.0, 9.0])
    scores = score([(given, forecasts([6.0, 10.0], spread=0.0))])
    assert scores["MASE"] == pytest.approx(0.5)
    assert scores["Naive2 MASE"] == pytest.approx(1.5)
    smape = 100 * (1 / 13 + 1 / 19)
    yardstick = 100 * (2 / 12 + 4 / 14)
    assert scores["sMAPE"] == pytest.approx(smape)
    assert scores["OWA"] == pytest.approx((smape / yardstick + 0.5 / 1.5) / 2)
    # Without a spread every decile is the point: 2 Σ pinball averages to the absolute error.
    assert scores["WQL"] == pytest.approx(2 / 16)
    assert scores["coverage 80"] == 0.0


def test_the_organisers_naive2_is_the_yardstick_where_it_is_known() -> None:
    past, after = [np.array([1.0, 2.0])], np.array([[4.0]])
    given = held_out("M4", ["a"], past, after, season=1, naive2=(50.0, 4.0))
    assert score([(given, forecasts([2.0]))])["OWA"] == pytest.approx(
        (200 / 3 * 1 / 50 + 2 / 4) / 2
    )


def test_coverage_counts_the_points_between_the_outer_deciles() -> None:
    given = problem("one", [1.0, 3.0], [3.0, 9.0])
    scores = score([(given, forecasts([3.5, 5.0], spread=2.0))])  # 80 %: point ± 0.8, 95 %: ± 6
    assert (scores["coverage 80"], scores["coverage 95"]) == (0.5, 1.0)


def test_problems_together_are_scored_point_by_point() -> None:
    short = problem("short", [1.0, 3.0], [5.0])
    long = problem("long", [1.0, 3.0], [5.0, 5.0, 5.0])
    together = score([(short, forecasts([3.0])), (long, forecasts([5.0, 5.0, 5.0]))])
    assert together["MASE"] == pytest.approx(0.25)  # not 0.5, the mean of the two problems
    assert "WQL" not in together


def test_a_forecast_that_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="one: 1 point forecasts are not finite"):
        score([(problem("one", [1.0, 2.0], [3.0, 4.0]), forecasts([3.0, np.nan]))])


def test_a_gap_in_what_followed_is_left_out() -> None:
    with_gap = problem("one", [1.0, 3.0], [5.0, np.nan])
    assert score([(with_gap, forecasts([4.0, 99.0], spread=1.0))])["MASE"] == pytest.approx(0.5)


@pytest.mark.parametrize("spread", [None, 1.0])
def test_kept_forecasts_come_back_as_they_were(tmp_path: Path, spread: float | None) -> None:
    made = forecasts([1.0, 2.0], spread)
    path = tmp_path / "new folder" / "kept.npz"
    made.save(path)
    back = Forecasts.load(path)
    assert (back.train_seconds, back.predict_seconds) == (1.5, 0.5)
    assert back.point.tolist() == made.point.tolist()
    assert (back.quantiles is None) == (spread is None)
    if spread is not None:
        assert back.quantiles is not None
        assert back.quantiles.tolist() == made.quantiles.tolist()
        assert back.outer is not None
        assert back.outer.tolist() == made.outer.tolist()
    assert [one.name for one in path.parent.iterdir()] == ["kept.npz"]
