"""Faults of what real tables need: covariates, counts, paths, totals, new rows, watches, parts."""

from __future__ import annotations

from faults.fault import Fault

COVARIATES = "tests/forecasting/test_covariates.py::"
COVARIATE_TABLES = "tests/tables/test_covariate_tables.py::"
COUNTS = "tests/forecasting/evaluation/test_counts.py::"
PATHS = "tests/forecasting/evaluation/test_paths.py::"
TOTALS = "tests/forecasting/test_totals.py::"
APPENDING = "tests/tables/test_appending.py::"
UPDATED = "tests/forecasting/monitoring/test_update_covariates.py::"
WATCHING = "tests/forecasting/monitoring/test_watching.py::"
WATCHED = "tests/forecasting/monitoring/test_watch_covariates.py::"
JOB = "tests/forecasting/partitions/test_job.py::"

BESIDE = "covariates are read where they must not be, or not at all"
COUNT = "counts are treated as other numbers"
TOGETHER = "sample paths do not go together as errors did"
SUM = "a total is not the sum of its parts"
NEW = "new rows are lost, doubled or taken for others"
WATCH = "a watch judges a row by the wrong forecast"
PART = "a job over parts loses or mixes series"

FAULTS: tuple[Fault, ...] = (
    Fault(
        BESIDE,
        "historic columns are known behind a cut",
        "tables/covariates.py",
        "behind[:, None] & ~self.known[None, :]",
        "behind[:, None] & self.known[None, :]",
        (COVARIATE_TABLES + "test_behind_a_cut_historic_columns_do_not_exist_and_known_ones_do",),
    ),
    Fault(
        BESIDE,
        "what was known before wins over the table of the future",
        "tables/covariates.py",
        "counts = np.isfinite(one.values)",
        "counts = np.isfinite(one.values) & np.isnan(values[place])",
        (COVARIATE_TABLES + "test_the_future_adds_known_columns_only_and_wins_where_both_speak",),
    ),
    Fault(
        BESIDE,
        "a forecast is made where known values are missing",
        "tables/future_table.py",
        "    if not missing.any():",
        "    if missing.any() or True:",
        (COVARIATES + "test_missing_future_values_are_named_by_column_and_dates",),
    ),
    Fault(
        BESIDE,
        "the effect of the horizon is not put back",
        "forecasting/networks/members.py",
        "self.start.quantiles(plain) * factor[..., None] + term[..., None]",
        "self.start.quantiles(plain)",
        (COVARIATES + "test_known_promotions_are_worth_their_weight",),
    ),
    Fault(
        COUNT,
        "large whole numbers are counts",
        "forecasting/evaluation/counts.py",
        "counts=whole & (small | (zeros >= _ZEROS)),",
        "counts=whole,",
        (COUNTS + "test_counts_are_whole_not_negative_and_small_or_with_zeros",),
    ),
    Fault(
        COUNT,
        "bounds are rounded inwards",
        "forecasting/evaluation/counts.py",
        "lower={level: down(bound)",
        "lower={level: up(bound)",
        (COUNTS + "test_bounds_are_rounded_outwards_and_only_where_the_history_is_whole",),
    ),
    Fault(
        COUNT,
        "the pull of counts is never learnt",
        "forecasting/evaluation/counts.py",
        "found = np.interp(came, made[::-1], np.log(pulls)[::-1])",
        "found = 0.0",
        (COUNTS + "test_the_pull_makes_the_means_of_past_windows_right",),
    ),
    Fault(
        TOGETHER,
        "steps are drawn apart",
        "forecasting/evaluation/paths.py",
        "np.asarray(made @ self._root.T)",
        "np.asarray(made)",
        (PATHS + "test_the_dependence_of_autoregressive_errors_is_found",),
    ),
    Fault(
        TOGETHER,
        "series are drawn apart",
        "forecasting/evaluation/paths.py",
        "np.asarray(root[rows] @ every)",
        "np.asarray(every[rows])",
        (PATHS + "test_series_that_err_together_are_drawn_together",),
    ),
    Fault(
        TOGETHER,
        "whole numbers are rounded down",
        "forecasting/evaluation/paths.py",
        "floor[:, place] += chance < values[:, place] - floor[:, place]",
        "floor[:, place] += chance < 0",
        (PATHS + "test_paths_are_never_below_the_floor_and_whole_numbers_keep_the_mean",),
    ),
    Fault(
        SUM,
        "what came in a period that has begun is left out",
        "forecasting/totals.py",
        "    quantiles += seen.total\n",
        "",
        (
            TOTALS + "test_a_period_that_has_begun_counts_what_was_observed_and_one_that_is_"
            "cut_is_marked",
        ),
    ),
    Fault(
        SUM,
        "the mean of a total is without what came",
        "forecasting/totals.py",
        "mean=mean + seen.total,",
        "mean=mean,",
        (
            TOTALS + "test_a_period_that_has_begun_counts_what_was_observed_and_one_that_is_"
            "cut_is_marked",
        ),
    ),
    Fault(
        SUM,
        "a gap is counted as a point",
        "forecasting/totals.py",
        "np.add.at(gaps, cell[there], (high - low)[there] - observed)",
        "np.add.at(gaps, cell[there], 0 * observed)",
        (TOTALS + "test_gaps_and_series_that_end_earlier_are_counted_as_they_are",),
    ),
    Fault(
        NEW,
        "a row takes the place of another value unasked",
        "tables/appending.py",
        "if other.any() and not correct:",
        "if False:",
        (APPENDING + "test_another_value_is_refused_unless_it_is_a_correction",),
    ),
    Fault(
        NEW,
        "new rows come without their covariates",
        "tables/appended_covariates.py",
        "made = made.with_rows(later)",
        "made = made.with_rows(made)",
        (UPDATED + "test_after_an_update_it_forecasts_as_from_the_whole_history",),
    ),
    Fault(
        NEW,
        "a new series has the statics of nobody",
        "tables/appended_covariates.py",
        "if created and new.static is not None:",
        "if False:",
        (UPDATED + "test_the_command_writes_the_model_that_update_and_save_write",),
    ),
    Fault(
        WATCH,
        "a forecast serves one row too many",
        "forecasting/watching.py",
        "ready = ordinal[pending] <= self._origins[here] + self.every",
        "ready = ordinal[pending] <= self._origins[here] + self.every + 1",
        (WATCHED + "test_each_row_is_judged_by_what_is_known_at_its_time",),
    ),
    Fault(
        WATCH,
        "what a row knows of its own time is not used",
        "forecasting/newest.py",
        "    if ahead is None:",
        "    if ahead is None or True:",
        (WATCHED + "test_each_row_is_judged_by_what_is_known_at_its_time",),
    ),
    Fault(
        WATCH,
        "a checkpoint forgets the covariates",
        "forecasting/newest.py",
        '            self._points[:, : self.kept, 1:] = arrays["covariates"]',
        "            pass",
        (WATCHED + "test_it_does_not_matter_which_rows_come_together_and_a_kill_loses_nothing",),
    ),
    Fault(
        WATCH,
        "a forecast is made before the last row is remembered",
        "forecasting/newest.py",
        "column = self._filled[place] - 1 - (self.ends[place] - ordinal)\n        self._points",
        "column = self._filled[place] - 2 - (self.ends[place] - ordinal)\n        self._points",
        (WATCHING + "test_each_row_is_beside_the_forecast_of_the_horizon_before_it",),
    ),
    Fault(
        PART,
        "the first chunk of a part is done twice",
        "forecasting/partitions/folder.py",
        "inside = _buckets(labels_of(table, ids, part.name), count) == number",
        "inside = _buckets(labels_of(table, ids, part.name), count) == 0",
        (JOB + "test_chunks_of_parts_give_what_one_table_gives",),
    ),
    Fault(
        PART,
        "a series in two parts goes unnoticed",
        "forecasting/partitions/identities.py",
        "if owner[twin] != owner[twin + 1]:",
        "if owner[twin] == owner[twin + 1]:",
        (JOB + "test_a_series_in_two_parts_is_refused",),
    ),
)
