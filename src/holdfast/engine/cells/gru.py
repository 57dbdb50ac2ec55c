"""The gated recurrent unit, in the form of torch and cuDNN: the truth for every kernel."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from holdfast.engine.cells.cell import NEUTRAL, NO_MASKS, Cell, Options, State, StepMasks, Weights
from holdfast.engine.cells.operations import from_input, from_state, zoneout

_NORMED_TOGETHER = (2, 1)
"""r and z are normalised as one vector, n as another."""


class Gates(NamedTuple):
    """What the gates let through at one step, after their σ or tanh; each (B, H)."""

    r: Tensor
    z: Tensor
    """The update gate, which keeps the old state, as a forget gate does."""
    n: Tensor
    """The candidate, −1 to 1."""


def gates(x: Tensor, h: Tensor, weights: Weights, masks: StepMasks = NO_MASKS) -> Gates:
    """The gates at one step."""
    x_r, x_z, x_n = from_input(x, weights, _NORMED_TOGETHER).chunk(3, dim=-1)
    h_r, h_z, h_n = from_state(h, weights, masks, _NORMED_TOGETHER).chunk(3, dim=-1)
    r = torch.sigmoid(x_r + h_r)
    z = torch.sigmoid(x_z + h_z)
    n = torch.tanh(x_n + r * h_n)
    return Gates(r, z, n)


def step(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    masks: StepMasks = NO_MASKS,
) -> State:
    """One step of the GRU; gates are the rows r, z, n.

    Source: Cho et al. (2014), arXiv 1406.1078, equations 5 to 8, with the reset gate behind the
    matrix as in the first version of that paper and in cuDNN: the bias of the recurrent candidate
    lies inside the reset product. Layer normalisation: Ba, Kiros and Hinton (2016), arXiv
    1607.06450, the GRU of the appendix. Zoneout: Krueger et al. (2017), arXiv 1606.01305.

    Example:
        >>> weights = Weights(torch.zeros(3, 1), torch.zeros(3, 1))
        >>> step(torch.ones(1, 1), (torch.ones(1, 1),), weights)[0].item()
        0.5
    """
    (old_h,) = state
    _, z, n = gates(x, old_h, weights, masks)
    h = (1 - z) * n + z * old_h
    return (zoneout(old_h, h, options.zoneout_hidden, masks.new_hidden),)


GRU = Cell(
    name="gru",
    gates=("r", "z", "n"),
    parts=("h",),
    step=step,
    options=frozenset({"layer_norm", "recurrent_dropout", "zoneout_hidden"}),
)
