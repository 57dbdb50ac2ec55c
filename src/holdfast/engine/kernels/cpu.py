"""Our own kernels for the CPU, in C++ (`native/`): loading the library, and running it."""

from __future__ import annotations

import ctypes
import math
import os
from collections.abc import Iterator
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor

from holdfast.engine.cells import (
    GRU,
    LSTM,
    NEUTRAL,
    RNN_RELU,
    RNN_TANH,
    SLSTM,
    Masks,
    State,
    Weights,
)
from holdfast.engine.kernels.buffer_pool import LARGE, LENDER
from holdfast.engine.kernels.contract import (
    Gradients,
    Inputs,
    KernelSpec,
    SavedForBackward,
    Verdict,
)

LIBRARY: Final = "libholdfast.so"

_SIZES: Final = ("steps", "batch", "inputs", "units", "reverse", "threads")
_POINTERS: Final = (
    "offsets", "x", "weight_ih", "weight_hh", "bias_ih", "bias_hh", "h0", "c0",
    "output", "cells", "cell_state", "slots", "grad_output", "grad_h", "grad_c", "grad_x",
    "grad_weight_ih", "grad_weight_hh", "grad_bias_ih", "grad_bias_hh",
)  # fmt: skip
_OPTION_SIZES: Final = ("projection", "masked", "seed", "stream", "first_step")
_OPTION_NUMBERS: Final = ("recurrent_dropout", "zoneout_hidden", "zoneout_cell", "cell_clip")
_OPTION_POINTERS: Final = (
    "weight_hr", "peephole", "norm_ih", "norm_hh", "norm_c", "norm_c_bias",
    "grad_weight_hr", "grad_peephole", "grad_norm_ih", "grad_norm_hh", "grad_norm_c",
    "grad_norm_c_bias",
)  # fmt: skip
_STABILISED_SIZES: Final = ("exponential_forget",)
_STABILISED_POINTERS: Final = ("normaliser", "stabiliser", "grad_normaliser", "grad_stabiliser")


class Call(ctypes.Structure):
    """`HoldfastCall` of `native/call.hpp`, which says what each field is."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in _SIZES),
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in _OPTION_SIZES),
        *((name, ctypes.c_double) for name in _OPTION_NUMBERS),
        *((name, ctypes.c_void_p) for name in _OPTION_POINTERS),
        *((name, ctypes.c_int64) for name in _STABILISED_SIZES),
        *((name, ctypes.c_void_p) for name in _STABILISED_POINTERS),
    ]


class Library(NamedTuple):
    """The loaded library.

    Arguments:
        run: (instruction set, cell, precision, backward, call) → 0, or what went wrong.
        advise: (address, bytes) asks for large pages.
        stream_open: (instruction set, cell, precision, call) → a stream's address, or None.
        stream_refresh, stream_close: (stream).
        stream_step: (stream, address of x).
        names: the instruction sets that were compiled, the best first.
        usable: the indices of those that this processor has.
    """

    run: ctypes._NamedFuncPointer
    advise: ctypes._NamedFuncPointer
    stream_open: ctypes._NamedFuncPointer
    stream_refresh: ctypes._NamedFuncPointer
    stream_close: ctypes._NamedFuncPointer
    stream_step: ctypes._NamedFuncPointer
    names: tuple[str, ...]
    usable: tuple[int, ...]


@cache
def load() -> Library | str:
    """The library, or one sentence that says why there is none.

    `HOLDFAST_NATIVE=0` keeps it away; `HOLDFAST_NATIVE=` the path of a library takes that one.
    """
    wanted = os.environ.get("HOLDFAST_NATIVE", "")
    if wanted == "0":
        return "HOLDFAST_NATIVE=0 switches the compiled kernels off"
    paths = [Path(wanted)] if wanted not in ("", "1") else list(_places())
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return (
            "Holdfast was installed without its compiled kernels: not on Linux, with "
            "HOLDFAST_NATIVE=0, or without a C++17 compiler that has OpenMP"
        )
    try:
        found = ctypes.CDLL(str(path))
    except OSError as error:
        return f"the compiled kernels could not be loaded: {error}"
    found.holdfast_call_size.restype = ctypes.c_int64
    found.holdfast_isa_name.restype = ctypes.c_char_p
    found.holdfast_run.argtypes = [ctypes.c_int] * 4 + [ctypes.c_void_p]
    found.holdfast_advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    if found.holdfast_call_size() != ctypes.sizeof(Call):
        return f"{path.name} belongs to another version of Holdfast"
    names: list[str] = []
    while (name := found.holdfast_isa_name(len(names))) is not None:
        names.append(name.decode())
    usable = tuple(index for index in range(len(names)) if found.holdfast_isa_there(index))
    found.holdfast_stream_open.argtypes = [ctypes.c_int] * 3 + [ctypes.c_void_p]
    found.holdfast_stream_open.restype = ctypes.c_void_p
    found.holdfast_stream_step.argtypes = [ctypes.c_void_p] * 2
    for function in (
        found.holdfast_advise,
        found.holdfast_stream_refresh,
        found.holdfast_stream_close,
        found.holdfast_stream_step,
    ):
        function.restype = None
    for function in (found.holdfast_stream_refresh, found.holdfast_stream_close):
        function.argtypes = [ctypes.c_void_p]
    return Library(
        found.holdfast_run,
        found.holdfast_advise,
        found.holdfast_stream_open,
        found.holdfast_stream_refresh,
        found.holdfast_stream_close,
        found.holdfast_stream_step,
        tuple(names),
        usable,
    )


def _places() -> Iterator[Path]:
    """Beside this file; and, of an editable install, where the build put it."""
    here = Path(__file__).with_name(LIBRARY)
    yield here
    try:
        distribution = metadata.distribution("holdfast")
    except metadata.PackageNotFoundError:
        return
    yield Path(str(distribution.locate_file(Path("holdfast", "engine", "kernels", LIBRARY))))


CELLS: Final = (LSTM, GRU, RNN_TANH, RNN_RELU, SLSTM)
"""The first four in the order of the table in `native/kernels.cpp`."""

TOGETHER: Final = 3
"""Rows that a thread takes as quickly as one, since it is reading the weights that takes time."""

SMALL: Final = 1 << 19
"""Multiplications, some 20 microseconds of them, up to which one thread does it alone."""


def is_variant(spec: KernelSpec) -> bool:
    """Whether a pass needs the kernels with options, which are a little slower than the others."""
    return (spec.options is not NEUTRAL and bool(spec.options.changed)) or spec.projection > 0


def kernel_of(spec: KernelSpec) -> int:
    """The number of a pass's kernel in the table in `native/kernels.cpp`."""
    if spec.cell is SLSTM:
        return 9
    plain = CELLS.index(spec.cell)
    if not is_variant(spec):
        return plain
    return 4 + plain + (plain > 0 or spec.options.coupled)


