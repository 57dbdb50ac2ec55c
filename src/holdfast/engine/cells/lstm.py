"""The long short-term memory: the truth that every kernel is held against."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import layer_norm, linear

from holdfast.engine.cells.cell import NEUTRAL, NO_MASKS, Cell, Options, State, StepMasks, Weights
from holdfast.engine.cells.operations import from_input, from_state, zoneout


class Gates(NamedTuple):
    """What the gates let through at one step, after their σ or tanh; each (B, H)."""

    i: Tensor
    f: Tensor
    g: Tensor
    """The candidate, −1 to 1."""
    o: Tensor


def gates(x: Tensor, h: Tensor, weights: Weights) -> Gates:
    """The gates at one step of an LSTM whose gates do not look at the cell state."""
    empty = h.new_zeros(h.shape[0], weights.weight_hh.shape[0] // 4)
    return advance(x, (h, empty), weights)[0]


def advance(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    masks: StepMasks = NO_MASKS,
) -> tuple[Gates, State]:
    """One step of the LSTM, with the gates that it went through; see `step`."""
    h, c = state
    old_h, old_c = h, c
    a = from_input(x, weights) + from_state(h, weights, masks)
    if options.coupled:
        a_i, a_g, a_o = a.chunk(3, dim=-1)
        if weights.weight_peephole is not None:
            p_i, p_o = weights.weight_peephole.chunk(2)
            a_i = a_i + p_i * c
        i = torch.sigmoid(a_i)
        f = 1 - i
    else:
        a_i, a_f, a_g, a_o = a.chunk(4, dim=-1)
        if weights.weight_peephole is not None:
            p_i, p_f, p_o = weights.weight_peephole.chunk(3)
            a_i, a_f = a_i + p_i * c, a_f + p_f * c
        i, f = torch.sigmoid(a_i), torch.sigmoid(a_f)
    g = torch.tanh(a_g)
    c = f * c + i * g
    if options.cell_clip is not None:
        c = c.clamp(-options.cell_clip, options.cell_clip)
    if weights.weight_peephole is not None:
        a_o = a_o + p_o * c
    o = torch.sigmoid(a_o)
    if weights.norm_c is None:
        h = o * torch.tanh(c)
    else:
        h = o * torch.tanh(layer_norm(c, weights.norm_c.shape, weights.norm_c, weights.norm_c_bias))
    if weights.weight_hr is not None:
        h = linear(h, weights.weight_hr)
    h = zoneout(old_h, h, options.zoneout_hidden, masks.new_hidden)
    c = zoneout(old_c, c, options.zoneout_cell, masks.new_cell)
    return Gates(i, f, g, o), (h, c)


def step(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    masks: StepMasks = NO_MASKS,
) -> State:
    """One step of the LSTM; gates are the rows i, f, g, o, or i, g, o where coupled.

    Source: Hochreiter and Schmidhuber (1997), Neural Computation 9(8), with the forget gate of
    Gers, Schmidhuber and Cummins (2000), Neural Computation 12(10), section 3; the projection is
    equation 12 of Sak, Senior and Beaufays (2014), arXiv 1402.1128. Peepholes: Gers and Schmidhuber
    (2000), "Recurrent nets that time and count": i and f look at the old cell state, o at the new
    one, which is the one that no zoneout has touched. Coupled gates: Greff et al. (2017), arXiv
    1503.04069, "CIFG". Layer normalisation: Ba, Kiros and Hinton (2016), arXiv 1607.06450,
    equations 20 to 22. Zoneout: Krueger et al. (2017), arXiv 1606.01305, section 3. Clipping c
    stops the gradient of a value beyond the bound, as `torch.clamp` does.

    Example:
        >>> weights = Weights(torch.zeros(4, 1), torch.zeros(4, 1))
        >>> h, c = step(torch.ones(1, 1), (torch.zeros(1, 1), torch.ones(1, 1)), weights)
        >>> c.item()  # every gate is half open and the candidate is 0
        0.5
    """
    return advance(x, state, weights, options, masks)[1]


LSTM = Cell(
    name="lstm",
    gates=("i", "f", "g", "o"),
    parts=("h", "c"),
    step=step,
    options=frozenset(
        {
            "peepholes",
            "coupled",
            "layer_norm",
            "cell_clip",
            "recurrent_dropout",
            "zoneout_hidden",
            "zoneout_cell",
        }
    ),
)
