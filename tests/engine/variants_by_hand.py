"""The variants of the cells written a second time, in Python's own numbers, unit by unit."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.engine.by_hand import HandWeights, Vector, product, sigmoid


@dataclass(frozen=True)
class HandMasks:
    """What chance decided for one row at one step; None for evaluation."""

    recurrent: Vector | None = None
    new_hidden: Sequence[bool] | None = None
    new_cell: Sequence[bool] | None = None


def norm(values: Vector, gain: Vector, shift: Vector) -> list[float]:
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / len(values)
    return [
        g * (value - mean) / math.sqrt(variance + 1e-5) + s
        for value, g, s in zip(values, gain, shift, strict=True)
    ]


def zone_out(old: Vector, new: Vector, share: float, taken: Sequence[bool] | None) -> list[float]:
    if taken is None:
        return [share * a + (1 - share) * b for a, b in zip(old, new, strict=True)]
    return [b if take else a for a, b, take in zip(old, new, taken, strict=True)]


def products(
    x: Vector, h: Vector, w: HandWeights, masks: HandMasks, parts: Sequence[int], heads: int = 1
) -> tuple[list[float], list[float]]:
    """What x gives and what h gives, with biases; `parts` are normalised each on its own."""
    if masks.recurrent is not None:
        h = [value * factor for value, factor in zip(h, masks.recurrent, strict=True)]
    units = len(h) // heads
    read = [product(row, x) for row in w.weight_ih]
    held = [
        product(row, h)
        if heads == 1
        else product(row, h[(k % len(h)) // units * units : ((k % len(h)) // units + 1) * units])
        for k, row in enumerate(w.weight_hh)
    ]
    if w.norm_ih is None or w.norm_hh is None:
        return (
            [a + b for a, b in zip(read, w.bias_ih, strict=True)],
            [a + b for a, b in zip(held, w.bias_hh, strict=True)],
        )
    new_read: list[float] = []
    new_held: list[float] = []
    start = 0
    for width in parts:
        cut = slice(start, start + width)
        new_read += norm(read[cut], w.norm_ih[cut], w.bias_ih[cut])
        new_held += norm(held[cut], w.norm_hh[cut], w.bias_hh[cut])
        start += width
    return new_read, new_held


def lstm(
    x: Vector,
    h: Vector,
    c: Vector,
    w: HandWeights,
    masks: HandMasks,
    *,
    coupled: bool,
    clip: float,
    zoneout_hidden: float,
    zoneout_cell: float,
) -> tuple[list[float], list[float]]:
    units = len(c)
    read, held = products(x, h, w, masks, [len(w.weight_ih)])
    peep = w.weight_peephole or [0.0] * (3 * units)
    new_c, open_o = [], []
    for k in range(units):
        a = [read[j] + held[j] for j in range(k, len(read), units)]
        i = sigmoid(a[0] + peep[k] * c[k])
        f = 1 - i if coupled else sigmoid(a[1] + peep[units + k] * c[k])
        cell = f * c[k] + i * math.tanh(a[-2])
        cell = min(max(cell, -clip), clip)
        new_c.append(cell)
        open_o.append(sigmoid(a[-1] + peep[len(peep) - units + k] * cell))
    shown = norm(new_c, w.norm_c, w.norm_c_bias or ()) if w.norm_c is not None else new_c
    new_h = [o * math.tanh(value) for o, value in zip(open_o, shown, strict=True)]
    if w.weight_hr is not None:
        new_h = [product(row, new_h) for row in w.weight_hr]
    return (
        zone_out(h, new_h, zoneout_hidden, masks.new_hidden),
        zone_out(c, new_c, zoneout_cell, masks.new_cell),
    )


def gru(
    x: Vector, h: Vector, w: HandWeights, masks: HandMasks, *, zoneout_hidden: float
) -> list[float]:
    units = len(h)
    read, held = products(x, h, w, masks, [2 * units, units])
    new_h = []
    for k in range(units):
        reset = sigmoid(read[k] + held[k])
        keep = sigmoid(read[units + k] + held[units + k])
        candidate = math.tanh(read[2 * units + k] + reset * held[2 * units + k])
        new_h.append((1 - keep) * candidate + keep * h[k])
    return zone_out(h, new_h, zoneout_hidden, masks.new_hidden)


def rnn(
    x: Vector,
    h: Vector,
    w: HandWeights,
    masks: HandMasks,
    bend: Callable[[float], float],
    *,
    zoneout_hidden: float,
) -> list[float]:
    read, held = products(x, h, w, masks, [len(h)])
    new_h = [bend(a + b) for a, b in zip(read, held, strict=True)]
    return zone_out(h, new_h, zoneout_hidden, masks.new_hidden)


def slstm(
    x: Vector,
    h: Vector,
    c: Vector,
    n: Vector,
    w: HandWeights,
    masks: HandMasks,
    *,
    heads: int,
    exponential_forget: bool,
    zoneout_hidden: float,
) -> tuple[list[float], list[float], list[float]]:
    """Without a stabiliser: c and n are the paper's own."""
    units = len(h)
    read, held = products(x, h, w, masks, [len(w.weight_ih)], heads)
    new_h, new_c, new_n = [], [], []
    for k in range(units):
        a = [read[j] + held[j] for j in range(k, len(read), units)]
        i = math.exp(a[0])
        f = math.exp(a[1]) if exponential_forget else sigmoid(a[1])
        new_c.append(f * c[k] + i * math.tanh(a[2]))
        new_n.append(f * n[k] + i)
        new_h.append(sigmoid(a[3]) * new_c[k] / new_n[k])
    return zone_out(h, new_h, zoneout_hidden, masks.new_hidden), new_c, new_n
