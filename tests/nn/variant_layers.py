"""Layers with the options that torch's have not, and states to begin with."""

from __future__ import annotations

from typing import Any

import torch
from tests.nn.pairs import INPUTS, ROWS, UNITS
from torch import Tensor

import holdfast.nn as ours

LENGTHS = [2, 6, 1, 4, 6]
COMMON: dict[str, Any] = {
    "layer_norm": True,
    "recurrent_dropout": 0.4,
    "zoneout_hidden": 0.3,
    "weight_drop": 0.4,
    "residual": True,
    "dilation": (1, 3),
}
OF_LSTM: dict[str, Any] = {
    "peepholes": True,
    "coupled": True,
    "cell_clip": 0.5,
    "zoneout_cell": 0.2,
}
RANDOM = ("recurrent_dropout", "zoneout_hidden", "zoneout_cell", "weight_drop")
OPTIONS: dict[str, dict[str, Any]] = {
    "LSTM": OF_LSTM | COMMON,
    "GRU": COMMON,
    "RNN": COMMON,
    "SLSTM": {"heads": 2, "forget_gate": "exponential"} | COMMON,
}
SINGLE = [(name, {key: value}) for name, given in OPTIONS.items() for key, value in given.items()]
ALL = [*SINGLE, *OPTIONS.items(), ("SLSTM", {})]


def made(name: str, options: dict[str, Any], **more: Any) -> Any:
    """A stack of two layers with weights of its own for every option."""
    layer = getattr(ours, name)(
        INPUTS, UNITS, 2, dtype=torch.float64, timescale=5, **more, **options
    )
    draw = torch.Generator().manual_seed(6)
    with torch.no_grad():
        for key, weight in layer.named_parameters():
            if key.startswith(("weight_peephole", "norm_", "bias")):
                weight.add_(torch.randn(weight.shape, generator=draw, dtype=torch.float64) / 2)
    return layer


def held(layer: Any, *, rows: int = ROWS) -> tuple[Tensor, ...]:
    """A state to begin with."""
    draw = torch.Generator().manual_seed(2)
    parts = [
        torch.randn(shape, generator=draw, dtype=torch.float64)
        for shape in layer.state_shapes(rows)
    ]
    if len(parts) == 4:
        parts[2] = parts[2].abs() + 1
    return tuple(parts)


def hx(parts: tuple[Tensor, ...]) -> Any:
    return parts if len(parts) > 1 else parts[0]
