"""The GRU: a stack of layers, and one step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

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


class GRU(Recurrent):
    """A stack of GRU layers, called like `torch.nn.GRU`, that remembers from the start.

    ```
    r, z = σ(W_ih x_t + b_ih + W_hh h_{t-1} + b_hh)          the first two of three blocks of H rows
    n = tanh(W_in x_t + b_in + r ⊙ (W_hn h_{t-1} + b_hn))    the third
    h_t = (1 − z) ⊙ n + z ⊙ h_{t-1}
    ```

    Arguments:
        input_size: I, inputs at a step.
        hidden_size: H, units of a layer.
        num_layers: L.
        bias: whether there are biases. Without them "remember" has nothing to set, and the layer
            starts as torch's does.
        batch_first: whether input and output are (B, T, ·) and not (T, B, ·); states never are.
        dropout: share of the values between layers that training sets to zero.
        bidirectional: whether each layer reads both ways (D = 2).
        device, dtype: of the weights.
        init, timescale: as in `LSTM`; the update gate z is what keeps.
        layer_norm: LN(W_ih x) and LN(W_hh h), r and z normalised together and n by itself, with
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

    Source: Cho et al. (2014), arXiv 1406.1078, in the form of cuDNN: b_hn inside the reset product.

    Example:
        >>> layer = GRU(3, 8, bidirectional=True, batch_first=True)
        >>> output, h = layer(torch.randn(2, 50, 3))
        >>> output.shape, h.shape
        (torch.Size([2, 50, 16]), torch.Size([2, 2, 8]))
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
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
        return cells.GRU

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
