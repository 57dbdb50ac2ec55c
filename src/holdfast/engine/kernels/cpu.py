"""Our own kernels for the CPU, in C++ (`native/`): loading the library, and running it.

Python and the library agree by names: cells, precisions, instruction sets, options and the fields
of a call. The fields are compared when the library is loaded, so that one of another version is
refused and not run.
"""

from __future__ import annotations

import ctypes
import math
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields
from functools import cache, lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

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
    Options,
    State,
    Weights,
)
from holdfast.engine.kernels.buffer_pool import BUFFERS, LARGE
from holdfast.engine.kernels.contract import (
    Gradients,
    Inputs,
    KernelSpec,
    SavedForBackward,
    Verdict,
)

LIBRARY: Final = "libholdfast.so"

CELLS: Final = (LSTM, GRU, RNN_TANH, RNN_RELU, SLSTM)
"""Those that are compiled."""

SAVED_BYTES: Final = 1 << 28
"""Gates are saved up to this size; beyond, computing them again costs less than the memory."""

LARGEST_HIDDEN: Final = 512
"""Above, the weights do not fit a core's own cache, and oneDNN's products are better at that."""

LARGEST_ALONE: Final = 448
"""The same for one row, whose product oneDNN shares among the cores; ours runs on one."""

TOGETHER: Final = 3
"""Rows that a thread takes as quickly as one, since it is reading the weights that takes time."""

SMALL: Final = 1 << 19
"""Multiplications, some 20 microseconds of them, up to which one thread does it alone."""

_FIELDS: Final = tuple(
    (kind, name)
    for kind, names in (
        ("size", "steps batch inputs units reverse threads"),
        ("pointer", "offsets x weight_ih weight_hh bias_ih bias_hh h0 c0 output cells cell_state"),
        ("pointer", "saved_gates grad_output grad_h grad_c grad_x"),
        ("pointer", "grad_weight_ih grad_weight_hh grad_bias_ih grad_bias_hh"),
        ("size", "projection masked seed stream first_step"),
        ("number", "recurrent_dropout zoneout_hidden zoneout_cell cell_clip"),
        ("pointer", "weight_hr weight_peephole norm_ih norm_hh norm_c norm_c_bias"),
        ("pointer", "grad_weight_hr grad_weight_peephole grad_norm_ih grad_norm_hh"),
        ("pointer", "grad_norm_c grad_norm_c_bias"),
        ("size", "exponential_forget"),
        ("pointer", "normaliser stabiliser grad_normaliser grad_stabiliser"),
    )
    for name in names.split()
)
"""Kind and name of each field of a call; `native/call_fields.inc` says what it is."""

_OPTIONS: Final = tuple(
    field.name
    for field in fields(Options)
    if field.name != "cell_clip" and field.name in {name for _, name in _FIELDS}
)
"""The options that a call is told as they are; the others are seen in its weights or its cell."""

_FURTHER_WEIGHTS: Final = Weights._fields[4:]
"""Those that belong to options."""


_KINDS: Final[dict[str, Any]] = {
    "size": ctypes.c_int64,
    "pointer": ctypes.c_void_p,
    "number": ctypes.c_double,
}


class Call(ctypes.Structure):
    """`HoldfastCall` of `native/call.hpp`."""

    _fields_ = [(name, _KINDS[kind]) for kind, name in _FIELDS]


class Library(NamedTuple):
    """The loaded library; `native/bindings.cpp` says what its functions do."""

    kernel: ctypes._NamedFuncPointer
    saved_gates: ctypes._NamedFuncPointer
    forward: ctypes._NamedFuncPointer
    backward: ctypes._NamedFuncPointer
    advise: ctypes._NamedFuncPointer
    stream_open: ctypes._NamedFuncPointer
    stream_refresh: ctypes._NamedFuncPointer
    stream_close: ctypes._NamedFuncPointer
    stream_step: ctypes._NamedFuncPointer
    usable: tuple[str, ...]
    """The instruction sets that were compiled and that this processor has, the best first."""