def slots_of(spec: KernelSpec) -> int:
    """What the forward pass keeps of a unit at a step for the backward pass: the gates.

    The plain RNN's only gate is its output, and not once options stand between the two. What has
    been normalised would take three times as much memory, and is always computed once more.
    """
    if spec.cell is SLSTM:
        return 6  # they depend on all steps before, and cannot be computed once more
    if spec.options.layer_norm:
        return 0
    if spec.cell is GRU:
        return 4  # r, z, n and what r is multiplied with
    gates = len(spec.cell.gates) - spec.options.coupled
    return gates if gates > 1 or is_variant(spec) else 0


def tell_options(
    call: Call,
    spec: KernelSpec,
    weights: Weights,
    masks: Masks | None,
    gradients: Weights | None,
) -> None:
    """Fill in what belongs to options.

    Arguments:
        call: of which the rest is told already.
        spec, weights, masks: of the pass; the weights have to live as long as the call.
        gradients: where those of the weights go to, in a backward pass.
    """
    options = spec.options
    call.projection = spec.projection
    if masks is not None:
        call.masked, call.seed, call.first_step = True, int(masks.seed), masks.first_step
        call.stream = 16 * (2 * masks.layer + masks.direction)
    call.recurrent_dropout = options.recurrent_dropout
    call.zoneout_hidden, call.zoneout_cell = options.zoneout_hidden, options.zoneout_cell
    call.exponential_forget = options.exponential_forget
    call.cell_clip = math.inf if options.cell_clip is None else options.cell_clip
    call.weight_hr, call.peephole = pointer(weights.weight_hr), pointer(weights.weight_peephole)
    call.norm_ih, call.norm_hh = pointer(weights.norm_ih), pointer(weights.norm_hh)
    call.norm_c, call.norm_c_bias = pointer(weights.norm_c), pointer(weights.norm_c_bias)
    if gradients is None:
        return
    call.grad_weight_hr = pointer(gradients.weight_hr)
    call.grad_peephole = pointer(gradients.weight_peephole)
    call.grad_norm_ih = pointer(gradients.norm_ih)
    call.grad_norm_hh = pointer(gradients.norm_hh)
    call.grad_norm_c = pointer(gradients.norm_c)
    call.grad_norm_c_bias = pointer(gradients.norm_c_bias)


