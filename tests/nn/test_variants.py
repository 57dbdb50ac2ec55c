"""The options that torch's layers have not, as a user meets them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    ALL,
    INPUTS,
    LENGTHS,
    OPTIONS,
    SINGLE,
    STEPS,
    UNITS,
    assert_all_close,
    assert_close,
    gradients,
    held,
    hx,
    pair,
    sequence,
    tensors,
    title,
    variant_layer,
)
from tests.nn.test_lengths import assert_rows_alone
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import holdfast.nn as ours
from holdfast.errors import ArgumentError

NEUTRAL: dict[str, Any] = {
    "peepholes": False,
    "coupled": False,
    "cell_clip": None,
    "zoneout_cell": 0.0,
    "layer_norm": False,
    "recurrent_dropout": 0.0,
    "zoneout_hidden": 0.0,
    "weight_drop": 0.0,
    "residual": False,
    "dilation": None,
}


@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_neutral_options_are_the_plain_layer(name: str) -> None:
    theirs, _ = pair(name, num_layers=2, bidirectional=True)
    neutral = {key: value for key, value in NEUTRAL.items() if key in OPTIONS[name]}
    mine = getattr(ours, name)(INPUTS, UNITS, 2, bidirectional=True, dtype=torch.float64, **neutral)
    mine.load_state_dict(theirs.state_dict())
    before = torch.get_rng_state()
    assert_all_close(tensors(mine(sequence())), tensors(theirs(sequence())))
    assert torch.equal(torch.get_rng_state(), before)
    assert repr(mine) == repr(theirs)


@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_each_row_of_a_ragged_batch_gives_what_it_gives_alone(
    name: str, options: dict[str, Any], both: bool
) -> None:
    layer = variant_layer(name, options, bidirectional=both).eval()
    assert_rows_alone(layer, sequence(), LENGTHS)
    assert_rows_alone(layer, sequence(), LENGTHS, hx(held(layer)))


@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_call_forms_agree(name: str, options: dict[str, Any]) -> None:
    layer = variant_layer(name, options, bidirectional=True).eval()
    start, x = held(layer), sequence()
    expected = tensors(layer(x, hx(start), lengths=LENGTHS))
    packed = pack_padded_sequence(x, torch.tensor(LENGTHS), enforce_sorted=False)
    output, final = layer(packed, hx(start))
    unpacked = nn.utils.rnn.pad_packed_sequence(output)[0]
    assert_all_close([unpacked, *tensors(final)], expected)
    whole, final = layer(x, hx(start))
    one = layer(x[:, 0], hx(tuple(part[:, 0] for part in start)))
    for part, right in zip(
        tensors(one), [whole[:, 0], *(p[:, 0] for p in tensors(final))], strict=True
    ):
        assert_close(part, right, roundings=2 * STEPS * (INPUTS + 4 * UNITS))
    layer.batch_first = True
    first, _ = layer(x.transpose(0, 1), hx(start))
    assert torch.equal(first.transpose(0, 1), whole)


@pytest.mark.parametrize(("name", "options"), SINGLE, ids=title)
def test_every_option_changes_what_training_computes(name: str, options: dict[str, Any]) -> None:
    layer, plain = variant_layer(name, options), variant_layer(name, {})
    if [tuple(p.shape) for p in layer.parameters()] != [tuple(p.shape) for p in plain.parameters()]:
        return  # the numbers differ because the weights do; tests/engine holds them
    plain.load_state_dict(layer.state_dict())
    if "dilation" in options or "residual" in options:  # the last layer's gradients stay the same
        assert not torch.equal(layer(sequence())[0], plain(sequence())[0])
        return
    leaves = [list(layer.parameters()), list(plain.parameters())]
    found, other = layer(sequence()), plain(sequence())
    assert not torch.equal(found[0], other[0])
    assert not any(
        torch.equal(one, two)
        for one, two in zip(gradients(found, leaves[0]), gradients(other, leaves[1]), strict=True)
    )


@pytest.mark.parametrize("layers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", OPTIONS)
def test_gradients_of_gradients_of_everything_at_once(name: str, layers: int) -> None:
    torch.manual_seed(0)
    options = OPTIONS[name] | {"dilation": (2, 3)[:layers], "residual": layers > 1}
    options |= {"heads": 3} if name == "SLSTM" else {}
    layer = getattr(ours, name)(
        2, 3, layers, bidirectional=True, dtype=torch.float64, timescale=5, **options
    )
    x = torch.randn(7, 2, 2, dtype=torch.float64, requires_grad=True)
    start = [part.requires_grad_() for part in held(layer, rows=2)]
    names, weights = zip(*layer.named_parameters(), strict=True)

    def call(x: Tensor, *rest: Tensor) -> tuple[Tensor, ...]:
        given = dict(zip(names, rest[len(start) :], strict=True))
        torch.manual_seed(1)  # the same masks at every call
        begin = hx(rest[: len(start)])
        result = torch.func.functional_call(layer, given, (x, begin), {"lengths": [7, 3]})
        return tuple(tensors(result))

    assert torch.autograd.gradcheck(call, (x, *start, *weights), fast_mode=True)
    assert torch.autograd.gradgradcheck(call, (x, *start, *weights), fast_mode=True)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("LSTM", {"zoneout_cell": 1.0}, "zoneout_cell must be a number from 0 to below 1"),
        ("GRU", {"recurrent_dropout": -0.1}, "recurrent_dropout must be"),
        ("RNN", {"weight_drop": True}, "weight_drop must be"),
        ("LSTM", {"zoneout_hidden": float("nan")}, "zoneout_hidden must be"),
        ("LSTM", {"peepholes": 1}, "peepholes must be True or False"),
        ("LSTM", {"cell_clip": 0.0}, "cell_clip must be a number above 0"),
        ("LSTM", {"cell_clip": True}, "cell_clip must be a number above 0"),
        ("GRU", {"residual": True}, "num_layers to 2 or more"),
        ("GRU", {"dilation": (1, 2)}, "each of the 1 layers"),
        ("GRU", {"dilation": (0,)}, "each of the 1 layers"),
        ("GRU", {"dilation": (1.5,)}, "each of the 1 layers"),
        ("SLSTM", {"heads": 3}, "heads must be a whole number that divides hidden_size"),
        ("SLSTM", {"heads": 0}, "heads must be"),
        ("SLSTM", {"forget_gate": "relu"}, "forget_gate must be"),
        ("SLSTM", {"bias": False, "timescale": 5}, "bias=True"),
    ],
)
def test_wrong_options_are_named(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        getattr(ours, name)(INPUTS, UNITS, **options)


@pytest.mark.parametrize(
    ("name", "option"), [("GRU", "peepholes"), ("RNN", "coupled"), ("SLSTM", "cell_clip")]
)
def test_what_means_nothing_is_no_argument(name: str, option: str) -> None:
    with pytest.raises(TypeError, match=option):
        getattr(ours, name)(INPUTS, UNITS, **{option: True})


def test_options_are_shown() -> None:
    layer = ours.LSTM(INPUTS, UNITS, 2, peepholes=True, weight_drop=0.5, dilation=(1, 2))
    assert repr(layer) == (
        "LSTM(3, 4, num_layers=2, peepholes=True, weight_drop=0.5, dilation=(1, 2))"
    )


@pytest.mark.parametrize("name", OPTIONS)
def test_variants_run_under_autocast_and_on_empty_batches(name: str) -> None:
    layer = getattr(ours, name)(INPUTS, UNITS, 2, **OPTIONS[name])
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = layer(sequence(dtype=torch.float32))
    assert bool(torch.isfinite(output).all())
    assert layer(torch.zeros(4, 0, INPUTS))[0].shape == (4, 0, UNITS)
