"""Small layers with every option, and what they read."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import holdfast.nn as ours

STEPS, ROWS, INPUTS, UNITS = 9, 2, 3, 4
SHARED: list[dict[str, Any]] = [
    {},
    {"bias": False},
    {"layer_norm": True},
    {"zoneout_hidden": 0.3},
    {"weight_drop": 0.4, "recurrent_dropout": 0.4},
    {"bidirectional": True, "num_layers": 2},
    {"num_layers": 3, "residual": True},
]
FORGETFUL: list[dict[str, Any]] = [
    {},
    {"coupled": True},
    {"cell_clip": 0.3},
    {"zoneout_cell": 0.2},
]
OF_LSTM: list[dict[str, Any]] = [
    *FORGETFUL[1:],
    {"proj_size": 2},
    {"peepholes": True},
    {"peepholes": True, "coupled": True},
    {"peepholes": True, "layer_norm": True, "proj_size": 3, "zoneout_hidden": 0.1},
    {
        "coupled": True,
        "peepholes": True,
        "layer_norm": True,
        "cell_clip": 0.5,
        "proj_size": 2,
        "zoneout_cell": 0.2,
        "zoneout_hidden": 0.3,
        "num_layers": 2,
    },
]
OF_SLSTM: list[dict[str, Any]] = [
    {"heads": 2},
    {"forget_gate": "exponential"},
    {"heads": 2, "forget_gate": "exponential", "zoneout_hidden": 0.1, "num_layers": 2},
]
CASES = [
    *(("LSTM", options) for options in SHARED + OF_LSTM),
    *(("GRU", options) for options in SHARED),
    *(("RNN", options) for options in SHARED),
    *(("RNN", options | {"nonlinearity": "relu"}) for options in SHARED),
    *(("SLSTM", options) for options in SHARED + OF_SLSTM),
]


def made(name: str, options: dict[str, Any], seed: int = 0) -> tuple[Any, Tensor]:
    """A layer whose weights are all drawn, large enough for every gate to move, and its input."""
    layer = getattr(ours, name)(INPUTS, UNITS, dtype=torch.float64, init="torch", **options)
    draw = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in layer.parameters():
            weight.copy_(torch.randn(weight.shape, generator=draw, dtype=torch.float64) / 1.5)
    return layer, torch.randn(STEPS, ROWS, INPUTS, generator=draw, dtype=torch.float64)
