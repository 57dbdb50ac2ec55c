"""The plain recurrent network with tanh or relu: the truth for every kernel."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

from holdfast.engine.cells.cell import Cell, State, Weights


def preactivation(x: Tensor, h: Tensor, weights: Weights) -> Tensor:
    """What tanh or relu is applied to, (B, H).

    Arguments:
        x: (B, I).
        h: (B, H) from the step before.
        weights: of the layer.
    """
    return linear(x, weights.weight_ih, weights.bias_ih) + linear(
        h, weights.weight_hh, weights.bias_hh
    )


def step_tanh(x: Tensor, state: State, weights: Weights) -> State:
    """One step of the plain RNN with tanh.

    Source: Elman (1990), Cognitive Science 14(2).

    Arguments:
        x: (B, I).
        state: h (B, H).
        weights: of the layer.

    Returns:
        The new h.

    Example:
        >>> weights = Weights(torch.zeros(1, 1), torch.full((1, 1), 0.5))
        >>> round(step_tanh(torch.ones(1, 1), (torch.ones(1, 1),), weights)[0].item(), 4)
        0.4621
    """
    (h,) = state
    h = torch.tanh(preactivation(x, h, weights))
    return (h,)


def step_relu(x: Tensor, state: State, weights: Weights) -> State:
    """One step of the plain RNN with relu.

    Arguments:
        x: (B, I).
        state: h (B, H).
        weights: of the layer.

    Returns:
        The new h.

    Example:
        >>> weights = Weights(torch.zeros(1, 1), torch.full((1, 1), 0.5))
        >>> step_relu(torch.ones(1, 1), (torch.ones(1, 1),), weights)[0].item()
        0.5
    """
    (h,) = state
    h = torch.relu(preactivation(x, h, weights))
    return (h,)


RNN_TANH = Cell(name="rnn_tanh", gates=("h",), parts=("h",), step=step_tanh)
RNN_RELU = Cell(name="rnn_relu", gates=("h",), parts=("h",), step=step_relu)
