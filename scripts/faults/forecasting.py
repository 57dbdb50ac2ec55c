"""Faults of the forecaster: quantiles, folds, ensemble, counts, paths, covariates, monitoring."""

from __future__ import annotations

from typing import Any

import numpy as np

from faults.fault import Fault, changed, does_nothing, reads, returns

NETWORK = "tests/forecasting/networks/test_network.py::"
FOLDS = "tests/forecasting/evaluation/test_folds.py::"
CROSS_FIT = "tests/forecasting/evaluation/test_cross_fit.py::"
ENSEMBLE = "tests/forecasting/evaluation/test_ensemble.py::"
COUNTS = "tests/forecasting/evaluation/test_counts.py::"
PATHS = "tests/forecasting/evaluation/test_paths.py::"
TOTALS = "tests/forecasting/test_totals.py::"
PATCHES = "tests/forecasting/pretrained/test_patch_reading.py::"
WATCHING = "tests/forecasting/monitoring/test_watching.py::"
ANOMALIES = "tests/forecasting/monitoring/test_anomalies.py::"
JOB = "tests/forecasting/partitions/test_job.py::"
RUNS = "tests/forecasting/test_training_runs.py::"
COVARIATE_TABLES = "tests/tables/test_covariate_tables.py::"
READ = "tests/forecasting/test_covariates.py::"
APPENDING = "tests/tables/test_appending.py::"
OUT_OF_FOLD = (CROSS_FIT + "test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it",)

CROSSING = "a quantile crosses or a loss is another one"
LEAK = "a fold or a scale knows the future"
HONEST = "the evaluation claims more than it knows"
PRETRAINED = "the pretrained network reads what it must not"
WHOLE = "counts, paths and totals do not add up"
COVARIATES = "covariates are read where they must not be"
LATER = "monitoring or a job mixes up rows or series"


def blend_weighed_on_its_own_fold(_: Any) -> Any:
    """The ensemble's weights at a fold are fitted on all folds."""

    def wrong(self: Any, fold: int, *hidden: int) -> Any:
        from holdfast.forecasting.evaluation.ensemble import combine

        return combine(self.members[:, fold], self.weights(self.apart(*hidden)))

    return wrong


def every_candidate_keeps_its_weight(_: Any, given: Any) -> Any:
    """The weights are fitted with all members at once, whether they help elsewhere or not."""
    from holdfast.forecasting.evaluation.ensemble import fit_weights

    everyone = np.ones(given.errors.members.shape[1], dtype=bool)
    return fit_weights(given.errors, given.prior.centre(everyone))


def first_batch_twice(series_batches: Any) -> Any:
    """The first series of a partition come again in place of its last ones."""

    def wrong(*args: Any) -> Any:
        batches = list(series_batches(*args))
        return iter(batches if len(batches) < 2 else [*batches[:-1], batches[0]])

    return wrong


