"""The weights that options bring: their names, where they begin, and from torch's layers."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    ALL,
    INPUTS,
    OPTIONS,
    STEPS,
    UNITS,
    assert_all_close,
    assert_close,
    sequence,
    tensors,
    title,
    variant_layer,
)
from torch import nn

import holdfast.nn as ours
from holdfast.errors import ArgumentError


@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_weights_go_out_and_come_in(name: str, options: dict[str, Any]) -> None:
    layer, other = (
        variant_layer(name, options).eval(),
        getattr(ours, name)(INPUTS, UNITS, 2, dtype=torch.float64, **options).eval(),
    )
    other.load_state_dict(layer.state_dict())
    assert_all_close(tensors(other(sequence())), tensors(layer(sequence())))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_keep_their_options(again: Callable[[Any], Any]) -> None:
    layer = variant_layer("LSTM", OPTIONS["LSTM"]).eval()
    assert_all_close(tensors(again(layer)(sequence())), tensors(layer(sequence())))


def test_extra_weights_have_names_shapes_and_neutral_values() -> None:
    layer = ours.LSTM(INPUTS, UNITS, peepholes=True, layer_norm=True, init="torch")
    torch_names = list(nn.LSTM(INPUTS, UNITS).state_dict())
    extra = [key for key in layer.state_dict() if key not in torch_names]
    assert {key: tuple(getattr(layer, key).shape) for key in extra} == {
        "weight_peephole_l0": (3 * UNITS,),
        "norm_ih_l0": (4 * UNITS,),
        "norm_hh_l0": (4 * UNITS,),
        "norm_c_l0": (UNITS,),
        "norm_c_bias_l0": (UNITS,),
    }
    for key in extra:
        neutral = 0.0 if key in ("weight_peephole_l0", "norm_c_bias_l0") else 1.0
        assert set(getattr(layer, key).unique().tolist()) == {neutral}


def test_extra_weights_draw_no_random_numbers() -> None:
    for init in ("torch", "remember"):
        results = []
        for options in ({}, {"peepholes": True, "layer_norm": True}):
            torch.manual_seed(4)
            layer = ours.LSTM(INPUTS, UNITS, 2, init=init, **options)
            results.append([layer.weight_hh_l1, layer.bias_ih_l0, layer.weight_ih_l0])
        assert_all_close(*results)


def test_coupled_and_exponential_gates_start_at_their_timescales() -> None:
    plain = ours.LSTM(INPUTS, UNITS, timescale=50)
    keep = torch.sigmoid(plain.bias_ih_l0.chunk(4)[1])
    coupled = ours.LSTM(INPUTS, UNITS, timescale=50, coupled=True)
    assert_close(1 - torch.sigmoid(coupled.bias_ih_l0.chunk(3)[0]), keep, roundings=4)
    for forget, open_ in (("sigmoid", torch.sigmoid), ("exponential", torch.exp)):
        layer = ours.SLSTM(INPUTS, UNITS, timescale=50, heads=2, forget_gate=forget)
        assert_close(open_(layer.bias_ih_l0.chunk(4)[1]), keep, roundings=4)
        for rows in layer.weight_hh_l0.chunk(8):  # a block for each gate and head
            assert_close(rows @ rows.T, torch.eye(UNITS // 2), roundings=4 * UNITS)


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_from_torch_keeps_the_numbers(name: str) -> None:
    options: dict[str, Any] = {"num_layers": 2, "bidirectional": True, "dropout": 0.1}
    options |= {"proj_size": 2} if name == "LSTM" else {}
    theirs = getattr(nn, name)(INPUTS, UNITS, dtype=torch.float64, **options).eval()
    given = {key: OPTIONS[name][key] for key in ("recurrent_dropout", "weight_drop")}
    given |= {"peepholes": True} if name == "LSTM" else {}
    mine = getattr(ours, name).from_torch(theirs, **given)
    assert not mine.training
    for found, right in zip(tensors(mine(sequence())), tensors(theirs(sequence())), strict=True):
        assert_close(found, right, roundings=4 * STEPS * (INPUTS + 2 * UNITS))
    assert mine.weight_hh_l0 is not theirs.weight_hh_l0
    assert mine.dropout == 0.1
    with torch.no_grad():
        mine.weight_hh_l0.zero_()
    assert bool(theirs.weight_hh_l0.all())


def test_from_torch_refuses_another_layout() -> None:
    with pytest.raises(ArgumentError, match="three blocks of rows"):
        ours.LSTM.from_torch(nn.LSTM(INPUTS, UNITS), coupled=True)


def test_from_torch_refuses_parametrised_layers() -> None:
    theirs = nn.utils.parametrizations.weight_norm(nn.GRU(INPUTS, UNITS), "weight_hh_l0")
    with pytest.raises(ArgumentError, match="parametrisations"):
        ours.GRU.from_torch(theirs)


def test_strict_loading_names_what_differs() -> None:
    layer = ours.LSTM(INPUTS, UNITS, peepholes=True)
    with pytest.raises(RuntimeError, match="weight_peephole_l0"):
        layer.load_state_dict(nn.LSTM(INPUTS, UNITS).state_dict())
    with pytest.raises(RuntimeError, match="size mismatch for weight_ih_l0"):
        ours.LSTM(INPUTS, UNITS, coupled=True).load_state_dict(nn.LSTM(INPUTS, UNITS).state_dict())
