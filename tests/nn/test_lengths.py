"""`lengths=`: each row of a padded batch gives the numbers that it gives alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
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
"""Layers × steps × sums: a batch adds up in another order than a row alone."""


def assert_rows_alone(layer: nn.Module, x: Tensor, lengths: list[int], given: Any = None) -> None:
    """x is (T, B, I)."""
    output, final = layer(x.transpose(0, 1) if layer.batch_first else x, given, lengths=lengths)
    output = output.transpose(0, 1) if layer.batch_first else output
    assert output.shape[:2] == x.shape[:2]
    finals = tensors(final)
    for row, length in enumerate(lengths):
        alone = x[:length, row : row + 1]
        start = None
        if given is not None:
            parts = tuple(part[:, row : row + 1] for part in tensors(given))
            start = parts if len(parts) > 1 else parts[0]
        one, state = layer(alone.transpose(0, 1) if layer.batch_first else alone, start)
        one = one.transpose(0, 1) if layer.batch_first else one
        assert_close(output[:length, row], one[:, 0], roundings=ROUNDINGS)
        assert not output[length:, row].any()
        for part, right in zip(finals, tensors(state), strict=True):
            assert_close(part[:, row], right[:, 0], roundings=ROUNDINGS)


@pytest.mark.parametrize(("name", "options"), LAYERS, ids=title)
def test_each_row_gives_what_it_gives_alone(name: str, options: dict[str, Any]) -> None:
    theirs, mine = pair(name, **options)
    assert_rows_alone(mine, sequence(), [2, 6, 1, 4, 6])
    assert_rows_alone(mine, sequence(), [2, 6, 1, 4, 6], states(theirs))


@given(lengths=st.lists(st.integers(1, STEPS), min_size=ROWS, max_size=ROWS))
@settings(max_examples=25, deadline=None)
def test_any_lengths_will_do(lengths: list[int]) -> None:
    _, mine = pair("LSTM", num_layers=2, bidirectional=True)
    assert_rows_alone(mine, sequence(), lengths)


@pytest.mark.parametrize("name", NAMES)
def test_what_lies_in_the_padding_has_no_say(name: str) -> None:
    _, mine = pair(name, bidirectional=True)
    lengths = torch.tensor([2, 6, 1, 4, 6])
    beyond = (torch.arange(STEPS)[:, None] >= lengths)[..., None]
    zeros, rubbish = sequence().masked_fill(beyond, 0.0), sequence().masked_fill(beyond, torch.nan)
    rubbish.requires_grad_()
    found = mine(rubbish, lengths=lengths)
    assert_all_close(tensors(found), tensors(mine(zeros, lengths=lengths)))
    (gradient,) = torch.autograd.grad(sum(part.sum() for part in tensors(found)), rubbish)
    assert not gradient[beyond.expand_as(gradient)].any()
    assert bool(gradient[:1].all())


def test_full_lengths_are_the_plain_call() -> None:
    _, mine = pair("GRU")
    assert_all_close(tensors(mine(sequence(), lengths=[STEPS] * ROWS)), tensors(mine(sequence())))


def test_lengths_may_be_a_tensor_or_any_sequence() -> None:
    _, mine = pair("LSTM")
    expected = tensors(mine(sequence(), lengths=[1, 2, 3, 4, 5]))
    for lengths in ((1, 2, 3, 4, 5), torch.arange(1, 6), torch.arange(1, 6, dtype=torch.int32)):
        assert_all_close(tensors(mine(sequence(), lengths=lengths)), expected)


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        ([1, 2, 3, 4], r"one number for each of the 5 rows .* got shape \(4,\)"),
        ([1, 2, 0, 4, 5], "from 1 to 6, the steps of the input; row 2 has 0"),
        ([1, 2, 3, 7, 5], "row 3 has 7"),
        ([1.0, 2.0, 3.0, 4.0, 5.0], "whole numbers"),
        ([True] * 5, "whole numbers"),
        ([[1, 2, 3, 4, 5]], r"got shape \(1, 5\)"),
    ],
)
def test_wrong_lengths_are_named(lengths: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        ours.LSTM(INPUTS, UNITS, dtype=torch.float64)(sequence(), lengths=lengths)


def test_lengths_need_a_padded_batch() -> None:
    layer = ours.GRU(INPUTS, UNITS, dtype=torch.float64)
    packed = nn.utils.rnn.pack_sequence([sequence()[:, 0]])
    with pytest.raises(ArgumentError, match="a PackedSequence has its own"):
        layer(packed, lengths=[6])
    with pytest.raises(ArgumentError, match="an unbatched input is one sequence"):
        layer(sequence()[:, 0], lengths=[6])
