"""What torch's layers refuse, ours refuse with the same kind of exception."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.pairs import CELL_NAMES, INPUTS, NAMES, ROWS, UNITS, pair, sequence
from torch import nn
from torch.nn.utils.rnn import PackedSequence

import holdfast.nn as ours
from holdfast.errors import ArgumentError

WRONG_OPTIONS: list[dict[str, Any]] = [
    {"dropout": -0.1},
    {"dropout": 1.1},
    {"dropout": True},
    {"dropout": "0.1"},
    {"bias": 1},
    {"batch_first": 0},
    {"input_size": 2.0},
    {"input_size": 0},
    {"hidden_size": "4"},
    {"hidden_size": -1},
    {"num_layers": 0},
]


def error_of(call: Callable[[], object]) -> type[Exception]:
    """The kind of exception that a call raises."""
    with pytest.raises(Exception) as caught:  # noqa: PT011  # the kind is what is compared
        call()
    return caught.type


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("wrong", WRONG_OPTIONS, ids=str)
def test_wrong_options(name: str, wrong: dict[str, Any]) -> None:
    given = {"input_size": INPUTS, "hidden_size": UNITS} | wrong
    expected = error_of(lambda: getattr(nn, name)(**given))
    with pytest.raises(expected, match=next(iter(wrong))):
        getattr(ours, name)(**given)


@pytest.mark.parametrize("projection", [-1, UNITS])
def test_wrong_projections(projection: int) -> None:
    expected = error_of(lambda: nn.LSTM(INPUTS, UNITS, proj_size=projection))
    with pytest.raises(expected, match="proj_size"):
        ours.LSTM(INPUTS, UNITS, proj_size=projection)


@pytest.mark.parametrize("name", ["RNN", "RNNCell"])
def test_unknown_nonlinearities(name: str) -> None:
    with pytest.raises(error_of(lambda: nn.RNN(2, 3, nonlinearity="sigmoid")), match="sigmoid"):
        getattr(ours, name)(2, 3, nonlinearity="sigmoid")


def test_dropout_without_a_layer_to_follow_is_warned_of() -> None:
    with pytest.warns(UserWarning, match="does nothing in a stack of one layer") as caught:
        ours.LSTM(INPUTS, UNITS, dropout=0.5)
    assert caught[0].filename == __file__


def state(name: str, *shape: int) -> Any:
    part = torch.zeros(shape, dtype=torch.float64)
    return (part, part) if name.startswith("LSTM") else part


@pytest.mark.parametrize("name", NAMES)
def test_wrong_inputs(name: str) -> None:
    theirs, mine = pair(name)
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("2D or 3D", (sequence()[0, 0],)),
        ("2D or 3D", (sequence()[None],)),
        ("Expected 3, got 2", (sequence()[..., :2],)),
        ("sequence length", (sequence()[:0],)),
        ("does not match weight dtype", (sequence().float(),)),
        ("3-D", (sequence(), state(name, 1, UNITS))),
        ("2-D", (sequence()[:, 0], state(name, 1, 1, UNITS))),
        (r"\(1, 5, 4\)", (sequence(), state(name, 1, ROWS + 1, UNITS))),
        (r"\(1, 5, 4\)", (sequence(), state(name, 1, ROWS, UNITS + 1))),
        (r"\(1, 5, 4\)", (sequence(), state(name, 2, ROWS, UNITS))),
        ("2 dimensions", (PackedSequence(sequence(), torch.tensor([5, 1])),)),
    ]
    for message, arguments in calls:
        expected = error_of(lambda arguments=arguments: theirs(*arguments))
        with pytest.raises(expected, match=message):
            mine(*arguments)


def test_a_state_without_its_c_is_refused() -> None:
    _, mine = pair("LSTM")
    h = torch.zeros(1, ROWS, UNITS, dtype=torch.float64)
    with pytest.raises(RuntimeError, match=r"hx must be \(h, c\), got 1 parts"):
        mine(sequence(), (h,))


@pytest.mark.parametrize("name", CELL_NAMES)
def test_wrong_inputs_of_cells(name: str) -> None:
    theirs, mine = pair(name)
    calls: list[tuple[str, tuple[Any, ...]]] = [
        ("1D or 2D", (sequence(),)),
        ("1D or 2D", (sequence()[0], state(name, 1, 1, UNITS))),
        ("input_size", (sequence()[0, :, :2],)),
        ("hidden", (sequence()[0], state(name, ROWS, UNITS + 1))),
    ]
    for message, arguments in calls:
        expected = error_of(lambda arguments=arguments: theirs(*arguments))
        with pytest.raises(expected, match=message):
            mine(*arguments)


@pytest.mark.parametrize("name", NAMES + CELL_NAMES)
def test_wrong_ways_to_start(name: str) -> None:
    layer = getattr(ours, name)
    with pytest.raises(ArgumentError, match='"remember" or "torch"'):
        layer(INPUTS, UNITS, init="orthogonal")
    for timescale in (0.5, float("nan"), float("inf"), True):
        with pytest.raises(ArgumentError, match="steps from 1"):
            layer(INPUTS, UNITS, timescale=timescale)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "LSTMCell", "GRUCell"])
def test_a_timescale_without_a_bias_to_hold_it_is_refused(name: str) -> None:
    with pytest.raises(ArgumentError, match="bias=True"):
        getattr(ours, name)(INPUTS, UNITS, bias=False, timescale=100)
