"""Our layers give torch's numbers, bit for bit, in every call form."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    CELL_NAMES,
    INPUTS,
    LAYERS,
    NAMES,
    ROWS,
    STEPS,
    UNITS,
    assert_all_close,
    assert_close,
    gradients,
    pair,
    sequence,
    states,
    tensors,
    title,
)
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence

import holdfast.nn as ours

layers = pytest.mark.parametrize(("name", "options"), LAYERS, ids=title)


@layers
def test_outputs_and_gradients_are_those_of_torch(name: str, options: dict[str, Any]) -> None:
    theirs, mine = pair(name, **options)
    x = sequence(batch_first=options.get("batch_first", False)).requires_grad_()
    for given in (None, states(theirs)):
        expected, found = theirs(x, given), mine(x, given)
        assert_all_close(tensors(found), tensors(expected))
        assert_all_close(
            gradients(found, [x, *mine.parameters()]),
            gradients(expected, [x, *theirs.parameters()]),
        )
        assert_all_close(tensors(mine.eval()(x, given)), tensors(theirs.eval()(x, given)))


@pytest.mark.filterwarnings("ignore:LSTM with projections:UserWarning")  # torch's own, said once
@layers
def test_single_precision_is_that_of_torch(name: str, options: dict[str, Any]) -> None:
    theirs, mine = pair(name, dtype=torch.float32, **options)
    x = sequence(
        batch_first=options.get("batch_first", False), dtype=torch.float32
    ).requires_grad_()
    expected, found = theirs(x), mine(x)
    assert_all_close(tensors(found), tensors(expected))
    assert_all_close(
        gradients(found, [x, *mine.parameters()]), gradients(expected, [x, *theirs.parameters()])
    )
    with torch.no_grad():
        assert_all_close(tensors(mine.eval()(x)), tensors(theirs.eval()(x)))


@layers
def test_an_unbatched_sequence_is_a_batch_of_one(name: str, options: dict[str, Any]) -> None:
    theirs, mine = pair(name, **options)
    x = sequence()[:, 0]
    for given in (None, states(theirs, rows=None)):
        assert_all_close(tensors(mine(x, given)), tensors(theirs(x, given)))


@pytest.mark.parametrize("lengths", [[6, 4, 4, 2, 1], [2, 6, 1, 6, 3]], ids=["sorted", "unsorted"])
@layers
def test_packed_sequences_are_those_of_torch(
    name: str, options: dict[str, Any], lengths: list[int]
) -> None:
    theirs, mine = pair(name, **options)
    packed = pack_padded_sequence(sequence(), torch.tensor(lengths), enforce_sorted=False)
    for given in (None, states(theirs)):
        expected, found = theirs(packed, given), mine(packed, given)
        assert_all_close(tensors(found), tensors(expected))
        for field in ("batch_sizes", "sorted_indices", "unsorted_indices"):
            assert torch.equal(getattr(found[0], field), getattr(expected[0], field))


@pytest.mark.parametrize("name", NAMES)
def test_packed_sequences_in_order_have_no_indices(name: str) -> None:
    theirs, mine = pair(name)
    packed = pack_padded_sequence(sequence(), torch.tensor([6, 4, 4, 2, 1]))
    assert_all_close(tensors(mine(packed, states(theirs))), tensors(theirs(packed, states(theirs))))


@pytest.mark.parametrize("name", NAMES)
def test_dropout_draws_the_random_numbers_of_torch(name: str) -> None:
    theirs, mine = pair(name, num_layers=3, dropout=0.4)
    results = []
    for layer in (theirs, mine):
        torch.manual_seed(5)
        results.append(tensors(layer(sequence())))
    assert_all_close(results[1], results[0])
    torch.manual_seed(5)
    with ours.by_equations():
        by_equations = mine(sequence())[0]
    assert_close(by_equations, results[0][0], roundings=3 * STEPS * (INPUTS + 2 * UNITS))
    assert_all_close(tensors(mine.eval()(sequence())), tensors(theirs.eval()(sequence())))


@layers
def test_state_dicts_load_both_ways(name: str, options: dict[str, Any]) -> None:
    theirs, mine = pair(name, **options)
    assert list(mine.state_dict()) == list(theirs.state_dict())
    fresh = getattr(ours, name)(INPUTS, UNITS, dtype=torch.float64, **options)
    theirs.load_state_dict(fresh.state_dict())
    x = sequence(batch_first=options.get("batch_first", False))
    assert_all_close(tensors(theirs(x)), tensors(fresh(x)))


@layers
def test_attributes_that_other_code_reads(name: str, options: dict[str, Any]) -> None:
    theirs, mine = pair(name, **options)
    assert repr(mine) == repr(theirs)
    assert [[tuple(w.shape) for w in one] for one in mine.all_weights] == [
        [tuple(w.shape) for w in one] for one in theirs.all_weights
    ]
    assert mine.all_weights[0][0] is mine.weight_ih_l0
    assert mine.flatten_parameters() is None


@pytest.mark.parametrize("name", NAMES)
def test_arguments_come_in_the_order_of_torch(name: str) -> None:
    nonlinearity = ("relu",) if name == "RNN" else ()
    given = (INPUTS, UNITS, 2, *nonlinearity, False, True, 0.25, True)
    theirs, mine = getattr(nn, name)(*given), getattr(ours, name)(*given)
    assert repr(mine) == repr(theirs)
    if name == "LSTM":
        assert repr(ours.LSTM(*given, 2)) == repr(nn.LSTM(*given, 2))


@pytest.mark.parametrize("rows", [0, 1])
@pytest.mark.parametrize("name", NAMES)
def test_batches_of_none_and_one(name: str, rows: int) -> None:
    theirs, mine = pair(name, bidirectional=True)
    x = sequence()[:, :rows]
    assert_all_close(tensors(mine(x)), tensors(theirs(x)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_equations_give_the_same_numbers(name: str, bidirectional: bool) -> None:
    """Each sum is rounded once at every step."""
    _, mine = pair(name, num_layers=2, bidirectional=bidirectional)
    packed = pack_padded_sequence(sequence(), torch.tensor([2, 6, 1, 6, 3]), enforce_sorted=False)
    for x in (sequence().requires_grad_(), packed):
        leaves = list(mine.parameters())
        fast = mine(x)
        with ours.by_equations():
            slow = mine(x)
        for one, other in zip(
            tensors(slow) + gradients(slow, leaves),
            tensors(fast) + gradients(fast, leaves),
            strict=True,
        ):
            assert_close(one, other, roundings=2 * STEPS * (INPUTS + 2 * UNITS + ROWS))


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("name", CELL_NAMES)
def test_cells_are_those_of_torch(name: str, bias: bool) -> None:
    options = [{"nonlinearity": "tanh"}, {"nonlinearity": "relu"}] if name == "RNNCell" else [{}]
    for option in options:
        theirs, mine = pair(name, bias=bias, **option)
        assert list(mine.state_dict()) == list(theirs.state_dict())
        assert repr(mine) == repr(theirs)
        x = sequence()[0].requires_grad_()
        h = sequence()[1, :, :1].expand(ROWS, UNITS).contiguous()
        given = (h, 2 * h) if name == "LSTMCell" else h
        for state in (None, given):
            expected, found = theirs(x, state), mine(x, state)
            assert_all_close(tensors(found), tensors(expected))
            assert_all_close(
                gradients(found, [x, *mine.parameters()]),
                gradients(expected, [x, *theirs.parameters()]),
            )
        one = (h[0], 2 * h[0]) if name == "LSTMCell" else h[0]
        assert_all_close(tensors(mine(x[0], one)), tensors(theirs(x[0], one)))
        with ours.by_equations():
            slow = tensors(mine(x, given))
        for part, right in zip(slow, tensors(theirs(x, given)), strict=True):
            assert_close(part, right, roundings=2 * (INPUTS + UNITS))