def check(spec: KernelSpec, x: Tensor, weights: Weights, state: State) -> None:
    """The library trusts its pointers: sizes that a caller could have changed are checked."""
    of_weights, of_state = _wanted(spec)
    _check(spec, x, (*x.shape[:-1], spec.input_size))
    for place, shape in of_weights:
        _check(spec, weights[place], shape)
    for part, shape in zip(state, of_state, strict=False):
        _check(spec, part, shape)


@lru_cache(maxsize=1024)
def _wanted(
    spec: KernelSpec,
) -> tuple[tuple[tuple[int, tuple[int, ...]], ...], tuple[tuple[int, ...], ...]]:
    """The shape of each weight, by its place in `Weights`, and of each part of the state."""
    units = spec.hidden_size
    of_weights = tuple(
        (Weights._fields.index(name), shape) for name, shape in spec.weight_shapes().items()
    )
    widths = (spec.output_size, units, units, units)
    return of_weights, tuple((1, spec.batch, width) for width in widths)


def _check(spec: KernelSpec, tensor: Tensor | None, shape: tuple[int, ...]) -> None:
    assert tensor is not None
    if tensor.shape != shape or tensor.dtype != spec.dtype or not tensor.is_cpu:
        raise RuntimeError(
            f"Expected a tensor of size {tuple(shape)} and {spec.dtype} on the CPU, got "
            f"{tuple(tensor.shape)} and {tensor.dtype} on {tensor.device}"
        )


def dense(spec: KernelSpec, weights: Weights) -> Weights:
    """With W_hh in full, where it is given as blocks on its diagonal; zeros around them."""
    heads = spec.options.heads
    if heads == 1:
        return weights
    full = weights.weight_hh.new_zeros(4 * spec.hidden_size, spec.hidden_size)
    on_diagonal(full, heads).copy_(weights.weight_hh.view(on_diagonal(full, heads).shape))
    return weights._replace(weight_hh=full)


def on_diagonal(full: Tensor, heads: int) -> Tensor:
    """The blocks on the diagonal of a matrix (4H, H), as a view (4, heads, H/heads, H/heads)."""
    units = full.shape[1] // heads
    return full.view(4, heads, units, heads, units).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


