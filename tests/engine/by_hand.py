"""The three cells written a second time, in Python's own numbers: no torch, no shared line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Vector = Sequence[float]
Matrix = Sequence[Vector]


@dataclass(frozen=True)
class HandWeights:
    """The weights of one pass as lists."""

    weight_ih: Matrix
    weight_hh: Matrix
    bias_ih: Vector
    bias_hh: Vector
    weight_hr: Matrix | None = None
    weight_peephole: Vector | None = None
    norm_ih: Vector | None = None
    norm_hh: Vector | None = None
    norm_c: Vector | None = None
    norm_c_bias: Vector | None = None


def sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-value))


def product(row: Vector, vector: Vector) -> float:
    return math.fsum(a * b for a, b in zip(row, vector, strict=True))


def lstm(x: Vector, h: Vector, c: Vector, w: HandWeights) -> tuple[list[float], list[float]]:
    """Unit by unit; unit k finds its gates in rows k, H + k, 2H + k and 3H + k."""
    units = len(c)
    new_c, raw_h = [], []
    for k in range(units):
        a = [
            product(w.weight_ih[row], x) + w.bias_ih[row]
            + product(w.weight_hh[row], h) + w.bias_hh[row]
            for row in (k, units + k, 2 * units + k, 3 * units + k)
        ]  # fmt: skip
        cell = sigmoid(a[1]) * c[k] + sigmoid(a[0]) * math.tanh(a[2])
        new_c.append(cell)
        raw_h.append(sigmoid(a[3]) * math.tanh(cell))
    if w.weight_hr is None:
        return raw_h, new_c
    return [product(row, raw_h) for row in w.weight_hr], new_c


def gru(x: Vector, h: Vector, w: HandWeights) -> list[float]:
    units = len(h)
    result = []
    for k in range(units):
        rows = (k, units + k, 2 * units + k)
        read = [product(w.weight_ih[row], x) + w.bias_ih[row] for row in rows]
        held = [product(w.weight_hh[row], h) + w.bias_hh[row] for row in rows]
        reset, keep = sigmoid(read[0] + held[0]), sigmoid(read[1] + held[1])
        result.append((1 - keep) * math.tanh(read[2] + reset * held[2]) + keep * h[k])
    return result


def rnn(x: Vector, h: Vector, w: HandWeights, bend: Callable[[float], float]) -> list[float]:
    return [
        bend(product(w.weight_ih[k], x) + w.bias_ih[k] + product(w.weight_hh[k], h) + w.bias_hh[k])
        for k in range(len(h))
    ]
