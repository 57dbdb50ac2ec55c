"""The LSTM: a stack of layers, and one step."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from holdfast.engine import cells
from holdfast.engine.cells import Options
from holdfast.engine.recompute import Recompute
from holdfast.nn.arguments import check_variant
from holdfast.nn.initialisation import Initialisation
from holdfast.nn.layer import Layer
from holdfast.nn.recurrent import take_weights, torch_arguments
from holdfast.nn.tracing import LSTMTrace, lstm_fields

TwoStates = tuple[Tensor, Tensor]


class LSTM(Layer[TwoStates, LSTMTrace]):
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
        peepholes: the gates look at the cell state through `weight_peephole_l0 (3H,)`, rows i, f,
            o (Gers and Schmidhuber 2000, "Recurrent nets that time and count"). i and f see
            c_{t-1}, o sees c_t.
        coupled: one gate for both, f = 1 − i (Greff et al. 2017, arXiv 1503.04069). Weights have
            three blocks of rows, i, g, o.
        cell_clip: c stays between −cell_clip and cell_clip; no gradient from beyond the bound.
        layer_norm: LN(W_ih x) and LN(W_hh h), each over all gates together, with the gains
            `norm_ih_l0`, `norm_hh_l0` and the biases as shifts; LN(c) on its way out, with
            `norm_c_l0`, `norm_c_bias_l0` (Ba, Kiros and Hinton 2016, arXiv 1607.06450, equations
            20 to 22).
        recurrent_dropout: share of h_{t-1} that training hides from W_hh, the same values at all
            steps of a sequence (Gal and Ghahramani 2016, arXiv 1512.05287).
        zoneout_hidden, zoneout_cell: the probability that a unit keeps its old h, its old c in
            training; the expectation in evaluation (Krueger et al. 2017, arXiv 1606.01305).
        weight_drop: share of W_hh that each call in training sets to zero, the rest enlarged by
            1/(1 − weight_drop) (Merity, Keskar and Socher 2018, arXiv 1708.02182).
        residual: each layer from the second on adds its input, as it was before dropout, to its
            output (Wu et al. 2016, arXiv 1609.08144). Final states are without it.
        dilation: for each layer d ≥ 1, how many steps back its state lies (Chang et al. 2017,
            arXiv 1710.02224). The state of such a layer is the last d states, the oldest first, so
            that a sequence can be cut anywhere.

    Masks are drawn anew for each call: `torch.manual_seed` before it repeats them.

    Call:
        input: (T, B, I), or (T, I) for one sequence, or a `PackedSequence`.
        hx: h and c before the first step, (LD, B, P or H) and (LD, B, H), zeros by default;
            (LD, ·) beside an unbatched input. With dilation LD becomes D·(d_1 + … + d_L): for each
            layer and direction d rows.
        lengths: B whole numbers, how many steps of each row of a padded input count. A row then
            gives the numbers that it gives alone: zeros follow in the output, and the final states
            are those of its own last step.

    Returns:
        The output (T, B, D·P or D·H) in the form of the input, and the final h and c.

    Raises:
        TypeError, ValueError, RuntimeError: where torch's layer raises them.
        ArgumentError: (a ValueError) an argument that torch's layer has not is wrong.

    Source: Hochreiter and Schmidhuber (1997); Gers, Schmidhuber and Cummins (2000); the projection:
    Sak, Senior and Beaufays (2014), arXiv 1402.1128, equation 12.

    Example:
        >>> layer = LSTM(input_size=3, hidden_size=8, timescale=50)
        >>> output, (h, c) = layer(torch.randn(50, 2, 3), lengths=[50, 20])
        >>> output.shape, torch.equal(output[19, 1], h[0, 1]), output[20:, 1].count_nonzero().item()
        (torch.Size([50, 2, 8]), True, 0)
    """

    _record, _fields = LSTMTrace, staticmethod(lstm_fields)

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
        peepholes: bool = False,
        coupled: bool = False,
        cell_clip: float | None = None,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout_hidden: float = 0.0,
        zoneout_cell: float = 0.0,
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
            proj_size,
            device,
            dtype,
            init=init,
            timescale=timescale,
            recompute=recompute,
            recompute_memory=recompute_memory,
            variant=check_variant(
                Options(
                    peepholes=peepholes,
                    coupled=coupled,
                    cell_clip=cell_clip,
                    layer_norm=layer_norm,
                    recurrent_dropout=recurrent_dropout,
                    zoneout_hidden=zoneout_hidden,
                    zoneout_cell=zoneout_cell,
                ),
                weight_drop=weight_drop,
                residual=residual,
                dilation=dilation,
                num_layers=num_layers,
            ),
        )

    @classmethod
    def from_torch(
        cls,
        module: torch.nn.LSTM,
        *,
        peepholes: bool = False,
        coupled: bool = False,
        cell_clip: float | None = None,
        layer_norm: bool = False,
        recurrent_dropout: float = 0.0,
        zoneout_hidden: float = 0.0,
        zoneout_cell: float = 0.0,
        weight_drop: float = 0.0,
        residual: bool = False,
        dilation: Sequence[int] | None = None,
    ) -> LSTM:
        """A layer with a copy of the weights of torch's, and options that torch has not.

        Arguments:
            module: a layer of torch; its options and its mode are taken over.
            others: as in `LSTM`. The weights that they bring start at their neutral values: the
                numbers are torch's but for `layer_norm`, `cell_clip`, `residual` and `dilation`.

        Raises:
            ArgumentError: the layer's gates would be coupled, which torch's weights do not fit; an
                argument is wrong.

        Example:
            >>> theirs = torch.nn.LSTM(3, 8)
            >>> layer, x = LSTM.from_torch(theirs, peepholes=True), torch.randn(5, 2, 3)
            >>> torch.allclose(layer(x)[0], theirs(x)[0], atol=1e-6)
            True
        """
        layer = cls(
            **torch_arguments(module, cls),
            peepholes=peepholes,
            coupled=coupled,
            cell_clip=cell_clip,
            layer_norm=layer_norm,
            recurrent_dropout=recurrent_dropout,
            zoneout_hidden=zoneout_hidden,
            zoneout_cell=zoneout_cell,
            weight_drop=weight_drop,
            residual=residual,
            dilation=dilation,
        )
        return take_weights(layer, module)

    @property
    def cell(self) -> cells.Cell:
        """The equations of this layer."""
        return cells.LSTM
