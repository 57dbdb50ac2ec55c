"""The evaluation as a whole: out of fold, honest about what it cannot know, ready to forecast."""

from __future__ import annotations

import numpy as np
import pytest

from holdfast.forecasting.backtest import verdict
from holdfast.forecasting.baselines import forecast_simple, simple_methods
from holdfast.forecasting.evaluation.conformal import Widths, residual_widths, stack_widths
from holdfast.forecasting.evaluation.cross_fit import Evaluation, evaluate
from holdfast.forecasting.evaluation.folds import make_folds
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet

LEVELS = (80.0, 90.0)
N, K = 25, 12


def members_for(
    folds: int, lstm: float, seed: int = 0, series: int = N
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    random = np.random.default_rng(seed)
    actual = 50.0 + random.normal(size=(folds, series, K))
    sizes = {"LSTM": lstm, "SeasonalNaive": 1.0, "Theta": 1.4, "Naive": 3.0}
    noise = {name: size * random.normal(size=actual.shape) for name, size in sizes.items()}
    return {name: actual + error for name, error in noise.items()}, actual


def widths_for(shape: tuple[int, ...], seed: int = 1) -> Widths:
    base = np.random.default_rng(seed).uniform(0.5, 2.0, size=shape)
    half = {level: base * level / 80.0 for level in LEVELS}
    return Widths(half, dict(half))


def evaluated(folds: int, lstm: float = 0.5, series: int = N, **more: object) -> Evaluation:
    members, actual = members_for(folds, lstm, series=series)
    residual = widths_for(actual.shape)
    network = widths_for(actual.shape, seed=2)
    return evaluate(members, residual, actual, np.ones(series), networks={"LSTM": network}, **more)


@pytest.mark.parametrize("folds", [1, 2, 3, 4])
def test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it(folds: int) -> None:
    members, actual = members_for(folds, 0.5)
    # Another network, nearly as good and with other widths.
    other = np.random.default_rng(5).normal(size=actual.shape)
    members = {"Pretrained": actual + 0.6 * other, **members}
    residual = widths_for(actual.shape)
    networks = {
        "Pretrained": widths_for(actual.shape, seed=2),
        "LSTM": widths_for(actual.shape, seed=3),
    }

    def run(values: np.ndarray) -> Evaluation:
        return evaluate(members, residual, values, np.ones(N), networks=networks)

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

    def run(values: np.ndarray) -> Evaluation:
        return evaluate(members, residual, values, np.ones(N), cutoffs=cutoffs)

    before = run(actual)
    changed = actual.copy()
    changed[[1, 2, 3]] += 20.0
    after = run(changed)
    np.testing.assert_array_equal(after.blend[2], before.blend[2])
    np.testing.assert_array_equal(after.intervals.upper[80.0][2], before.intervals.upper[80.0][2])
    assert not np.array_equal(after.blend[0], before.blend[0])


def verdict_of(evaluation: Evaluation) -> tuple[str, ...]:
    """What follows from it, in sentences."""
    return verdict(
        len(evaluation.blend), evaluation.methods, evaluation.coverage, evaluation.comparison
    )


def test_the_planted_network_earns_its_weight_and_the_bad_one_none() -> None:
    good = evaluated(3, lstm=0.3)
    assert good.weights[0] > 0.6
    assert "The LSTM earns weight" in verdict_of(good)[0]
    members, actual = members_for(3, 1.0)
    members["LSTM"] = members["SeasonalNaive"] + (members["SeasonalNaive"] - actual)
    bad = evaluate(members, widths_for(actual.shape), actual, np.ones(N))
    assert bad.weights[0] == 0.0
    assert "the LSTM gets no weight" in verdict_of(bad)[0]


def test_rows_come_blend_first_and_weights_sum_to_one() -> None:
    members, actual = members_for(3, 0.5)
    mean = {"Mean": 0.5 * (members["Theta"] + members["SeasonalNaive"])}
    result = evaluate(members, widths_for(actual.shape), actual, np.ones(N), shown=mean)
    assert [row.method for row in result.methods] == ["holdfast", *members, "Mean"]
    assert result.methods[0].weight is result.methods[-1].weight is None
    assert sum(row.weight or 0.0 for row in result.methods) == pytest.approx(1.0)
    blend_error = np.abs(result.blend - actual).mean()
    assert result.methods[0].mase == pytest.approx(blend_error)
    assert result.series_mase.mean() == pytest.approx(blend_error)
    assert result.step_mase.mean() == pytest.approx(blend_error)
    assert result.coverage[0].coverage == pytest.approx(result.step_coverage[80.0].mean())


def test_without_folds_nothing_is_scored_and_the_forecast_still_stands() -> None:
    result = evaluated(0)
    assert result.methods == result.coverage == ()
    assert np.isnan(result.series_mase).all()
    assert "too short for a backtest" in verdict_of(result)[0]
    assert result.weights.tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 4, 0.0])
    members = {name: np.full((N, K), 2.0) for name in result.names}
    widths = widths_for((N, K))
    median = result.ensemble.median(members)
    assert (median == 2.0).all()
    real = result.ensemble.intervals(median, np.ones(N), widths, {"LSTM": widths})
    assert (real.upper[90.0] >= real.upper[80.0]).all()


