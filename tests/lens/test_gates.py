"""How open the gates stood: what they must be in layers whose gates are known."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from tests.lens.lens_layers import CASES, made

from holdfast.errors import ArgumentError
from holdfast.lens.passes import gate_activity, gate_values, run_passes, shares, timescales
from holdfast.nn import GRU, LSTM, SLSTM


def test_a_pass_is_what_the_layer_does() -> None:
    """Every option: h of the last passes is the layer's output, in evaluation."""
    for name, options in CASES:
        layer, x = made(name, options)
        passes = run_passes(layer.train(), x)
        top = passes[-2:] if layer.bidirectional else passes[-1:]
        output = torch.cat([one.after[0] for one in top], dim=-1)
        if top[-1].residual:
            output = output + top[-1].x
        torch.testing.assert_close(output, layer.eval()(x)[0], rtol=0, atol=1e-13)
        for one in passes:  # what was before a step is what was after the one read before it
            read = one.reading()
            for before, after in zip(read.before, read.after, strict=True):
                assert torch.equal(before[1:], after[:-1])
                assert not before[0].any()


def test_a_dilated_layer_is_run_with_its_state_further_back() -> None:
    layer, x = made("LSTM", {"dilation": (1, 3), "num_layers": 2})
    below, above = run_passes(layer, x)
    torch.testing.assert_close(above.after[0], layer.eval()(x)[0], rtol=0, atol=1e-13)
    assert torch.equal(above.before[1][3:], above.after[1][:-3])
    assert below.dilation == 1


def test_a_single_layer_is_run_in_float64_and_left_alone() -> None:
    layer = LSTM(3, 4, batch_first=True)
    weights = [weight.clone() for weight in layer.parameters()]
    random = torch.get_rng_state()
    (one,) = run_passes(layer, torch.randn(5, 2, 3, generator=torch.Generator().manual_seed(0)))
    assert one.after[0].dtype == torch.float64
    assert layer.training
    assert torch.equal(random, torch.get_rng_state())
    assert all(torch.equal(a, b) for a, b in zip(weights, layer.parameters(), strict=True))


def test_an_input_of_another_form_is_refused() -> None:
    with pytest.raises(ArgumentError, match=r"x must be \(T, B, 3\).*got \(0, 2, 3\)"):
        run_passes(LSTM(3, 4), torch.zeros(0, 2, 3))


def test_gates_are_those_of_the_trace() -> None:
    layer, x = made("LSTM", {"bidirectional": True, "peepholes": True})
    seen = layer.trace(x)
    for direction, one in enumerate(run_passes(layer, x)):
        values = gate_values(one)
        for name, theirs in (
            ("forget gate", seen.forget_gate),
            ("input gate", seen.input_gate),
            ("output gate", seen.output_gate),
        ):
            torch.testing.assert_close(values[name], theirs[0, direction], rtol=0, atol=1e-14)


def test_means_and_saturation_are_counted() -> None:
    layer = LSTM(1, 4)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.bias_ih_l0[4:8] = torch.tensor([-10.0, 10.0, 0.0, 10.0])  # forget gates
    (one,) = run_passes(layer, torch.zeros(6, 1, 1))
    forget, into, _ = gate_activity(one)
    assert (forget.closed, forget.open, into.closed, into.open) == (0.25, 0.5, 0.0, 0.0)
    assert forget.by_unit[2] == 0.5
    assert forget.by_step.shape == (6,)


@pytest.mark.parametrize("options", [{}, {"zoneout_cell": 0.5}])
def test_timescales_are_those_that_the_forget_gates_were_set_to(options: dict[str, Any]) -> None:
    layer = LSTM(2, 6, timescale=500, **options, dtype=torch.float64)
    with torch.no_grad():
        layer.weight_hh_l0.zero_()
    (one,) = run_passes(layer, torch.zeros(40, 3, 2))
    wanted = np.exp((np.arange(6) + 0.5) / 6 * math.log(500))
    if options:
        wanted = -1 / np.log(0.5 + 0.5 * np.exp(-1 / wanted))
    found = timescales(one)
    assert found is not None
    np.testing.assert_allclose(found, wanted, rtol=1e-6)  # the biases were set in float32


def test_timescales_of_the_other_cells() -> None:
    x = torch.zeros(30, 1, 2)
    for layer in (GRU(2, 5, timescale=300), SLSTM(2, 5, timescale=300, forget_gate="exponential")):
        with torch.no_grad():
            layer.weight_hh_l0.zero_()
        (one,) = run_passes(layer, x)
        found = timescales(one)
        assert found is not None
        assert np.isfinite(found).all()
        assert np.all(np.diff(found) > 0)
    layer, x = made("RNN", {})
    assert timescales(run_passes(layer, x)[0]) is None
    assert not gate_activity(run_passes(layer, x)[0])


def test_every_unit_latches_leaks_or_resets() -> None:
    assert shares(np.array([0.0, 2.0, 3.0, 99.0, np.inf]), 100) == pytest.approx((0.2, 0.4, 0.4))
    assert sum(shares(np.array([1.5]), 1)) == 1.0
