"""The shapes on which the engine is measured, and what is run on them."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

import holdfast.nn

Call = Callable[[], object]


@dataclass(frozen=True)
class Shape:
    """One layer in one direction: T steps, B rows, I inputs, H units."""

    steps: int
    batch: int
    inputs: int
    units: int

    def __str__(self) -> str:
        return f"{self.steps} {self.batch} {self.inputs} {self.units}"

    def operations(self, gates: int) -> int:
        """Floating-point operations of a forward pass; training takes three times as many."""
        rows = gates * self.units
        return 2 * self.steps * self.batch * rows * (self.inputs + self.units)


SHAPES = tuple(
    Shape(*sizes)
    for sizes in (
        (100, 1, 8, 64),
        (1000, 1, 8, 64),
        (100, 32, 8, 32),
        (100, 32, 1, 64),
        (100, 32, 64, 128),
        (64, 256, 64, 128),
        (100, 128, 1, 48),
        (96, 1024, 1, 64),
        (336, 128, 16, 128),
        (500, 8, 64, 128),
        (200, 64, 128, 256),
        (784, 128, 1, 128),
        (35, 20, 650, 650),
        (1000, 1, 512, 512),
        (70, 20, 400, 1150),
    )
)
"""Streams, forecasters' windows, digits read pixel by pixel, language models."""

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@dataclass(frozen=True)
class Contestant:
    """A layer, ready to be run; `training` is None where it cannot be trained."""

    name: str
    inference: Call
    training: Call | None


def torch_layer(name: str, layer: torch.nn.Module, shape: Shape) -> Contestant:
    """A layer with torch's signature: forward, and forward with the gradients of everything."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(shape.steps, shape.batch, shape.inputs, generator=draw).requires_grad_()
    width = getattr(layer, "proj_size", 0) or shape.units
    weigh = torch.randn(shape.steps, shape.batch, width, generator=draw)

    def inference() -> None:
        with torch.inference_mode():
            layer(x)

    def training() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x)[0].backward(weigh)

    return Contestant(name, inference, training)


def ours_and_torchs(cell: str, shape: Shape) -> list[Contestant]:
    """Our layer and torch's, with the same weights."""
    theirs = getattr(torch.nn, cell)(shape.inputs, shape.units)
    ours = getattr(holdfast.nn, cell)(shape.inputs, shape.units)
    ours.load_state_dict(theirs.state_dict())
    return [torch_layer("torch", theirs, shape), torch_layer("holdfast", ours, shape)]


VARIANTS: dict[str, Callable[[Shape], torch.nn.Module]] = {
    "peepholes": lambda shape: _lstm(shape, peepholes=True),
    "coupled": lambda shape: _lstm(shape, coupled=True),
    "cell_clip": lambda shape: _lstm(shape, cell_clip=3.0),
    "layer_norm": lambda shape: _lstm(shape, layer_norm=True),
    "projection": lambda shape: _lstm(shape, proj_size=shape.units // 2),
    "recurrent_dropout": lambda shape: _lstm(shape, recurrent_dropout=0.2),
    "zoneout": lambda shape: _lstm(shape, zoneout_hidden=0.1, zoneout_cell=0.1),
    "weight_drop": lambda shape: _lstm(shape, weight_drop=0.3),
    "dilation": lambda shape: _lstm(shape, dilation=(2,)),
    "sLSTM": lambda shape: holdfast.nn.SLSTM(shape.inputs, shape.units),
    "sLSTM, 4 heads": lambda shape: holdfast.nn.SLSTM(shape.inputs, shape.units, heads=4),
}
"""Our layers with one option each."""


def _lstm(shape: Shape, **options: object) -> torch.nn.Module:
    return holdfast.nn.LSTM(shape.inputs, shape.units, **options)


def variants(shape: Shape) -> list[Contestant]:
    """The training of each variant, torch's plain LSTM first."""
    made = [torch_layer("torch", torch.nn.LSTM(shape.inputs, shape.units), shape)]
    return made + [torch_layer(name, make(shape), shape) for name, make in VARIANTS.items()]


def onnxruntime(cell: str, shape: Shape) -> Contestant | None:
    """onnxruntime on the standard node, written by `holdfast.export`; None without it."""
    try:
        import onnxruntime as runtime

        from holdfast.export import to_onnx
    except ImportError:
        return None
    options = runtime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    layer = getattr(holdfast.nn, cell)(shape.inputs, shape.units)
    session = runtime.InferenceSession(to_onnx(layer), options, ["CPUExecutionProvider"])
    x = np.random.default_rng(0).standard_normal(
        (shape.steps, shape.batch, shape.inputs), dtype=np.float32
    )
    name = session.get_inputs()[0].name
    return Contestant("onnxruntime", lambda: session.run(None, {name: x}), None)


def keras(cell: str, shape: Shape) -> Contestant | None:
    """Keras' layer on its torch backend; None without it."""
    os.environ["KERAS_BACKEND"] = "torch"
    try:
        import keras as package
    except ImportError:
        return None
    kind = {"LSTM": "LSTM", "GRU": "GRU", "RNN": "SimpleRNN"}[cell]
    layer = getattr(package.layers, kind)(shape.units, return_sequences=True)
    x = torch.randn(shape.batch, shape.steps, shape.inputs).requires_grad_()
    weigh = torch.randn(shape.batch, shape.steps, shape.units)

    def inference() -> None:
        with torch.inference_mode():
            layer(x)

    def training() -> None:
        for weight in layer.trainable_weights:
            weight.value.grad = None
        x.grad = None
        layer(x).backward(weigh)

    with torch.no_grad():
        layer(x)
    return Contestant("Keras", inference, training)
