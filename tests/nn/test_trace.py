"""`layer.trace`: the gates, cells and hidden states of every step."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
import torch
from tests.engine.by_hand import HandWeights, product, sigmoid
from tests.nn.pairs import (
    INPUTS,
    LAYERS,
    NAMES,
    ROWS,
    STEPS,
    UNITS,
    assert_all_close,
    assert_close,
    pair,
    sequence,
    states,
    tensors,
    title,
)
from torch import Tensor, nn

import holdfast.nn as ours
from holdfast.errors import ArgumentError

ROUNDINGS = 2 * STEPS * (INPUTS + 4 * UNITS)
"""Layers × steps × sums."""


def traced(layer: nn.Module, **call: Any) -> Any:
    x = sequence()
    return layer.trace(x.transpose(0, 1) if layer.batch_first else x, **call)


@pytest.mark.parametrize("lengths", [None, [2, 6, 1, 4, 6]], ids=["dense", "ragged"])
@pytest.mark.parametrize(("name", "options"), LAYERS, ids=title)
def test_hidden_is_the_output_and_every_step_follows_from_the_one_before(
    name: str, options: dict[str, Any], lengths: list[int] | None
) -> None:
    """Stacks, both directions, projections, batch_first: the gates explain what the layer gave."""
    _, mine = pair(name, **options)
    start = states(mine)
    seen = traced(mine, state=start, lengths=lengths)
    x = sequence()
    x = x.transpose(0, 1) if mine.batch_first else x
    output = mine(x, start, lengths=lengths)[0]
    output = output.transpose(0, 1) if mine.batch_first else output
    directions = 2 if mine.bidirectional else 1
    width = seen.hidden.shape[-1]
    for field in fields(seen):
        shape = getattr(seen, field.name).shape
        last = width if field.name == "hidden" else UNITS
        assert shape == (mine.num_layers, directions, STEPS, ROWS, last)
    for direction in range(directions):
        part = output[..., direction * width : (direction + 1) * width]
        assert_close(seen.hidden[-1, direction], part, roundings=ROUNDINGS)
    counts = lengths or [STEPS] * ROWS
    begin = [part.unflatten(0, (mine.num_layers, directions)) for part in tensors(start)]
    for layer in range(mine.num_layers):
        for direction in range(directions):
            for row, length in enumerate(counts):
                order = list(range(length))[:: -1 if direction else 1]
                place = (layer, direction)
                alone = {f.name: getattr(seen, f.name)[(*place, order, row)] for f in fields(seen)}
                for field in fields(seen):
                    assert not getattr(seen, field.name)[(*place, slice(length, None), row)].any()
                weights = mine.all_weights[layer * directions + direction]
                first = [part[(*place, row)] for part in begin]
                assert_consistent(name, alone, first, weights, mine)


def assert_consistent(
    name: str, seen: dict[str, Tensor], begin: list[Tensor], weights: list[Tensor], layer: Any
) -> None:
    """One row in one pass, in reading order, from its gates alone."""
    if name == "RNN":
        bend = torch.relu if layer.nonlinearity == "relu" else torch.tanh
        assert_close(seen["hidden"], bend(seen["preactivation"]), roundings=ROUNDINGS)
    elif name == "GRU":
        h_before = torch.cat([begin[0][None], seen["hidden"][:-1]])
        z = seen["update_gate"]
        assert_close(
            seen["hidden"], (1 - z) * seen["candidate"] + z * h_before, roundings=ROUNDINGS
        )
    else:
        c_before = torch.cat([begin[1][None], seen["cell"][:-1]])
        c = seen["forget_gate"] * c_before + seen["input_gate"] * seen["candidate"]
        assert_close(seen["cell"], c, roundings=ROUNDINGS)
        h = seen["output_gate"] * torch.tanh(seen["cell"])
        if layer.proj_size:
            h = h @ weights[-1].T
        assert_close(seen["hidden"], h, roundings=ROUNDINGS)


def hand(layer: nn.Module, suffix: str) -> HandWeights:
    return HandWeights(
        *(
            getattr(layer, f"{kind}_l0{suffix}").tolist()
            for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        )
    )


@pytest.mark.parametrize("suffix", ["", "_reverse"])
@pytest.mark.parametrize("name", ["LSTM", "GRU"])
def test_gates_are_those_worked_out_by_hand(name: str, suffix: str) -> None:
    """Each gate from x and the hidden state before it, in Python's own numbers."""
    _, mine = pair(name, bidirectional=True)
    start, x = states(mine), sequence()
    seen = mine.trace(x, start)
    w, direction = hand(mine, suffix), int(suffix != "")
    row, order = 2, range(STEPS)[:: -1 if suffix else 1]
    h = tensors(start)[0][direction, row].tolist()
    gates = {
        "LSTM": ("input_gate", "forget_gate", "candidate", "output_gate"),
        "GRU": ("reset_gate", "update_gate", "candidate"),
    }[name]
    for t in order:
        x_t = x[t, row].tolist()
        found = {gate: getattr(seen, gate)[0, direction, t, row].tolist() for gate in gates}
        for index, gate in enumerate(gates):
            for k in range(UNITS):
                r = index * UNITS + k
                read = product(w.weight_ih[r], x_t) + w.bias_ih[r]
                held = product(w.weight_hh[r], h) + w.bias_hh[r]
                if gate == "candidate":
                    if name == "GRU":
                        held *= found["reset_gate"][k]
                    right = torch.tanh(torch.tensor(read + held, dtype=torch.float64)).item()
                else:
                    right = sigmoid(read + held)
                assert abs(found[gate][k] - right) <= ROUNDINGS * torch.finfo(torch.float64).eps
        h = seen.hidden[0, direction, t, row].tolist()


