"""One step of an LSTM."""

from __future__ import annotations

import torch
from torch import Tensor

from holdfast.engine import cells
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.recurrent_cell import RecurrentCell


class LSTMCell(RecurrentCell):
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
        super().__init__(
            input_size, hidden_size, bias, device, dtype, init=init, timescale=timescale
        )

    @property
    def cell(self) -> cells.Cell:
        """The equations of this cell."""
        return cells.LSTM

    def forward(
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, Tensor]:
        """Take one step; the class says what goes in and comes out."""
        h, c = self._step(input, hx)
        return h, c
