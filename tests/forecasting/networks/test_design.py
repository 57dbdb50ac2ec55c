from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from holdfast.errors import ModelError
from holdfast.forecasting.networks.design import MOST_POSITIONS, Design, choose_design


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(2, 5000), min_size=1, max_size=4),
    st.integers(1, 200),
    st.sampled_from([1, 4, 5, 7, 12, 13, 24, 48, 52, 96, 365]),
    st.sampled_from([None, 168, 336, 672]),
)
def test_every_design_is_one_that_the_network_can_read(
    lengths: list[int], horizon: int, season: int, long_season: int | None
) -> None:
    design = choose_design(np.array(lengths), horizon, season, long_season)
    assert design.context % design.patch == 0
    assert 1 <= design.context <= max(lengths)
    assert design.context <= 48 or design.context // design.patch <= 2 * MOST_POSITIONS
    assert all(1 <= lag <= design.context for lag in design.lags)
    assert 1 in design.lags
    assert 1 <= design.span <= design.context
    assert Design.from_json(design.to_json()) == design


def test_hours_are_read_in_days_and_see_two_weeks() -> None:
    design = choose_design(np.full(10, 960), 48, 24, 168)
    assert (design.patch, design.context) == (24, 336)
    assert set(design.lags) == {1, 24, 48, 168, 336}


def test_months_are_read_one_by_one() -> None:
    design = choose_design(np.full(10, 120), 12, 12)
    assert (design.patch, design.context) == (1, 36)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("hidden", bad) for bad in (-1, 0, 4097, "128", 64.0, True, None)],
        *[("layers", bad) for bad in (0, 17)],
        *[("batch", bad) for bad in (0, 4097)],
        *[("horizon", bad) for bad in (0, 100_001)],
        *[("context", bad) for bad in (0, 1.5, 1_000_001)],
        *[("patch", bad) for bad in (0, True, 3, 17, [1])],
        *[("span", bad) for bad in (0, 17)],
        *[("least", bad) for bad in (0, 1_000_001)],
        *[("lags", bad) for bad in (3, [], [0], [17], [True], [1.0], [1] * 17, "1")],
        *[("dropout", bad) for bad in (1, -0.1, np.nan, False, "0.1")],
        *[("learning_rate", bad) for bad in (0, np.nan, np.inf, 10**400, True)],
    ],
)
def test_a_design_from_a_file_is_checked(name: str, value: object) -> None:
    fields = choose_design(np.array([100]), 4, 1).to_json()
    assert fields["context"] == 16
    with pytest.raises(ModelError, match=f"impossible {name}:"):
        Design.from_json(fields | {name: value})


@pytest.mark.parametrize(
    ("length", "horizon", "season"),
    [(10**6, 1, 99_991), (10**6, 100_000, 1), (3, 100_000, 100_000)],
)
def test_the_largest_designs_can_be_read_again(length: int, horizon: int, season: int) -> None:
    design = choose_design(np.array([length]), horizon, season)
    assert Design.from_json(design.to_json()) == design


def test_a_design_with_a_field_missing_is_refused_by_name() -> None:
    fields = choose_design(np.array([100]), 4, 1).to_json()
    del fields["span"]
    with pytest.raises(ModelError, match="span"):
        Design.from_json(fields)
