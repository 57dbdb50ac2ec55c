"""Initialisation that remembers: units whose timescales are spread over the sequence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Literal

import torch
from torch import Tensor, nn

from holdfast.engine.cells import GRU, LSTM, NEUTRAL, SLSTM, Cell, Options, Weights
from holdfast.errors import ArgumentError

Initialisation = Literal["remember", "torch"]

DEFAULT_TIMESCALE: Final = 1000.0
"""Steps of the slowest unit where the caller names no sequence length."""

INPUT_GATE_SHARE: Final = 0.75
"""The input gate's bias as a share of −b_f.

At 0 a slow cell adds up what comes in until tanh saturates and nothing gets back through it. At 1/2
the variance of c under white noise is the same for every timescale, but a constant input still
saturates it. At 1 a constant input is averaged, and a single event is nearly lost in a slow cell.
Of the shares in between, 3/4 learnt best (benchmarks/remember.py, docs/concepts/equations.md).
"""


def timescales(hidden_size: int, timescale: float) -> Tensor:
    """How long each unit keeps, in steps: log-uniform from 1 to `timescale`, rising; (H,) float64.

    Stratified: unit k of H lies in the middle of the k-th of H equal strata of ln τ, so every layer
    has the whole range, however small it is. The order is fixed and not drawn, because the other
    weights are drawn alike for all units: any other order would be the same layer with its units
    renamed, and a fixed one leaves torch's random numbers where torch leaves them.

    Source: Tallec and Ollivier (2018), arXiv 1804.11188, section 2, draw the forget bias for
    log-uniform timescales at random.

    Example:
        >>> timescales(3, 1000.0).round().tolist()
        [3.0, 32.0, 316.0]
    """
    middle = (torch.arange(hidden_size, dtype=torch.float64) + 0.5) / hidden_size
    return torch.exp(middle * math.log(timescale))


def keep_bias(steps: Tensor) -> Tensor:
    """The bias of a gate that keeps for τ steps: b = −ln(e^{1/τ} − 1), so that σ(b) = e^{−1/τ}.

    Example:
        >>> torch.sigmoid(keep_bias(torch.tensor(1.0))).item()  # e^{-1}
        0.3678794503211975
    """
    return -torch.log(torch.expm1(1.0 / steps))


def check_initialisation(
    init: Initialisation, timescale: float | None, cell: Cell, *, bias: bool
) -> tuple[Initialisation, float]:
    """The two options of a layer, checked.

    Raises:
        ArgumentError: `init` is unknown; `timescale` is not a number from 1, or is asked of gates
            that have no bias to hold it.
    """
    if init not in ("remember", "torch"):
        raise ArgumentError(f'init must be "remember" or "torch", got {init!r}.')
    if timescale is None:
        return init, DEFAULT_TIMESCALE
    if isinstance(timescale, bool) or not 1.0 <= timescale < math.inf:
        raise ArgumentError(f"timescale must be a number of steps from 1, got {timescale!r}.")
    if init == "remember" and not bias and cell in (LSTM, GRU, SLSTM):
        raise ArgumentError(
            "timescale lives in the biases of the gates; leave it out, or make the layer with "
            "bias=True."
        )
    return init, float(timescale)


def initialise(
    cell: Cell,
    parameters: Sequence[Tensor],
    passes: Sequence[Weights],
    hidden_size: int,
    init: Initialisation,
    timescale: float,
    options: Options = NEUTRAL,
) -> None:
    """Fill a layer's weights in place, drawing from torch's default generator.

    `parameters` are all that torch's layer has too, in the order in which torch draws them, and
    `passes` the same weights by layer and direction. "torch" is U(−1/√H, 1/√H) as torch's layers
    draw it, bit for bit; `timescale` is that of the slowest unit, in steps.
    """
    with torch.no_grad():
        for weights in passes:
            _make_neutral(weights)
        if init == "torch":
            bound = 1.0 / math.sqrt(hidden_size)
            for parameter in parameters:
                parameter.uniform_(-bound, bound)
            return
        steps = timescales(hidden_size, timescale)
        for weights in passes:
            if cell is LSTM:
                _remember_lstm(weights, steps, coupled=options.coupled)
            elif cell is SLSTM:
                _remember_slstm(weights, steps, options)
            elif cell is GRU:
                _remember_gru(weights, steps)
            else:
                _remember_rnn(weights, steps)


def _remember_lstm(weights: Weights, steps: Tensor, *, coupled: bool) -> None:
    """Forget gates at their timescales; input gates that open less where the cell keeps longer."""
    _draw_matrices(weights, gates=3 if coupled else 4)
    if weights.bias_ih is None:
        return
    forget = keep_bias(steps)
    if coupled:
        weights.bias_ih.chunk(3)[0].copy_(-forget)  # 1 − σ(−b) = σ(b)
        return
    i, f, _, _ = weights.bias_ih.chunk(4)
    i.copy_(-INPUT_GATE_SHARE * forget)
    f.copy_(forget)


def _remember_slstm(weights: Weights, steps: Tensor, options: Options) -> None:
    """Forget gates at their timescales; the normaliser weighs what comes in, so i starts at 0."""
    _draw_matrices(weights, gates=4, heads=options.heads)
    if weights.bias_ih is None:
        return
    _, f, _, _ = weights.bias_ih.chunk(4)
    f.copy_(-1.0 / steps if options.exponential_forget else keep_bias(steps))


def _remember_gru(weights: Weights, steps: Tensor) -> None:
    """Update gates at their timescales; 1 − z already lets less in where z keeps longer."""
    _draw_matrices(weights, gates=3)
    if weights.bias_ih is None:
        return
    _, z, _ = weights.bias_ih.chunk(3)
    z.copy_(keep_bias(steps))


def _remember_rnn(weights: Weights, steps: Tensor) -> None:
    """Each unit keeps e^{−1/τ} of itself; what comes in is scaled so that its variance stays.

    Source: the identity of Le, Jaitly and Hinton (2015), arXiv 1504.00941, section 2, made to leak,
    so that neither relu nor tanh is driven out of its range.
    """
    _draw_matrices(weights, gates=1)
    keep = torch.exp(-1.0 / steps)
    weights.weight_hh.copy_(torch.diag(keep))
    weights.weight_ih.mul_(torch.sqrt(1.0 - keep * keep).to(weights.weight_ih)[:, None])


def _make_neutral(weights: Weights) -> None:
    """Peepholes that see nothing, and normalisation without a gain or a shift of its own."""
    for zero in (weights.weight_peephole, weights.norm_c_bias):
        if zero is not None:
            zero.zero_()
    for gain in (weights.norm_ih, weights.norm_hh, weights.norm_c):
        if gain is not None:
            gain.fill_(1.0)


def _draw_matrices(weights: Weights, gates: int, heads: int = 1) -> None:
    """Gate by gate, what comes in after Glorot and what comes back orthogonal; every bias zero.

    A bias of the candidate would be added up over a slow cell's whole timescale.

    Source: Glorot and Bengio (2010), equation 16; Saxe, McClelland and Ganguli (2013),
    arXiv 1312.6120, section 3.
    """
    for rows in weights.weight_ih.chunk(gates):
        nn.init.xavier_uniform_(rows)
    for rows in weights.weight_hh.chunk(gates * heads):
        _orthogonal_(rows)
    if weights.weight_hr is not None:
        _orthogonal_(weights.weight_hr)
    for bias in (weights.bias_ih, weights.bias_hh):
        if bias is not None:
            bias.zero_()


def _orthogonal_(matrix: Tensor) -> None:
    precision = torch.promote_types(matrix.dtype, torch.float32)  # half precision has no QR
    drawn = torch.empty(matrix.shape, dtype=precision, device=matrix.device)
    matrix.copy_(nn.init.orthogonal_(drawn))
