"""Faults of what real tables need: covariates, counts, sample paths and totals."""

from __future__ import annotations

from faults.fault import Fault

COVARIATES = "tests/forecasting/test_covariates.py::"
COVARIATE_TABLES = "tests/forecasting/tables/test_covariate_tables.py::"
COUNTS = "tests/forecasting/judgement/test_counts.py::"
PATHS = "tests/forecasting/judgement/test_paths.py::"
TOTALS = "tests/forecasting/test_totals.py::"

BESIDE = "covariates are read where they must not be, or not at all"
COUNT = "counts are treated as other numbers"
TOGETHER = "sample paths do not go together as errors did"
SUM = "a total is not the sum of its parts"

FAULTS: tuple[Fault, ...] = (
    Fault(
        BESIDE,
        "historic columns are known behind a cut",
        "forecasting/tables/covariates.py",
        "behind[:, None] & ~self.known[None, :]",
        "behind[:, None] & self.known[None, :]",
        (COVARIATE_TABLES + "test_behind_a_cut_historic_columns_do_not_exist_and_known_ones_do",),
    ),
    Fault(
        BESIDE,
        "what was known before wins over the table of the future",
        "forecasting/tables/covariates.py",
        "counts = np.isfinite(one.values)",
        "counts = np.isfinite(one.values) & np.isnan(values[place])",
        (COVARIATE_TABLES + "test_the_future_adds_known_columns_only_and_wins_where_both_speak",),
    ),
    Fault(
        BESIDE,
        "a forecast is made where known values are missing",
        "forecasting/tables/future_table.py",
        "    if not missing.any():",
        "    if missing.any() or True:",
        (COVARIATES + "test_missing_future_values_are_named_by_column_and_dates",),
    ),
    Fault(
        BESIDE,
        "the effect of the horizon is not put back",
        "forecasting/network/members.py",
        "self.start.quantiles(plain) * factor[..., None] + term[..., None]",
        "self.start.quantiles(plain)",
        (COVARIATES + "test_known_promotions_are_worth_their_weight",),
    ),
    Fault(
        COUNT,
        "large whole numbers are counts",
        "forecasting/judgement/counts.py",
        "counts=whole & (small | (zeros >= _ZEROS)),",
        "counts=whole,",
        (COUNTS + "test_counts_are_whole_not_negative_and_small_or_with_zeros",),
    ),
    Fault(
        COUNT,
        "bounds are rounded inwards",
        "forecasting/judgement/counts.py",
        "lower={level: down(bound)",
        "lower={level: up(bound)",
        (COUNTS + "test_bounds_are_rounded_outwards_and_only_where_the_history_is_whole",),
    ),
    Fault(
        COUNT,
        "the pull of counts is never learnt",
        "forecasting/judgement/counts.py",
        "found = np.interp(came, made[::-1], np.log(pulls)[::-1])",
        "found = 0.0",
        (COUNTS + "test_the_pull_makes_the_means_of_past_windows_right",),
    ),
    Fault(
        TOGETHER,
        "steps are drawn apart",
        "forecasting/judgement/paths.py",
        "np.asarray(made @ self._root.T)",
        "np.asarray(made)",
        (PATHS + "test_the_dependence_of_autoregressive_errors_is_found",),
    ),
    Fault(
        TOGETHER,
        "series are drawn apart",
        "forecasting/judgement/paths.py",
        "np.asarray(root[rows] @ every)",
        "np.asarray(every[rows])",
        (PATHS + "test_series_that_err_together_are_drawn_together",),
    ),
    Fault(
        TOGETHER,
        "whole numbers are rounded down",
        "forecasting/judgement/paths.py",
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
)
