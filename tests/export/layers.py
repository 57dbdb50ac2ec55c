"""Layers to export, what they compute in float64, and how far float32 may be from it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray

import holdfast.nn as ours
from holdfast.export import to_onnx

INPUTS, UNITS = 3, 5

Layer = ours.LSTM | ours.GRU | ours.RNN


def option_sets() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every cell with every option that changes what is exported."""
    for name, layers, bias, batch_first, both in itertools.product(
        ("LSTM", "GRU", "RNN"), (1, 3), (True, False), (False, True), (False, True)
    ):
        options = {
            "num_layers": layers,
            "bias": bias,
            "batch_first": batch_first,
            "bidirectional": both,
        }
        yield name, options | ({"nonlinearity": "relu"} if name == "RNN" and bias else {})
    for peepholes, coupled, bias, both in itertools.product((False, True), repeat=4):
        if peepholes or coupled:
            yield (
                "LSTM",
                {
                    "num_layers": 2,
                    "bias": bias,
                    "bidirectional": both,
                    "peepholes": peepholes,
                    "coupled": coupled,
                },
            )


CASES = list(option_sets())


def title(case: object) -> str:
    """A name for a test's case."""
    if isinstance(case, dict):
        return "-".join(f"{name}={value}" for name, value in case.items())
    return str(case)


def made(name: str, *, seed: int = 0, **options: Any) -> Layer:
    """A layer whose weights and biases are all drawn, so that none of them can change places."""
    torch.manual_seed(seed)
    layer: Layer = getattr(ours, name)(INPUTS, UNITS, init="torch", **options)
    with torch.no_grad():
        for key, parameter in layer.named_parameters():
            if key.startswith("weight_peephole"):  # zeros in a fresh layer
                parameter.uniform_(-1, 1)
    return layer


def sequence(layer: Layer, steps: int, batch: int) -> torch.Tensor:
    """A batch in the form that a layer reads."""
    draw = torch.Generator().manual_seed(1)
    shape = (batch, steps) if layer.batch_first else (steps, batch)
    return torch.randn(*shape, layer.input_size, generator=draw)


def states(layer: Layer, batch: int) -> tuple[torch.Tensor, ...]:
    """A state to begin with."""
    draw = torch.Generator().manual_seed(2)
    rows = layer.num_layers * (2 if layer.bidirectional else 1)
    parts = 2 if isinstance(layer, ours.LSTM) else 1
    return tuple(torch.randn(rows, batch, layer.hidden_size, generator=draw) for _ in range(parts))


def results(
    layer: Layer,
    x: torch.Tensor,
    state: tuple[torch.Tensor, ...] | None = None,
    lengths: Sequence[int] | None = None,
) -> list[NDArray[np.float64]]:
    """Output and final states of the layer, worked out in float64."""
    exact = copy.deepcopy(layer).double().eval()
    hx: Any = None
    if state is not None:
        hx = tuple(part.double() for part in state)
        hx = hx if isinstance(layer, ours.LSTM) else hx[0]
    with torch.no_grad():
        output, final = exact(x.double(), hx, lengths=lengths)
    finals = final if isinstance(final, tuple) else (final,)
    return [tensor.numpy() for tensor in (output, *finals)]


def assert_rounded_only(
    found: Sequence[NDArray[Any]],
    expected: Sequence[NDArray[Any]],
    *,
    steps: int,
    layers: int = 1,
    sums: int,
) -> None:
    """No further off than each of the sums behind a number being rounded once at every step."""
    assert len(found) == len(expected)
    for one, right in zip(found, expected, strict=True):
        assert one.shape == right.shape
        if right.size:
            ulp = float(np.finfo(np.float32).eps) * max(1.0, float(np.abs(right).max()))
            assert float(np.abs(one - right).max()) <= steps * layers * sums * ulp


def changed(change: Callable[[Any], None], layer: Layer | None = None) -> bytes:
    """An exported model after a change."""
    model = onnx.load_from_string(to_onnx(layer or made("LSTM", num_layers=2)))
    change(model)
    content: bytes = model.SerializeToString()
    return content
