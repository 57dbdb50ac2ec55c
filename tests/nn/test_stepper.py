"""Steppers: the numbers of the sequence call, on weights and a state of their own."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest
import torch
from tests.nn.pairs import NAMES, assert_all_close, pair, tensors
from torch import Tensor

import holdfast.nn as ours
from holdfast.errors import ArgumentError

STEPS, ROWS, INPUTS, UNITS = 9, 3, 3, 4


def sequence(dtype: torch.dtype = torch.float64, rows: int = ROWS) -> Tensor:
    draw = torch.Generator().manual_seed(3)
    return torch.randn(STEPS, rows, INPUTS, generator=draw, dtype=dtype)


def stepped(stepper: Any, x: Tensor) -> Tensor:
    return torch.stack([stepper.step(x_t).clone() for x_t in x])


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("rows", [1, 2, 60])
def test_steps_give_the_numbers_of_the_sequence_call(name: str, layers: int, rows: int) -> None:
    _, mine = pair(name, num_layers=layers)
    x = sequence(rows=rows)
    stepper = mine.stepper(rows)
    output, state = mine(x)
    assert_all_close([stepped(stepper, x)], [output])
    assert_all_close(tensors(stepper.state), tensors(state))


@pytest.mark.parametrize(
    "options",
    [
        {"residual": True, "num_layers": 2, "dilation": (1, 2)},
        {"coupled": True, "recurrent_dropout": 0.5, "zoneout_cell": 0.5},
        {"peepholes": True, "layer_norm": True, "proj_size": 2, "weight_drop": 0.5},
    ],
)
def test_variants_are_stepped_in_evaluation(options: dict[str, Any]) -> None:
    layer = ours.LSTM(INPUTS, UNITS, dtype=torch.float64, **options)
    x = sequence()
    stepper = layer.train().stepper(ROWS)
    output, state = layer.eval()(x)
    assert_all_close([stepped(stepper, x)], [output])
    assert_all_close(tensors(stepper.state), tensors(state))


def test_the_slstm_is_stepped() -> None:
    layer, x = ours.SLSTM(INPUTS, UNITS, heads=2, dtype=torch.float64), sequence()
    stepper = layer.stepper(ROWS)
    output, state = layer(x)
    assert_all_close([stepped(stepper, x)], [output])
    assert_all_close(tensors(stepper.state), tensors(state))


VARIANTS: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"proj_size": 2}),
    ("LSTM", {"proj_size": 2, "num_layers": 3, "zoneout_hidden": 0.4, "recurrent_dropout": 0.5}),
    ("LSTM", {"peepholes": True, "coupled": True, "cell_clip": 0.1, "zoneout_cell": 0.3}),
    ("LSTM", {"layer_norm": True, "peepholes": True, "num_layers": 2}),
    ("GRU", {"layer_norm": True, "zoneout_hidden": 0.4}),
    ("RNN", {"layer_norm": True, "recurrent_dropout": 0.5}),
    ("LSTM", {"num_layers": 2, "residual": True}),
    ("LSTM", {"num_layers": 2, "dilation": (1, 2)}),
    ("LSTM", {"num_layers": 2, "dropout": 0.5, "weight_drop": 0.5}),
]


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_variants_are_stepped_as_they_run_outside_training(
    name: str, options: dict[str, Any]
) -> None:
    mine = getattr(ours, name)(INPUTS, UNITS, dtype=torch.float64, **options)
    with torch.no_grad():
        for weight in mine.parameters():  # those of options begin at neutral values
            weight += 0.3 * torch.randn_like(weight)
    x = sequence()
    expected = mine.eval()(x)[0]
    assert_all_close([stepped(mine.train().stepper(ROWS), x)], [expected])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("options", [{}, {"bias": False}])
def test_a_saved_state_goes_on_where_it_was(name: str, options: dict[str, Any]) -> None:
    _, mine = pair(name, num_layers=2, **options)
    x = sequence()
    stepper = mine.stepper(ROWS)
    stepped(stepper, x[:4])
    kept = stepper.state
    rest = stepped(stepper, x[4:])
    other = mine.stepper(ROWS)
    other.state = kept
    assert torch.equal(stepped(other, x[4:]), rest)
    other.reset()
    assert torch.equal(stepped(other, x), stepped(mine.stepper(ROWS), x))


def test_the_weights_are_a_snapshot_until_refresh() -> None:
    _, mine = pair("LSTM", num_layers=2)
    x = sequence()
    stepper = mine.stepper(ROWS)
    before = stepped(stepper, x)
    with torch.no_grad():
        for parameter in mine.parameters():
            parameter.mul_(2)
    stepper.reset()
    assert torch.equal(stepped(stepper, x), before)
    stepper.refresh()
    stepper.reset()
    assert_all_close([stepped(stepper, x)], [mine(x)[0]])


def test_the_state_that_was_read_is_a_copy() -> None:
    _, mine = pair("GRU")
    stepper = mine.stepper(ROWS)
    kept = stepper.state
    stepper.step(sequence()[0])
    assert not kept.any()


def test_inputs_in_other_layouts_are_read_right() -> None:
    _, mine = pair("LSTM")
    x = sequence().transpose(1, 2).contiguous().transpose(1, 2)
    assert not x[0].is_contiguous()
    assert_all_close([stepped(mine.stepper(ROWS), x)], [mine(x)[0]])


@pytest.mark.parametrize(
    "x",
    [torch.zeros(2, 3), torch.zeros(1, 3, dtype=torch.float64), torch.zeros(1, 4)],
    ids=["rows", "dtype", "inputs"],
)
def test_what_does_not_fit_is_refused(x: Tensor) -> None:
    with pytest.raises(ArgumentError, match="This stepper takes x of shape"):
        ours.LSTM(3, 4).stepper().step(x)


def test_a_layer_that_reads_both_ways_has_no_stepper() -> None:
    with pytest.raises(ArgumentError, match="bidirectional"):
        ours.GRU(3, 4, bidirectional=True).stepper()
    with pytest.raises(ArgumentError, match="batch_size"):
        ours.GRU(3, 4).stepper(0)


def test_a_stepper_lives_on_without_its_layer() -> None:
    mine = ours.RNN(3, 4, dtype=torch.float64)
    x = sequence(rows=1)
    expected = mine(x)[0].detach()
    stepper = mine.stepper()
    stepper._source = stepper._copy
    del mine
    gc.collect()
    assert_all_close([stepped(stepper, x)], [expected])


@pytest.mark.slow
def test_a_million_steps_take_no_memory() -> None:
    stepper, x = ours.LSTM(8, 64).stepper(), torch.randn(1, 8)
    for _ in range(1000):
        stepper.step(x)
    before = _resident()
    for _ in range(1_000_000):
        stepper.step(x)
    assert _resident() - before < 1 << 20


def _resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:  # noqa: PTH123 (a file of the kernel)
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