FAULTS: tuple[Fault, ...] = (
    Fault(
        CROSSING, "the network's lower quantiles lie above the median",
        "holdfast.forecasting.quantile_head:_steps_away",
        returns(lambda found, _: found.abs()),
        (NETWORK + "test_quantiles_never_cross_whatever_comes_in",),
    ),
    Fault(
        LEAK, "a cut keeps one value more",
        "holdfast.tables.series:SeriesSet.cut", reads(ordinals=lambda ordinals, _: ordinals + 1),
        ("tests/tables/test_series.py::test_a_cut_leaves_nothing_after_it_and_keeps_the_places",
         FOLDS + "test_nothing_behind_a_cut_off_reaches_a_forecast_a_width_or_a_scale"),
    ),
    Fault(
        LEAK, "level and spread see the next value",
        "holdfast.tables.windows:trailing_scale",
        reads(origins=lambda origins, given: np.minimum(origins + 1, given.values.shape[1])),
        ("tests/tables/test_scaling.py::test_nothing_at_or_after_an_origin_moves_its_scale",
         NETWORK + "test_no_position_sees_what_comes_after_it"),
    ),
    Fault(
        LEAK, "windows end one value early: the last point is dropped",
        "holdfast.tables.windows:window_values", reads(ends=lambda ends, _: ends - 1),
        (NETWORK + "test_a_forecast_is_what_the_network_says_after_the_last_value",),
    ),
    Fault(
        LEAK, "networks of the backtest learn from what is scored",
        "holdfast.forecasting.backtest:BacktestData.training",
        lambda _: property(lambda self: self.table.series),
        (RUNS + "test_the_backtest_is_trained_on_nothing_that_is_watched_or_scored",),
    ),
    Fault(
        LEAK, "the ensemble's weights are learnt in the fold that is scored",
        "holdfast.forecasting.evaluation.cross_fit:CrossFit.blend", blend_weighed_on_its_own_fold,
        OUT_OF_FOLD,
    ),
    Fault(
        LEAK, "intervals are calibrated on the fold that is scored",
        "holdfast.forecasting.evaluation.cross_fit:CrossFit.spread",
        lambda spread: lambda self, *_hidden: spread(self),
        OUT_OF_FOLD,
    ),
    Fault(
        HONEST, "a member that does not help keeps its weight",
        "holdfast.forecasting.evaluation.ensemble:fit_useful_weights",
        returns(every_candidate_keeps_its_weight),
        (ENSEMBLE + "test_a_candidate_that_only_the_folds_together_speak_for_gets_nothing",),
    ),
    Fault(
        PRETRAINED, "level and spread know the value behind a position",
        "holdfast.forecasting.pretrained.features:_Statistics.of",
        lambda of: lambda cls, moved, visible, ends, half_life: of(
            cls, moved, visible, (ends + 1).clamp(max=moved.shape[1] - 1), half_life
        ),
        (PATCHES + "test_no_position_sees_what_comes_after_it",
         PATCHES + "test_level_and_spread_are_the_means_of_a_past_that_fades"),
    ),
    Fault(
        WHOLE, "lower bounds are rounded up",
        "holdfast.forecasting.evaluation.counts:to_whole",
        returns(lambda found, given: changed(
            found, lower={level: np.ceil(bound) for level, bound in given.lower.items()}
        )),
        (COUNTS + "test_bounds_are_rounded_outwards_and_only_where_the_history_is_whole",),
    ),
    Fault(
        WHOLE, "series of a path are drawn apart",
        "holdfast.forecasting.evaluation.copula:Paths._pairs",
        lambda _: property(lambda self: np.eye(len(self.places))),
        (PATHS + "test_series_that_err_together_are_drawn_together",),
    ),
    Fault(
        WHOLE, "what came in a period that has begun is left out of its total",
        "holdfast.forecasting.totals:_observed",
        returns(lambda found, _: changed(found, total=np.zeros_like(found.total))),
        (TOTALS
         + "test_a_period_that_has_begun_counts_what_was_observed_and_one_that_is_cut_is_marked",),
    ),
    Fault(
        COVARIATES, "past covariates are known behind a cut",
        "holdfast.tables.covariates:Covariates.cut", returns(lambda _, given: given.self),
        (COVARIATE_TABLES + "test_behind_a_cut_historic_columns_do_not_exist_and_known_ones_do",),
    ),
    Fault(
        COVARIATES, "a forecast is made where future values are missing",
        "holdfast.tables.covariate_tables:check_future", does_nothing,
        (READ + "test_missing_future_values_are_named_by_column_and_dates",),
    ),
    Fault(
        LATER, "a watch judges a row by the forecast of the step before",
        "holdfast.forecasting.monitoring.watch:Watch._in_force",
        reads(ordinal=lambda ordinal, given: np.maximum(
            ordinal - 1, given.self._origins[given.place] + 1
        )),
        (WATCHING + "test_each_row_is_beside_the_forecast_of_the_horizon_before_it",),
    ),
    Fault(
        LATER, "a row takes the place of another value unasked",
        "holdfast.tables.update:append", reads(correct=lambda *_: True),
        (APPENDING + "test_another_value_is_refused_unless_it_is_a_correction",),
    ),
    Fault(
        LATER, "anomalies: each point is judged by the forecast of the next one",
        "holdfast.forecasting.pretrained.forecast:one_step_quantiles",
        returns(lambda found, _: np.roll(found, -1, axis=0)),
        (ANOMALIES + "test_one_pass_says_of_each_point_what_a_run_over_its_past_says",),
    ),
    Fault(
        LATER, "the first batch of a partition is done twice",
        "holdfast.forecasting.partitions.folder:series_batches", first_batch_twice,
        (JOB + "test_batches_of_partitions_give_what_one_table_gives",),
    ),
    Fault(
        LATER, "a series in two partitions goes unnoticed",
        "holdfast.forecasting.partitions.folder:_refuse_doubles", does_nothing,
        (JOB + "test_a_series_in_two_parts_is_refused",),
    ),
)  # fmt: skip
