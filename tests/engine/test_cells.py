"""The cells against the same equations in Python's own numbers, and against torch's cells."""

from __future__ import annotations

import math
import sys

import pytest
import torch
from tests.engine import by_hand
from torch import Tensor

from holdfast.engine.cells import GRU, LSTM, RNN_RELU, RNN_TANH, Cell, Weights, gru, lstm

INPUTS, UNITS, ROWS = 2, 3, 4
ROUNDINGS = 4 * (INPUTS + UNITS) + 20
"""More than the operations between an input and an output of one step, each off by half an ulp."""


def weights(cell: Cell, *, projection: int = 0) -> Weights:
    draw = torch.Generator().manual_seed(3)
    rows, width = len(cell.gates) * UNITS, projection or UNITS

    def tensor(*shape: int) -> Tensor:
        return torch.randn(shape, generator=draw, dtype=torch.float64)

    return Weights(
        tensor(rows, INPUTS),
        tensor(rows, width),
        tensor(rows),
        tensor(rows),
        tensor(projection, UNITS) if projection else None,
    )


def as_lists(given: Weights) -> by_hand.HandWeights:
    return by_hand.HandWeights(*(None if part is None else part.tolist() for part in given))


def case(cell: Cell, *, projection: int = 0) -> tuple[Tensor, tuple[Tensor, ...]]:
    draw = torch.Generator().manual_seed(4)
    widths = (projection or UNITS, UNITS)[: len(cell.parts)]
    x = torch.randn(ROWS, INPUTS, generator=draw, dtype=torch.float64)
    return x, tuple(torch.randn(ROWS, w, generator=draw, dtype=torch.float64) for w in widths)


def assert_rounded(actual: Tensor, expected: Tensor) -> None:
    """Equal up to the roundings of one step on numbers of at most this size."""
    largest = max(1.0, float(expected.abs().max()))
    assert actual.shape == expected.shape
    assert float((actual - expected).abs().max()) <= ROUNDINGS * sys.float_info.epsilon * largest


@pytest.mark.parametrize("projection", [0, 2])
def test_lstm_is_the_equations_worked_out_by_hand(projection: int) -> None:
    given = weights(LSTM, projection=projection)
    x, state = case(LSTM, projection=projection)
    h, c = LSTM.step(x, state, given)
    expected = [
        by_hand.lstm(
            x[row].tolist(), state[0][row].tolist(), state[1][row].tolist(), as_lists(given)
        )
        for row in range(ROWS)
    ]
    assert_rounded(h, torch.tensor([row[0] for row in expected], dtype=torch.float64))
    assert_rounded(c, torch.tensor([row[1] for row in expected], dtype=torch.float64))


def test_gru_is_the_equations_worked_out_by_hand() -> None:
    given = weights(GRU)
    x, (h,) = case(GRU)
    expected = [
        by_hand.gru(x[row].tolist(), h[row].tolist(), as_lists(given)) for row in range(ROWS)
    ]
    assert_rounded(GRU.step(x, (h,), given)[0], torch.tensor(expected, dtype=torch.float64))


@pytest.mark.parametrize(
    ("cell", "bend"), [(RNN_TANH, math.tanh), (RNN_RELU, lambda a: max(a, 0.0))]
)
def test_rnn_is_the_equation_worked_out_by_hand(cell: Cell, bend: object) -> None:
    assert callable(bend)
    given = weights(cell)
    x, (h,) = case(cell)
    expected = [
        by_hand.rnn(x[row].tolist(), h[row].tolist(), as_lists(given), bend) for row in range(ROWS)
    ]
    assert_rounded(cell.step(x, (h,), given)[0], torch.tensor(expected, dtype=torch.float64))


def test_cells_agree_with_torch_cells() -> None:
    x, (h, c) = case(LSTM)
    for part, theirs in zip(
        LSTM.step(x, (h, c), weights(LSTM)),
        torch.lstm_cell(x, (h, c), *weights(LSTM)[:4]),
        strict=True,
    ):
        assert_rounded(part, theirs)
    assert_rounded(GRU.step(x, (h,), weights(GRU))[0], torch.gru_cell(x, h, *weights(GRU)[:4]))
    given = weights(RNN_TANH)
    assert_rounded(RNN_TANH.step(x, (h,), given)[0], torch.rnn_tanh_cell(x, h, *given[:4]))
    assert_rounded(RNN_RELU.step(x, (h,), given)[0], torch.rnn_relu_cell(x, h, *given[:4]))


def test_gates_are_in_the_order_that_the_description_names() -> None:
    assert lstm.Gates._fields == LSTM.gates
    assert gru.Gates._fields == GRU.gates


def test_gates_are_what_the_step_uses() -> None:
    x, (h, c) = case(LSTM)
    i, f, g, o = lstm.gates(x, h, weights(LSTM))
    after = LSTM.step(x, (h, c), weights(LSTM))
    assert torch.equal(after[1], f * c + i * g)
    assert torch.equal(after[0], o * torch.tanh(after[1]))
    r, z, n = gru.gates(x, h, weights(GRU))
    assert torch.equal(GRU.step(x, (h,), weights(GRU))[0], (1 - z) * n + z * h)
    assert float(r.min()) > 0.0
    assert float(r.max()) < 1.0
