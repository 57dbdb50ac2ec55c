"""The sLSTM: a stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from holdfast.engine import cells
from holdfast.engine.cells import Options
from holdfast.engine.recompute import Recompute
from holdfast.errors import ArgumentError
from holdfast.nn.arguments import check_variant
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.layer import Layer
from holdfast.nn.tracing import SLSTMTrace, slstm_fields

ForgetGate = Literal["sigmoid", "exponential"]
FourStates = tuple[Tensor, Tensor, Tensor, Tensor]


class SLSTM(Layer[FourStates, SLSTMTrace]):
    """A stack of LSTM layers with exponential gates, which can revise what they have stored.

    ```
    a_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh              four blocks of H rows: i, f, z, o
    i = exp(a_i);  f = σ(a_f) or exp(a_f);  z = tanh(a_z);  o = σ(a_o)
    c_t = f ⊙ c_{t-1} + i ⊙ z
    n_t = f ⊙ n_{t-1} + i
    h_t = o ⊙ c_t / n_t
    ```

    c and n are kept over e^m, with m_t = max(log f + m_{t-1}, a_i), so that nothing overflows.

    Arguments:
        input_size: I, inputs at a step.
        hidden_size: H, units of a layer.
        num_layers, bias, batch_first, dropout, bidirectional, device, dtype: as in `LSTM`.
        init, timescale: as in `LSTM`; the input gates need no bias, since n weighs alike.
        recompute, recompute_memory: as in `LSTM`.
        heads: parts of h that do not see each other through W_hh, which is block-diagonal:
            `weight_hh_l0 (4H, H/heads)`, of which row u of a gate reads the head of unit u.
        forget_gate: "sigmoid" or "exponential".
        layer_norm, recurrent_dropout, zoneout_hidden, weight_drop, residual, dilation: as in
            `LSTM`, without the norm of c.

    Call:
        input: (T, B, I), or (T, I) for one sequence, or a `PackedSequence`.
        hx: h, c, n and m before the first step, each (LD, B, H), zeros by default; (LD, H) beside
            an unbatched input. Where n is 0, a unit has seen nothing yet and c and m do not count.
        lengths: as in `LSTM`.

    Returns:
        The output (T, B, DH) in the form of the input, and the final h, c, n and m.

    Raises:
        TypeError, ValueError, RuntimeError: where torch's layers raise them.
        ArgumentError: (a ValueError) `lengths`, or one of the arguments from `init` on is wrong.

    Source: Beck et al. (2024), arXiv 2405.04517, section 2.2.

    Example:
        >>> layer = SLSTM(3, 8, heads=2)
        >>> output, (h, c, n, m) = layer(torch.randn(50, 2, 3))
        >>> output.shape, n.shape, layer.weight_hh_l0.shape
        (torch.Size([50, 2, 8]), torch.Size([1, 2, 8]), torch.Size([32, 4]))
    """

    _record, _fields = SLSTMTrace, staticmethod(slstm_fields)

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
        recompute: Recompute = "auto",
        recompute_memory: int | None = None,
        heads: int = 1,
        forget_gate: ForgetGate = "sigmoid",
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout_hidden: float = 0.0,
        weight_drop: float = 0.0,
        residual: bool = False,
        dilation: Sequence[int] | None = None,
    ) -> None:
        if (
            isinstance(heads, bool)
            or not isinstance(heads, int)
            or heads < 1
            or (isinstance(hidden_size, int) and hidden_size % heads)
        ):
            raise ArgumentError(
                f"heads must be a whole number that divides hidden_size, got {heads!r} for "
                f"{hidden_size!r} units."
            )
        if forget_gate not in ("sigmoid", "exponential"):
            raise ArgumentError(
                f'forget_gate must be "sigmoid" or "exponential", got {forget_gate!r}.'
            )
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
            recompute=recompute,
            recompute_memory=recompute_memory,
            variant=check_variant(
                Options(
                    layer_norm=layer_norm,
                    recurrent_dropout=recurrent_dropout,
                    zoneout_hidden=zoneout_hidden,
                    heads=heads,
                    exponential_forget=forget_gate == "exponential",
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
        return cells.SLSTM
