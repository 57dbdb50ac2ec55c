"""The LSTM: a stack of layers, and one step."""

from __future__ import annotations

from typing import overload

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from holdfast.engine import cells
from holdfast.engine.segment_length import Recompute
from holdfast.nn import one_step
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.lengths import Lengths
from holdfast.nn.recurrent import Recurrent
from holdfast.nn.recurrent_cell import RecurrentCell
from holdfast.nn.stepper import Stepper
from holdfast.nn.tracing import LSTMTrace, trace_lstm


class LSTM(Recurrent):
    """A stack of LSTM layers, called like `torch.nn.LSTM`, that remembers from the start.

    ```
    a_t = W_ih x_t + b_ih + W_hh h_{t-1} + b_hh              four blocks of H rows: i, f, g, o
    i, f, o = σ(a_i), σ(a_f), σ(a_o);  g = tanh(a_g)
    c_t = f ⊙ c_{t-1} + i ⊙ g
    h_t = o ⊙ tanh(c_t)                                      with a projection W_hr (o ⊙ tanh(c_t))
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
        proj_size: P, to which h is projected; 0 for no projection.
        device, dtype: of the weights.
        init: "remember" spreads the units' timescales from 1 step to `timescale`
            (docs/concepts/equations.md); "torch" gives bit for bit the weights that torch's layer
            has under the same seed.
        timescale: for how many steps the slowest unit keeps, in general the length of the
            sequences; 1,000 by default. `init="torch"` ignores it.
        recompute: how the backward pass trades time for memory in long sequences. An integer is
            the steps of a segment: the states at the borders of segments are kept, what lies
            between them is computed anew, and the gradients are the exact ones all the same. None
            keeps every step. "auto" keeps every step of up to 10,000, and makes segments of √T
            steps, at least 1,000, of more; can be set later, as `layer.recompute`.
        recompute_memory: bytes that "auto" may keep above inputs, outputs and their gradients, in
            place of that rule (docs/guides/long-sequences.md).

    Call:
        input: (T, B, I), or (T, I) for one sequence, or a `PackedSequence`.
        hx: h and c before the first step, (LD, B, P or H) and (LD, B, H), zeros by default;
            (LD, ·) beside an unbatched input.
        lengths: B whole numbers, how many steps of each row of a padded input count. A row then
            gives the numbers that it gives alone: zeros follow in the output, and the final states
            are those of its own last step.

    Returns:
        The output (T, B, D·P or D·H) in the form of the input, and the final h and c.

    Raises:
        TypeError, ValueError, RuntimeError: where torch's layer raises them.
        ArgumentError: (a ValueError) an argument that torch's layer has not is wrong.

    Source: Hochreiter and Schmidhuber (1997); Gers, Schmidhuber and Cummins (2000); the projection:
    Sak, Senior and Beaufays (2014).

    Example:
        >>> layer = LSTM(input_size=3, hidden_size=8, timescale=50)
        >>> output, (h, c) = layer(torch.randn(50, 2, 3), lengths=[50, 20])
        >>> output.shape, torch.equal(output[19, 1], h[0, 1]), output[20:, 1].count_nonzero().item()
        (torch.Size([50, 2, 8]), True, 0)
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
        proj_size: int = 0,
        device: torch.device | str | int | None = None,
        dtype: torch.dtype | None = None,
        *,
        init: Initialisation = "remember",
        timescale: float | None = None,
        recompute: Recompute = "auto",
        recompute_memory: int | None = None,
    ) -> None:
        super().__init__(
            input_size,
            hidden_size,
            num_layers,
            bias,
            batch_first,
            dropout,
            bidirectional,
            proj_size,
            device,
            dtype,
            init=init,
            timescale=timescale,
            recompute=recompute,
            recompute_memory=recompute_memory,
        )

    @property
    def cell(self) -> cells.Cell:
        """The equations of this layer."""
        return cells.LSTM

    @overload
    def forward(
        self,
        input: Tensor,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]: ...

    @overload
    def forward(
        self, input: PackedSequence, hx: tuple[Tensor, Tensor] | None = None
    ) -> tuple[PackedSequence, tuple[Tensor, Tensor]]: ...

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: tuple[Tensor, Tensor] | None = None,
        *,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor | PackedSequence, tuple[Tensor, Tensor]]:
        """Run the layer; the class says what goes in and comes out."""
        output, (h, c) = self._run(input, hx, lengths)
        return output, (h, c)

    def step(
        self, x: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Take one step of a stream, without autograd.

        The numbers are those of a call with one step, by the equations and to rounding. Nothing
        is kept for a backward pass, whatever the grad mode, and dropout is left out.

        Arguments:
            x: (B, I), the next step of each of B streams; for one stream B is 1.
            state: h and c, (L, B, P or H) and (L, B, H), before it, zeros by default.

        Returns:
            The output (B, P or H), and the state after it for the next call.

        Raises:
            ArgumentError: the layer is bidirectional, or x is not (B, I).
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> layer = LSTM(3, 8, num_layers=2)
            >>> x, state = torch.randn(50, 4, 3), None
            >>> for x_t in x:
            ...     y, state = layer.step(x_t, state)
            >>> torch.allclose(y, layer(x)[0][-1], atol=1e-5)
            True
        """
        y, after = one_step.step(self, x, state)
        return y, (after[0], after[1])

    def stepper(self, batch_size: int = 1) -> Stepper[tuple[Tensor, Tensor]]:
        """A stream on a snapshot of the weights, for steps that take microseconds.

        Arguments:
            batch_size: B, streams that are stepped together.

        Returns:
            An object with `step(x)`, `state`, `reset()` and `refresh()`; see `Stepper`.

        Raises:
            ArgumentError: the layer is bidirectional, or batch_size is not a number from 1.

        Example:
            >>> stepper = LSTM(3, 8, num_layers=2).stepper(batch_size=2)
            >>> stepper.step(torch.randn(2, 3)).shape
            torch.Size([2, 8])
        """
        return Stepper(self, batch_size)

    def transition(
        self, x_t: Tensor, state: tuple[Tensor, Tensor] | None = None
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """One step of the whole stack as a function to differentiate, as often as one likes.

        It runs the equations in the dtype of `x_t`, into which the weights are turned, so that
        `torch.autograd`, `torch.func.jacrev`, `jvp` and `vmap` go through it. Dropout is left out.

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
            >>> layer = LSTM(3, 8)
            >>> x = torch.randn(1, 3, dtype=torch.float64)
            >>> h = torch.zeros(1, 1, 8, dtype=torch.float64)
            >>> by_h = torch.func.jacrev(lambda h: layer.transition(x, (h, h))[0])(h)
            >>> by_h.shape, by_h.dtype
            (torch.Size([1, 8, 1, 1, 8]), torch.float64)
        """
        y, after = one_step.transition(self, x_t, state)
        return y, (after[0], after[1])

    def trace(
        self,
        x: Tensor | PackedSequence,
        state: tuple[Tensor, Tensor] | None = None,
        lengths: Lengths | None = None,
    ) -> LSTMTrace:
        """Look inside: every gate and state of every step, as the layer runs in evaluation.

        Gates are worked out from the states that the kernel gave, so the layer runs once, without
        autograd. The record keeps six numbers for each step, row, unit, layer and direction;
        making it takes about twice that.

        Arguments:
            x, state, lengths: as in a call, `batch_first` included; an unbatched x counts as a
                batch of one.

        Returns:
            A record of tensors (L, D, T, B, H), whatever `batch_first` is; see `LSTMTrace`.

        Raises:
            ArgumentError: x or `lengths` is wrong.
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> layer = LSTM(3, 8, bidirectional=True)
            >>> x = torch.randn(50, 2, 3)
            >>> seen = layer.trace(x)
            >>> seen.hidden.shape
            torch.Size([1, 2, 50, 2, 8])
            >>> torch.allclose(seen.hidden[0, 1], layer(x)[0][..., 8:], atol=1e-5)
            True
        """
        return trace_lstm(self, x, state, lengths)


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
