"""How every layer is called: a batch, one step, a stream, a look inside."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar, overload

from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from holdfast.nn import steps, tracing
from holdfast.nn.arguments import Lengths
from holdfast.nn.recurrent import Recurrent
from holdfast.nn.steps import S, Stepper, in_form, parts_of

R = TypeVar("R")
"""The layer's record of a trace, such as `LSTMTrace`."""


class Layer(Recurrent, Generic[S, R]):
    """A stack of recurrent layers; use `LSTM`, `GRU`, `RNN` or `SLSTM`."""

    _record: Callable[..., R]
    _fields: Callable[[tracing.PassTrace], tuple[Tensor, ...]]

    @overload
    def forward(
        self, input: Tensor, hx: S | None = None, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, S]: ...

    @overload
    def forward(self, input: PackedSequence, hx: S | None = None) -> tuple[PackedSequence, S]: ...

    def forward(
        self,
        input: Tensor | PackedSequence,
        hx: S | None = None,
        *,
        lengths: Lengths | None = None,
    ) -> tuple[Tensor | PackedSequence, S]:
        """Run the layer; the class says what goes in and comes out."""
        output, final = self._run(input, (hx,) if isinstance(hx, Tensor) else hx, lengths)
        return output, in_form(final)

    def step(self, x: Tensor, state: S | None = None) -> tuple[Tensor, S]:
        """Take one step of a stream, without autograd.

        The numbers are those of a call with one step, by the equations and to rounding. Nothing
        is kept for a backward pass, whatever the grad mode, and dropout is left out.

        Arguments:
            x: (B, I), the next step of each of B streams; for one stream B is 1.
            state: before it, as in a call, zeros by default: h, c, n and m (L, B, H), but h
                (L, B, P) with a projection; d rows for a layer of dilation d.

        Returns:
            The output (B, P or H), and the state after it for the next call.

        Raises:
            ArgumentError: the layer is bidirectional, or x is not (B, I).
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> import torch
            >>> from holdfast.nn import LSTM
            >>> layer = LSTM(3, 8, num_layers=2)
            >>> x, state = torch.randn(50, 4, 3), None
            >>> for x_t in x:
            ...     y, state = layer.step(x_t, state)
            >>> torch.allclose(y, layer(x)[0][-1], atol=1e-5)
            True
        """
        y, after = steps.step(self, x, parts_of(state))
        return y, in_form(after)

    def stepper(self, batch_size: int = 1) -> Stepper[S]:
        """A stream of B rows on a snapshot of the weights: microseconds a step; see `Stepper`."""
        return Stepper(self, batch_size)

    def transition(self, x_t: Tensor, state: S | None = None) -> tuple[Tensor, S]:
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
            >>> import torch
            >>> from holdfast.nn import LSTM
            >>> layer = LSTM(3, 8)
            >>> x = torch.randn(1, 3, dtype=torch.float64)
            >>> h = torch.zeros(1, 1, 8, dtype=torch.float64)
            >>> by_h = torch.func.jacrev(lambda h: layer.transition(x, (h, h))[0])(h)
            >>> by_h.shape, by_h.dtype
            (torch.Size([1, 8, 1, 1, 8]), torch.float64)
        """
        y, after = steps.transition(self, x_t, parts_of(state))
        return y, in_form(after)

    def trace(
        self,
        x: Tensor | PackedSequence,
        state: S | None = None,
        lengths: Lengths | None = None,
    ) -> R:
        """Look inside: every gate and state of every step, as the layer runs in evaluation.

        Gates are worked out from the states that the kernel gave, so the layer runs once, without
        autograd. The record keeps six numbers for each step, row, unit, layer and direction of an
        LSTM, eight of an sLSTM, four of a GRU and two of a plain RNN; making it takes about twice
        that.

        Arguments:
            x, state, lengths: as in a call, `batch_first` included; an unbatched x counts as a
                batch of one.

        Returns:
            A record of tensors (L, D, T, B, H), whatever `batch_first` is; see `LSTMTrace`,
            `GRUTrace`, `RNNTrace` and `SLSTMTrace`.

        Raises:
            ArgumentError: x or `lengths` is wrong, or the layer is dilated.
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> import torch
            >>> from holdfast.nn import GRU
            >>> layer = GRU(3, 8, bidirectional=True)
            >>> x = torch.randn(50, 2, 3)
            >>> seen = layer.trace(x)
            >>> seen.hidden.shape
            torch.Size([1, 2, 50, 2, 8])
            >>> torch.allclose(seen.hidden[0, 1], layer(x)[0][..., 8:], atol=1e-5)
            True
        """
        return self._record(*tracing.trace(self, x, parts_of(state), lengths, self._fields))
