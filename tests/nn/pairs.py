"""Torch's layers and ours, with equal weights."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn

import holdfast.nn as ours

NAMES = ("LSTM", "GRU", "RNN")
CELL_NAMES = ("LSTMCell", "GRUCell", "RNNCell")
INPUTS, UNITS, STEPS, ROWS = 3, 4, 6, 5


def option_sets(name: str) -> Iterator[dict[str, Any]]:
    """Every combination of the options that change what a layer computes."""
    for layers, bias, batch_first, both in itertools.product(
        (1, 2), (True, False), (False, True), (False, True)
    ):
        yield {
            "num_layers": layers,
            "bias": bias,
            "batch_first": batch_first,
            "bidirectional": both,
        } | ({"nonlinearity": "relu"} if name == "RNN" and bias else {})
    if name == "LSTM":
        yield {"num_layers": 2, "bidirectional": True, "proj_size": 2}
        yield {"bias": False, "batch_first": True, "proj_size": 3}


LAYERS = [(name, options) for name in NAMES for options in option_sets(name)]


def title(case: object) -> str:
    """A name for a test's case."""
    if isinstance(case, dict):
        return "-".join(f"{name}={value}" for name, value in case.items())
    return str(case)


def pair(
    name: str, *, dtype: torch.dtype = torch.float64, seed: int = 0, **options: Any
) -> tuple[nn.Module, nn.Module]:
    """Torch's layer and ours, weights loaded from torch's."""
    torch.manual_seed(seed)
    theirs = getattr(nn, name)(INPUTS, UNITS, dtype=dtype, **options)
    mine = getattr(ours, name)(INPUTS, UNITS, dtype=dtype, **options)
    mine.load_state_dict(theirs.state_dict())
    return theirs, mine


def sequence(*, batch_first: bool = False, dtype: torch.dtype = torch.float64) -> Tensor:
    """A batch of sequences, the same at every call."""
    draw = torch.Generator().manual_seed(1)
    shape = (ROWS, STEPS, INPUTS) if batch_first else (STEPS, ROWS, INPUTS)
    return torch.randn(shape, generator=draw, dtype=dtype)


def states(layer: nn.Module, rows: int | None = ROWS, *, seed: int = 2) -> Any:
    """A state to begin with, in the form that the layer takes; of one sequence for rows=None."""
    draw = torch.Generator().manual_seed(seed)
    held = layer.num_layers * (2 if layer.bidirectional else 1)
    batch = () if rows is None else (rows,)
    widths = [getattr(layer, "proj_size", 0) or layer.hidden_size, layer.hidden_size]
    parts = [
        torch.randn((held, *batch, width), generator=draw, dtype=torch.float64) for width in widths
    ]
    return tuple(parts) if isinstance(layer, nn.LSTM | ours.LSTM) else parts[1]


def tensors(result: object) -> list[Tensor]:
    """All tensors of what a layer returned, in order."""
    if isinstance(result, Tensor):
        return [result]
    if isinstance(result, nn.utils.rnn.PackedSequence):
        return [result.data]
    assert isinstance(result, tuple)
    return [tensor for part in result for tensor in tensors(part)]


def gradients(result: object, leaves: list[Tensor]) -> list[Tensor]:
    """The gradients of a loss that weighs every value of a result."""
    draw = torch.Generator().manual_seed(7)
    loss = sum(
        (part * torch.randn(part.shape, generator=draw, dtype=torch.float64).to(part.dtype)).sum()
        for part in tensors(result)
    )
    return list(torch.autograd.grad(loss, leaves))


ROUNDINGS = 2 * STEPS * (INPUTS + UNITS + ROWS)
"""Each sum, over inputs, units and rows, is rounded once at every step of two layers."""


def assert_all_close(found: list[Tensor], expected: list[Tensor]) -> None:
    """The same numbers but for the rounding of another kernel."""
    assert len(found) == len(expected)
    for one, right in zip(found, expected, strict=True):
        assert one.dtype == right.dtype
        assert_close(one, right, roundings=ROUNDINGS)


def assert_close(found: Tensor, expected: Tensor, *, roundings: int) -> None:
    """Equal but for so many roundings of numbers of order one, or of the largest value."""
    found, expected = found.detach(), expected.detach()
    assert found.shape == expected.shape
    if expected.numel():
        largest = max(1.0, float(expected.abs().max()))
        bound = roundings * torch.finfo(expected.dtype).eps * largest
        assert float((found - expected).abs().max()) <= bound


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


def variant_layer(name: str, options: dict[str, Any], **more: Any) -> Any:
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