def test_a_preactivation_is_what_is_bent() -> None:
    _, mine = pair("RNN")
    seen = mine.trace(sequence())
    assert not torch.equal(seen.preactivation, seen.hidden)
    assert_close(torch.tanh(seen.preactivation), seen.hidden, roundings=2)


@pytest.mark.parametrize("name", NAMES)
def test_every_call_form_gives_the_same_record(name: str) -> None:
    _, mine = pair(name, bidirectional=True)
    x, lengths = sequence(), [2, 6, 1, 4, 6]

    def values(seen: Any) -> list[Tensor]:
        return [getattr(seen, field.name) for field in fields(seen)]

    expected = values(mine.trace(x, lengths=lengths))
    sequences = nn.utils.rnn.pack_padded_sequence(x, torch.tensor(lengths), enforce_sorted=False)
    assert_all_close(values(mine.trace(sequences)), expected)
    rubbish = x.masked_fill(
        (torch.arange(STEPS)[:, None] >= torch.tensor(lengths))[..., None], torch.nan
    )
    assert_all_close(values(mine.trace(rubbish, lengths=lengths)), expected)
    start = states(mine, None)
    one = tuple(part[:, None] for part in tensors(start))
    batched = mine.trace(x[:, :1], one if len(one) > 1 else one[0])
    assert_all_close(values(mine.trace(x[:, 0], start)), values(batched))


def test_the_record_is_detached_frozen_and_as_in_evaluation() -> None:
    _, mine = pair("LSTM", num_layers=2, dropout=0.5)
    mine.train()
    seen = mine.trace(sequence().requires_grad_())
    assert not seen.cell.requires_grad
    assert_close(seen.hidden[-1, 0], mine.eval()(sequence())[0], roundings=ROUNDINGS)
    with pytest.raises(FrozenInstanceError):
        seen.cell = seen.hidden


def test_single_precision_is_traced_in_single_precision() -> None:
    _, mine = pair("LSTM", dtype=torch.float32)
    assert mine.trace(sequence(dtype=torch.float32)).cell.dtype == torch.float32


def test_what_cannot_be_traced_is_named() -> None:
    layer = ours.GRU(INPUTS, UNITS, dtype=torch.float64)
    with pytest.raises(ArgumentError, match=r"\(T, B, I\) or \(T, I\)"):
        layer.trace(sequence()[None])
    with pytest.raises(ArgumentError, match="an unbatched x is one sequence"):
        layer.trace(sequence()[:, 0], lengths=[3])
    with pytest.raises(ArgumentError, match="a PackedSequence has its own"):
        layer.trace(nn.utils.rnn.pack_sequence([sequence()[:, 0]]), lengths=[3])
    with pytest.raises(ArgumentError, match="row 2 has 9"):
        layer.trace(sequence(), lengths=[1, 2, 9, 4, 5])
    with pytest.raises(ArgumentError, match="one step or more"):
        layer.trace(sequence()[:0])
    with pytest.raises(RuntimeError, match="Expected 3, got 2"):
        layer.trace(sequence()[..., :2])
