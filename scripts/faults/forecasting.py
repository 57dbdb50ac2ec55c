"""Faults of the forecaster: its networks, its folds, its judgement."""

from __future__ import annotations

from faults.fault import Fault

NETWORK = "tests/forecasting/networks/test_network.py::"
FOLDS = "tests/forecasting/evaluation/test_folds.py::"
CROSS_FIT = "tests/forecasting/evaluation/test_cross_fit.py::"
BLEND = "tests/forecasting/evaluation/test_blend.py::"
CONFORMAL = "tests/forecasting/evaluation/test_conformal.py::"
TABLES = "tests/tables/"
WINDOWS = TABLES + "test_windows.py::"
FORECASTER = "tests/forecasting/test_forecaster.py::"
NOTES = "tests/forecasting/test_forecaster_notes.py::"
RUNS = "tests/forecasting/test_training_runs.py::"

CROSSING = "a quantile crosses"
LEAK = "a fold leaks the future"
SCALE = "a scale or a feature looks ahead"
POINT = "the data are read in the wrong place"
HONEST = "the judgement claims more than it knows"

FAULTS: tuple[Fault, ...] = (
    Fault(
        CROSSING, "steps away from the median may be negative", "forecasting/networks/heads.py",
        "F.softplus(out[..., 1:] - 1.0) @", "(out[..., 1:] - 1.0) @",
        (NETWORK + "test_quantiles_never_cross_whatever_comes_in",),
    ),
    Fault(
        CROSSING, "the lower steps point upwards", "forecasting/networks/heads.py",
        "result[side:, :side] = -up.flip(1)", "result[side:, :side] = up.flip(1)",
        (NETWORK + "test_quantiles_never_cross_whatever_comes_in",),
    ),
    Fault(
        CROSSING, "a wider interval may lie inside a narrower one",
        "forecasting/evaluation/conformal.py",
        "above = np.maximum(above, widths.upper[level] * calibration.upper[level])",
        "above = widths.upper[level] * calibration.upper[level]",
        (CONFORMAL + "test_wider_levels_contain_narrower_ones_and_the_centre",),
    ),
    Fault(
        CROSSING, "the pinball loss has its sides the wrong way round",
        "forecasting/networks/losses.py",
        "error @ (quantiles - 0.5)", "error @ (0.5 - quantiles)",
        (NETWORK + "test_pinball_weighs_the_two_sides_by_the_level_and_leaves_gaps_out",),
    ),
    Fault(
        LEAK, "a cut keeps one value more", "tables/series.py",
        "np.asarray(ordinals) - self.starts + 1", "np.asarray(ordinals) - self.starts + 2",
        (TABLES + "test_series.py::test_a_cut_leaves_nothing_after_it_and_keeps_the_places",
         FOLDS + "test_nothing_behind_a_cut_off_reaches_a_forecast_a_width_or_a_scale",
         FORECASTER + "test_nothing_after_a_cutoff_changes_what_is_forecast_there"),
    ),
    Fault(
        LEAK, "the networks of the backtest are trained on everything",
        "forecasting/groundwork.py",
        "self.table.series.cut(self._first_cutoff - self._watched_horizons * self.horizon)",
        "self.table.series",
        (RUNS + "test_the_backtest_is_trained_on_nothing_that_is_watched_or_scored",
         RUNS + "test_what_is_scored_changes_no_network_of_the_backtest",
         FORECASTER + "test_nothing_after_a_cutoff_changes_what_is_forecast_there"),
    ),
    Fault(
        LEAK, "training sees the values that early stopping watches",
        "forecasting/groundwork.py",
        "self.table.series.cut(self._first_cutoff - self._watched_horizons * self.horizon)",
        "self.known",
        (RUNS + "test_the_backtest_is_trained_on_nothing_that_is_watched_or_scored",),
    ),
    Fault(
        LEAK, "training ends at the newest cut-off, not at the oldest",
        "forecasting/groundwork.py",
        "return self.folds.scoring[0].cutoff", "return self.folds.scoring[-1].cutoff",
        (RUNS + "test_without_room_for_early_stopping_training_ends_at_the_oldest_cut_off",
         RUNS + "test_what_is_scored_changes_no_network_of_the_backtest"),
    ),
    Fault(
        LEAK, "early stopping watches what is scored", "forecasting/evaluation/folds.py",
        "watched = cutoffs[-1] - horizon\n", "watched = cutoffs[-1] - 1\n",
        (FOLDS + "test_the_newest_fold_ends_with_the_data_and_stopping_lies_before_all_scores",),
    ),
    Fault(
        LEAK, "the networks forecast a fold from one value too far", "forecasting/judged.py",
        "cuts = [series.cut(fold.cutoff) for", "cuts = [series.cut(fold.cutoff + 1) for",
        (FORECASTER + "test_nothing_after_a_cutoff_changes_what_is_forecast_there",),
    ),
    Fault(
        LEAK, "the simple methods forecast a fold from one value too far",
        "forecasting/groundwork.py",
        "forecast_simple(series.cut(fold.cutoff), season, horizon)",
        "forecast_simple(series.cut(fold.cutoff + 1), season, horizon)",
        (FORECASTER + "test_nothing_after_a_cutoff_changes_what_is_forecast_there",),
    ),
    Fault(
        LEAK, "blend weights are fitted on the fold that they are scored on",
        "forecasting/evaluation/crossfit.py",
        "combine(self.members[:, fold], self.weights(self.apart(fold, *hidden)))",
        "combine(self.members[:, fold], self.weights(self.apart(*hidden)))",
        (CROSS_FIT + "test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it",),
    ),
    Fault(
        LEAK, "the networks' widths are weighted on the fold that they are scored on",
        "forecasting/evaluation/crossfit.py",
        "weights = self.weights(self.apart(fold, *hidden))",
        "weights = self.weights(self.apart(*hidden))",
        (CROSS_FIT + "test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it",),
    ),
    Fault(
        LEAK, "intervals are calibrated on the fold that they are scored on",
        "forecasting/evaluation/backtest.py",
        "cross.spread(fold) for fold", "cross.spread() for fold",
        (CROSS_FIT + "test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it",),
    ),
    Fault(
        LEAK, "a series' factor knows the errors that it is calibrated on",
        "forecasting/evaluation/crossfit.py",
        "others = [folds.index(other) for other in self.apart(fold) if other in folds]",
        "others = [folds.index(other) for other in folds]",
        (CROSS_FIT + "test_a_series_own_factor_at_a_fold_does_not_know_that_fold",),
    ),
    Fault(
        LEAK, "folds that overlap serve each other", "forecasting/evaluation/crossfit.py",
        "abs(self.cutoffs[other] - self.cutoffs[fold]) >= horizon",
        "abs(self.cutoffs[other] - self.cutoffs[fold]) > 0",
        (CROSS_FIT + "test_folds_that_overlap_never_serve_each_other",),
    ),
    Fault(
        SCALE, "level and spread see the next value", "tables/scaling.py",
        "    width = int(origins.max())\n",
        "    origins = np.minimum(origins + 1, values.shape[1])\n"
        "    width = int(origins.max())\n",
        (TABLES + "test_scaling.py::test_nothing_at_or_after_an_origin_moves_its_scale",
         NETWORK + "test_no_position_sees_what_comes_after_it"),
    ),
    Fault(
        SCALE, "the unit of MASE comes from the whole series", "forecasting/evaluation/folds.py",
        "seasonal_scale(series.cut(fold.cutoff), season)", "seasonal_scale(series, season)",
        (FOLDS + "test_nothing_behind_a_cut_off_reaches_a_forecast_a_width_or_a_scale",),
    ),
    Fault(
        SCALE, "patches begin one value late and so end in the future",
        "forecasting/networks/features.py",
        "patches = context.reshape(", "patches = context.roll(-1, 1).reshape(",
        (NETWORK + "test_no_position_sees_what_comes_after_it",),
    ),
    Fault(
        POINT, "windows end one value early: the last point is dropped",
        "tables/windows.py",
        "= ends[:, None] + steps[None, :]", "= ends[:, None] - 1 + steps[None, :]",
        (WINDOWS + "test_a_window_ends_where_it_was_asked_to_and_never_reads_a_neighbour",
         NETWORK + "test_a_forecast_is_what_the_network_says_after_the_last_value"),
    ),
    Fault(
        POINT, "each position gets the state of the patch before: the last one is dropped",
        "forecasting/networks/model.py",
        "state = self.state(state[wanted])",
        "state = self.state(state.roll(1, 0)[wanted])",
        (NETWORK + "test_the_last_patch_reaches_the_state_and_not_only_the_copy",),
    ),
    Fault(
        POINT, "the horizon is decoded from an earlier state", "forecasting/networks/forecast.py",
        "network(read, last=True)[-1]", "network(read)[-2]",
        (NETWORK + "test_a_forecast_is_what_the_network_says_after_the_last_value",),
    ),
    Fault(
        POINT, "targets are shifted by one", "forecasting/networks/features.py",
        "torch.from_numpy(design.shape.origins)]", "torch.from_numpy(design.shape.origins - 1)]",
        (NETWORK + "test_targets_are_what_comes_after_each_position",),
    ),
    Fault(
        POINT, "the lag copy is shifted by one", "forecasting/networks/features.py",
        "design.shape.origins[:, None, None] - 1 +", "design.shape.origins[:, None, None] - 2 +",
        (NETWORK + "test_the_past_beside_a_step_is_the_newest_value_of_its_phase",
         NETWORK + "test_the_last_value_reaches_the_first_step_before_any_training"),
    ),
    Fault(
        POINT, "each forecast is compared with the value a step before",
        "forecasting/evaluation/folds.py",
        "np.where(inside, series.span(fold.cutoff + 1, self.horizon), np.nan)",
        "np.where(inside, series.span(fold.cutoff, self.horizon), np.nan)",
        (FOLDS + "test_folds_are_cut_by_timestamp_not_by_row",),
    ),
    Fault(
        HONEST, "steps of one window count as independent scores",
        "forecasting/evaluation/conformal.py",
        "windows = int((~np.isnan(error)).any(axis=1).sum())",
        "windows = int((~np.isnan(error)).sum())",
        (CONFORMAL + "test_a_level_with_too_few_windows_is_marked",),
    ),
    Fault(
        HONEST, "a network that does not help keeps its weight", "forecasting/evaluation/blend.py",
        "loss <= (1.0 - _WORTHWHILE) * without):", "loss <= loss):",
        (BLEND + "test_a_candidate_that_only_the_folds_together_speak_for_gets_nothing",),
    ),
    Fault(
        HONEST, "a network without weight has a say in the intervals",
        "forecasting/evaluation/widths.py",
        "np.flatnonzero(weights > 0) if (weights > 0).any() else np.array([0])",
        "np.arange(len(weights))\n    weights = np.ones(len(weights))",
        (CROSS_FIT + "test_a_network_without_weight_has_no_say_in_the_widths",),
    ),
    Fault(
        HONEST, "what is not worth its weight stays in the model",
        "forecasting/fitting.py",
        "worth = {name: member for name, member in trained.items() if weight(name) > 0}",
        "worth = dict(trained)",
        (FORECASTER
         + "test_everything_that_was_trained_is_judged_and_kept_only_where_it_has_weight",),
    ),
    Fault(
        HONEST, "networks start with an equal share among many",
        "forecasting/evaluation/blend.py",
        "kinds = [chosen & self.network, chosen & ~self.network]", "kinds = [chosen]",
        (BLEND + "test_half_of_the_weight_starts_with_the_networks",
         NOTES + "test_a_three_row_series_and_a_horizon_of_24_is_half_the_network_s"),
    ),
)  # fmt: skip
