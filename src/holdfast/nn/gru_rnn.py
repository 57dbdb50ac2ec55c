"""The GRU and the plain RNN: the layers whose state is h alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar, overload

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from holdfast.engine import cells
from holdfast.engine.cells import Options
from holdfast.engine.recompute import Recompute
from holdfast.nn import steps
from holdfast.nn.arguments import Lengths, check_variant
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.recurrent import Recurrent, take_weights, torch_arguments
from holdfast.nn.steps import Stepper
from holdfast.nn.tracing import GRUTrace, RNNTrace, gru_fields, rnn_fields, trace

L = TypeVar("L", bound="SingleState")


class SingleState(Recurrent):
    """A stack of layers whose state is h alone; use `GRU` or `RNN`."""

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
            recompute=recompute,
            recompute_memory=recompute_memory,
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

    @classmethod
    def from_torch(
        cls: type[L],
        module: torch.nn.GRU | torch.nn.RNN,
        *,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout_hidden: float = 0.0,
        weight_drop: float = 0.0,
        residual: bool = False,
        dilation: Sequence[int] | None = None,
    ) -> L:
        """A layer with a copy of the weights of torch's, and options that torch has not.

        Arguments:
            module: a layer of torch; its options and its mode are taken over.
            others: as in the layer. The weights that they bring start at their neutral values: the
                numbers are torch's but for `layer_norm`, `residual` and `dilation`.

        Raises:
            ArgumentError: an argument is wrong.

        Example:
            >>> theirs = torch.nn.GRU(3, 8)
            >>> layer, x = GRU.from_torch(theirs, weight_drop=0.5).eval(), torch.randn(5, 2, 3)
            >>> torch.allclose(layer(x)[0], theirs(x)[0], atol=1e-6)
            True
        """
        layer = cls(
            **torch_arguments(module, cls),
            layer_norm=layer_norm,
            recurrent_dropout=recurrent_dropout,
            zoneout_hidden=zoneout_hidden,
            weight_drop=weight_drop,
            residual=residual,
            dilation=dilation,
        )
        return take_weights(layer, module)

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

    def step(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Take one step of a stream, without autograd; see `LSTM.step`.

        Arguments:
            x: (B, I), the next step of each of B streams; for one stream B is 1.
            state: h (L, B, H) before it, zeros by default.

        Returns:
            The output (B, H), and the state after it for the next call.

        Raises:
            ArgumentError: the layer is bidirectional, or x is not (B, I).
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> layer = GRU(3, 8, num_layers=2)
            >>> x, state = torch.randn(50, 4, 3), None
            >>> for x_t in x:
            ...     y, state = layer.step(x_t, state)
            >>> torch.allclose(y, layer(x)[0][-1], atol=1e-5)
            True
        """
        y, after = steps.step(self, x, None if state is None else (state,))
        return y, after[0]

    def stepper(self, batch_size: int = 1) -> Stepper[Tensor]:
        """A stream of B rows on a snapshot of the weights: microseconds a step; see `Stepper`."""
        return Stepper(self, batch_size)

    def transition(self, x_t: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
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
            >>> layer = GRU(3, 8)
            >>> x = torch.randn(1, 3, dtype=torch.float64)
            >>> h = torch.zeros(1, 1, 8, dtype=torch.float64)
            >>> by_h = torch.func.jacrev(lambda h: layer.transition(x, h)[0])(h)
            >>> by_h.shape, by_h.dtype
            (torch.Size([1, 8, 1, 1, 8]), torch.float64)
        """
        y, after = steps.transition(self, x_t, None if state is None else (state,))
        return y, after[0]


class GRU(SingleState):
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
        recompute, recompute_memory: as in `LSTM`.
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
        ArgumentError: (a ValueError) an argument that torch's layer has not is wrong.

    Source: Cho et al. (2014), arXiv 1406.1078, in the form of cuDNN: b_hn inside the reset product.

    Example:
        >>> layer = GRU(3, 8, bidirectional=True, batch_first=True)
        >>> output, h = layer(torch.randn(2, 50, 3))
        >>> output.shape, h.shape
        (torch.Size([2, 50, 16]), torch.Size([2, 2, 8]))
    """

    @property
    def cell(self) -> cells.Cell:
        """The equations of this layer."""
        return cells.GRU

    def trace(
        self,
        x: Tensor | PackedSequence,
        state: Tensor | None = None,
        lengths: Lengths | None = None,
    ) -> GRUTrace:
        """Look inside: every gate and state of every step, as the layer runs in evaluation.

        The record keeps four numbers for each step, row, unit, layer and direction.

        Arguments:
            x, state, lengths: as in a call, `batch_first` included; an unbatched x counts as a
                batch of one.

        Returns:
            A record of tensors (L, D, T, B, H), whatever `batch_first` is; see `GRUTrace`.

        Raises:
            ArgumentError: x or `lengths` is wrong.
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> layer = GRU(3, 8, bidirectional=True)
            >>> x = torch.randn(50, 2, 3)
            >>> seen = layer.trace(x)
            >>> seen.hidden.shape
            torch.Size([1, 2, 50, 2, 8])
            >>> torch.allclose(seen.hidden[0, 1], layer(x)[0][..., 8:], atol=1e-5)
            True
        """
        before = None if state is None else (state,)
        return GRUTrace(*trace(self, x, before, lengths, gru_fields))


Nonlinearity = Literal["tanh", "relu"]


def equations_of(nonlinearity: str) -> cells.Cell:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
    return cells.RNN_TANH if nonlinearity == "tanh" else cells.RNN_RELU


class RNN(SingleState):
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
        recompute, recompute_memory: as in `LSTM`.
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
        ArgumentError: (a ValueError) an argument that torch's layer has not is wrong.

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
        recompute: Recompute = "auto",
        recompute_memory: int | None = None,
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
            device,
            dtype,
            init=init,
            timescale=timescale,
            recompute=recompute,
            recompute_memory=recompute_memory,
            layer_norm=layer_norm,
            recurrent_dropout=recurrent_dropout,
            zoneout_hidden=zoneout_hidden,
            weight_drop=weight_drop,
            residual=residual,
            dilation=dilation,
        )

    @property
    def cell(self) -> cells.Cell:
        """The equations of this layer."""
        return equations_of(self.nonlinearity)

    def trace(
        self,
        x: Tensor | PackedSequence,
        state: Tensor | None = None,
        lengths: Lengths | None = None,
    ) -> RNNTrace:
        """Look inside: every gate and state of every step, as the layer runs in evaluation.

        The record keeps two numbers for each step, row, unit, layer and direction.

        Arguments:
            x, state, lengths: as in a call, `batch_first` included; an unbatched x counts as a
                batch of one.

        Returns:
            A record of tensors (L, D, T, B, H), whatever `batch_first` is; see `RNNTrace`.

        Raises:
            ArgumentError: x or `lengths` is wrong.
            ValueError, RuntimeError: as in a call, where x or the state does not fit the layer.

        Example:
            >>> layer = RNN(3, 8, bidirectional=True)
            >>> x = torch.randn(50, 2, 3)
            >>> seen = layer.trace(x)
            >>> seen.hidden.shape
            torch.Size([1, 2, 50, 2, 8])
            >>> torch.allclose(seen.hidden[0, 1], layer(x)[0][..., 8:], atol=1e-5)
            True
        """
        before = None if state is None else (state,)
        return RNNTrace(*trace(self, x, before, lengths, rnn_fields))