def test_with_one_fold_weights_are_the_prior_and_no_level_is_calibrated() -> None:
    result = evaluated(1)
    assert result.weights.tolist() == pytest.approx([1 / 2, 1 / 4, 1 / 4, 0.0])
    assert not any(row.calibrated for row in result.coverage)
    assert "one fold" in verdict_of(result)[0]


def test_a_level_that_the_data_cannot_calibrate_is_named() -> None:
    # The coverage printed was measured with two of the three folds: 10 windows, enough for 80 %.
    result = evaluated(3, series=5)
    assert [row.calibrated for row in result.coverage] == [True, False]
    assert [row.scores for row in result.coverage] == [10, 10]
    assert any("Not calibrated: 90 %" in line and "19" in line for line in verdict_of(result))
    assert any("too little data to tell" in line for line in verdict_of(result))


def test_a_series_without_the_network_or_in_no_fold_still_gets_everything() -> None:
    members, actual = members_for(3, 0.5)
    residual, network = widths_for(actual.shape), widths_for(actual.shape, seed=2)
    members["LSTM"][:, 0] = np.nan
    for level in LEVELS:
        network.lower[level][:, 0] = np.nan
        network.upper[level][:, 0] = np.nan
    actual[:, 1] = np.nan
    result = evaluate(members, residual, actual, np.ones(N), networks={"LSTM": network})
    assert np.isnan(result.series_mase[1])
    assert np.isfinite(result.blend).all()
    median = result.ensemble.median({name: rows[2] for name, rows in members.items()})
    real = result.ensemble.intervals(median, np.ones(N), residual.at(2), {"LSTM": network.at(2)})
    for level in LEVELS:
        assert np.isfinite(real.lower[level]).all()
        assert (real.lower[level] < median).all()


def test_a_member_without_a_single_forecast_gets_no_weight() -> None:
    members, actual = members_for(3, 0.5)
    members["LSTM"][:] = np.nan
    result = evaluate(members, widths_for(actual.shape), actual, np.ones(N))
    assert result.weights[0] == 0.0
    assert np.isfinite(result.blend).all()


def test_intervals_are_calibrated_out_of_fold() -> None:
    # Base widths are far too small, by a different factor for each series.
    members, actual = members_for(4, 0.5, series=100)
    size = np.random.default_rng(3).uniform(0.01, 0.05, size=(1, 100, 1))
    narrow = {level: np.broadcast_to(size, actual.shape).copy() for level in LEVELS}
    result = evaluate(members, Widths(narrow, dict(narrow)), actual, np.ones(100))
    for row in result.coverage:
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
    result = evaluate(members, Widths(flat, dict(flat)), actual, np.ones(300))
    for row in result.coverage:
        # A window's share inside has a standard deviation below 1/4; four of them over 900.
        assert row.coverage > row.level / 100.0 - 4 * 0.25 / np.sqrt(900)


def test_folds_that_overlap_count_as_one() -> None:
    # 45 folds one step apart behind horizons of 12: 56 points of time, 4 blocks.
    random = np.random.default_rng(0)
    values = 50.0 + random.normal(size=56)
    actual = np.stack([values[fold : fold + K] for fold in range(45)])[:, None]
    members = {
        name: actual + size * random.normal(size=actual.shape)
        for name, size in {"SeasonalNaive": 1.0, "Theta": 1.4}.items()
    }
    result = evaluate(members, widths_for(actual.shape), actual, np.ones(1), cutoffs=np.arange(45))
    assert result.comparison is not None
    assert result.comparison.pairs == 4
    assert result.ensemble.spread.calibration.scores == 4
    # A fold in the middle overlaps 23 of the 45 and leaves 11 on either side: one block each.
    assert [row.scores for row in result.coverage] == [2, 2]
    assert not any(row.calibrated for row in result.coverage)


def test_what_is_printed_beside_a_coverage_is_the_calibration_that_was_measured() -> None:
    # 27 windows calibrate 90 % for the real forecast, 18 of the other two folds do not.
    result = evaluated(3, series=9)
    assert result.ensemble.spread.calibration.calibrated == {80.0: True, 90.0: True}
    assert [(row.scores, row.calibrated) for row in result.coverage] == [(18, True), (18, False)]
    # A fold that scores nothing has no say in it.
    members, actual = members_for(3, 0.5, series=25)
    actual[0, 10:] = np.nan
    actual[1] = np.nan
    result = evaluate(members, widths_for(actual.shape), actual, np.ones(25))
    assert [row.scores for row in result.coverage] == [10, 10]


