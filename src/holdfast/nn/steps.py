"""One step of a whole stack: for streams, in microseconds, and as a function to differentiate."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from holdfast.engine.cells import State
from holdfast.engine.kernels.contract import Inputs
from holdfast.engine.kernels.cpu import CPU, Stream
from holdfast.errors import ArgumentError
from holdfast.nn.arguments import check_input, check_state
from holdfast.nn.recurrent import Recurrent
from holdfast.nn.stack import autocasts, run_stack


def step(layer: Recurrent, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """Take one step without autograd, by the cell's equations; see `Layer.step`."""
    check_one_way(layer, "step")
    _check_x(x, "step")
    weights = layer.flat_weights()
    check_input(x, weights[0], layer.input_size)
    with torch.no_grad():
        return _advance(layer, x, state, weights, "step")


def transition(layer: Recurrent, x: Tensor, state: State | None) -> tuple[Tensor, State]:
    """Take one step by the cell's equations, in the dtype of x, for any derivative."""
    check_one_way(layer, "transition")
    _check_x(x, "transition")
    weights = tuple(weight.to(x.dtype) for weight in layer.flat_weights())
    check_input(x, weights[0], layer.input_size)
    with torch.autocast(x.device.type, enabled=False):
        return _advance(layer, x, state, weights, "transition")


def _advance(
    layer: Recurrent, x: Tensor, state: State | None, weights: tuple[Tensor, ...], method: str
) -> tuple[Tensor, State]:
    batch = x.shape[0]
    if state is None:
        state = layer.zero_state(x, batch)
    else:
        check_state(state, layer.cell.parts, layer.state_shapes(batch))
        for name, part in zip(layer.cell.parts, state, strict=True):
            if part.dtype != x.dtype and not autocasts(x.device.type):
                raise ArgumentError(
                    f"{method} takes {name} in the dtype of x, {x.dtype}, got {part.dtype}; "
                    f"convert it: {name}.to(x.dtype)."
                )
    spec = layer.kernel_spec(x, 1, batch, ragged=False)
    spec = replace(spec, dropout=0.0, by_equations=True)
    inputs = Inputs(x=x.unsqueeze(0), batch_sizes=None, weights=weights, state=state)
    output, after = layer.run_spec(run_stack, spec, inputs)
    return output.squeeze(0), after


def check_one_way(layer: Recurrent, method: str) -> None:
    """Refuse a layer that has to see a sequence's end first."""
    if layer.bidirectional:
        raise ArgumentError(
            f"{method} takes one step forward, and a bidirectional layer must see the last step of "
            "a sequence before it can give the first output; make the layer with "
            "bidirectional=False."
        )


def _check_x(x: Tensor, method: str) -> None:
    if x.dim() != 2:
        raise ArgumentError(
            f"{method} takes x of shape (B, I), one step of each of B sequences, got "
            f"{tuple(x.shape)}; give one sequence as x.unsqueeze(0)."
        )


S = TypeVar("S", bound="Tensor | tuple[Tensor, ...]")
"""The state in the form of the layer's call, such as h, or (h, c)."""


def parts_of(state: Tensor | tuple[Tensor, ...] | None) -> State | None:
    """Each part of a state that a caller gave."""
    return (state,) if isinstance(state, Tensor) else state


def in_form(parts: State) -> Any:
    """A state in the form of the call: h alone is no tuple."""
    return parts if len(parts) > 1 else parts[0]


class Stepper(Generic[S]):
    """Runs a layer one step at a time, on weights and a state of its own.

    The weights are a snapshot: training the layer on does not change a stepper until `refresh`; it
    runs in evaluation mode. Where a compiled kernel serves the layer, a step allocates no tensor
    and takes microseconds; elsewhere it is `layer.step`. A stepper belongs to one thread at a time.
    Made by `layer.stepper(batch_size)`.

    Arguments:
        layer: reads one way.
        batch_size: B, streams that are stepped together.

    Raises:
        ArgumentError: the layer is bidirectional, or batch_size is not a number from 1.

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
        check_one_way(layer, "stepper")
        if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
            raise ArgumentError(f"batch_size must be a whole number from 1, got {batch_size!r}.")
        self._source, self._copy = layer, _snapshot(layer)
        weights = self._copy.all_weights
        x = weights[0][0].new_empty(1, batch_size, layer.input_size)
        self._x_shape, self._dtype, self._device = x[0].shape, x.dtype, x.device
        # Not zero_state, whose parts may be one tensor.
        self._state: State = tuple(x.new_zeros(shape) for shape in layer.state_shapes(batch_size))
        self._streams: list[Stream] = []
        with torch.no_grad():
            passes = self._copy.kernel_spec(x, 1, batch_size, ragged=False).passes()
        if layer.variant.layerwise or not all(CPU.serves(spec).serves for spec in passes):
            self._y = x.new_empty(batch_size, layer.proj_size or layer.hidden_size)
            return
        self._y = self._state[0][-1]
        for index, spec in enumerate(passes):
            state = tuple(part[index] for part in self._state)
            self._streams.append(Stream(spec, tuple(weights[index]), state))
        self._run = self._streams[0].run
        self._first, *rest = (stream.address for stream in self._streams)
        outputs = [part.data_ptr() for part in self._state[0]]
        self._deeper = list(zip(rest, outputs, strict=False))

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
        if not self._streams:
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
        state: S = in_form(tuple(part.clone() for part in self._state))
        return state

    @state.setter
    def state(self, state: S) -> None:
        parts = (state,) if isinstance(state, Tensor) else tuple(state)
        shapes = self._copy.state_shapes(self._x_shape[0])
        check_state(parts, self._copy.cell.parts, shapes)
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
        self._copy = _snapshot(self._source)
        for stream, weights in zip(self._streams, self._copy.all_weights, strict=False):
            stream.refresh(tuple(weights))

    def _slow_step(self, x: Tensor) -> Tensor:
        y, after = step(self._copy, x, self._state)
        with torch.no_grad():
            for mine, new in zip((self._y, *self._state), (y, *after), strict=True):
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
