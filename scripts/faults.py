"""The faults that `plant_faults.py` plants: what goes wrong, where, and which tests must notice."""

from __future__ import annotations

from dataclasses import dataclass

CELLS = "tests/engine/test_cells.py::"
START = "tests/nn/test_initialisation.py::"
PARITY = "tests/nn/test_parity.py::"
LENGTHS = "tests/nn/test_lengths.py::"
NETWORK = "tests/forecasting/network/test_network.py::"
PRETRAINED = "tests/forecasting/network/pretrained/"
PATCH_READING = PRETRAINED + "test_patch_reading.py::"
INVARIANCE = PRETRAINED + "test_invariance.py::"
PRETRAINED_FORECAST = PRETRAINED + "test_pretrained_forecast.py::"
STREAM = PRETRAINED + "test_stream.py::"
ADAPT = PRETRAINED + "test_adapt.py::"
FOLDS = "tests/forecasting/judgement/test_folds.py::"
CROSS_FIT = "tests/forecasting/judgement/test_cross_fit.py::"
BLEND = "tests/forecasting/judgement/test_blend.py::"
CONFORMAL = "tests/forecasting/judgement/test_conformal.py::"
TABLES = "tests/forecasting/tables/"
WINDOWS = TABLES + "test_windows.py::"
FORECASTER = "tests/forecasting/test_forecaster.py::"
RUNS = "tests/forecasting/test_training_runs.py::"
LOOP = "tests/training/test_loop.py::"
SNAPSHOTS = "tests/training/test_snapshots.py::"
STORAGE = "tests/test_storage.py::"


@dataclass(frozen=True)
class Fault:
    """One fault.

    Arguments:
        kind: the promise that it breaks.
        name: what goes wrong, in words.
        file: below src/holdfast.
        old: text that stands exactly once in the file.
        new: what the fault puts in its place.
        tests: node ids without parameters; every one of them must go red.
    """

    kind: str
    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]


GATES = "a gate is wrong"
KERNEL = "a kernel is wrong"
CROSSING = "a quantile crosses"
LEAK = "a fold leaks the future"
SCALE = "a scale or a feature looks ahead"
POINT = "the data are read in the wrong place"
HONEST = "the judgement claims more than it knows"
RUN = "a training run is not what it says"
FILES = "a file is half-written or unchecked"
KNOWING = "a pretrained network reads or says what it must not"

