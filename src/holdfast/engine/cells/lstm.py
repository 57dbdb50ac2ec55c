"""The long short-term memory: the truth that every kernel is held against."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import linear

from holdfast.engine.cells.cell import Cell, State, Weights


class Gates(NamedTuple):
    """What the gates let through at one step, after their σ or tanh; each (B, H).

    Arguments:
        i: input gate, 0 to 1.
        f: forget gate, 0 to 1.
        g: the candidate, −1 to 1.
        o: output gate, 0 to 1.
    """

    i: Tensor
    f: Tensor
    g: Tensor
    o: Tensor


def gates(x: Tensor, h: Tensor, weights: Weights) -> Gates:
    """The gates at one step.

    Arguments:
        x: (B, I).
        h: (B, H) from the step before, or (B, P) with a projection.
        weights: of the layer.
    """
    a = linear(x, weights.weight_ih, weights.bias_ih) + linear(
        h, weights.weight_hh, weights.bias_hh
    )
    a_i, a_f, a_g, a_o = a.chunk(4, dim=-1)
    i, f, o = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.sigmoid(a_o)
    g = torch.tanh(a_g)
    return Gates(i, f, g, o)


def step(x: Tensor, state: State, weights: Weights) -> State:
    """One step of the LSTM.

    Source: Hochreiter and Schmidhuber (1997), Neural Computation 9(8), with the forget gate of
    Gers, Schmidhuber and Cummins (2000), equations 3.1 to 3.6; the projection is eq. 10 of Sak,
    Senior and Beaufays (2014).

    Arguments:
        x: (B, I).
        state: h (B, H), or (B, P) with a projection, and c (B, H).
        weights: of the layer; rows of the gates in the order i, f, g, o.

    Returns:
        The new h and c.

    Example:
        >>> weights = Weights(torch.zeros(4, 1), torch.zeros(4, 1))
        >>> h, c = step(torch.ones(1, 1), (torch.zeros(1, 1), torch.ones(1, 1)), weights)
        >>> c.item()  # every gate is half open and the candidate is 0
        0.5
    """
    h, c = state
    i, f, g, o = gates(x, h, weights)
    c = f * c + i * g
    h = o * torch.tanh(c)
    if weights.weight_hr is not None:
        h = linear(h, weights.weight_hr)
    return h, c


LSTM = Cell(name="lstm", gates=("i", "f", "g", "o"), parts=("h", "c"), step=step)