@cache
def load() -> Library | str:
    """The library, or one sentence that says why there is none.

    `HOLDFAST_NATIVE=0` keeps it away; `HOLDFAST_NATIVE=` the path of a library takes that one.
    """
    chosen = os.environ.get("HOLDFAST_NATIVE", "")
    if chosen == "0":
        return "HOLDFAST_NATIVE=0 switches the compiled kernels off"
    paths = [Path(chosen)] if chosen not in ("", "1") else list(_places())
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return (
            "Holdfast was installed without its compiled kernels: not on Linux, with "
            "HOLDFAST_NATIVE=0, or without a C++17 compiler that has OpenMP"
        )
    try:
        library = ctypes.CDLL(str(path))
    except OSError as error:
        return f"the compiled kernels could not be loaded: {error}"
    if _call_fields(library) != "".join(f"{kind} {name}\n" for kind, name in _FIELDS):
        return f"{path.name} belongs to another version of Holdfast"
    address, text, number = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int
    signatures: dict[str, tuple[type | None, list[type]]] = {
        "kernel": (address, [text, text, text]),
        "saved_gates": (number, [address]),
        "forward": (number, [address, address]),
        "backward": (number, [address, address]),
        "advise": (None, [address, ctypes.c_size_t]),
        "stream_open": (address, [address, address]),
        "stream_refresh": (None, [address]),
        "stream_close": (None, [address]),
        "stream_step": (None, [address, address]),
    }
    functions = {name: getattr(library, f"holdfast_{name}") for name in signatures}
    for name, (result, arguments) in signatures.items():
        functions[name].restype, functions[name].argtypes = result, arguments
    library.holdfast_instruction_set.restype = text
    library.holdfast_usable.argtypes = [text]
    names: list[bytes] = []
    while (found := library.holdfast_instruction_set(len(names))) is not None:
        names.append(found)
    usable = tuple(name.decode() for name in names if library.holdfast_usable(name))
    return Library(**functions, usable=usable)


def _call_fields(library: ctypes.CDLL) -> str | None:
    """The library's own list of the fields of a call; None from one that has no such list."""
    try:
        describe = library.holdfast_call_fields
    except AttributeError:
        return None
    describe.restype = ctypes.c_char_p
    return str(describe(), "utf-8")


def _places() -> Iterator[Path]:
    """Beside this file; and, of an editable install, where the build put it."""
    yield Path(__file__).with_name(LIBRARY)
    try:
        distribution = metadata.distribution("holdfast")
    except metadata.PackageNotFoundError:
        return
    yield Path(str(distribution.locate_file(Path("holdfast", "engine", "kernels", LIBRARY))))


def _library() -> Library:
    library = load()
    assert not isinstance(library, str)  # a kernel without one serves nothing
    return library


class _Plan(NamedTuple):
    """Kernel and shapes for a spec; the same for any weights and inputs."""

    kernel: int
    """Its address."""
    saved_gates: int
    """How many gates of a unit and step the forward pass saves."""
    variant: bool
    """Whether it needs the kernels with options, a little slower than the others."""
    weight_places: tuple[int, ...]
    """Where in `Weights` there is a weight."""
    shapes: tuple[tuple[int, ...], ...]
    """Of these weights, then of h, c, n and m."""


@lru_cache(maxsize=1024)
def _plan(spec: KernelSpec, instruction_set: str | None) -> _Plan:
    library, options = _library(), spec.options
    instruction_set = instruction_set or library.usable[0]
    variant = bool(options.changed) or spec.projection > 0
    name = spec.cell.name
    if variant and spec.cell is not SLSTM:
        name += "_coupled" if options.coupled else "_variant"
    precision = str(spec.dtype).removeprefix("torch.")
    kernel = library.kernel(instruction_set.encode(), name.encode(), precision.encode())
    assert kernel is not None
    # What has been normalised would take three times as much memory, and is always computed again;
    # but the sLSTM's gates depend on all steps before, and cannot be.
    again = options.layer_norm and spec.cell is not SLSTM
    widths, shapes = (spec.output_size, *[spec.hidden_size] * 3), spec.weight_shapes()
    return _Plan(
        kernel=kernel,
        saved_gates=0 if again else library.saved_gates(kernel),
        variant=variant,
        weight_places=tuple(map(Weights._fields.index, shapes)),
        shapes=(*shapes.values(), *((1, spec.batch, width) for width in widths)),
    )


