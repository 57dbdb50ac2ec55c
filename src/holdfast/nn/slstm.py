"""The sLSTM: a stack of layers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, overload

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from holdfast.engine import cells
from holdfast.engine.cells import Options
from holdfast.engine.recompute import Recompute
from holdfast.errors import ArgumentError
from holdfast.nn import steps
from holdfast.nn.arguments import Lengths, check_variant
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.recurrent import Recurrent
from holdfast.nn.steps import Stepper
from holdfast.nn.tracing import SLSTMTrace, slstm_fields, trace

ForgetGate = Literal["sigmoid", "exponential"]
FourStates = tuple[Tensor, Tensor, Tensor, Tensor]


class SLSTM(Recurrent):
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

    @overload
    def forward(
        self, input: Tensor, hx: FourStates | None = None, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, FourStates]: ...

    @overload
    def forward(
        self, input: PackedSequence, hx: FourStates | None = None
    ) -> tuple[PackedSequence, FourStates]: ...

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: FourStates | None = None,
        *,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor | PackedSequence, FourStates]:
        """Run the layer; the class says what goes in and comes out."""
        output, (h, c, n, m) = self._run(input, hx, lengths)
        return output, (h, c, n, m)

    def step(self, x: Tensor, state: FourStates | None = None) -> tuple[Tensor, FourStates]:
        """Take one step of a stream, without autograd; see `LSTM.step`.

        Arguments:
            x: (B, I), the next step of each of B streams; for one stream B is 1.
            state: h, c, n and m, each (L, B, H), before it, zeros by default; d rows for a layer of
                dilation d.

        Returns:
            The output (B, H), and the state after it for the next call.

        Raises:
            ArgumentError: the layer is bidirectional, or x is not (B, I).
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> layer, state = SLSTM(3, 8), None
            >>> x = torch.randn(50, 4, 3)
            >>> for x_t in x:
            ...     y, state = layer.step(x_t, state)
            >>> torch.allclose(y, layer(x)[0][-1], atol=1e-5)
            True
        """
        y, (h, c, n, m) = steps.step(self, x, state)
        return y, (h, c, n, m)

    def stepper(self, batch_size: int = 1) -> Stepper[FourStates]:
        """A stream of B rows on a snapshot of the weights; see `Stepper`."""
        return Stepper(self, batch_size)

    def transition(self, x_t: Tensor, state: FourStates | None = None) -> tuple[Tensor, FourStates]:
        """One step of the whole stack as a function to differentiate; see `LSTM.transition`.

        Arguments:
            x_t: (B, I) in any floating dtype.
            state: as in `step`, in the same dtype.

        Returns:
            As `step`.

        Raises:
            ArgumentError: the layer is bidirectional, x_t is not (B, I), or the state is in
                another dtype.
            RuntimeError: as in a call, where x_t or the state does not fit the layer.

        Example:
            >>> layer, x = SLSTM(3, 8), torch.randn(1, 3, dtype=torch.float64)
            >>> layer.transition(x)[0].dtype
            torch.float64
        """
        y, (h, c, n, m) = steps.transition(self, x_t, state)
        return y, (h, c, n, m)

    def trace(
        self,
        x: Tensor | PackedSequence,
        state: FourStates | None = None,
        lengths: Lengths | None = None,
    ) -> SLSTMTrace:
        """Look inside: every gate and state of every step, as the layer runs in evaluation.

        Arguments:
            x, state, lengths: as in a call, `batch_first` included; an unbatched x counts as a
                batch of one.

        Returns:
            A record of tensors (L, D, T, B, H), whatever `batch_first` is; see `SLSTMTrace`.

        Raises:
            ArgumentError: x or `lengths` is wrong, or the layer is dilated.
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> layer, x = SLSTM(3, 8), torch.randn(50, 2, 3)
            >>> seen = layer.trace(x)
            >>> torch.allclose(seen.hidden[0, 0], layer(x)[0], atol=1e-6)
            True
        """
        return SLSTMTrace(*trace(self, x, state, lengths, slstm_fields))
