"""The LSTM with exponential gates: the truth that every kernel is held against."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from holdfast.engine.cells.cell import NEUTRAL, NO_MASKS, Cell, Options, State, StepMasks, Weights
from holdfast.engine.cells.operations import from_input, from_state, zoneout


class Gates(NamedTuple):
    """What the gates let through at one step, each (B, H)."""

    i: Tensor
    """The input gate over e^m, 0 to 1."""
    f: Tensor
    """The forget gate with the change of e^m, 0 to 1."""
    z: Tensor
    """The candidate, −1 to 1."""
    o: Tensor


def advance(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    masks: StepMasks = NO_MASKS,
) -> tuple[Gates, State]:
    """One step of the sLSTM, with the gates that it went through; see `step`."""
    h, c, n, m = state
    old_h = h
    a = from_input(x, weights) + from_state(h, weights, masks, heads=options.heads)
    a_i, a_f, a_z, a_o = a.chunk(4, dim=-1)
    log_f = a_f if options.exponential_forget else logsigmoid(a_f)
    # A cell that has seen nothing has no scale yet: m = 0 would let e^{a_i} underflow to 0/0.
    kept = torch.where(n == 0, -torch.inf, log_f + m)
    m = torch.maximum(kept, a_i)
    i, f = torch.exp(a_i - m), torch.exp(kept - m)
    z, o = torch.tanh(a_z), torch.sigmoid(a_o)
    c = f * c + i * z
    n = f * n + i
    h = o * (c / n)
    h = zoneout(old_h, h, options.zoneout_hidden, masks.new_hidden)
    return Gates(i, f, z, o), (h, c, n, m)


def step(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    masks: StepMasks = NO_MASKS,
) -> State:
    """One step of the sLSTM; gates are the rows i, f, z, o.

    Source: Beck et al. (2024), arXiv 2405.04517, section 2.2: exponential gates, the normaliser n
    and the stabiliser m, by whose factor e^{−m} c and n are kept smaller, and heads: row u of a
    gate reads the units of u's own head. n = 0 stands for a cell that has seen nothing, whatever
    its c and m are.

    Example:
        >>> weights = Weights(torch.tensor([[-1000.0], [0.0], [2.0], [0.0]]), torch.zeros(4, 1))
        >>> h, c, n, m = step(torch.ones(1, 1), (torch.zeros(1, 1),) * 4, weights)
        >>> m.item(), n.item(), round(h.item(), 4)  # ½ tanh 2, however closed the input gate is
        (-1000.0, 1.0, 0.482)
    """
    return advance(x, state, weights, options, masks)[1]


SLSTM = Cell(
    name="slstm",
    gates=("i", "f", "z", "o"),
    parts=("h", "c", "n", "m"),
    step=step,
    options=frozenset(
        {"layer_norm", "recurrent_dropout", "zoneout_hidden", "heads", "exponential_forget"}
    ),
)
