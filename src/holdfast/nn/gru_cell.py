"""One step of a GRU."""

from __future__ import annotations

import torch
from torch import Tensor

from holdfast.engine import cells
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.recurrent_cell import RecurrentCell


class GRUCell(RecurrentCell):
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
        return cells.GRU

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Take one step; the class says what goes in and comes out."""
        (h,) = self._step(input, None if hx is None else (hx,))
        return h
