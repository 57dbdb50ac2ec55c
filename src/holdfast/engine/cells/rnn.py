"""The plain recurrent network with tanh or relu: the truth for every kernel."""

from __future__ import annotations

import torch
from torch import Tensor

from holdfast.engine.cells.cell import NEUTRAL, NO_MASKS, Cell, Options, State, StepMasks, Weights
from holdfast.engine.cells.operations import from_input, from_state, zoneout


def preactivation(x: Tensor, h: Tensor, weights: Weights, masks: StepMasks = NO_MASKS) -> Tensor:
    """What tanh or relu is applied to, (B, H).

    With layer normalisation both products are normalised, as in the LSTM of Ba, Kiros and Hinton
    (2016), equation 20, and not their sum: neither can drown the other.
    """
    return from_input(x, weights) + from_state(h, weights, masks)


def step_tanh(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    masks: StepMasks = NO_MASKS,
) -> State:
    """One step of the plain RNN with tanh.

    Source: Elman (1990), Cognitive Science 14(2).

    Example:
        >>> weights = Weights(torch.zeros(1, 1), torch.full((1, 1), 0.5))
        >>> round(step_tanh(torch.ones(1, 1), (torch.ones(1, 1),), weights)[0].item(), 4)
        0.4621
    """
    (old_h,) = state
    h = torch.tanh(preactivation(x, old_h, weights, masks))
    return (zoneout(old_h, h, options.zoneout_hidden, masks.new_hidden),)


def step_relu(
    x: Tensor,
    state: State,
    weights: Weights,
    options: Options = NEUTRAL,
    masks: StepMasks = NO_MASKS,
) -> State:
    """One step of the plain RNN with relu."""
    (old_h,) = state
    h = torch.relu(preactivation(x, old_h, weights, masks))
    return (zoneout(old_h, h, options.zoneout_hidden, masks.new_hidden),)


_OPTIONS = frozenset({"layer_norm", "recurrent_dropout", "zoneout_hidden"})

RNN_TANH = Cell(name="rnn_tanh", gates=("h",), parts=("h",), step=step_tanh, options=_OPTIONS)
RNN_RELU = Cell(name="rnn_relu", gates=("h",), parts=("h",), step=step_relu, options=_OPTIONS)
