"""Keras' arrays become layers that compute Keras' equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from tests.export.layers import INPUTS, UNITS

import holdfast.nn as ours
from holdfast.errors import ArgumentError
from holdfast.export import from_keras_weights

GATES = {ours.LSTM: 4, ours.GRU: 3, ours.RNN: 1}
CELLS = list(GATES)

Array = NDArray[np.float64]


def sigmoid(a: Array) -> Array:
    return 1 / (1 + np.exp(-a))


def lstm(x: Array, arrays: list[Array], relu: bool = False) -> Array:
    """Keras' LSTMCell: one bias; columns i, f, c, o. For x (T, I)."""
    kernel, recurrent, bias = arrays
    h, c = np.zeros(UNITS), np.zeros(UNITS)
    outputs = []
    for step in x:
        z = step @ kernel + h @ recurrent + bias
        z_i, z_f, z_c, z_o = np.split(z, 4)
        c = sigmoid(z_f) * c + sigmoid(z_i) * np.tanh(z_c)
        h = sigmoid(z_o) * np.tanh(c)
        outputs.append(h)
    return np.stack(outputs)


def gru(x: Array, arrays: list[Array], relu: bool = False) -> Array:
    """Keras' GRUCell with reset_after=True: two rows of biases; columns z, r, h."""
    kernel, recurrent, (input_bias, recurrent_bias) = arrays
    h = np.zeros(UNITS)
    outputs = []
    for step in x:
        x_z, x_r, x_h = np.split(step @ kernel + input_bias, 3)
        recurrent_z, recurrent_r, recurrent_h = np.split(h @ recurrent + recurrent_bias, 3)
        z, r = sigmoid(x_z + recurrent_z), sigmoid(x_r + recurrent_r)
        candidate = np.tanh(x_h + r * recurrent_h)
        h = z * h + (1 - z) * candidate
        outputs.append(h)
    return np.stack(outputs)


def simple_rnn(x: Array, arrays: list[Array], relu: bool = False) -> Array:
    """Keras' SimpleRNNCell."""
    kernel, recurrent, bias = arrays
    h = np.zeros(UNITS)
    outputs = []
    for step in x:
        a = step @ kernel + bias + h @ recurrent
        h = np.maximum(a, 0) if relu else np.tanh(a)
        outputs.append(h)
    return np.stack(outputs)


BY_HAND: dict[Any, Any] = {ours.LSTM: lstm, ours.GRU: gru, ours.RNN: simple_rnn}


def drawn(cell: type, seed: int = 0) -> list[Array]:
    draw = np.random.default_rng(seed)
    columns = GATES[cell] * UNITS
    bias = (2, columns) if cell is ours.GRU else (columns,)
    return [draw.uniform(-1, 1, shape) for shape in ((INPUTS, columns), (UNITS, columns), bias)]


def close(found: torch.Tensor, expected: Array, steps: int) -> bool:
    """Each of the sums behind a number rounded once at every step, in float64."""
    bound = steps * (INPUTS + UNITS + 2) * np.finfo(np.float64).eps
    largest = max(1.0, float(np.abs(expected).max()))
    return float(np.abs(found.detach().numpy() - expected).max()) <= bound * largest


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize(
    ("cell", "relu"), [(cell, False) for cell in CELLS] + [(ours.RNN, True)], ids=str
)
def test_a_layer_computes_keras_equations(cell: Any, relu: bool, bias: bool) -> None:
    arrays = drawn(cell)
    if not bias:
        arrays[2] = np.zeros_like(arrays[2])
    layer = from_keras_weights(
        arrays if bias else arrays[:2], cell, nonlinearity="relu" if relu else "tanh"
    )
    x = np.random.default_rng(1).standard_normal((2, 6, INPUTS))
    expected = np.stack([BY_HAND[cell](row, arrays, relu) for row in x])
    assert layer.bias == bias
    assert close(layer(torch.from_numpy(x))[0], expected, 6)


@pytest.mark.parametrize("cell", CELLS)
def test_a_bidirectional_layer_reads_both_ways(cell: Any) -> None:
    forward, backward = drawn(cell, 2), drawn(cell, 3)
    layer = from_keras_weights([*forward, *backward], cell, bidirectional=True, batch_first=False)
    x = np.random.default_rng(1).standard_normal((6, INPUTS))
    expected = np.concatenate(
        [BY_HAND[cell](x, forward), BY_HAND[cell](x[::-1], backward)[::-1]], axis=-1
    )
    assert close(layer(torch.from_numpy(x[:, None]))[0][:, 0], expected, 6)


def test_float32_stays_float32_and_the_arrays_stay_the_callers() -> None:
    arrays = [array.astype(np.float32) for array in drawn(ours.LSTM)]
    layer = from_keras_weights(arrays, ours.LSTM)
    assert layer.weight_ih_l0.dtype == torch.float32
    with torch.no_grad():
        layer.weight_ih_l0.zero_()
    assert arrays[0].any()


@pytest.mark.parametrize(
    ("arrays", "cell", "options", "sentence"),
    [
        (drawn(ours.LSTM), ours.GRU, {}, r"weights\[1\].*GRU.*\(H, 3H\), got \(5, 20\)"),
        (drawn(ours.LSTM)[:1], ours.LSTM, {}, "2 arrays, or 3 with biases.*got 1"),
        (drawn(ours.LSTM), ours.LSTM, {"bidirectional": True}, "4 arrays, or 6.*got 3"),
        ([*drawn(ours.GRU)[:2], np.zeros(15)], ours.GRU, {}, r"weights\[2\].*reset_after=False"),
        ([*drawn(ours.GRU)[:2], np.zeros((3, 15))], ours.GRU, {}, r"weights\[2\].*\(2, 15\)"),
        ([*drawn(ours.LSTM)[:2], np.zeros(15)], ours.LSTM, {}, r"weights\[2\].*\(20,\)"),
        ([np.zeros((20, 3)), *drawn(ours.LSTM)[1:]], ours.LSTM, {}, r"weights\[0\].*\(I, 20\)"),
        (
            [*drawn(ours.LSTM), np.zeros((4, 20)), *drawn(ours.LSTM)[1:]],
            ours.LSTM,
            {"bidirectional": True},
            "two directions",
        ),
        ([a.astype(np.float16) for a in drawn(ours.RNN)], ours.RNN, {}, "float16"),
        (drawn(ours.RNN), ours.RNN, {"nonlinearity": "elu"}, "nonlinearity.*'elu'"),
        (drawn(ours.LSTM), ours.LSTM, {"nonlinearity": "relu"}, "cell=RNN"),
        (drawn(ours.LSTM), torch.nn.LSTM, {}, r"cell.*holdfast\.nn"),
    ],
)
def test_what_is_not_such_a_layer_is_refused(
    arrays: list[Array], cell: Any, options: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(ArgumentError, match=sentence):
        from_keras_weights(arrays, cell, **options)
