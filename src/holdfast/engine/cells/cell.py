"""A cell as kernels know it: its options, its weights, its masks at a step, and the step itself."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, NamedTuple, Protocol

from torch import Tensor


@dataclass(frozen=True)
class Options:
    """The variants of one layer; every default is neutral and leaves the plain cell.

    Where an option stands in the equations is written in each cell's `step`; docs/concepts/
    variants.md has them side by side.

    Arguments:
        peepholes: the gates look at the cell state (LSTM).
        coupled: one gate decides what comes in and what is kept, f = 1 − i (LSTM).
        layer_norm: what the matrices give, and the cell state on its way out, are normalised.
        cell_clip: the cell state stays between −cell_clip and cell_clip (LSTM); None for no bound.
        recurrent_dropout: share of the values of h that the recurrent matrix does not see, from 0
            to below 1; 0 outside training.
        zoneout_hidden, zoneout_cell: the probability that a unit keeps its old h, its old c, from 0
            to below 1; without masks, as in evaluation, the expectation takes the place of chance.
        heads: blocks on the diagonal of the recurrent matrix (sLSTM).
        exponential_forget: the forget gate is e^a and not σ(a) (sLSTM).

    Example:
        >>> Options(peepholes=True, zoneout_cell=0.1).changed
        ('peepholes', 'zoneout_cell')
    """

    peepholes: bool = False
    coupled: bool = False
    layer_norm: bool = False
    cell_clip: float | None = None
    recurrent_dropout: float = 0.0
    zoneout_hidden: float = 0.0
    zoneout_cell: float = 0.0
    heads: int = 1
    exponential_forget: bool = False

    @property
    def changed(self) -> tuple[str, ...]:
        """The names of those that are not neutral."""
        return tuple(
            field.name for field in fields(self) if getattr(self, field.name) != field.default
        )

    @property
    def draws(self) -> bool:
        """Whether training needs masks."""
        return bool(self.recurrent_dropout or self.zoneout_hidden or self.zoneout_cell)


NEUTRAL = Options()


class StepMasks(NamedTuple):
    """The masks of one step; all None outside training.

    Arguments:
        recurrent: what h is multiplied with before the recurrent matrix, 0 or 1/(1 − p), (B, ·).
        new_hidden, new_cell: True where h, c take their new values, (B, ·).
    """

    recurrent: Tensor | None = None
    new_hidden: Tensor | None = None
    new_cell: Tensor | None = None


NO_MASKS: Final = StepMasks()

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

        The parts are (B, H), and h is (B, P) with a projection; without masks a step is one of
        evaluation.
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
