"""The options that torch's layers have not, as a user meets them."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    INPUTS,
    ROWS,
    STEPS,
    UNITS,
    assert_all_close,
    assert_close,
    gradients,
    pair,
    sequence,
    tensors,
    title,
)
from tests.nn.test_lengths import assert_rows_alone
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import holdfast.nn as ours
from holdfast.errors import ArgumentError

LENGTHS = [2, 6, 1, 4, 6]
COMMON: dict[str, Any] = {
    "layer_norm": True,
    "recurrent_dropout": 0.4,
    "zoneout_hidden": 0.3,
    "weight_drop": 0.4,
    "residual": True,
    "dilation": (1, 3),
}
OF_LSTM: dict[str, Any] = {
    "peepholes": True,
    "coupled": True,
    "cell_clip": 0.5,
    "zoneout_cell": 0.2,
}
RANDOM = ("recurrent_dropout", "zoneout_hidden", "zoneout_cell", "weight_drop")
OPTIONS: dict[str, dict[str, Any]] = {
    "LSTM": OF_LSTM | COMMON,
    "GRU": COMMON,
    "RNN": COMMON,
    "SLSTM": {"heads": 2, "forget_gate": "exponential"} | COMMON,
}
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
SINGLE = [(name, {key: value}) for name, given in OPTIONS.items() for key, value in given.items()]
ALL = [*SINGLE, *OPTIONS.items(), ("SLSTM", {})]


def made(name: str, options: dict[str, Any], **more: Any) -> Any:
    """A stack of two layers with weights of its own for every option."""
    layer = getattr(ours, name)(
        INPUTS, UNITS, 2, dtype=torch.float64, timescale=5, **more, **options
    )
    draw = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for key, weight in layer.named_parameters():
            if key.startswith(("weight_peephole", "norm_", "bias")):
                weight.add_(torch.randn(weight.shape, generator=draw, dtype=torch.float64) / 2)
    return layer


def held(layer: Any, *, rows: int = ROWS) -> tuple[Tensor, ...]:
    """A state to begin with."""
    draw = torch.Generator().manual_seed(2)
    parts = [
        torch.randn(shape, generator=draw, dtype=torch.float64)
        for shape in layer._state_shapes(rows)
    ]
    if len(parts) == 4:
        parts[2] = parts[2].abs() + 1
    return tuple(parts)


def hx(parts: tuple[Tensor, ...]) -> Any:
    return parts if len(parts) > 1 else parts[0]


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
    layer = made(name, options, bidirectional=both).eval()
    assert_rows_alone(layer, sequence(), LENGTHS)
    assert_rows_alone(layer, sequence(), LENGTHS, hx(held(layer)))


@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_call_forms_agree(name: str, options: dict[str, Any]) -> None:
    layer = made(name, options, bidirectional=True).eval()
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
    layer, plain = made(name, options), made(name, {})
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


@pytest.mark.parametrize(
    ("name", "option"), [(name, key) for name in OPTIONS for key in RANDOM if key in OPTIONS[name]]
)
def test_chance_repeats_with_torchs_seed_and_is_off_in_evaluation(name: str, option: str) -> None:
    layer = made(name, {option: 0.4}, bidirectional=True)
    results = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        found = layer(sequence(), lengths=LENGTHS)
        results.append(tensors(found) + gradients(found, list(layer.parameters())))
    assert_all_close(results[1], results[0])
    assert not any(torch.equal(one, two) for one, two in zip(*results[1:], strict=True))
    layer.eval()
    before = torch.get_rng_state()
    quiet = tensors(layer(sequence()))
    assert_all_close(tensors(layer(sequence())), quiet)
    assert torch.equal(torch.get_rng_state(), before)
    if option in ("recurrent_dropout", "weight_drop"):
        plain = made(name, {}, bidirectional=True)
        plain.load_state_dict(layer.state_dict())
        assert_all_close(quiet, tensors(plain(sequence())))


def test_layers_and_directions_have_masks_of_their_own() -> None:
    layer = made("RNN", {"zoneout_hidden": 0.5}, bidirectional=True)
    with torch.no_grad():
        for name, weight in layer.named_parameters():
            weight.fill_(1.0 if name.startswith("bias") else 0.0)
    zeros = torch.zeros(4, 40, UNITS, dtype=torch.float64)
    _, h = layer(torch.zeros(1, 40, INPUTS, dtype=torch.float64), zeros)
    kept = h == 0
    for one in range(4):
        for other in range(one):
            assert not torch.equal(kept[one], kept[other])


def test_recurrent_dropout_hides_the_same_units_at_all_steps() -> None:
    """With W_hh = 1 and a relu each unit counts the steps since it was hidden: all or none."""
    layer = ours.RNN(1, 50, nonlinearity="relu", dtype=torch.float64, recurrent_dropout=0.5)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.zero_()
        layer.weight_hh_l0.copy_(torch.eye(50))
        layer.bias_ih_l0.fill_(1.0)
    output, _ = layer(torch.zeros(4, 3, 1, dtype=torch.float64))
    assert set(output[-1].unique().tolist()) == {1.0, 15.0}  # 1 + 2 (1 + 2 (1 + 2))


def test_weight_drop_takes_its_share_of_the_recurrent_weights_and_their_gradient() -> None:
    layer = ours.LSTM(INPUTS, 50, dtype=torch.float64, weight_drop=0.3)
    output, _ = layer(sequence())
    (slope,) = torch.autograd.grad(output.square().sum(), layer.weight_hh_l0)
    gone = float((slope == 0).double().mean())
    assert abs(gone - 0.3) < 5 * (0.3 * 0.7 / slope.numel()) ** 0.5
    again = torch.autograd.grad(layer(sequence())[0].square().sum(), layer.weight_hh_l0)[0]
    assert not torch.equal(again == 0, slope == 0)


def test_residual_layers_add_their_input() -> None:
    layer = made("GRU", {"residual": True}, bidirectional=True).eval()
    wide = ours.GRU(2 * UNITS, UNITS, bidirectional=True, dtype=torch.float64)
    narrow = ours.GRU(INPUTS, UNITS, bidirectional=True, dtype=torch.float64)
    weights = layer.state_dict()
    narrow.load_state_dict({key: weights[key] for key in narrow.state_dict()})
    wide.load_state_dict({key: weights[key.replace("_l0", "_l1")] for key in wide.state_dict()})
    first, h_first = narrow(sequence())
    second, h_second = wide(first)
    output, h = layer(sequence())
    assert_all_close([output, h], [first + second, torch.cat([h_first, h_second])])


def test_residuals_are_added_as_they_were_before_dropout() -> None:
    """With a dropout of 1 the second layer reads zeros, and its input goes past it."""
    layer = made("GRU", {"residual": True}, dropout=1.0)
    first, second = (ours.GRU(columns, UNITS, dtype=torch.float64) for columns in (INPUTS, UNITS))
    weights = layer.state_dict()
    first.load_state_dict({key: weights[key] for key in first.state_dict()})
    second.load_state_dict({key: weights[key.replace("_l0", "_l1")] for key in second.state_dict()})
    read, _ = first(sequence())
    expected = read + second(torch.zeros_like(read))[0]
    assert torch.equal(layer(sequence())[0], expected)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 6, 7])
def test_dilated_layers_read_the_state_so_many_steps_back(
    name: str, both: bool, steps: int
) -> None:
    dilation, directions = 3, 2 if both else 1
    layer = getattr(ours, name)(
        INPUTS, UNITS, bidirectional=both, dilation=[dilation], dtype=torch.float64, timescale=5
    )
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(steps, ROWS, INPUTS, generator=draw, dtype=torch.float64)
    start = held(layer)
    outputs, queues = [], []
    for direction in range(directions):
        queue = [
            tuple(part[direction * dilation + place] for part in start) for place in range(dilation)
        ]
        weights, seen = layer._weights(layer._weight_names[direction]), {}
        for step in reversed(range(steps)) if direction else range(steps):
            queue.append(layer.cell.step(x[step], queue.pop(0), weights, layer.options))
            seen[step] = queue[-1][0]
        outputs.append(torch.stack([seen[step] for step in range(steps)]))
        queues += queue
    output, final = layer(x, hx(start))
    roundings = 2 * STEPS * (INPUTS + 4 * UNITS)
    assert_close(output, torch.cat(outputs, -1), roundings=roundings)
    for part, right in zip(tensors(final), zip(*queues, strict=True), strict=True):
        assert_close(part, torch.stack(list(right)), roundings=roundings)


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_dilated_sequence_can_be_cut_anywhere(cut: int) -> None:
    layer = made("LSTM", {"dilation": (2, 3)})
    whole, final = layer(sequence())
    first, state = layer(sequence()[:cut])
    second, state = layer(sequence()[cut:], state)
    for one, right in zip([torch.cat([first, second]), *state], [whole, *final], strict=True):
        assert_close(one, right, roundings=2 * STEPS * (INPUTS + 4 * UNITS))


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


@pytest.mark.parametrize(("name", "options"), ALL, ids=title)
def test_weights_go_out_and_come_in(name: str, options: dict[str, Any]) -> None:
    layer, other = (
        made(name, options).eval(),
        getattr(ours, name)(INPUTS, UNITS, 2, dtype=torch.float64, **options).eval(),
    )
    other.load_state_dict(layer.state_dict())
    assert_all_close(tensors(other(sequence())), tensors(layer(sequence())))


@pytest.mark.parametrize("again", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_copies_keep_their_options(again: Callable[[Any], Any]) -> None:
    layer = made("LSTM", OPTIONS["LSTM"]).eval()
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


def test_wrong_states_of_a_dilated_stack_are_refused_with_their_shape() -> None:
    layer = made("GRU", {"dilation": (1, 3)})
    with pytest.raises(RuntimeError, match=r"\(4, 5, 4\)"):
        layer(sequence(), torch.zeros(2, ROWS, UNITS, dtype=torch.float64))


@pytest.mark.parametrize("name", OPTIONS)
def test_variants_run_under_autocast_and_on_empty_batches(name: str) -> None:
    layer = getattr(ours, name)(INPUTS, UNITS, 2, **OPTIONS[name])
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = layer(sequence(dtype=torch.float32))
    assert bool(torch.isfinite(output).all())
    assert layer(torch.zeros(4, 0, INPUTS))[0].shape == (4, 0, UNITS)
