"""The judgement as a whole: out of fold, honest about what it cannot know, ready to forecast."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.forecasting.judgement.backtest import Judgement, judge
from holdfast.forecasting.judgement.widths import Widths

LEVELS = (80.0, 90.0)
N, K = 25, 12


def members_for(
    folds: int, lstm: float, seed: int = 0, series: int = N
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(seed)
    actual = 50.0 + random.normal(size=(folds, series, K))
    sizes = {"LSTM": lstm, "SeasonalNaive": 1.0, "Theta": 1.4, "Naive": 3.0}
    made = {name: actual + size * random.normal(size=actual.shape) for name, size in sizes.items()}
    return made, actual


def widths_for(shape: tuple[int, ...], seed: int = 1) -> Widths:
    base = np.random.default_rng(seed).uniform(0.5, 2.0, size=shape)
    half = {level: base * level / 80.0 for level in LEVELS}
    return Widths(half, dict(half))


def judged(folds: int, lstm: float = 0.5, series: int = N, **more: object) -> Judgement:
    members, actual = members_for(folds, lstm, series=series)
    residual = widths_for(actual.shape)
    network = widths_for(actual.shape, seed=2)
    return judge(members, residual, actual, np.ones(series), network=network, **more)


@pytest.mark.parametrize("folds", [1, 2, 3, 4])
def test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it(folds: int) -> None:
    members, actual = members_for(folds, 0.5)
    residual, network = widths_for(actual.shape), widths_for(actual.shape, seed=2)

    def run(values: np.ndarray) -> Judgement:
        return judge(members, residual, values, np.ones(N), network=network)

    before = run(actual)
    for fold in range(folds):
        changed = actual.copy()
        # Now Theta is right, and everything else is far off.
        changed[fold] = members["Theta"][fold] + 30.0 * np.sign(np.arange(N) - N / 2)[:, None]
        after = run(changed)
        np.testing.assert_array_equal(after.fold_weights[fold], before.fold_weights[fold])
        np.testing.assert_array_equal(after.blend[fold], before.blend[fold])
        for level in LEVELS:
            for side in ("lower", "upper"):
                now = getattr(after.intervals, side)[level][fold]
                np.testing.assert_array_equal(now, getattr(before.intervals, side)[level][fold])
        if folds > 1:  # and the change is one that the real forecast's weights do see
            assert not np.array_equal(after.weights, before.weights)


def test_folds_that_overlap_never_serve_each_other() -> None:
    members, actual = members_for(5, 0.5)
    cutoffs = np.array([0, 6, 12, 18, 24])  # a horizon is 12: neighbours share half of it
    residual = widths_for(actual.shape)

    def run(values: np.ndarray) -> Judgement:
        return judge(members, residual, values, np.ones(N), cutoffs=cutoffs)

    before = run(actual)
    changed = actual.copy()
    changed[[1, 2, 3]] += 20.0
    after = run(changed)
    np.testing.assert_array_equal(after.blend[2], before.blend[2])
    np.testing.assert_array_equal(after.intervals.upper[80.0][2], before.intervals.upper[80.0][2])
    assert not np.array_equal(after.blend[0], before.blend[0])


def test_the_planted_network_earns_its_weight_and_the_bad_one_none() -> None:
    good = judged(3, lstm=0.3)
    assert good.weights[0] > 0.6
    assert "The LSTM earns weight" in good.verdict[0]
    members, actual = members_for(3, 1.0)
    members["LSTM"] = members["SeasonalNaive"] + (members["SeasonalNaive"] - actual)
    bad = judge(members, widths_for(actual.shape), actual, np.ones(N))
    assert bad.weights[0] == 0.0
    assert "the LSTM gets no weight" in bad.verdict[0]


def test_rows_come_blend_first_and_weights_sum_to_one() -> None:
    members, actual = members_for(3, 0.5)
    mean = {"Mean": 0.5 * (members["Theta"] + members["SeasonalNaive"])}
    made = judge(members, widths_for(actual.shape), actual, np.ones(N), shown=mean)
    assert [row.method for row in made.methods] == ["holdfast", *members, "Mean"]
    assert made.methods[0].weight is made.methods[-1].weight is None
    assert sum(row.weight or 0.0 for row in made.methods) == pytest.approx(1.0)
    blend_error = np.abs(made.blend - actual).mean()
    assert made.methods[0].mase == pytest.approx(blend_error)
    assert made.series_mase.mean() == pytest.approx(blend_error)
    assert made.step_mase.mean() == pytest.approx(blend_error)
    assert made.coverage[0].coverage == pytest.approx(made.step_coverage[80.0].mean())


def test_without_folds_nothing_is_scored_and_the_forecast_still_stands() -> None:
    made = judged(0)
    assert made.methods == made.coverage == ()
    assert np.isnan(made.series_mase).all()
    assert "too short for a backtest" in made.verdict[0]
    assert made.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0.0])
    members = {name: np.full((N, K), 2.0) for name in made.names}
    widths = widths_for((N, K))
    median = made.rule.median(members)
    assert (median == 2.0).all()
    real = made.rule.intervals(median, np.ones(N), widths, widths)
    assert (real.upper[90.0] >= real.upper[80.0]).all()


def test_with_one_fold_weights_are_equal_and_no_level_is_calibrated() -> None:
    made = judged(1)
    assert made.weights.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0.0])
    assert not any(row.calibrated for row in made.coverage)
    assert "one fold" in made.verdict[0]


def test_a_level_that_the_data_cannot_calibrate_is_named() -> None:
    made = judged(3, series=5)  # 15 windows: enough for 80 %, not for 90 %
    assert [row.calibrated for row in made.coverage] == [True, False]
    assert [row.scores for row in made.coverage] == [15, 15]
    assert any("Not calibrated: 90 %" in line and "19" in line for line in made.verdict)
    assert any("too little data to tell" in line for line in made.verdict)


def test_a_series_without_the_network_or_in_no_fold_still_gets_everything() -> None:
    members, actual = members_for(3, 0.5)
    residual, network = widths_for(actual.shape), widths_for(actual.shape, seed=2)
    members["LSTM"][:, 0] = np.nan
    for level in LEVELS:
        network.lower[level][:, 0] = np.nan
        network.upper[level][:, 0] = np.nan
    actual[:, 1] = np.nan
    made = judge(members, residual, actual, np.ones(N), network=network)
    assert np.isnan(made.series_mase[1])
    assert np.isfinite(made.blend).all()
    median = made.rule.median({name: rows[2] for name, rows in members.items()})
    real = made.rule.intervals(median, np.ones(N), residual.at(2), network.at(2))
    for level in LEVELS:
        assert np.isfinite(real.lower[level]).all()
        assert (real.lower[level] < median).all()


def test_a_member_without_a_single_forecast_gets_no_weight() -> None:
    members, actual = members_for(3, 0.5)
    members["LSTM"][:] = np.nan
    made = judge(members, widths_for(actual.shape), actual, np.ones(N))
    assert made.weights[0] == 0.0
    assert np.isfinite(made.blend).all()


def test_intervals_are_calibrated_out_of_fold() -> None:
    # Base widths are far too small, by a different factor for each series.
    members, actual = members_for(4, 0.5, series=100)
    size = np.random.default_rng(3).uniform(0.01, 0.05, size=(1, 100, 1))
    narrow = {level: np.broadcast_to(size, actual.shape).copy() for level in LEVELS}
    made = judge(members, Widths(narrow, dict(narrow)), actual, np.ones(100))
    for row in made.coverage:
        # 400 windows: five points are more than three standard deviations of a window's share.
        assert abs(row.coverage - row.level / 100.0) < 0.05


def test_a_series_own_factor_at_a_fold_does_not_know_that_fold() -> None:
    # Windows differ in size by chance alone: a factor that saw its own window would shrink the
    # scores that it is calibrated with, and the intervals would come out too narrow.
    random = np.random.default_rng(0)
    size = np.exp(random.normal(size=(3, 300, 1)))
    actual = 50.0 + size * random.normal(size=(3, 300, K))
    members = {"SeasonalNaive": np.full(actual.shape, 50.0)}
    flat = {level: np.ones(actual.shape) for level in LEVELS}
    made = judge(members, Widths(flat, dict(flat)), actual, np.ones(300))
    for row in made.coverage:
        # A window's share inside has a standard deviation below 1/4; four of them over 900.
        assert row.coverage > row.level / 100.0 - 4 * 0.25 / np.sqrt(900)
