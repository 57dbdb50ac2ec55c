"""What a kernel must know of a cell to run it: its gates, its state, its weights and its step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from holdfast.engine.cells.masks import NO_MASKS, StepMasks
from holdfast.engine.cells.options import NEUTRAL, Options

State = tuple[Tensor, ...]
"""One tensor for each part of the state, `(h,)` or `(h, c)`."""


class Weights(NamedTuple):
    """The weights of one layer in one direction, in torch's order and under torch's names.

    Those that torch has not come after: each belongs to an option and is None without it.

    Arguments:
        weight_ih: (GH, I).
        weight_hh: (GH, H), or (GH, P) with a projection; (GH, H/heads) in blocks.
        bias_ih, bias_hh: (GH,), or None for a layer without biases.
        weight_hr: (P, H), the projection of the LSTM, or None.
        weight_peephole: from the cell state to each gate but the candidate, rows i, f, o:
            (3H,), or (2H,) for i, o where coupled.
        norm_ih, norm_hh: (GH,), the gains of layer normalisation; the biases are its shifts.
        norm_c, norm_c_bias: (H,), its gain and shift for the cell state.
    """

    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor | None = None
    bias_hh: Tensor | None = None
    weight_hr: Tensor | None = None
    weight_peephole: Tensor | None = None
    norm_ih: Tensor | None = None
    norm_hh: Tensor | None = None
    norm_c: Tensor | None = None
    norm_c_bias: Tensor | None = None


class Step(Protocol):
    """One step of a recurrence, in plain torch."""

    def __call__(
        self,
        x: Tensor,
        state: State,
        weights: Weights,
        options: Options = NEUTRAL,
        masks: StepMasks = NO_MASKS,
        /,
    ) -> State:
        """From x (B, I) and the state before to the state after, each part (B, ·).

        Without masks a step is one of evaluation.
        """
        ...


@dataclass(frozen=True, eq=False)
class Cell:
    """A kind of recurrence.

    Arguments:
        name: how messages call it: "lstm", "gru", "rnn_tanh", "rnn_relu", "slstm".
        gates: the blocks of H rows in its weights, in their order.
        parts: the tensors of its state, in their order.
        step: its equations.
        options: the names of the `Options` that mean something to it.
    """

    name: str
    gates: tuple[str, ...]
    parts: tuple[str, ...]
    step: Step
    options: frozenset[str] = frozenset()

    def weight_shapes(
        self,
        *,
        input_size: int,
        hidden_size: int,
        projection: int,
        bias: bool,
        options: Options = NEUTRAL,
    ) -> dict[str, tuple[int, ...]]:
        """The weights of one layer in one direction by name, in the order in which they are given.

        Example:
            >>> from holdfast.engine.cells import LSTM
            >>> LSTM.weight_shapes(input_size=3, hidden_size=4, projection=0, bias=False)
            {'weight_ih': (16, 3), 'weight_hh': (16, 4)}
        """
        gates = len(self.gates) - options.coupled
        rows, width = gates * hidden_size, projection or hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, width // options.heads),
        }
        if bias:
            shapes |= {"bias_ih": (rows,), "bias_hh": (rows,)}
        if projection:
            shapes["weight_hr"] = (width, hidden_size)
        if options.peepholes:
            shapes["weight_peephole"] = (rows - hidden_size,)
        if options.layer_norm:
            shapes |= {"norm_ih": (rows,), "norm_hh": (rows,)}
            if self.parts == ("h", "c"):
                shapes["norm_c"] = (hidden_size,)
                if bias:
                    shapes["norm_c_bias"] = (hidden_size,)
        return shapes
