"""Forget gates held at a number."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from holdfast import nn as ours
from holdfast.errors import ArgumentError
from holdfast.lens.prescription import force_forget


def test_only_the_chosen_gates_are_held() -> None:
    layer = ours.LSTM(3, 6, num_layers=2, bidirectional=True, peepholes=True)
    before = {name: weight.clone() for name, weight in layer.state_dict().items()}
    held = force_forget(layer, [1, 4], stacked=1, reverse=True)
    x = torch.randn(9, 2, 3)
    seen, was = held.trace(x), layer.trace(x)
    assert (seen.forget_gate[1, 1][..., [1, 4]] == 0.5).all()
    others = [0, 2, 3, 5]
    assert torch.equal(held.weight_ih_l1_reverse[:6], layer.weight_ih_l1_reverse[:6])
    assert (seen.forget_gate[1, 1][..., others] != 0.5).all()
    assert torch.equal(seen.forget_gate[0], was.forget_gate[0])
    assert torch.equal(seen.forget_gate[1, 0], was.forget_gate[1, 0])
    assert all(torch.equal(before[name], weight) for name, weight in layer.state_dict().items())


def test_a_gru_keeps_by_its_update_gate() -> None:
    held = force_forget(ours.GRU(3, 4), [2], 0.25)
    gate = held.trace(torch.randn(9, 2, 3)).update_gate
    # The logit of the value is rounded to float32 before its sigmoid.
    torch.testing.assert_close(gate[..., 2], torch.full_like(gate[..., 2], 0.25))


def test_torchs_own_layer_stays_torchs() -> None:
    assert type(force_forget(torch.nn.LSTM(3, 4), [0])) is torch.nn.LSTM


@pytest.mark.parametrize(
    ("layer", "units", "value", "said"),
    [
        (ours.RNN(3, 4), [0], 0.5, "has no forget gate"),
        (ours.LSTM(3, 4, bias=False), [0], 0.5, "has no biases"),
        (ours.LSTM(3, 4), [4], 0.5, "from 0 to 3, got 4 to 4"),
        (ours.LSTM(3, 4), [0], 1.0, "value=1.0"),
        (ours.LSTM(3, 4, coupled=True), [0], 0.5, "coupled"),
    ],
)
def test_what_has_no_such_gate_is_refused(
    layer: torch.nn.Module, units: list[int], value: float, said: str
) -> None:
    with pytest.raises(ArgumentError, match=said):
        force_forget(layer, units, value)


def test_units_may_be_chosen_by_truth_values() -> None:
    layer, x = ours.LSTM(3, 4), torch.randn(9, 2, 3)
    gate = force_forget(layer, np.array([False, False, True, True])).trace(x).forget_gate
    assert (gate[..., 2:] == 0.5).all()
    assert (gate[..., :2] != 0.5).all()
    with pytest.raises(ArgumentError, match="3 truth values; give one for each of the 4"):
        force_forget(layer, np.array([True, False, True]))
    with pytest.raises(ArgumentError, match="whole numbers or truth values"):
        force_forget(layer, [1.9])  # type: ignore[list-item]