FAULTS: tuple[Fault, ...] = (
    Fault(
        GATES, "LSTM: forget and input gate change places", "engine/cells/lstm.py",
        "c = f * c + i * g", "c = i * c + f * g",
        (CELLS + "test_lstm_is_the_equations_worked_out_by_hand",
         CELLS + "test_cells_agree_with_torch_cells"),
    ),
    Fault(
        GATES, "LSTM: the output gate is missing", "engine/cells/lstm.py",
        "h = o * torch.tanh(c)", "h = torch.tanh(c)",
        (CELLS + "test_lstm_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        GATES, "LSTM: gates are read in another order than torch's", "engine/cells/lstm.py",
        "a_i, a_f, a_g, a_o = a.chunk(4, dim=-1)", "a_i, a_f, a_o, a_g = a.chunk(4, dim=-1)",
        (CELLS + "test_lstm_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        GATES, "GRU: the update gate is the wrong way round", "engine/cells/gru.py",
        "h = (1 - z) * n + z * h", "h = z * n + (1 - z) * h",
        (CELLS + "test_gru_is_the_equations_worked_out_by_hand",
         CELLS + "test_cells_agree_with_torch_cells"),
    ),
    Fault(
        GATES, "GRU: the reset gate is missing", "engine/cells/gru.py",
        "n = torch.tanh(x_n + r * h_n)", "n = torch.tanh(x_n + h_n)",
        (CELLS + "test_gru_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        GATES, "RNN with tanh: the state before is not read", "engine/cells/rnn.py",
        "h = torch.tanh(preactivation(x, h, weights))",
        "h = torch.tanh(preactivation(x, torch.zeros_like(h), weights))",
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATES, "RNN with relu: what is negative stays", "engine/cells/rnn.py",
        "h = torch.relu(preactivation(x, h, weights))", "h = preactivation(x, h, weights).abs()",
        (CELLS + "test_rnn_is_the_equation_worked_out_by_hand",),
    ),
    Fault(
        GATES, "LSTM: a fresh forget gate is half open", "nn/initialisation.py",
        "    f.copy_(forget)\n", "    f.zero_()\n",
        (START + "test_forget_gates_hold_the_timescales_and_input_gates_open_less",
         START + "test_a_fresh_lstm_remembers_and_does_not_saturate"),
    ),
    Fault(
        KERNEL, "the biases reach the equations in the wrong order", "engine/kernels/contract.py",
        "bias_ih, bias_hh = rest[:2]", "bias_hh, bias_ih = rest[:2]",
        (PARITY + "test_the_equations_give_the_same_numbers",),
    ),
    Fault(
        KERNEL, "reference kernel: a row that has ended loses its state",
        "engine/kernels/reference.py",
        "torch.cat([new, old[rows:]])", "torch.cat([new, torch.zeros_like(old[rows:])])",
        (PARITY + "test_the_equations_give_the_same_numbers",),
    ),
    Fault(
        KERNEL, "built-in kernel: h and c change places", "engine/kernels/builtin.py",
        "return output, (h, c)", "return output, (c, h)",
        (PARITY + "test_outputs_and_gradients_are_those_of_torch",),
    ),
    Fault(
        KERNEL, "built-in kernel: the state to begin with is not read",
        "engine/kernels/builtin.py",
        "x, state[0], weights, bias, layers, dropout, train, both, False",
        "x, torch.zeros_like(state[0]), weights, bias, layers, dropout, train, both, False",
        (PARITY + "test_outputs_and_gradients_are_those_of_torch",),
    ),
    Fault(
        KERNEL, "a batch with one full row counts as full", "nn/lengths.py",
        "if bool((counts == steps).all()):", "if bool((counts == steps).any()):",
        (LENGTHS + "test_each_row_gives_what_it_gives_alone",
         LENGTHS + "test_what_lies_in_the_padding_has_no_say"),
    ),
    Fault(
        KERNEL, "final states of a ragged batch stay sorted by length", "nn/recurrent.py",
        "final = tuple(part.index_select(1, unsorted_indices) for part in final)",
        "final = tuple(part for part in final)",
        (LENGTHS + "test_each_row_gives_what_it_gives_alone",
         PARITY + "test_packed_sequences_are_those_of_torch"),
    ),
    Fault(
        CROSSING, "steps away from the median may be negative", "forecasting/network/heads.py",
        "F.softplus(out[..., 1:] - 1.0) @", "(out[..., 1:] - 1.0) @",
        (NETWORK + "test_quantiles_never_cross_whatever_comes_in",),
    ),
    Fault(
        CROSSING, "the lower steps point upwards", "forecasting/network/heads.py",
        "result[side:, :side] = -up.flip(1)", "result[side:, :side] = up.flip(1)",
        (NETWORK + "test_quantiles_never_cross_whatever_comes_in",),
    ),
    Fault(
        CROSSING, "a wider interval may lie inside a narrower one",
        "forecasting/judgement/conformal.py",
        "above = np.maximum(above, widths.upper[level] * calibration.upper[level])",
        "above = widths.upper[level] * calibration.upper[level]",
        (CONFORMAL + "test_wider_levels_contain_narrower_ones_and_the_centre",),
    ),
    Fault(
        CROSSING, "the pinball loss has its sides the wrong way round",
        "forecasting/network/losses.py",
        "error @ (quantiles - 0.5)", "error @ (0.5 - quantiles)",
        (NETWORK + "test_pinball_weighs_the_two_sides_by_the_level_and_leaves_gaps_out",),
    ),
    Fault(
        LEAK, "a cut keeps one value more", "forecasting/tables/series.py",
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
        LEAK, "early stopping watches what is scored", "forecasting/judgement/folds.py",
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
        "forecasting/judgement/crossfit.py",
        "combine(self.members[:, fold], self.weights(self.apart(fold, *hidden)))",
        "combine(self.members[:, fold], self.weights(self.apart(*hidden)))",
        (CROSS_FIT + "test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it",),
    ),
    Fault(
        LEAK, "the networks' widths are weighted on the fold that they are scored on",
        "forecasting/judgement/crossfit.py",
        "weights = self.weights(self.apart(fold, *hidden))",
        "weights = self.weights(self.apart(*hidden))",
        (CROSS_FIT + "test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it",),
    ),
    Fault(
        LEAK, "intervals are calibrated on the fold that they are scored on",
        "forecasting/judgement/backtest.py",
        "cross.spread(fold) for fold", "cross.spread() for fold",
        (CROSS_FIT + "test_a_folds_own_actuals_shape_nothing_that_is_printed_of_it",),
    ),
    Fault(
        LEAK, "a series' factor knows the errors that it is calibrated on",
        "forecasting/judgement/crossfit.py",
        "others = [folds.index(other) for other in self.apart(fold) if other in folds]",
        "others = [folds.index(other) for other in folds]",
        (CROSS_FIT + "test_a_series_own_factor_at_a_fold_does_not_know_that_fold",),
    ),
    Fault(
        LEAK, "folds that overlap serve each other", "forecasting/judgement/crossfit.py",
        "abs(self.cutoffs[other] - self.cutoffs[fold]) >= horizon",
        "abs(self.cutoffs[other] - self.cutoffs[fold]) > 0",
        (CROSS_FIT + "test_folds_that_overlap_never_serve_each_other",),
    ),
    Fault(
        SCALE, "level and spread see the next value", "forecasting/tables/scaling.py",
        "    width = int(origins.max())\n",
        "    origins = np.minimum(origins + 1, values.shape[1])\n"
        "    width = int(origins.max())\n",
        (TABLES + "test_scaling.py::test_nothing_at_or_after_an_origin_moves_its_scale",
         NETWORK + "test_no_position_sees_what_comes_after_it"),
    ),
    Fault(
        SCALE, "the unit of MASE comes from the whole series", "forecasting/judgement/folds.py",
        "seasonal_scale(series.cut(fold.cutoff), season)", "seasonal_scale(series, season)",
        (FOLDS + "test_nothing_behind_a_cut_off_reaches_a_forecast_a_width_or_a_scale",),
    ),
    Fault(
        SCALE, "patches begin one value late and so end in the future",
        "forecasting/network/features.py",
        "patches = context.reshape(", "patches = context.roll(-1, 1).reshape(",
        (NETWORK + "test_no_position_sees_what_comes_after_it",),
    ),
    Fault(
        POINT, "windows end one value early: the last point is dropped",
        "forecasting/tables/windows.py",
        "= ends[:, None] + steps[None, :]", "= ends[:, None] - 1 + steps[None, :]",
        (WINDOWS + "test_a_window_ends_where_it_was_asked_to_and_never_reads_a_neighbour",
         NETWORK + "test_a_forecast_is_what_the_network_says_after_the_last_value"),
    ),
    Fault(
        POINT, "each position gets the state of the patch before: the last one is dropped",
        "forecasting/network/model.py",
        "state = self.state(state[wanted])",
        "state = self.state(state.roll(1, 0)[wanted])",
        (NETWORK + "test_the_last_patch_reaches_the_state_and_not_only_the_copy",),
    ),
    Fault(
        POINT, "the horizon is decoded from an earlier state", "forecasting/network/forecast.py",
        "network(read, last=True)[-1]", "network(read)[-2]",
        (NETWORK + "test_a_forecast_is_what_the_network_says_after_the_last_value",),
    ),
    Fault(
        POINT, "targets are shifted by one", "forecasting/network/features.py",
        "torch.from_numpy(design.shape.origins)]", "torch.from_numpy(design.shape.origins - 1)]",
        (NETWORK + "test_targets_are_what_comes_after_each_position",),
    ),
    Fault(
        POINT, "the lag copy is shifted by one", "forecasting/network/features.py",
        "design.shape.origins[:, None, None] - 1 +", "design.shape.origins[:, None, None] - 2 +",
        (NETWORK + "test_the_past_beside_a_step_is_the_newest_value_of_its_phase",
         NETWORK + "test_the_last_value_reaches_the_first_step_before_any_training"),
    ),
    Fault(
        POINT, "each forecast is compared with the value a step before",
        "forecasting/judgement/folds.py",
        "np.where(inside, series.span(fold.cutoff + 1, self.horizon), np.nan)",
        "np.where(inside, series.span(fold.cutoff, self.horizon), np.nan)",
        (FOLDS + "test_folds_are_cut_by_timestamp_not_by_row",),
    ),
    Fault(
        HONEST, "steps of one window count as independent scores",
        "forecasting/judgement/conformal.py",
        "windows = int((~np.isnan(error)).any(axis=1).sum())",
        "windows = int((~np.isnan(error)).sum())",
        (CONFORMAL + "test_a_level_with_too_few_windows_is_marked",),
    ),
    Fault(
        HONEST, "a network that does not help keeps its weight", "forecasting/judgement/blend.py",
        "loss <= (1.0 - _WORTHWHILE) * without):", "loss <= loss):",
        (BLEND + "test_a_candidate_that_only_the_folds_together_speak_for_gets_nothing",),
    ),
    Fault(
        HONEST, "a network without weight has a say in the intervals",
        "forecasting/judgement/widths.py",
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
        "forecasting/judgement/blend.py",
        "kinds = [chosen & self.network, chosen & ~self.network]", "kinds = [chosen]",
        (BLEND + "test_half_of_the_weight_starts_with_the_networks",
         FORECASTER + "test_a_three_row_series_and_a_horizon_of_24_is_half_the_network_s"),
    ),
    Fault(
        RUN, "a loss that is not finite goes on to the weights", "training/update.py",
        "if not math.isfinite(value):", "if value is None:",
        (LOOP + "test_a_loss_that_is_not_finite_names_step_and_row_and_leaves_the_weights",),
    ),
    Fault(
        RUN, "a gradient that is not finite goes on to the weights", "training/update.py",
        "if not math.isfinite(norm):", "if norm is None:",
        (LOOP + "test_a_gradient_that_is_not_finite_names_step_and_row_and_leaves_the_weights",),
    ),
    Fault(
        RUN, "a snapshot forgets the optimiser", "training/snapshots.py",
        'for index, moments in optimiser.state_dict()["state"].items():',
        "for index, moments in dict[int, dict[str, Tensor]]().items():",
        (LOOP + "test_an_interrupted_run_goes_on_to_the_same_weights",
         SNAPSHOTS + "test_the_average_goes_on_where_it_was"),
    ),
    Fault(
        RUN, "a killed run starts again from nothing", "training/loop.py",
        "            run.resume()\n", "            pass\n",
        (SNAPSHOTS + "test_a_finished_run_is_not_trained_again",
         SNAPSHOTS + "test_the_snapshot_of_other_data_is_refused"),
    ),
    Fault(
        RUN, "dropout draws from the global random numbers", "training/update.py",
        'with seeded(torch_seed(self.plan.seed, "update", step), self.device):\n'
        "                batch",
        "if self.device:\n                batch",
        (LOOP + "test_global_random_numbers_are_neither_read_nor_moved",),
    ),
    Fault(
        FILES, "files are written in place", "storage.py",
        "partial.replace(path)", "path.write_bytes(data)",
        (STORAGE + "test_a_crash_before_a_rename_leaves_the_old_model",
         STORAGE + "test_a_kill_leaves_the_old_model_and_the_next_save_cleans_up"),
    ),
    Fault(
        FILES, "a manifest is in place before its arrays", "storage.py",
        "    write_bytes_atomically(folder / arrays_file, packed)\n"
        "    write_text_atomically(folder / MANIFEST, text)\n",
        "    write_text_atomically(folder / MANIFEST, text)\n"
        "    write_bytes_atomically(folder / arrays_file, packed)\n",
        (STORAGE + "test_a_crash_before_a_rename_leaves_the_old_model",),
    ),
    Fault(
        FILES, "hashes are not checked", "storage.py",
        'if hashlib.sha256(data).hexdigest() != entry["sha256"]:', "if data is None:",
        (STORAGE + "test_a_damaged_model_is_refused_in_a_sentence_that_names_the_folder",),
    ),
    Fault(
        KNOWING, "a position reads the value behind it",
        "forecasting/network/pretrained/reading.py",
        "places = ends[:, None] + steps  # (K, L)",
        "places = (ends[:, None] + steps + 1).clamp(max=points - 1)  # (K, L)",
        (PATCH_READING + "test_no_position_sees_what_comes_after_it",),
    ),
    Fault(
        KNOWING, "level and spread know the value behind a position",
        "forecasting/network/pretrained/reading.py",
        "_Statistics.of(moved, visible, ends, design.half_life)",
        "_Statistics.of(moved, visible, (ends + 1).clamp(max=points - 1), design.half_life)",
        (PATCH_READING + "test_no_position_sees_what_comes_after_it",
         PATCH_READING + "test_level_and_spread_are_the_means_of_a_past_that_fades"),
    ),
    Fault(
        KNOWING, "origins lie one point early", "forecasting/network/pretrained/reading.py",
        "origins: Tensor = torch.where(seen, ends, 0).cummax(dim=1).values",
        "origins: Tensor = torch.where(seen, ends - 1, 0).cummax(dim=1).values",
        (PATCH_READING + "test_seasonal_copies_are_what_stood_a_season_before_and_the_mean_of_some",
         PATCH_READING + "test_a_line_drifts_on_as_a_line_from_its_last_value"),
    ),
    Fault(
        KNOWING, "targets are not bounded", "forecasting/network/pretrained/reading.py",
        "/ spread).clamp(-CLIP, CLIP).float()", "/ spread).float()",
        (PATCH_READING + "test_what_lies_far_off_is_read_and_asked_as_the_bound",),
    ),
    Fault(
        KNOWING, "the mirrored candidates keep their sign",
        "forecasting/network/pretrained/reading.py",
        "candidates=-reading.candidates,", "candidates=reading.candidates,",
        (INVARIANCE + "test_the_mirrored_reading_is_the_reading_of_the_negative",
         INVARIANCE + "test_what_falls_is_forecast_as_what_rises_upside_down"),
    ),
    Fault(
        KNOWING, "the mirrored quantiles are not turned round",
        "forecasting/network/pretrained/forecast.py",
        "mirror(reading, network.design), positions).flip(-1))",
        "mirror(reading, network.design), positions))",
        (INVARIANCE + "test_what_falls_is_forecast_as_what_rises_upside_down",
         PRETRAINED_FORECAST + "test_quantiles_never_cross_whatever_comes_in",
         STREAM + "test_at_every_length_it_says_what_a_fresh_run_says"),
    ),
    Fault(
        KNOWING, "a forecast begins one patch early: the last patch is dropped",
        "forecasting/network/pretrained/forecast.py",
        "torch.from_numpy(known)[None, :] - 1 +",
        "(torch.from_numpy(known)[None, :] - 2).clamp(min=0) +",
        (INVARIANCE + "test_the_last_value_counts_before_any_training",
         STREAM + "test_at_every_length_it_says_what_a_fresh_run_says"),
    ),
    Fault(
        KNOWING, "a forecast reads one value too far",
        "forecasting/network/pretrained/alignment.py",
        "source = place + ends[:, None]", "source = place + ends[:, None] + 1",
        (ADAPT + "test_what_a_window_forecasts_is_not_what_it_reads",
         ADAPT + "test_it_is_watched_on_every_horizon_behind_the_training_part",
         STREAM + "test_at_every_length_it_says_what_a_fresh_run_says"),
    ),
    Fault(
        KNOWING, "every value of a stream goes to the same reader",
        "forecasting/network/pretrained/stream.py",
        "self._turn = (self._turn + 1) % design.patch", "self._turn = 0",
        (STREAM + "test_at_every_length_it_says_what_a_fresh_run_says",),
    ),
    Fault(
        KNOWING, "pretraining sees what it hides", "forecasting/network/pretrained/task.py",
        "visible = torch.where(torch.from_numpy(hidden).to(device), torch.nan, whole)",
        "visible = whole",
        (PRETRAINED + "test_pretraining_task.py::test_what_is_hidden_never_enters_the_reading",
         PRETRAINED + "test_pretraining_task.py::test_the_future_is_hidden_and_asked_for"),
    ),
    Fault(
        KNOWING, "fine-tuning is watched on what it was trained on",
        "forecasting/network/pretrained/adapt.py",
        "ends = first[:, None] + self.horizon * np.arange(max(turns, 0))",
        "ends = first[:, None] - self.horizon * np.arange(1, max(turns, 0) + 1)",
        (ADAPT + "test_it_is_watched_on_every_horizon_behind_the_training_part",
         ADAPT + "test_nothing_behind_the_training_part_enters_what_is_learnt"),
    ),
    Fault(
        KNOWING, "a slope is not damped", "forecasting/network/pretrained/smoothing.py",
        "self._slope = slope + beta * error", "self._slope = self._slope + beta * error",
        (PRETRAINED + "test_smoothing.py::test_every_temper_is_the_equations_worked_out_by_hand",),
    ),
)  # fmt: skip
"""In the order of the promises that they break."""
