"""Which kernel would run a layer, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch

from holdfast.engine.kernels.choose import choose
from holdfast.nn.recurrent import Recurrent


@dataclass(frozen=True)
class Explanation:
    """What the engine chooses for a layer.

    Arguments:
        kernel: its name: "cpu" (compiled by Holdfast), "builtin" (torch's operator), "reference"
            (the equations in plain torch).
        reason: why this one, and why not those before it.
    """

    kernel: str
    reason: str


def explain(layer: Recurrent, steps: int, batch: int, *, training: bool = True) -> Explanation:
    """Say which kernel runs a layer on sequences of a size; nothing is run.

    Arguments:
        layer: in its mode, dtype and on its device.
        steps: T.
        batch: B.
        training: whether gradients are wanted.

    Returns:
        The kernel and the reason in words.

    Example:
        >>> from holdfast.nn import LSTM
        >>> explain(LSTM(8, 64, dtype=torch.bfloat16), steps=100, batch=32).kernel
        'builtin'
    """
    weight = layer.all_weights[0][0]
    x = torch.empty((1, 1, layer.input_size), dtype=weight.dtype, device=weight.device)
    problem = layer._problem(x, steps, batch, ragged=False)
    choice = choose(replace(problem, gradient=training))
    return Explanation(choice.kernel.name, choice.reason)
