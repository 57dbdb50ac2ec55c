"""Lyapunov exponents and memory capacity of layers of which both are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from tests.lens.lens_layers import made
from tests.lens.test_jacobians import linear

from holdfast.errors import ArgumentError
from holdfast.lens.dynamics import exponents, memory_capacity, total_capacity
from holdfast.lens.passes import run_passes
from holdfast.lens.step_jacobians import step_jacobian
from holdfast.nn import RNN


def test_exponents_of_a_linear_layer_are_the_logarithms_of_the_moduli() -> None:
    moduli = [0.9, -0.7, 0.5, 0.2]
    layer, x = linear(moduli)
    (one,) = run_passes(layer, x)
    wanted = np.log(np.abs(moduli))
    np.testing.assert_allclose(exponents(one, burn_in=300), wanted, rtol=0, atol=1e-8)
    np.testing.assert_allclose(exponents(one, count=2, burn_in=300), wanted[:2], rtol=0, atol=1e-8)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_the_sum_of_all_exponents_is_the_mean_logarithm_of_the_determinant(name: str) -> None:
    """Volumes shrink as the determinants of the steps say."""
    layer, x = made(name, {"zoneout_hidden": 0.3})
    (one,) = run_passes(layer, x[1:])
    before = tuple(part[2:].flatten(0, 1) for part in one.before)
    every = step_jacobian(one.cell, one.x[2:].flatten(0, 1), before, one.weights, one.options)
    volume = torch.linalg.det(every.dense()).abs().log().mean()
    total = exponents(one, count=every.width, burn_in=2).sum()
    assert total == pytest.approx(float(volume), abs=1e-8)


def test_wrong_counts_are_refused() -> None:
    layer, x = made("LSTM", {})
    (one,) = run_passes(layer, x)
    with pytest.raises(ArgumentError, match="count must be from 1 to the 8 numbers of the state"):
        exponents(one, count=9)
    with pytest.raises(ArgumentError, match="burn_in must be from 0 to below the 9 steps"):
        exponents(one, burn_in=9)
    (single,) = run_passes(layer, x[:1])
    assert len(exponents(single)) == 8


def test_a_shift_register_gives_back_as_many_steps_as_it_has_units() -> None:
    units = 6
    layer = RNN(1, units, nonlinearity="relu", dtype=torch.float64)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.weight_ih_l0[0] = 1.0
        layer.weight_hh_l0.copy_(torch.diag(torch.ones(units - 1), -1))
        layer.bias_ih_l0[0] = 50.0  # so that relu lets everything through
    draw = torch.Generator().manual_seed(0)
    (one,) = run_passes(layer, torch.randn(50, 1, 1, generator=draw))
    random = torch.get_rng_state()
    curve = memory_capacity(one, np.arange(12), steps=2000)
    np.testing.assert_allclose(curve.median[:units], 1.0, atol=1e-9)
    assert np.all(curve.high[units:] < 0.05)
    assert total_capacity(curve) == pytest.approx(units, abs=0.3)
    assert torch.equal(random, torch.get_rng_state())


def test_one_leaking_unit_has_the_capacity_that_follows_from_its_leak() -> None:
    """h = a h + u: R² of u_{t−k} by h is a^{2k} (1 − a²)."""
    layer = RNN(1, 1, nonlinearity="relu", dtype=torch.float64)
    leak = 0.8
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.weight_ih_l0[0], layer.weight_hh_l0[0], layer.bias_ih_l0[0] = 1.0, leak, 50.0
    draw = torch.Generator().manual_seed(0)
    (one,) = run_passes(layer, torch.randn(50, 1, 1, generator=draw))
    lags = np.arange(5)
    curve = memory_capacity(one, lags, steps=40_000)
    # The correlation of 4,000 pairs is known to 1/√4000, its square to twice that.
    wanted = leak ** (2 * lags) * (1 - leak**2)
    np.testing.assert_allclose(curve.median, wanted, atol=4 * 2 / np.sqrt(4000) * 0.6)
