"""The GRU and the plain RNN: the layers whose state is h alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar

import torch
from torch import Tensor

from holdfast.engine import cells
from holdfast.engine.cells import Options
from holdfast.engine.recompute import Recompute
from holdfast.nn.arguments import check_variant
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.layer import Layer, R
from holdfast.nn.recurrent import take_weights, torch_arguments
from holdfast.nn.tracing import GRUTrace, RNNTrace, gru_fields, rnn_fields

L = TypeVar("L", bound="SingleState[Any]")


class SingleState(Layer[Tensor, R]):
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


class GRU(SingleState[GRUTrace]):
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

    _record, _fields = GRUTrace, staticmethod(gru_fields)

    @property
    def cell(self) -> cells.Cell:
        """The equations of this layer."""
        return cells.GRU


Nonlinearity = Literal["tanh", "relu"]


def equations_of(nonlinearity: str) -> cells.Cell:
    if nonlinearity not in ("tanh", "relu"):
        raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
    return cells.RNN_TANH if nonlinearity == "tanh" else cells.RNN_RELU


class RNN(SingleState[RNNTrace]):
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

    _record, _fields = RNNTrace, staticmethod(rnn_fields)

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
