"""The plain RNN: a stack of layers, and one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from holdfast.engine import cells
from holdfast.engine.cells import Options
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.lengths import Lengths
from holdfast.nn.recurrent import Recurrent
from holdfast.nn.recurrent_cell import RecurrentCell
from holdfast.nn.variants import check_variant

Nonlinearity = Literal["tanh", "relu"]


def _cell(nonlinearity: str) -> cells.Cell:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
    return cells.RNN_TANH if nonlinearity == "tanh" else cells.RNN_RELU


class RNN(Recurrent):
    """A stack of plain recurrent layers, called like `torch.nn.RNN`.

    ```
    h_t = tanh(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)        or relu for tanh
    ```

    Arguments:
        input_size: I, inputs at a step.
        hidden_size: H, units of a layer.
        num_layers: L.
        nonlinearity: "tanh" or "relu".
        bias: whether there are biases.
        batch_first: whether input and output are (B, T, ·) and not (T, B, ·); states never are.
        dropout: share of the values between layers that training sets to zero.
        bidirectional: whether each layer reads both ways (D = 2).
        device, dtype: of the weights.
        init, timescale: as in `LSTM`. There is no gate to set: "remember" starts each unit as a
            leaky integrator, W_hh diagonal with e^{−1/τ}, and nothing holds it there in training.
        layer_norm: LN(W_ih x) and LN(W_hh h), each over the units, with
            the gains `norm_ih_l0`, `norm_hh_l0` and the biases as shifts (Ba, Kiros and Hinton
            2016, arXiv 1607.06450).
        recurrent_dropout, zoneout_hidden, weight_drop, residual, dilation: as in `LSTM`.

    Call:
        input: (T, B, I), or (T, I) for one sequence, or a `PackedSequence`.
        hx: h before the first step, (LD, B, H), zeros by default; (LD, H) beside an unbatched
            input.
        lengths: as in `LSTM`.

    Returns:
        The output (T, B, DH) in the form of the input, and the final h.

    Raises:
        TypeError, ValueError, RuntimeError: where torch's layer raises them.
        ArgumentError: (a ValueError) `lengths`, or one of the arguments from `init` on is wrong.

    Source: Elman (1990).

    Example:
        >>> output, h = RNN(3, 8, 2, "relu")(torch.randn(50, 2, 3))
        >>> output.shape, h.shape
        (torch.Size([50, 2, 8]), torch.Size([2, 2, 8]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Nonlinearity = "tanh",
        bias: bool = True,
        batch_first: bool = False,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initialisation = "remember",
        timescale: float | None = None,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout_hidden: float = 0.0,
        weight_drop: float = 0.0,
        residual: bool = False,
        dilation: Sequence[int] | None = None,
    ) -> None:
        self.nonlinearity = nonlinearity
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            0,
            device,
            dtype,
            init=init,
            timescale=timescale,
            variant=check_variant(
                Options(
                    layer_norm=layer_norm,
                    recurrent_dropout=recurrent_dropout,
                    zoneout_hidden=zoneout_hidden,
                ),
                weight_drop=weight_drop,
                residual=residual,
                dilation=dilation,
                num_layers=num_layers,
            ),
        )

    @property
    def cell(self) -> cells.Cell:
        """The equations of this layer."""
        return _cell(self.nonlinearity)

    @overload
    def forward(
        self, input: Tensor, hx: Tensor | None = None, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, Tensor]: ...

    @overload
    def forward(
        self, input: PackedSequence, hx: Tensor | None = None
    ) -> tuple[PackedSequence, Tensor]: ...

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: Tensor | None = None,
        *,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor | PackedSequence, Tensor]:
        """Run the layer; the class says what goes in and comes out."""
        output, (h,) = self._run(input, None if hx is None else (hx,), lengths)
        return output, h


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
        return _cell(self.nonlinearity)

    def forward(self, input: Tensor, hx: Tensor | None = None) -> Tensor:
        """Take one step; the class says what goes in and comes out."""
        (h,) = self._step(input, None if hx is None else (hx,))
        return h