def test_what_never_was_negative_is_backtested_with_the_floor_of_its_forecast() -> None:
    random = np.random.default_rng(0)
    actual = random.poisson(1.0, size=(3, N, K)).astype(np.float64)
    actual[2, 1] = -5.0  # it had not been negative before: a miss, and stays one
    members = {"SeasonalNaive": actual + random.normal(size=actual.shape) - 0.5}
    members["Theta"] = np.full(actual.shape, 1.0)
    width = widths_for(actual.shape)
    floor = np.zeros((3, N))
    floor[:, 0] = -np.inf
    plain = evaluate(members, width, actual, np.ones(N))
    result = evaluate(members, width, actual, np.ones(N), floor=floor)
    assert (plain.intervals.lower[80.0][:, 1:] < 0).mean() > 0.5
    assert (result.intervals.lower[80.0][:, 1:] >= 0).all()
    assert (result.blend[:, 1:] >= 0).all()
    assert (result.intervals.lower[80.0][:, 0] < 0).any()
    for level in LEVELS:
        for side in ("lower", "upper"):
            bound = getattr(plain.intervals, side)[level]
            np.testing.assert_array_equal(
                getattr(result.intervals, side)[level], np.maximum(bound, floor[..., None])
            )
    for row, before, level in zip(result.coverage, plain.coverage, LEVELS, strict=True):
        assert row.width < before.width
        lower, upper = result.intervals.lower[level], result.intervals.upper[level]
        assert row.width == pytest.approx((upper - lower).mean())
        assert row.coverage == np.mean((actual >= lower) & (actual <= upper))
    blend_error = np.abs(np.maximum(plain.blend, floor[..., None]) - actual).mean()
    assert result.methods[0].mase == pytest.approx(blend_error)


def test_a_network_without_weight_has_no_say_in_the_widths() -> None:
    members, actual = members_for(3, 1.0)
    members["LSTM"] = members["SeasonalNaive"] + (members["SeasonalNaive"] - actual)
    useless, useful = widths_for(actual.shape, seed=2), widths_for(actual.shape, seed=3)
    close = actual + 0.3 * np.random.default_rng(4).normal(size=actual.shape)
    members = {"Pretrained": close, **members}
    residual = widths_for(actual.shape)

    def run(**networks: Widths) -> Evaluation:
        return evaluate(members, residual, actual, np.ones(N), networks=networks)

    with_it, without_it = run(Pretrained=useful, LSTM=useless), run(Pretrained=useful)
    assert with_it.weights[list(members).index("LSTM")] == 0.0
    for level in LEVELS:
        np.testing.assert_array_equal(
            with_it.intervals.upper[level], without_it.intervals.upper[level]
        )


def test_two_useful_networks_share_the_weight_and_the_sentences_name_both() -> None:
    members, actual = members_for(3, 0.5)
    other = actual + 0.5 * np.random.default_rng(4).normal(size=actual.shape)
    members = {"Pretrained": other, **members}
    result = evaluate(members, widths_for(actual.shape), actual, np.ones(N))
    weights = dict(zip(result.names, result.weights, strict=True))
    # Independent errors of one size: half each, but for what 75 windows of 12 steps leave open.
    assert weights["Pretrained"] + weights["LSTM"] > 0.8
    assert abs(weights["Pretrained"] - weights["LSTM"]) < 0.2
    text = " ".join(verdict_of(result))
    assert "The pretrained LSTM" in text
    assert "The LSTM" in text


def test_without_folds_the_networks_own_widths_are_the_intervals() -> None:
    result = evaluated(0)
    members = {name: np.full((N, K), 2.0) for name in result.names}
    median, widths = result.ensemble.median(members), widths_for((N, K), seed=7)
    real = result.ensemble.intervals(median, np.ones(N), widths_for((N, K)), {"LSTM": widths})
    for level in LEVELS:
        np.testing.assert_allclose(real.upper[level] - median, widths.upper[level])


NOISE = np.random.default_rng(0).normal(size=210)
PERIODIC = {
    "sine": 10.0 + np.sin(np.arange(210) * 2 * np.pi / 7),
    "steps": np.tile(np.arange(1.0, 10.0), 24)[:210],
    "one outlier": np.where(np.arange(210) == 150, 1e12, NOISE),
    "denormal": 1e-310 * (10.0 + NOISE),
    "constant": np.full(210, 0.1),
    "zeros": np.zeros(210),
}


@pytest.mark.parametrize("name", PERIODIC)
@pytest.mark.parametrize("season", [1, 7, 9])
def test_odd_series_are_judged_without_a_warning_and_with_finite_scores(
    name: str, season: int
) -> None:
    series = SeriesSet.from_arrays({"a": PERIODIC[name]}, Calendar.integer())
    folds = make_folds(series, 7, season=season, folds=5)
    cuts = [series.cut(cutoff) for cutoff in folds.scoring]
    simple = [forecast_simple(cut, season, 7) for cut in cuts]
    members = {
        method: np.stack([result[method] for result in simple]) for method in simple_methods(season)
    }
    result = evaluate(
        members,
        stack_widths([residual_widths(cut, season, 7, LEVELS) for cut in cuts]),
        folds.actual(series),
        folds.scales(series, season),
        cutoffs=folds.cutoffs,
    )
    assert result.weights.sum() == pytest.approx(1.0)
    assert all(np.isfinite(row.mase) and np.isfinite(row.smape) for row in result.methods)
    assert result.methods[0].mase < 1e13 if name == "one outlier" else result.methods[0].mase < 2.5
    assert not any("nan" in line or "inf" in line for line in verdict_of(result))
