"""What a kernel must know of a cell to run it: its gates, its state and its step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

State = tuple[Tensor, ...]
"""One tensor for each part of the state, `(h,)` or `(h, c)`."""


class Weights(NamedTuple):
    """The weights of one layer in one direction, in torch's order and under torch's names.

    Arguments:
        weight_ih: (GH, I).
        weight_hh: (GH, H), or (GH, P) with a projection.
        bias_ih, bias_hh: (GH,), or None for a layer without biases.
        weight_hr: (P, H), the projection of the LSTM, or None.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    weight_hr: Tensor | None = None


class Step(Protocol):
    """One step of a recurrence, in plain torch."""

    def __call__(self, x: Tensor, state: State, weights: Weights, /) -> State:
        """From x (B, I) and the state before to the state after, each part (B, ·)."""
        ...


@dataclass(frozen=True)
class Cell:
    """A kind of recurrence.

    Arguments:
        name: how messages call it: "lstm", "gru", "rnn_tanh", "rnn_relu".
        gates: the blocks of H rows in its weights, in their order.
        parts: the tensors of its state, in their order.
        step: its equations.
    """

    name: str
    gates: tuple[str, ...]
    parts: tuple[str, ...]
    step: Step
