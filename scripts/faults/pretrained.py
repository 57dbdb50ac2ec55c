"""Faults of the pretrained network, and of what trains it."""

from __future__ import annotations

from faults.fault import Fault

PRETRAINED = "tests/forecasting/pretrained/"
PATCH_READING = PRETRAINED + "test_patch_reading.py::"
INVARIANCE = PRETRAINED + "test_invariance.py::"
PRETRAINED_FORECAST = PRETRAINED + "test_pretrained_forecast.py::"
STREAM = PRETRAINED + "test_stream.py::"
TASK = PRETRAINED + "test_pretraining_task.py::"
THREADS = "tests/forecasting/networks/test_threads.py::"
ADAPT = PRETRAINED + "test_adapt.py::"

KNOWING = "a pretrained network reads or says what it must not"

FAULTS: tuple[Fault, ...] = (
    Fault(
        KNOWING, "a position reads the value behind it",
        "forecasting/pretrained/reading.py",
        "places = ends[:, None] + steps  # (K, L)",
        "places = (ends[:, None] + steps + 1).clamp(max=points - 1)  # (K, L)",
        (PATCH_READING + "test_no_position_sees_what_comes_after_it",),
    ),
    Fault(
        KNOWING, "level and spread know the value behind a position",
        "forecasting/pretrained/reading.py",
        "_Statistics.of(moved, visible, ends, design.half_life)",
        "_Statistics.of(moved, visible, (ends + 1).clamp(max=points - 1), design.half_life)",
        (PATCH_READING + "test_no_position_sees_what_comes_after_it",
         PATCH_READING + "test_level_and_spread_are_the_means_of_a_past_that_fades"),
    ),
    Fault(
        KNOWING, "origins lie one point early", "forecasting/pretrained/reading.py",
        "origins: Tensor = torch.where(seen, ends, 0).cummax(dim=1).values",
        "origins: Tensor = torch.where(seen, ends - 1, 0).cummax(dim=1).values",
        (PATCH_READING + "test_seasonal_copies_are_what_stood_a_season_before_and_the_mean_of_some",
         PATCH_READING + "test_a_line_drifts_on_as_a_line_from_its_last_value"),
    ),
    Fault(
        KNOWING, "targets are not bounded", "forecasting/pretrained/reading.py",
        "/ spread).clamp(-CLIP, CLIP).float()", "/ spread).float()",
        (PATCH_READING + "test_what_lies_far_off_is_read_and_asked_as_the_bound",),
    ),
    Fault(
        KNOWING, "the mirrored candidates keep their sign",
        "forecasting/pretrained/reading.py",
        "candidates=-reading.candidates,", "candidates=reading.candidates,",
        (INVARIANCE + "test_the_mirrored_reading_is_the_reading_of_the_negative",
         INVARIANCE + "test_what_falls_is_forecast_as_what_rises_upside_down"),
    ),
    Fault(
        KNOWING, "the mirrored quantiles are not turned round",
        "forecasting/pretrained/forecast.py",
        "mirror(reading, network.design), positions).flip(-1))",
        "mirror(reading, network.design), positions))",
        (INVARIANCE + "test_what_falls_is_forecast_as_what_rises_upside_down",
         PRETRAINED_FORECAST + "test_quantiles_never_cross_whatever_comes_in",
         STREAM + "test_at_every_length_it_says_what_a_fresh_run_says"),
    ),
    Fault(
        KNOWING, "a forecast begins one patch early: the last patch is dropped",
        "forecasting/pretrained/forecast.py",
        "torch.from_numpy(known)[None, :] - 1 +",
        "(torch.from_numpy(known)[None, :] - 2).clamp(min=0) +",
        (INVARIANCE + "test_the_last_value_counts_before_any_training",
         STREAM + "test_at_every_length_it_says_what_a_fresh_run_says"),
    ),
    Fault(
        KNOWING, "a forecast reads one value too far",
        "forecasting/pretrained/alignment.py",
        "source = place + ends[:, None]", "source = place + ends[:, None] + 1",
        (ADAPT + "test_what_a_window_forecasts_is_not_what_it_reads",
         ADAPT + "test_it_is_watched_on_every_horizon_behind_the_training_part",
         STREAM + "test_at_every_length_it_says_what_a_fresh_run_says"),
    ),
    Fault(
        KNOWING, "every value of a stream goes to the same reader",
        "forecasting/pretrained/stream.py",
        "self._turn = (self._turn + 1) % design.patch", "self._turn = 0",
        (STREAM + "test_at_every_length_it_says_what_a_fresh_run_says",),
    ),
    Fault(
        KNOWING, "pretraining sees what it hides", "forecasting/pretrained/task.py",
        "visible = torch.where(torch.from_numpy(hidden).to(device), torch.nan, whole)",
        "visible = whole",
        (TASK + "test_what_is_hidden_never_enters_the_reading",
         TASK + "test_the_future_is_hidden_and_asked_for"),
    ),
    Fault(
        KNOWING, "fine-tuning is watched on what it was trained on",
        "tables/window_split.py",
        "ends = first[:, None] + horizon * np.arange(max(turns, 0))",
        "ends = first[:, None] - horizon * np.arange(1, max(turns, 0) + 1)",
        (ADAPT + "test_it_is_watched_on_every_horizon_behind_the_training_part",
         ADAPT + "test_nothing_behind_the_training_part_enters_what_is_learnt"),
    ),
    Fault(
        KNOWING, "a slope is not damped", "forecasting/pretrained/smoothing.py",
        "self._slope = slope + beta * error", "self._slope = self._slope + beta * error",
        (PRETRAINED + "test_smoothing.py::test_every_temper_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        KNOWING, "every temper knows the short season alone",
        "forecasting/pretrained/smoothing.py",
        "(long_season, _OF_LONG_SEASON)", "(season, _OF_LONG_SEASON)",
        (PRETRAINED + "test_smoothing.py::test_every_temper_is_the_equations_worked_out_by_hand",),
    ),
    Fault(
        KNOWING, "what a calendar promises is always kept in training",
        "forecasting/pretrained/task.py",
        "np.where(believed, samples.calendar_season, samples.season)", "samples.season",
        (TASK + "test_a_network_is_told_its_calendars_seasons_whether_the_series_has_them_or_not",),
    ),
    Fault(
        KNOWING, "forecasts made side by side change places", "forecasting/networks/threads.py",
        "list(pool.map(work, items))", "list(pool.map(work, items))[::-1]",
        (THREADS + "test_results_come_in_order_from_threads_that_compute_alone",),
    ),
)  # fmt: skip
