"""How fresh layers start: with torch's numbers, or with timescales that can be measured."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.nn.pairs import CELL_NAMES, INPUTS, LAYERS, UNITS, assert_all_close, title
from torch import Tensor, nn

import holdfast.nn as ours
from holdfast.engine.cells import Weights, lstm
from holdfast.nn.initialisation import DEFAULT_TIMESCALE, keep_bias, timescales


@pytest.mark.parametrize(("name", "options"), LAYERS, ids=title)
def test_torch_start_is_bit_for_bit_that_of_torch(name: str, options: dict[str, Any]) -> None:
    torch.manual_seed(11)
    theirs = getattr(nn, name)(INPUTS, UNITS, **options)
    after = torch.rand(1)
    torch.manual_seed(11)
    mine = getattr(ours, name)(INPUTS, UNITS, init="torch", **options)
    assert_all_close(list(mine.parameters()), list(theirs.parameters()))
    assert torch.equal(torch.rand(1), after)  # what is drawn next is the same too


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELL_NAMES)
def test_torch_start_of_cells(name: str, bias: bool) -> None:
    torch.manual_seed(11)
    theirs = getattr(nn, name)(INPUTS, UNITS, bias=bias)
    torch.manual_seed(11)
    mine = getattr(ours, name)(INPUTS, UNITS, bias=bias, init="torch")
    assert_all_close(list(mine.parameters()), list(theirs.parameters()))


@given(steps=st.floats(1.0, 1e6))
@settings(deadline=None)
def test_a_gate_at_its_bias_keeps_for_its_timescale(steps: float) -> None:
    """−1 / ln σ(b) is τ again; float64 leaves about τ · ε of it."""
    kept = -1.0 / torch.nn.functional.logsigmoid(
        keep_bias(torch.tensor(steps, dtype=torch.float64))
    )
    assert abs(float(kept) / steps - 1.0) <= 16 * torch.finfo(torch.float64).eps


@given(units=st.integers(1, 300), longest=st.floats(1.0, 1e5))
@settings(deadline=None, max_examples=30)
def test_timescales_are_spread_evenly_on_the_logarithm(units: int, longest: float) -> None:
    logarithms = torch.log(timescales(units, longest)).tolist()
    width = math.log(longest) / units
    for stratum, value in enumerate(logarithms):  # one unit in each stratum
        assert stratum * width <= value + 1e-9
        assert value - 1e-9 <= (stratum + 1) * width


def forget_and_input(layer: nn.Module, units: int) -> tuple[Tensor, Tensor]:
    i, f, _, _ = (layer.bias_ih_l0 + layer.bias_hh_l0).detach().chunk(4)
    assert len(f) == units
    return f, i


def test_forget_gates_hold_the_timescales_and_input_gates_open_less() -> None:
    layer = ours.LSTM(3, 16, timescale=200, dtype=torch.float64)
    forget, let_in = forget_and_input(layer, 16)
    assert torch.equal(forget, keep_bias(timescales(16, 200)))
    assert bool((let_in[forget > 0] < 0).all())
    assert not layer.bias_hh_l0.any()


def test_every_layer_and_direction_gets_its_timescales() -> None:
    layer = ours.LSTM(3, 8, 2, bidirectional=True, proj_size=2, timescale=50)
    forget = {
        name: bias.detach().chunk(4)[1]
        for name, bias in layer.named_parameters()
        if "bias_ih" in name
    }
    assert len(forget) == 4
    assert all(torch.equal(bias, forget["bias_ih_l0"]) for bias in forget.values())


def test_the_update_gate_of_the_gru_holds_the_timescales() -> None:
    for layer in (ours.GRU(3, 16, timescale=200), ours.GRUCell(3, 16, timescale=200)):
        biases = dict(layer.named_parameters())
        _, keep, _ = next(bias for name, bias in biases.items() if "bias_ih" in name).chunk(3)
        assert torch.equal(keep.detach(), keep_bias(timescales(16, 200)).float())


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
def test_the_plain_rnn_leaks_and_stays_in_range(nonlinearity: str) -> None:
    torch.manual_seed(0)
    layer = ours.RNN(8, 64, nonlinearity=nonlinearity, timescale=1000)
    kept = torch.exp(-1.0 / timescales(64, 1000))
    assert torch.equal(layer.weight_hh_l0.detach(), torch.diag(kept).float())
    with torch.no_grad():
        output, _ = layer(torch.randn(1000, 4, 8))
    assert float(output[-1].abs().max()) < 10.0
    assert float((output[-1].abs() > 0.99).double().mean()) < 0.5


def test_without_biases_the_matrices_alone_are_ours() -> None:
    layer = ours.LSTM(3, 8, bias=False, dtype=torch.float64)
    for rows in layer.weight_hh_l0.detach().chunk(4):
        error = (rows @ rows.T - torch.eye(8, dtype=torch.float64)).abs().max()
        assert float(error) <= 8 * 8 * torch.finfo(torch.float64).eps


def test_low_precision_layers_can_be_made() -> None:
    for dtype in (torch.float16, torch.bfloat16):
        layer = ours.LSTM(3, 8, dtype=dtype)
        assert all(bool(torch.isfinite(parameter).all()) for parameter in layer.parameters())


def test_nobody_seeds_for_you() -> None:
    torch.manual_seed(1)
    first, second = ours.LSTM(3, 8), ours.LSTM(3, 8)
    assert not torch.equal(first.weight_ih_l0, second.weight_ih_l0)
    torch.manual_seed(1)
    assert torch.equal(ours.LSTM(3, 8).weight_ih_l0, first.weight_ih_l0)
    second.reset_parameters()
    assert not torch.equal(second.weight_ih_l0, first.weight_ih_l0)


def fresh_memory(layer: ours.LSTM, x: Tensor, lag: int) -> tuple[float, float]:
    """The share of units with |c| > 3 at the end, and the median of ∏f over `lag` steps."""
    weights = Weights(*(tensor.detach() for tensor in layer.all_weights[0]))
    h = c = torch.zeros(x.shape[1], layer.hidden_size)
    logarithms = []
    with torch.no_grad():
        for x_t in x:
            i, f, g, o = lstm.gates(x_t, h, weights)
            c = f * c + i * g
            h = o * torch.tanh(c)
            logarithms.append(f.double().log())
    summed = torch.stack(logarithms).cumsum(0)
    path = (summed[lag:] - summed[:-lag]).exp().median()
    return float((c.abs() > 3).double().mean()), float(path)


def test_a_fresh_lstm_remembers_and_does_not_saturate() -> None:
    """Acceptance: H=128, I=8, 1,000 steps of N(0, 1), 10 seeds, with the default timescale."""
    assert DEFAULT_TIMESCALE == 1000
    saturated, paths = [], []
    for seed in range(10):
        torch.manual_seed(seed)
        share, path = fresh_memory(ours.LSTM(8, 128), torch.randn(1000, 1, 8), lag=100)
        saturated.append(share)
        paths.append(path)
    assert max(saturated) < 0.05
    assert min(paths) > 2e-2


def test_a_fresh_lstm_of_torch_forgets() -> None:
    """So that the measure above can tell the two apart."""
    torch.manual_seed(0)
    _, path = fresh_memory(ours.LSTM(8, 128, init="torch"), torch.randn(300, 1, 8), lag=100)
    assert path < 1e-20