def worthwhile_threads(spec: KernelSpec) -> int:
    """As many as torch has, or fewer where more would not end sooner."""
    rows = len(spec.cell.gates) * spec.hidden_size
    multiplications = spec.steps * spec.batch * rows * (spec.input_size + spec.hidden_size)
    if multiplications < SMALL:
        return 1
    return min(torch.get_num_threads(), -(-spec.batch // TOGETHER))


def pointer(tensor: Tensor | None) -> int | None:
    """Where a tensor lies."""
    return None if tensor is None else tensor.data_ptr()


KEPT_BYTES: Final = 1 << 28
"""It is kept up to this size; beyond, computing it again costs less than the memory."""

LARGEST_HIDDEN: Final = 512
"""Above, the weights do not fit a core's own cache, and oneDNN's products are better at that."""

LARGEST_ALONE: Final = 448
"""The same for one row, whose product oneDNN shares among the cores; ours runs on one."""


class CpuKernel:
    """Runs passes by the compiled library.

    Arguments:
        instructions: an instruction set by its name, such as "avx2"; None for the best there is.
        kept_bytes: up to which size the gates are kept for the backward pass.
    """

    own_backward: Literal[True] = True

    def __init__(self, instructions: str | None = None, kept_bytes: int = KEPT_BYTES) -> None:
        self.name = "cpu" if instructions is None else f"cpu-{instructions}"
        self._instructions = instructions
        self._kept_bytes = kept_bytes

    def serves(self, spec: KernelSpec) -> Verdict:
        """Every cell in float32 and float64, one layer and direction.

        Without options up to 512 units, since torch's operators take more; with options any.
        """
        library = load()
        if isinstance(library, str):
            return Verdict(False, library)
        if self._instructions is not None and self.instruction_set(library) is None:
            return Verdict(False, f"this processor has no {self._instructions}")
        if spec.by_equations:
            return Verdict(False, "the equations themselves were asked for")
        if spec.device != "cpu":
            return Verdict(False, f"it runs on the CPU, not on {spec.device}")
        if spec.dtype not in (torch.float32, torch.float64):
            return Verdict(False, f"it computes in float32 and float64, not in {spec.dtype}")
        if spec.cell not in CELLS:
            return Verdict(False, f"there is no compiled kernel for {spec.cell.name}")
        plain = spec.options is NEUTRAL and spec.cell is not SLSTM
        if spec.options is not NEUTRAL:  # else not to be asked: it takes as long as a short pass
            foreign = set(spec.options.changed) - spec.cell.options
            if foreign:
                return Verdict(False, f"{spec.cell.name} has no {', '.join(sorted(foreign))}")
        if plain and spec.hidden_size > LARGEST_HIDDEN:
            return Verdict(False, f"with more than {LARGEST_HIDDEN} units oneDNN is faster")
        if plain and spec.batch == 1 and spec.hidden_size > LARGEST_ALONE:
            return Verdict(
                False, f"with one row and more than {LARGEST_ALONE} units oneDNN is faster"
            )
        if not spec.is_pass:
            return Verdict(False, "it runs one layer and direction")
        return Verdict(True, "compiled loop over time, every gate of a tile while it is in cache")

    def forward(
        self,
        spec: KernelSpec,
        inputs: Inputs,
    ) -> tuple[Tensor, State, SavedForBackward]:
        """Run a pass; see `contract.PassKernel`."""
        x, batch_sizes, state = inputs.x, inputs.batch_sizes, inputs.state
        units, has_cell = spec.hidden_size, spec.cell in (LSTM, SLSTM)
        form = x.shape[:-1]
        output = _fresh(x, (*form, spec.output_size))
        cells = _lent(x, (*form, units)) if has_cell and spec.gradient else None
        cell_state = state[1].clone() if has_cell and cells is None else None
        kept = None
        slots = slots_of(spec) if spec.gradient else 0
        if slots and form.numel() * slots * units * x.element_size() <= self._kept_bytes:
            kept = _lent(x, (*form, slots * units))
        beyond = tuple(part.clone(memory_format=torch.contiguous_format) for part in state[2:])
        self._run(
            spec,
            inputs,
            output=output,
            cells=cells,
            cell_state=cell_state,
            slots=kept,
            beyond=beyond,
        )
        final: State = (_last(spec, output, batch_sizes),)
        if cells is not None:
            final += (_last(spec, cells, batch_sizes),)
        elif cell_state is not None:
            final += (cell_state,)
        final += beyond
        return output, final, SavedForBackward(inputs, output, cells, kept)

    def backward(
        self,
        spec: KernelSpec,
        saved: SavedForBackward,
        output: Tensor | None,
        state: tuple[Tensor | None, ...],
        *,
        input_gradient: bool = True,
    ) -> Gradients:
        """The gradients of a pass; see `contract.PassKernel`."""
        inputs = saved.inputs
        grad_x = _fresh(inputs.x, inputs.x.shape) if input_gradient else None
        grad_weights = tuple(
            torch.empty_like(weight, memory_format=torch.contiguous_format)
            for weight in inputs.weights
        )
        # Ours to write into: what reaches the last state becomes what leaves the first.
        grad_state = tuple(
            before.new_zeros(before.shape)
            if part is None
            else part.clone(memory_format=torch.contiguous_format)
            for before, part in zip(inputs.state, state, strict=True)
        )
        named = spec.weights(grad_weights)
        gates = saved.gates
        if gates is None and spec.cell is SLSTM:
            gates = self._gates_again(spec, saved)
        self._run(
            spec,
            inputs,
            output=saved.output,
            cells=saved.cells,
            slots=gates,
            beyond=grad_state[2:],
            backward=True,
            grad_output=None if output is None else output.contiguous(),
            grad_h=grad_state[0],
            grad_c=grad_state[1] if len(grad_state) > 1 else None,
            grad_x=grad_x,
            grad_weights=named,
        )
        return Gradients(grad_x, grad_weights, grad_state)

    def _gates_again(self, spec: KernelSpec, saved: SavedForBackward) -> Tensor:
        """What the forward pass has not kept, by running it once more."""
        assert saved.cells is not None
        inputs = saved.inputs
        width = slots_of(spec) * spec.hidden_size
        made = _fresh(inputs.x, (*inputs.x.shape[:-1], width))
        self._run(
            spec,
            inputs,
            output=torch.empty_like(saved.output),
            cells=torch.empty_like(saved.cells),
            slots=made,
            beyond=tuple(
                part.clone(memory_format=torch.contiguous_format) for part in inputs.state[2:]
            ),
        )
        return made

    def _run(
        self,
        spec: KernelSpec,
        inputs: Inputs,
        *,
        output: Tensor,
        cells: Tensor | None = None,
        cell_state: Tensor | None = None,
        slots: Tensor | None = None,
        beyond: State = (),
        backward: bool = False,
        grad_output: Tensor | None = None,
        grad_h: Tensor | None = None,
        grad_c: Tensor | None = None,
        grad_x: Tensor | None = None,
        grad_weights: Weights | None = None,
    ) -> None:
        """Call the library; the names are those of `native/call.hpp`."""
        library = load()
        assert not isinstance(library, str)
        index = self.instruction_set(library)
        assert index is not None
        offsets, batch_sizes = None, inputs.batch_sizes
        if batch_sizes is not None:
            offsets = torch.cat([batch_sizes.new_zeros(1), batch_sizes.cumsum(0)])
        # Held here, so that what had to be made contiguous lives as long as the call.
        x = inputs.x.contiguous()
        state = tuple(part.contiguous() for part in inputs.state)
        named = spec.weights([weight.contiguous() for weight in inputs.weights])
        check(spec, x, named, state)
        named, blocks = dense(spec, named), None
        if grad_weights is not None and spec.options.heads > 1:
            blocks = grad_weights.weight_hh
            grad_weights = grad_weights._replace(weight_hh=torch.empty_like(named.weight_hh))
        call = Call(
            spec.steps,
            spec.batch,
            spec.input_size,
            spec.hidden_size,
            spec.reverse,
            worthwhile_threads(spec),
            pointer(offsets),
            pointer(x),
            pointer(named.weight_ih),
            pointer(named.weight_hh),
            pointer(named.bias_ih),
            pointer(named.bias_hh),
            pointer(state[0]),
            pointer(state[1]) if len(state) > 1 else None,
            pointer(output),
            pointer(cells),
            pointer(cell_state),
            pointer(slots),
            pointer(grad_output),
            pointer(grad_h),
            pointer(grad_c),
            pointer(grad_x),
        )
        if grad_weights is not None:
            call.grad_weight_ih = pointer(grad_weights.weight_ih)
            call.grad_weight_hh = pointer(grad_weights.weight_hh)
            call.grad_bias_ih = pointer(grad_weights.bias_ih)
            call.grad_bias_hh = pointer(grad_weights.bias_hh)
        if is_variant(spec):
            tell_options(call, spec, named, inputs.masks, grad_weights)
        if beyond:
            places = [pointer(part) for part in beyond]
            if backward:
                call.grad_normaliser, call.grad_stabiliser = places
            else:
                call.normaliser, call.stabiliser = places
        double = spec.dtype == torch.float64
        failed = library.run(index, kernel_of(spec), double, backward, ctypes.byref(call))
        if failed:
            raise MemoryError("The compiled kernel could not get the memory it works in.")
        if blocks is not None and grad_weights is not None:
            found = on_diagonal(grad_weights.weight_hh, spec.options.heads)
            blocks.view(found.shape).copy_(found)

    def instruction_set(self, library: Library) -> int | None:
        """The instruction set to take."""
        if self._instructions is None:
            return library.usable[0]
        if self._instructions not in library.names:
            return None
        index = library.names.index(self._instructions)
        return index if index in library.usable else None


def _fresh(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """An uninitialised tensor, on large pages where it is large."""
    made = like.new_empty(shape)
    if made.nbytes >= LARGE:
        library = load()
        assert not isinstance(library, str)
        library.advise(made.data_ptr(), made.nbytes)
    return made


def _lent(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """An uninitialised tensor for what nobody sees but the backward pass."""
    if like.element_size() * math.prod(shape) < LARGE:
        return like.new_empty(shape)
    return LENDER.lend(like.dtype, shape)


def _last(spec: KernelSpec, every: Tensor, batch_sizes: Tensor | None) -> Tensor:
    """The last computed of every sequence, (1, B, H), from those of all steps."""
    if batch_sizes is None:
        step = 0 if spec.reverse else spec.steps - 1
        return every[step : step + 1].clone()
    rows = torch.arange(spec.batch)
    if spec.reverse:
        return every[: spec.batch].clone().unsqueeze(0)
    lengths = (batch_sizes > rows.unsqueeze(1)).sum(1)
    offsets = batch_sizes.cumsum(0) - batch_sizes
    return every.index_select(0, offsets[lengths - 1] + rows).unsqueeze(0)


CPU = CpuKernel()
