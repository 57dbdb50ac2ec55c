"""One step of a plain RNN."""

from __future__ import annotations

import torch
from torch import Tensor

from holdfast.engine import cells
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.recurrent_cell import RecurrentCell
from holdfast.nn.rnn import Nonlinearity, equations_of


class RNNCell(RecurrentCell):
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

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Take one step; the class says what goes in and comes out."""
        (h,) = self._step(input, None if hx is None else (hx,))
        return h
