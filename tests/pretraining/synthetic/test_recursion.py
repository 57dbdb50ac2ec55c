"""The recursion without a loop is the recursion with one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from holdfast.pretraining.synthetic.draws import autoregression, first_order


@given(st.integers(1, 70), st.integers(0, 1000), st.booleans())
def test_doubling_is_the_loop(length: int, seed: int, turning: bool) -> None:
    random = np.random.default_rng(seed)
    factor = random.uniform(-1, 1, (3, 1)).astype(complex)
    if turning:
        factor = factor * np.exp(1j * random.uniform(0, 3, (3, 1)))
    noise = random.standard_normal((3, length)).astype(complex)
    expected = np.zeros((3, length), dtype=complex)
    state = np.zeros(3, dtype=complex)
    for step in range(length):
        state = factor[:, 0] * state + noise[:, step]
        expected[:, step] = state
    # Sums of at most 70 numbers in another order: a few hundred roundings.
    found = first_order(noise, factor)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * max(length, 10))


def test_an_autoregression_has_variance_one_from_its_first_point() -> None:
    values = autoregression(np.random.default_rng(0), 40, np.full((20_000, 1), 0.97))
    # Five standard errors of a variance from 20,000 independent series.
    band = 5 * np.sqrt(2 / 20_000)
    assert abs(values[:, 0].var() - 1) < band
    assert abs(values[:, -1].var() - 1) < band
