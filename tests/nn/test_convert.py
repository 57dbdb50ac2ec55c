"""`convert` swaps torch's layers inside a model, weights kept."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    CELL_NAMES,
    INPUTS,
    LAYERS,
    NAMES,
    UNITS,
    assert_all_close,
    sequence,
    tensors,
    title,
)
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune

import holdfast.nn as ours
from holdfast.errors import ArgumentError
from holdfast.nn import convert


class Tagger(nn.Module):
    """A model with a recurrent layer at two depths, one of them used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.LSTM(INPUTS, UNITS, 2, dropout=0.5, bidirectional=True)
        self.middle = nn.Sequential(nn.Linear(2 * UNITS, UNITS), nn.Tanh())
        self.deep = nn.ModuleDict({"refine": nn.ModuleList([nn.GRU(UNITS, UNITS)])})
        self.again = self.deep["refine"][0]
        self.step = nn.RNNCell(UNITS, UNITS, nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        states = self.middle(self.encoder(x)[0])
        states = self.again(self.deep["refine"][0](states)[0])[0]
        result: Tensor = self.step(states[-1])
        return result


@pytest.mark.parametrize(("name", "options"), LAYERS, ids=title)
def test_a_bare_layer_becomes_ours(name: str, options: dict[str, Any]) -> None:
    theirs = getattr(nn, name)(INPUTS, UNITS, dtype=torch.float64, **options)
    x = sequence(batch_first=options.get("batch_first", False))
    expected, weights = tensors(theirs(x)), list(theirs.parameters())
    mine = convert(theirs)
    assert type(mine) is getattr(ours, name)
    assert_all_close(tensors(mine(x)), expected)
    assert all(one is other for one, other in zip(mine.parameters(), weights, strict=True))


@pytest.mark.parametrize("name", CELL_NAMES)
@pytest.mark.parametrize("bias", [True, False])
def test_a_bare_cell_becomes_ours(name: str, bias: bool) -> None:
    theirs = getattr(nn, name)(INPUTS, UNITS, bias=bias, dtype=torch.float64)
    expected = tensors(theirs(sequence()[0]))
    mine = convert(theirs)
    assert type(mine) is getattr(ours, name)
    assert_all_close(tensors(mine(sequence()[0])), expected)


def test_a_model_keeps_its_numbers_names_and_optimiser() -> None:
    model = Tagger().eval()
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    x = sequence(dtype=torch.float32)
    expected, keys = model(x), list(model.state_dict())
    assert convert(model) is model
    assert type(model.encoder) is ours.LSTM
    assert type(model.step) is ours.RNNCell
    assert list(model.state_dict()) == keys
    assert_all_close([model(x)], [expected])
    model(x).sum().backward()
    optimiser.step()
    assert not torch.equal(model(x), expected)


def test_a_layer_in_two_places_stays_one_layer() -> None:
    model = convert(Tagger())
    assert type(model.again) is ours.GRU
    assert model.again is model.deep["refine"][0]


def test_modes_and_options_move_over() -> None:
    model = Tagger()
    model.encoder.eval()
    model.encoder.weight_hh_l0.requires_grad_(False)
    convert(model)
    assert not model.encoder.training
    assert model.again.training
    assert model.encoder.dropout == 0.5
    assert not model.encoder.weight_hh_l0.requires_grad


def test_hooks_move_over_and_can_be_removed() -> None:
    layer = nn.LSTM(INPUTS, UNITS, dtype=torch.float64)
    seen: list[tuple[int, ...]] = []
    handle = layer.register_forward_hook(lambda _, __, result: seen.append(result[0].shape))
    mine = convert(layer)
    mine(sequence())
    assert len(seen) == 1
    handle.remove()
    mine(sequence())
    assert len(seen) == 1


def test_pruned_layers_stay_pruned() -> None:
    layer = nn.GRU(INPUTS, UNITS, dtype=torch.float64)
    prune.random_unstructured(layer, "weight_ih_l0", amount=0.5)
    expected = tensors(layer(sequence()))
    mine = convert(layer)
    assert_all_close(tensors(mine(sequence())), expected)
    with torch.no_grad():
        mine.weight_ih_l0_orig.add_(1.0)
    mine(sequence())
    assert not mine.weight_ih_l0[mine.weight_ih_l0_mask == 0].any()


def test_parametrised_layers_are_refused_by_name_and_nothing_is_changed() -> None:
    model = Tagger()
    parametrizations.weight_norm(model.again, "weight_hh_l0")
    with pytest.raises(ArgumentError, match=r"'deep.refine.0' is parametrised"):
        convert(model)
    assert type(model.encoder) is nn.LSTM


def test_subclasses_are_left_alone() -> None:
    class Own(nn.LSTM):
        pass

    model = nn.ModuleList([Own(INPUTS, UNITS), nn.LSTM(INPUTS, UNITS)])
    convert(model)
    assert type(model[0]) is Own
    assert type(model[1]) is ours.LSTM


@pytest.mark.parametrize("name", NAMES)
def test_converted_layers_start_anew_as_torch_does(name: str) -> None:
    theirs, mine = getattr(nn, name)(INPUTS, UNITS), convert(getattr(nn, name)(INPUTS, UNITS))
    for layer in (theirs, mine):
        torch.manual_seed(3)
        layer.reset_parameters()
    assert_all_close(list(mine.parameters()), list(theirs.parameters()))
