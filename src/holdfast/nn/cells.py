"""One step of an LSTM, a GRU or a plain RNN, called like torch's cells."""

from __future__ import annotations

from typing import Generic

import torch
from torch import Tensor, nn

from holdfast.engine import cells
from holdfast.engine.autograd import equations_needed
from holdfast.engine.cells import Cell, State, Weights
from holdfast.engine.kernels import builtin
from holdfast.nn.gru_rnn import Nonlinearity, equations_of
from holdfast.nn.initialisation import Initialisation, check_initialisation, initialise
from holdfast.nn.stack import equations_forced
from holdfast.nn.steps import S, in_form, parts_of


class RecurrentCell(nn.Module, Generic[S]):
    """One step of a recurrence; use `LSTMCell`, `GRUCell` or `RNNCell`."""

    weight_ih: nn.Parameter
    weight_hh: nn.Parameter
    bias_ih: nn.Parameter | None
    bias_hh: nn.Parameter | None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initialisation = "remember",
        timescale: float | None = None,
    ) -> None:
        super().__init__()
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.bias = bias
        self.init, self.timescale = check_initialisation(init, timescale, self.cell, bias=bias)
        rows = len(self.cell.gates) * hidden_size
        shapes: dict[str, tuple[int, ...]] = {
            "weight_ih": (rows, input_size),
            "weight_hh": (rows, hidden_size),
            "bias_ih": (rows,),
            "bias_hh": (rows,),
        }
        for name, shape in shapes.items():
            absent = name.startswith("bias") and not bias
            empty = None if absent else nn.Parameter(torch.empty(shape, device=device, dtype=dtype))
            self.register_parameter(name, empty)
        self.reset_parameters()

    @property
    def cell(self) -> Cell:
        """The equations of this cell."""
        raise AttributeError(f"{type(self).__name__} has no cell; use LSTMCell, GRUCell, RNNCell.")

    def reset_parameters(self) -> None:
        """Draw the weights anew, as `init` and `timescale` say."""
        initialise(
            self.cell,
            list(self.parameters()),
            [self._weights()],
            self.hidden_size,
            self.init,
            self.timescale,
        )

    def extra_repr(self) -> str:
        """The options that differ from the defaults."""
        shown = f"{self.input_size}, {self.hidden_size}"
        if not self.bias:
            shown += f", bias={self.bias}"
        nonlinearity = getattr(self, "nonlinearity", "tanh")
        return shown + (f", nonlinearity={nonlinearity}" if nonlinearity != "tanh" else "")

    def _weights(self) -> Weights:
        return Weights(self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)

    def forward(self, input: Tensor, hx: S | None = None) -> S:
        """Take one step; the class says what goes in and comes out."""
        after: S = in_form(self._step(input, parts_of(hx)))
        return after

    def _step(self, input: Tensor, state: State | None) -> State:
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for part, tensor in zip(self.cell.parts, state or (), strict=False):
            if tensor.dim() not in (1, 2):
                raise ValueError(
                    f"{name}: Expected {part} of hx to be 1D or 2D, got {tensor.dim()}D instead"
                )
        batched = input.dim() == 2
        x = input if batched else input.unsqueeze(0)
        if state is None:
            zeros = torch.zeros(len(x), self.hidden_size, dtype=x.dtype, device=x.device)
            before: State = (zeros,) * len(self.cell.parts)
        else:
            before = state if batched else tuple(part.unsqueeze(0) for part in state)
        weights = self._weights()
        given = (x, *before, *(weight for weight in weights if weight is not None))
        if equations_forced() or equations_needed(given):
            after = self.cell.step(x, before, weights)
        else:
            after = builtin.step(self.cell, x, before, weights)
        return after if batched else tuple(part.squeeze(0) for part in after)


class LSTMCell(RecurrentCell[tuple[Tensor, Tensor]]):
    """One step of an LSTM, called like `torch.nn.LSTMCell`; for the equations see `LSTM`.

    Arguments:
        input_size: I.
        hidden_size: H.
        bias: whether there are biases.
        device, dtype: of the weights.
        init, timescale: as in `LSTM`.

    Call:
        input: (B, I), or (I,) for one row.
        hx: h and c, each (B, H), or (H,) beside one row; zeros by default.

    Returns:
        The new h and c.

    Raises:
        ValueError, RuntimeError: where torch's cell raises them.
        ArgumentError: (a ValueError) `init` or `timescale` is wrong.

    Example:
        >>> cell = LSTMCell(3, 8)
        >>> h, c = cell(torch.randn(2, 3))
        >>> h, c = cell(torch.randn(2, 3), (h, c))
        >>> c.shape
        torch.Size([2, 8])
    """

    @property
    def cell(self) -> cells.Cell:
        """The equations of this cell."""
        return cells.LSTM


class GRUCell(RecurrentCell[Tensor]):
    """One step of a GRU, called like `torch.nn.GRUCell`; for the equations see `GRU`.

    Arguments:
        input_size: I.
        hidden_size: H.
        bias: whether there are biases.
        device, dtype: of the weights.
        init, timescale: as in `LSTM`; the update gate z is what keeps.

    Call:
        input: (B, I), or (I,) for one row.
        hx: h (B, H), or (H,) beside one row; zeros by default.

    Returns:
        The new h.

    Raises:
        ValueError, RuntimeError: where torch's cell raises them.
        ArgumentError: (a ValueError) `init` or `timescale` is wrong.

    Example:
        >>> GRUCell(3, 8)(torch.randn(2, 3)).shape
        torch.Size([2, 8])
    """

    @property
    def cell(self) -> cells.Cell:
        """The equations of this cell."""
        return cells.GRU


class RNNCell(RecurrentCell[Tensor]):
    """One step of a plain RNN, called like `torch.nn.RNNCell`; for the equations see `RNN`.

    Arguments:
        input_size: I.
        hidden_size: H.
        bias: whether there are biases.
        nonlinearity: "tanh" or "relu".
        device, dtype: of the weights.
        init, timescale: as in `RNN`.

    Call:
        input: (B, I), or (I,) for one row.
        hx: h (B, H), or (H,) beside one row; zeros by default.

    Returns:
        The new h.

    Raises:
        ValueError, RuntimeError: where torch's cell raises them; an unknown nonlinearity at once.
        ArgumentError: (a ValueError) `init` or `timescale` is wrong.

    Example:
        >>> RNNCell(3, 8)(torch.randn(2, 3)).shape
        torch.Size([2, 8])
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Nonlinearity = "tanh",
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initialisation = "remember",
        timescale: float | None = None,
    ) -> None:
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size, hidden_size, bias, device, dtype, init=init, timescale=timescale
        )

    @property
    def cell(self) -> cells.Cell:
        """The equations of this cell."""
        return equations_of(self.nonlinearity)
