"""A pass run step by step: weights packed once, states in place."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable

import torch
from torch import Tensor

from holdfast.engine.cells import State
from holdfast.engine.kernels import cpu
from holdfast.engine.kernels.contract import KernelSpec
from holdfast.engine.kernels.cpu import (
    CPU,
    check,
    dense,
    is_variant,
    kernel_of,
    tell_options,
    worthwhile_threads,
)


class Stream:
    """One layer of one direction, whose every step reads and writes the state that it was given.

    Arguments:
        spec: a pass of one step that `CPU` serves.
        weights: as the layer holds them; copied, so that later changes of them do not count.
        state: each part (B, ·), contiguous; read and written by every step.
    """

    def __init__(self, spec: KernelSpec, weights: tuple[Tensor, ...], state: State) -> None:
        library = cpu.load()
        assert not isinstance(library, str)
        self._spec, self._state, self._library = spec, state, library
        self._call = cpu.Call(
            steps=1,
            batch=spec.batch,
            inputs=spec.input_size,
            units=spec.hidden_size,
            threads=worthwhile_threads(spec),
            output=state[0].data_ptr(),
            cell_state=state[1].data_ptr() if len(state) > 1 else None,
            normaliser=state[2].data_ptr() if len(state) > 2 else None,
            stabiliser=state[3].data_ptr() if len(state) > 2 else None,
        )
        held = self._point_at(weights)
        double = spec.dtype == torch.float64
        address: int | None = library.stream_open(
            CPU.instruction_set(library),
            kernel_of(spec),
            double,
            ctypes.byref(self._call),
        )
        del held
        if address is None:
            raise MemoryError("The compiled kernel could not get the memory it works in.")
        self.address: int = address
        """What `run` is told."""
        # The call is the library's until then, so it goes along.
        weakref.finalize(self, _close, library, address, self._call)

    @property
    def run(self) -> Callable[[int, int], None]:
        """(this stream's address, the address of x) → nothing; takes one step."""
        return self._library.stream_step

    def refresh(self, weights: tuple[Tensor, ...]) -> None:
        """Take other weights."""
        held = self._point_at(weights)
        self._library.stream_refresh(self.address)
        del held

    def _point_at(self, weights: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Tell the call where the weights lie; what is returned has to live while it reads them."""
        spec = self._spec
        named = spec.weights([weight.detach().contiguous() for weight in weights])
        x = named.weight_ih.new_empty((1, spec.batch, spec.input_size))
        check(spec, x, named, tuple(part.unsqueeze(0) for part in self._state))
        named, call = dense(spec, named), self._call
        call.weight_ih, call.weight_hh = named.weight_ih.data_ptr(), named.weight_hh.data_ptr()
        if named.bias_ih is not None and named.bias_hh is not None:
            call.bias_ih, call.bias_hh = named.bias_ih.data_ptr(), named.bias_hh.data_ptr()
        if is_variant(spec):
            tell_options(call, spec, named, None, None)
        return tuple(tensor for tensor in named if tensor is not None)


def _close(library: cpu.Library, address: int, call: cpu.Call) -> None:
    library.stream_close(address)
    del call
