"""Where folds are cut, for which series, and that nothing behind a cut-off is seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import ArgumentError
from holdfast.forecasting.baselines import forecast_simple
from holdfast.forecasting.evaluation.conformal import residual_widths
from holdfast.forecasting.evaluation.folds import apart_in_time, make_folds, time_blocks
from holdfast.tables.calendar import Calendar
from holdfast.tables.series import SeriesSet


def series_from(starts: list[int], lengths: list[int], seed: int = 0) -> SeriesSet:
    random = np.random.default_rng(seed)
    rows = {f"s{i}": random.normal(size=length) for i, length in enumerate(lengths)}
    result = SeriesSet.from_arrays(rows, Calendar.integer())
    return replace(result, starts=np.array(starts, dtype=np.int64))


def test_the_newest_fold_ends_with_the_data_and_stopping_lies_before_all_scores() -> None:
    folds = make_folds(series_from([0], [144]), 12, season=12)
    assert folds.cutoffs.tolist() == [107, 119, 131]
    assert folds.stopping is not None
    assert folds.stopping == 95
    assert folds.stopping + folds.horizon <= folds.cutoffs[0]
    assert folds.reason == ""


def test_folds_are_cut_by_timestamp_not_by_row() -> None:
    # The second series starts 40 later and ends 3 later than the first.
    folds = make_folds(series_from([0, 40], [60, 23]), 5, folds=2)
    series = series_from([0, 40], [60, 23])
    assert folds.cutoffs.tolist() == [52, 57]
    actual = folds.actual(series)
    assert actual[0, 0].tolist() == series.one(0)[53:58].tolist()
    assert actual[0, 1].tolist() == series.one(1)[13:18].tolist()
    assert actual[1, 0, :2].tolist() == series.one(0)[58:].tolist()
    assert np.isnan(actual[1, 0, 2:]).all()


def test_a_series_that_ended_or_has_just_begun_is_not_scored() -> None:
    series = series_from([0, 0, 95], [100, 50, 5])
    folds = make_folds(series, 4, folds=3)
    for cutoff in folds.scoring:
        assert folds.members(series, cutoff).tolist() == [True, False, False]
    assert np.isnan(folds.actual(series)[:, 1:]).all()


def test_one_straggler_does_not_move_the_backtest_to_where_it_is_alone() -> None:
    folds = make_folds(series_from([0] * 11, [100] * 10 + [400]), 5)
    assert folds.cutoffs.tolist() == [84, 89, 94]


def test_many_series_that_ended_long_ago_do_not_matter() -> None:
    folds = make_folds(series_from([0] * 10, [20, 25, 30, 35] + [100] * 6), 5)
    assert folds.cutoffs.tolist() == [84, 89, 94]


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 80), st.integers(1, 12), st.integers(1, 12), st.integers(1, 5))
def test_every_fold_leaves_enough_to_learn_from_and_a_whole_horizon(
    length: int, horizon: int, season: int, most: int
) -> None:
    folds = make_folds(series_from([7], [length]), horizon, season=season, folds=most)
    end = 7 + length - 1
    every = [*folds.scoring] + ([] if folds.stopping is None else [folds.stopping])
    assert len(folds.scoring) <= most
    for cutoff in every:
        assert cutoff - 7 + 1 >= max(horizon, season + 1, 3)
        assert cutoff + horizon <= end
    cutoffs = folds.cutoffs
    assert (np.diff(cutoffs) == horizon).all()
    complete = len(folds.scoring) == most and folds.stopping is not None
    assert complete == (folds.reason == "")
    # As many as fit: when there is none, the series is too short for a single one.
    if not len(cutoffs):
        assert length < folds.needed + horizon


def test_short_histories_give_fewer_folds_and_say_so() -> None:
    assert make_folds(series_from([0], [13]), 6).cutoffs.tolist() == [6]
    none = make_folds(series_from([0, 0], [3, 2]), 24)
    assert (none.scoring, none.stopping) == ((), None)
    assert none.actual(series_from([0, 0], [3, 2])).shape == (0, 2, 24)
    assert "3 points" in none.reason
    assert "48" in none.reason


@pytest.mark.parametrize(("name", "value"), [("horizon", 0), ("folds", -1), ("step", 0)])
def test_impossible_arguments_are_refused_by_name(name: str, value: int) -> None:
    arguments = {"horizon": 4, "folds": 3, "step": 4, name: value}
    with pytest.raises(ArgumentError, match=name):
        make_folds(series_from([0], [50]), **arguments)


def test_nothing_behind_a_cut_off_reaches_a_forecast_a_width_or_a_scale() -> None:
    series = series_from([0, 20, 3], [120, 100, 90])
    folds = make_folds(series, 4, season=4)
    scales = folds.scales(series, 4)
    for index, cutoff in enumerate(folds.scoring):
        ordinals = np.concatenate(
            [start + np.arange(n) for start, n in zip(series.starts, series.lengths, strict=True)]
        )
        changed = replace(series, values=np.where(ordinals > cutoff, 1e6, series.values))
        now, then = changed.cut(cutoff), series.cut(cutoff)
        for name, forecast in forecast_simple(then, 4, 4).items():
            np.testing.assert_array_equal(forecast_simple(now, 4, 4)[name], forecast)
        width = residual_widths(then, 4, 4, [80.0]).upper[80.0]
        np.testing.assert_array_equal(residual_widths(now, 4, 4, [80.0]).upper[80.0], width)
        np.testing.assert_array_equal(folds.scales(changed, 4)[index], scales[index])


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=25, unique=True), st.integers(1, 20))
def test_folds_apart_in_time_are_as_many_as_fit_and_each_block_has_one(
    cutoffs: list[int], horizon: int
) -> None:
    ordinals = np.array(sorted(cutoffs))
    chosen = apart_in_time(ordinals, horizon)
    blocks = time_blocks(ordinals, horizon)
    assert chosen[-1]
    assert (np.diff(ordinals[chosen]) >= horizon).all()
    assert np.bincount(blocks[chosen]).tolist() == [1] * len(np.unique(blocks))
    for block in np.unique(blocks):
        assert np.ptp(ordinals[blocks == block]) < horizon
    # No set of folds apart in time is larger: the oldest-first greedy one has the same size.
    count, last = 0, -horizon
    for cutoff in ordinals:
        if cutoff - last >= horizon:
            count, last = count + 1, cutoff
    assert chosen.sum() == count


def test_no_folds_are_no_blocks() -> None:
    assert time_blocks(np.zeros(0, np.int64), 5).tolist() == []
    assert apart_in_time(np.zeros(0, np.int64), 5).tolist() == []