class CpuKernel:
    """Runs passes by the compiled library, on an instruction set such as "avx2" or the best.

    Gates of up to `saved_bytes` are saved for the backward pass.
    """

    own_backward: Literal[True] = True

    def __init__(self, instruction_set: str | None = None, saved_bytes: int = SAVED_BYTES) -> None:
        self.name = "cpu" if instruction_set is None else f"cpu-{instruction_set}"
        self._instruction_set = instruction_set
        self._saved_bytes = saved_bytes

    def serves(self, spec: KernelSpec) -> Verdict:
        """Every cell in float32 and float64, one layer and direction.

        Without options up to 512 units, since torch's operators take more; with options any.
        """
        library = load()
        if isinstance(library, str):
            return Verdict(False, library)
        if self._instruction_set not in (None, *library.usable):
            return Verdict(False, f"this processor has no {self._instruction_set}")
        if spec.by_equations:
            return Verdict(False, "the equations themselves were asked for")
        if spec.device != "cpu":
            return Verdict(False, f"it runs on the CPU, not on {spec.device}")
        if spec.dtype not in (torch.float32, torch.float64):
            return Verdict(False, f"it computes in float32 and float64, not in {spec.dtype}")
        if spec.cell not in CELLS:
            return Verdict(False, f"there is no compiled kernel for {spec.cell.name}")
        plain = spec.options is NEUTRAL and spec.cell is not SLSTM
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

    def plan(self, spec: KernelSpec) -> _Plan:
        """What a spec that this kernel serves comes to."""
        return _plan(spec, self._instruction_set)

    def forward(self, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State, SavedForBackward]:
        """Run a pass; see `contract.PassKernel`."""
        x, state, batch_sizes = inputs.x, inputs.state, inputs.batch_sizes
        units, has_cell = spec.hidden_size, spec.cell in (LSTM, SLSTM)
        form = x.shape[:-1]
        output = _fresh(x, (*form, spec.output_size))
        cells = _pooled(x, (*form, units)) if has_cell and spec.gradient else None
        cell_state = state[1].clone() if has_cell and cells is None else None
        gates = None
        count = self.plan(spec).saved_gates if spec.gradient else 0
        if count and form.numel() * count * units * x.element_size() <= self._saved_bytes:
            gates = _pooled(x, (*form, count * units))
        beyond = _copied(state[2:])
        self._run(
            spec,
            inputs,
            output=output,
            cells=cells,
            cell_state=cell_state,
            gates=gates,
            beyond=beyond,
        )
        final: State = (_last(spec, output, batch_sizes),)
        if cells is not None:
            final += (_last(spec, cells, batch_sizes),)
        elif cell_state is not None:
            final += (cell_state,)
        return output, final + beyond, SavedForBackward(inputs, output, cells, gates)

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
        gradients = Gradients(
            x=_fresh(inputs.x, inputs.x.shape) if input_gradient else None,
            weights=tuple(
                torch.empty_like(weight, memory_format=torch.contiguous_format)
                for weight in inputs.weights
            ),
            # Ours to write into: what reaches the last state becomes what leaves the first.
            state=tuple(
                before.new_zeros(before.shape)
                if part is None
                else part.clone(memory_format=torch.contiguous_format)
                for before, part in zip(inputs.state, state, strict=True)
            ),
        )
        gates = saved.gates
        if gates is None and spec.cell is SLSTM:
            gates = self._gates_again(spec, saved)
        self._run(
            spec,
            inputs,
            output=saved.output,
            cells=saved.cells,
            gates=gates,
            of_output=None if output is None else output.contiguous(),
            gradients=gradients,
        )
        return gradients

    def _gates_again(self, spec: KernelSpec, saved: SavedForBackward) -> Tensor:
        """What the forward pass has not saved, by running it once more."""
        assert saved.cells is not None
        inputs = saved.inputs
        width = self.plan(spec).saved_gates * spec.hidden_size
        gates = _fresh(inputs.x, (*inputs.x.shape[:-1], width))
        self._run(
            spec,
            inputs,
            output=torch.empty_like(saved.output),
            cells=torch.empty_like(saved.cells),
            gates=gates,
            beyond=_copied(inputs.state[2:]),
        )
        return gates

    def _run(
        self,
        spec: KernelSpec,
        inputs: Inputs,
        *,
        output: Tensor,
        cells: Tensor | None = None,
        cell_state: Tensor | None = None,
        gates: Tensor | None = None,
        beyond: State = (),
        of_output: Tensor | None = None,
        gradients: Gradients | None = None,
    ) -> None:
        """Call the library: forward, or backward into `gradients`.

        Names are those of `native/call_fields.inc`. `beyond` has the parts of the state behind h
        and c, at first on entry, at last on return; the state of `gradients` holds on entry what
        reaches the last state.
        """
        library, plan = _library(), self.plan(spec)
        offsets, batch_sizes = None, inputs.batch_sizes
        if batch_sizes is not None:
            offsets = torch.cat([batch_sizes.new_zeros(1), batch_sizes.cumsum(0)])
        # Held here, so that what had to be made contiguous lives as long as the call.
        x = inputs.x.contiguous()
        state = tuple(part.contiguous() for part in inputs.state)
        weights = spec.weights([weight.contiguous() for weight in inputs.weights])
        _check(spec, plan, x, weights, state)
        weights = _dense(spec, weights)
        of_state: State = () if gradients is None else gradients.state
        pointers = (
            *(offsets, x, *weights[:4], state[0], state[1] if len(state) > 1 else None),
            *(output, cells, cell_state, gates, of_output, *of_state[:2]),
        )
        call = Call(
            *(spec.steps, spec.batch, spec.input_size, spec.hidden_size, spec.reverse),
            worthwhile_threads(spec),
            *_addresses(pointers),
        )
        if plan.variant:
            _set_options(call, spec, weights, inputs.masks)
        if beyond:
            call.normaliser, call.stabiliser = _addresses(beyond)
        address = ctypes.byref(call)
        if gradients is None:
            failed = library.forward(plan.kernel, address)
        else:
            blocks, of_weights = None, spec.weights(gradients.weights)
            if spec.options.heads > 1:
                blocks = of_weights.weight_hh
                of_weights = of_weights._replace(weight_hh=torch.empty_like(weights.weight_hh))
            if gradients.x is not None:
                call.grad_x = gradients.x.data_ptr()
            for name, tensor in zip(Weights._fields, of_weights, strict=True):
                if tensor is not None:
                    setattr(call, f"grad_{name}", tensor.data_ptr())
            if len(of_state) > 2:
                call.grad_normaliser, call.grad_stabiliser = _addresses(of_state[2:])
            failed = library.backward(plan.kernel, address)
            if blocks is not None:
                found = _on_diagonal(of_weights.weight_hh, spec.options.heads)
                blocks.view(found.shape).copy_(found)
        if failed:
            raise MemoryError("The compiled kernel could not get the memory it works in.")


