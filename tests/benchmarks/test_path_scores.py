"""Scores of paths beside slow loops."""

from __future__ import annotations

import numpy as np
from benchmarks.path_scores import energy_score, sum_inside

DRAWS = np.random.default_rng(0)


def test_the_energy_score_is_that_of_a_loop_over_all_pairs() -> None:
    for count in (2, 5, 6):
        actual, paths = DRAWS.normal(size=(3, 4)), DRAWS.normal(size=(count, 3, 4))
        actual[1, 2] = np.nan
        slow = []
        for row in range(3):
            seen = ~np.isnan(actual[row])
            own = paths[:, row, seen]
            near = [np.linalg.norm(one - actual[row, seen]) for one in own]
            apart = [np.linalg.norm(a - b) for i, a in enumerate(own) for b in own[:i]]
            slow.append(np.mean(near) - 0.5 * np.mean(apart))
        np.testing.assert_allclose(energy_score(actual, paths), slow)
    assert np.isnan(energy_score(np.full((1, 2), np.nan), paths[:, :1, :2])).all()


def test_coverage_of_sums_is_that_of_a_loop() -> None:
    actual, paths = DRAWS.normal(size=(50, 4)), DRAWS.normal(size=(101, 50, 4))
    actual[7, 1] = np.nan
    inside = []
    for row in range(50):
        sums = sorted(float(path.sum()) for path in paths[:, row])
        low, high = sums[10], sums[90]  # the 10th and 90th of 100 gaps
        total = float(actual[row].sum())
        inside.append(np.nan if np.isnan(total) else float(low <= total <= high))
    np.testing.assert_array_equal(sum_inside(actual, paths, 80.0), inside)
