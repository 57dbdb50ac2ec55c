"""How fast the layers are on this machine, beside torch's own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from typing import Final, Literal

import torch

from holdfast import nn
from holdfast.nn.recurrent import explain
from holdfast.records import LayerSpeed
from holdfast.training.progress import Progress, SilentProgress

CellName = Literal["LSTM", "GRU", "RNN"]

SHAPES: Final = (
    (100, 1, 8, 64),
    (100, 32, 8, 32),
    (100, 32, 64, 128),
    (336, 128, 16, 128),
    (784, 128, 1, 128),
    (35, 20, 650, 650),
)
"""(T, B, I, H): a stream, forecasters' windows, digits pixel by pixel, a language model."""

LEAST_SECONDS: Final = 0.02
"""A shorter call is repeated within a measurement."""


def layer_speeds(
    cell: CellName = "LSTM",
    shapes: Sequence[tuple[int, int, int, int]] | None = None,
    *,
    rounds: int = 5,
    measured: bool = True,
    progress: Progress | None = None,
) -> tuple[LayerSpeed, ...]:
    """Our layer beside torch's with the same weights, interleaved, medians.

    Arguments:
        cell: which layers.
        shapes: (T, B, I, H) of each; None for six usual ones.
        rounds: measurements of each layer.
        measured: False to name the kernels only.
        progress: told of every shape.

    Returns:
        One record a shape.
    """
    progress = progress or SilentProgress()
    found = []
    for steps, batch, inputs, units in shapes or SHAPES:
        progress.message(f"{cell}: T={steps}, B={batch}, I={inputs}, H={units}")
        theirs = getattr(torch.nn, cell)(inputs, units)
        ours = getattr(nn, cell)(inputs, units)
        ours.load_state_dict(theirs.state_dict())
        chosen = explain(ours, steps, batch)
        inference = training = None
        if measured:
            x = torch.randn(steps, batch, inputs).requires_grad_()
            weigh = torch.randn(steps, batch, units)
            pair = (ours, theirs)
            inference = _interleaved([_inference(layer, x) for layer in pair], rounds)
            training = _interleaved([_training(layer, x, weigh) for layer in pair], rounds)
        sizes = (steps, batch, inputs, units)
        found.append(LayerSpeed(cell, *sizes, chosen.kernel, chosen.reason, inference, training))
    return tuple(found)


def _inference(layer: torch.nn.Module, x: torch.Tensor) -> Callable[[], None]:
    def call() -> None:
        with torch.inference_mode():
            layer(x)

    return call


def _training(layer: torch.nn.Module, x: torch.Tensor, weigh: torch.Tensor) -> Callable[[], None]:
    def call() -> None:
        layer.zero_grad()
        x.grad = None
        layer(x)[0].backward(weigh)

    return call


def _interleaved(calls: Sequence[Callable[[], None]], rounds: int) -> tuple[float, float]:
    """Median milliseconds of two calls, in turns."""
    repeats = []
    for call in calls:
        call()
        repeats.append(max(1, round(LEAST_SECONDS / _seconds(call, 1))))
    found: list[list[float]] = [[], []]
    for number in range(rounds):
        for index in (0, 1) if number % 2 == 0 else (1, 0):
            found[index].append(_seconds(calls[index], repeats[index]))
    ours, theirs = (1e3 * statistics.median(values) for values in found)
    return ours, theirs


def _seconds(call: Callable[[], None], repeats: int) -> float:
    begin = time.perf_counter()
    for _ in range(repeats):
        call()
    return (time.perf_counter() - begin) / repeats