CPU: Final = CpuKernel()


class Stream:
    """A pass run step by step: weights packed once, the given state read and written in place.

    The spec is that of one step, which `CPU` serves. Later changes of the weights do not count. The
    parts of the state, (B, ·), are contiguous.
    """

    def __init__(self, spec: KernelSpec, weights: tuple[Tensor, ...], state: State) -> None:
        self._spec, self._state, self._library = spec, state, _library()
        self._call = Call(
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
        call = ctypes.byref(self._call)
        address: int | None = self._library.stream_open(CPU.plan(spec).kernel, call)
        del held
        if address is None:
            raise MemoryError("The compiled kernel could not get the memory it works in.")
        self.address: int = address
        """What `run` is told."""
        # The call is the library's until then, so it goes along.
        close = self._library.stream_close
        weakref.finalize(self, lambda call: close(address), self._call)

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
        spec, plan = self._spec, CPU.plan(self._spec)
        named = spec.weights([weight.detach().contiguous() for weight in weights])
        x = named.weight_ih.new_empty((1, spec.batch, spec.input_size))
        _check(spec, plan, x, named, tuple(part.unsqueeze(0) for part in self._state))
        named, call = _dense(spec, named), self._call
        call.weight_ih, call.weight_hh = named.weight_ih.data_ptr(), named.weight_hh.data_ptr()
        if named.bias_ih is not None and named.bias_hh is not None:
            call.bias_ih, call.bias_hh = named.bias_ih.data_ptr(), named.bias_hh.data_ptr()
        if plan.variant:
            _set_options(call, spec, named, None)
        return tuple(tensor for tensor in named if tensor is not None)


def worthwhile_threads(spec: KernelSpec) -> int:
    """As many as torch has, or fewer where more would not end sooner."""
    rows = len(spec.cell.gates) * spec.hidden_size
    multiplications = spec.steps * spec.batch * rows * (spec.input_size + spec.hidden_size)
    if multiplications < SMALL:
        return 1
    return min(torch.get_num_threads(), -(-spec.batch // TOGETHER))


def _set_options(call: Call, spec: KernelSpec, weights: Weights, masks: Masks | None) -> None:
    """Tell a call what belongs to options; the weights have to live as long as it does."""
    options = spec.options
    call.projection = spec.projection
    if masks is not None:
        call.masked, call.seed, call.first_step = True, int(masks.seed), masks.first_step
        call.stream = 16 * (2 * masks.layer + masks.direction)
    for name in _OPTIONS:
        setattr(call, name, getattr(options, name))
    call.cell_clip = math.inf if options.cell_clip is None else options.cell_clip
    for name in _FURTHER_WEIGHTS:
        weight = getattr(weights, name)
        if weight is not None:
            setattr(call, name, weight.data_ptr())


def _check(spec: KernelSpec, plan: _Plan, x: Tensor, weights: Weights, state: State) -> None:
    """The library trusts its pointers: sizes that a caller could have changed are checked."""
    dtype, tensors = spec.dtype, (x, *[weights[place] for place in plan.weight_places], *state)
    shapes = ((*x.shape[:-1], spec.input_size), *plan.shapes)
    for tensor, shape in zip(tensors, shapes, strict=False):
        assert tensor is not None
        if tensor.shape != shape or tensor.dtype is not dtype or not tensor.is_cpu:
            raise RuntimeError(
                f"Expected a tensor of size {tuple(shape)} and {spec.dtype} on the CPU, got "
                f"{tuple(tensor.shape)} and {tensor.dtype} on {tensor.device}"
            )


def _dense(spec: KernelSpec, weights: Weights) -> Weights:
    """With W_hh in full, where it is given as blocks on its diagonal; zeros around them."""
    heads = spec.options.heads
    if heads == 1:
        return weights
    full = weights.weight_hh.new_zeros(4 * spec.hidden_size, spec.hidden_size)
    _on_diagonal(full, heads).copy_(weights.weight_hh.view(_on_diagonal(full, heads).shape))
    return weights._replace(weight_hh=full)


def _on_diagonal(full: Tensor, heads: int) -> Tensor:
    """The blocks on the diagonal of a matrix (4H, H), as a view (4, heads, H/heads, H/heads)."""
    units = full.shape[1] // heads
    return full.view(4, heads, units, heads, units).diagonal(dim1=1, dim2=3).permute(0, 3, 1, 2)


def _addresses(tensors: Iterable[Tensor | None]) -> list[int | None]:
    return [None if tensor is None else tensor.data_ptr() for tensor in tensors]


def _fresh(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """An uninitialised tensor, on large pages where it is large."""
    tensor = like.new_empty(shape)
    if tensor.nbytes >= LARGE:
        _library().advise(tensor.data_ptr(), tensor.nbytes)
    return tensor


def _pooled(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """An uninitialised tensor from the buffer pool, for the backward pass alone."""
    if like.element_size() * math.prod(shape) < LARGE:
        return like.new_empty(shape)
    return BUFFERS.tensor(like.dtype, shape)


def _copied(state: State) -> State:
    return tuple(part.clone(memory_format=torch.contiguous_format) for part in state)


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
