"""A stream that is run step by step, in microseconds."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import Tensor

from holdfast.engine.cells import State
from holdfast.engine.kernels.cpu import CPU
from holdfast.engine.kernels.stream import Stream
from holdfast.errors import ArgumentError
from holdfast.nn import one_step
from holdfast.nn.arguments import check_state
from holdfast.nn.recurrent import Recurrent

S = TypeVar("S", bound="Tensor | tuple[Tensor, Tensor]")
"""The state in the form of the layer's call: h, or (h, c)."""


class Stepper(Generic[S]):
    """Runs a layer one step at a time, on weights and a state of its own.

    The weights are a snapshot: training the layer on does not change a stepper until `refresh`.
    Where a compiled kernel serves the layer, a step allocates no tensor; elsewhere it is
    `layer.step`. A stepper belongs to one thread at a time.

    Made by `layer.stepper(batch_size)`.

    Example:
        >>> from holdfast.nn import LSTM
        >>> stepper = LSTM(3, 8).stepper()
        >>> y = stepper.step(torch.randn(1, 3))
        >>> kept = stepper.state
        >>> again = stepper.step(torch.zeros(1, 3)).clone()
        >>> stepper.state = kept
        >>> torch.equal(stepper.step(torch.zeros(1, 3)), again)
        True
    """

    def __init__(self, layer: Recurrent, batch_size: int) -> None:
        one_step.check_one_way(layer, "stepper")
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ArgumentError(f"batch_size must be a whole number from 1, got {batch_size!r}.")
        weight = layer.all_weights[0][0]
        self._source = layer
        self._pair = len(layer.cell.parts) > 1
        x = torch.empty(1, batch_size, layer.input_size, dtype=weight.dtype, device=weight.device)
        self._state = layer._zero_state(x[0], batch_size)
        if self._pair and self._state[0] is self._state[1]:
            self._state = (self._state[0], self._state[0].clone())
        self._x_shape, self._dtype, self._device = x[0].shape, weight.dtype, weight.device
        self._y = self._state[0][-1]
        with torch.no_grad():
            passes = layer._problem(x, 1, batch_size, ragged=False).passes()
        self._streams: list[Stream] = []
        self._copy: Recurrent | None = None
        served = all(CPU.serves(problem).serves for problem in passes)
        if served and not layer.variant.layerwise:  # streams hand h from layer to layer as it is
            for index, problem in enumerate(passes):
                state = tuple(part[index] for part in self._state)
                self._streams.append(Stream(problem, tuple(layer.all_weights[index]), state))
            self._run = self._streams[0].run
            self._first, *rest = (stream.address for stream in self._streams)
            outputs = [part.data_ptr() for part in self._state[0]]
            self._deeper = list(zip(rest, outputs, strict=False))
        else:
            self._copy = _snapshot(layer)
            self._y = self._y.clone()  # a residual layer's output is not its state

    def step(self, x: Tensor) -> Tensor:
        """Take the next step of every stream.

        Arguments:
            x: (B, I).

        Returns:
            The last layer's h, (B, P or H): always the same tensor, which the next step overwrites.

        Raises:
            ArgumentError: x has another shape, dtype or device.
        """
        if x.shape != self._x_shape or x.dtype is not self._dtype or not x.is_contiguous():
            x = self._fitting(x)
        if self._copy is not None:
            return self._slow_step(x)
        if not x.is_cpu:
            raise self._refusal(x)
        self._run(self._first, x.data_ptr())
        for stream, below in self._deeper:
            self._run(stream, below)
        return self._y

    @property
    def state(self) -> S:
        """A copy of the state, in the form of the layer's call; setting it copies, too."""
        parts = [part.clone() for part in self._state]
        return (parts[0], parts[1]) if self._pair else parts[0]  # type: ignore[return-value]

    @state.setter
    def state(self, state: S) -> None:
        parts = (state,) if isinstance(state, Tensor) else tuple(state)
        shapes = self._source._state_shapes(self._x_shape[0])
        check_state(parts, self._source.cell.parts, shapes)
        with torch.no_grad():
            for mine, given in zip(self._state, parts, strict=True):
                mine.copy_(given)

    def reset(self) -> None:
        """Begin anew, from zeros."""
        with torch.no_grad():
            for part in self._state:
                part.zero_()

    def refresh(self) -> None:
        """Take the layer's weights as they are now; the state stays."""
        if self._copy is not None:
            self._copy = _snapshot(self._source)
        for stream, weights in zip(self._streams, self._source.all_weights, strict=False):
            stream.refresh(tuple(weights))

    def _slow_step(self, x: Tensor) -> Tensor:
        assert self._copy is not None
        after: State
        output, after = one_step.step(self._copy, x, self._state)
        with torch.no_grad():
            self._y.copy_(output)
            for mine, new in zip(self._state, after, strict=True):
                mine.copy_(new)
        return self._y

    def _fitting(self, x: Tensor) -> Tensor:
        if x.shape != self._x_shape or x.dtype is not self._dtype:
            raise self._refusal(x)
        return x.contiguous()

    def _refusal(self, x: Tensor) -> ArgumentError:
        return ArgumentError(
            f"This stepper takes x of shape {tuple(self._x_shape)} in {self._dtype} on "
            f"{self._device}, got {tuple(x.shape)} in {x.dtype} on {x.device}; give one stepper "
            "to each batch size."
        )


def _snapshot(layer: Recurrent) -> Recurrent:
    """A copy that is not trained."""
    return copy.deepcopy(layer).eval().requires_grad_(False)
