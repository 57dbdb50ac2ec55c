"""One call measures a model; every number of the words comes from the measurement."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.lens.subjects import Delayed

from holdfast import nn as ours
from holdfast.errors import ArgumentError
from holdfast.lens import inspect, prescribe
from holdfast.records import Inspection
from holdfast.records.lens_summary import memory


@pytest.fixture(scope="module")
def remembering() -> Inspection:
    """An LSTM that begins with timescales up to 40, before it a default one."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        layer, default = ours.LSTM(3, 16, timescale=40.0), ours.LSTM(3, 16, init="torch")
        return inspect(layer, torch.randn(60, 4, 3), max_lag=40, before=default.state_dict())


def test_everything_is_measured_of_torchs_own_layer_in_any_state() -> None:
    layer = torch.nn.LSTM(2, 4, num_layers=2, batch_first=True).train()
    random = torch.get_rng_state()
    record = inspect(layer, torch.randn(3, 30, 2, generator=torch.Generator().manual_seed(0)))
    assert torch.equal(random, torch.get_rng_state())
    assert layer.training
    assert (record.steps, record.sequences) == (30, 3)
    assert [one.name for one in record.layers] == ["layer 1", "layer 2"]
    assert record.whole is not None
    assert record.attribution is not None
    assert record.context is None
    for one in record.layers:
        assert (one.kind, one.units) == ("LSTM", 4)
        assert one.timescales is not None
        assert one.lyapunov is not None
        assert one.median_cell is not None
        assert one.cell_path is not None
        assert (one.median_cell.median < one.cell_path.median).all()
        names = {"input gate", "forget gate", "output gate"}
        assert {gate.name for gate in one.gates} == names


def test_the_words_say_what_was_measured(remembering: Inspection) -> None:
    said = remembering.verdict()
    scales = remembering.layers[0].timescales
    assert scales is not None
    assert f"{int((scales <= 10).sum())} of 16 units forget within 10" in said
    held = memory(remembering.layers[0].jacobian)
    assert held is None or f"about {held:.0f} steps" in said
    assert remembering.before is not None
    earlier = memory(remembering.before.layers[0].jacobian)
    assert earlier is not None
    assert f"before training it remembered about {earlier:.0f}" in said
    assert held is None or held > 4 * earlier


def test_the_arrays_have_names(remembering: Inspection) -> None:
    arrays = remembering.table()
    assert arrays["layer 1/jacobian/lags"][-1] == 40
    assert arrays["layer 1/forget gate/by_unit"].shape == (16,)
    assert arrays["attribution/median"].shape == (41,)
    before = {name.removeprefix("before/") for name in arrays if name.startswith("before/")}
    assert before == {name for name in arrays if not name.startswith("before/")}


def test_it_says_what_to_change(remembering: Inspection) -> None:
    assert remembering.before is not None
    (first, *_) = prescribe(remembering.before)
    assert first.startswith('Begin with init="remember" and timescale=60')
    assert all(re.search(r"\d", sentence) for sentence in prescribe(remembering.before))
    layer = remembering.layers[0]
    growing = replace(layer, jacobian=replace(layer.jacobian, high=50.0 + 0 * layer.jacobian.high))
    assert "Clip the gradient" in prescribe(replace(remembering, layers=(growing,)))[0]


def test_a_window_that_is_too_long_is_said_so() -> None:
    record = inspect(Delayed(8), torch.randn(80, 8, 1))
    assert record.context is not None
    needed = record.context.effective
    assert needed is not None
    assert 6 <= needed <= 10
    assert f"nothing beyond {needed} steps, so a window of" in record.verdict()
    assert any("is enough in place of 80" in sentence for sentence in prescribe(record))


def test_a_plain_rnn_has_no_gates_to_speak_of() -> None:
    record = inspect(torch.nn.RNN(2, 4), torch.randn(30, 3, 2), max_lag=10)
    assert record.layers[0].cell_path is None
    assert "no gates" in record.verdict()


@pytest.mark.parametrize("max_lag", [0, 30, 2.5])
def test_a_lag_beyond_the_sequence_is_refused(max_lag: int) -> None:
    with pytest.raises(ArgumentError, match="from 1 to 29"):
        inspect(torch.nn.RNN(2, 4), torch.randn(30, 3, 2), max_lag=max_lag)


def test_weights_of_another_model_are_no_weights_of_before() -> None:
    other = torch.nn.RNN(2, 5).state_dict()
    with pytest.raises(ArgumentError, match="before is no state_dict of this model"):
        inspect(torch.nn.RNN(2, 4), torch.randn(9, 3, 2), before=other)


def test_equal_seeds_give_equal_numbers() -> None:
    layer, x = ours.GRU(2, 4), torch.randn(30, 3, 2)
    one, two = (inspect(layer, x, max_lag=10).table() for _ in range(2))
    assert one.keys() == two.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], two[name])


def test_a_network_that_blows_up_is_measured_and_has_no_capacity() -> None:
    torch.manual_seed(0)  # one draw of weights in twenty dies instead
    layer = torch.nn.RNN(3, 8, nonlinearity="relu")
    with torch.no_grad():
        layer.weight_hh_l0 *= 5.0
    record = inspect(layer, torch.randn(300, 2, 3), max_lag=40)
    assert record.layers[0].lyapunov[0] > 0.0
    assert record.verdict()


def test_before_is_a_model_or_its_weights() -> None:
    with pytest.raises(ArgumentError, match="before is a int; give the model as it was"):
        inspect(torch.nn.GRU(3, 4), torch.randn(20, 2, 3), before=3)  # type: ignore[arg-type]
