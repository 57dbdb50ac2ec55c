"""Our own kernels for the CPU, in C++: `native/`."""

from __future__ import annotations

import ctypes
import math
from typing import Final, Literal

import torch
from torch import Tensor

from holdfast.engine.cells import GRU, LSTM, NEUTRAL, RNN_RELU, RNN_TANH, Masks, State, Weights
from holdfast.engine.kernels import native
from holdfast.engine.kernels.contract import Gradients, Problem, Tape, Verdict

CELLS: Final = (LSTM, GRU, RNN_TANH, RNN_RELU)
"""In the order of the table in `native/kernels.cpp`."""

OPTIONS: Final = frozenset(
    {
        "peepholes",
        "coupled",
        "layer_norm",
        "cell_clip",
        "recurrent_dropout",
        "zoneout_hidden",
        "zoneout_cell",
    }
)
"""Those that are compiled."""

KEPT_BYTES: Final = 1 << 28
"""It is kept up to this size; beyond, computing it again costs less than the memory."""

LARGE: Final = 1 << 22
"""Bytes from which a tensor gets large pages."""

SMALL: Final = 1 << 19
"""Multiplications, some 20 microseconds of them, up to which one thread does it alone."""

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

    taped: Literal[True] = True

    def __init__(self, instructions: str | None = None, kept_bytes: int = KEPT_BYTES) -> None:
        self.name = "cpu" if instructions is None else f"cpu-{instructions}"
        self._instructions = instructions
        self._kept_bytes = kept_bytes

    def serves(self, problem: Problem) -> Verdict:
        """LSTM, GRU and RNN in float32 and float64, one layer and direction, up to 512 units."""
        library = native.load()
        if isinstance(library, str):
            return Verdict(False, library)
        if self._instructions is not None and self.instruction_set(library) is None:
            return Verdict(False, f"this processor has no {self._instructions}")
        if problem.by_equations:
            return Verdict(False, "the equations themselves were asked for")
        if problem.device != "cpu":
            return Verdict(False, f"it runs on the CPU, not on {problem.device}")
        if problem.dtype not in (torch.float32, torch.float64):
            return Verdict(False, f"it computes in float32 and float64, not in {problem.dtype}")
        if problem.cell not in CELLS:
            return Verdict(False, f"there is no compiled kernel for {problem.cell.name}")
        foreign = set(problem.options.changed) - (problem.cell.options & OPTIONS)
        if foreign:
            changed = ", ".join(sorted(foreign))
            return Verdict(False, f"there is no compiled kernel for {problem.cell.name}'s {changed}")
        if problem.hidden_size > LARGEST_HIDDEN:
            return Verdict(False, f"with more than {LARGEST_HIDDEN} units oneDNN is faster")
        if problem.batch == 1 and problem.hidden_size > LARGEST_ALONE:
            return Verdict(
                False, f"with one row and more than {LARGEST_ALONE} units oneDNN is faster"
            )
        if not problem.is_pass:
            return Verdict(False, "it runs one layer and direction")
        return Verdict(True, "compiled loop over time, every gate of a tile while it is in cache")

    def forward(
        self,
        problem: Problem,
        x: Tensor,
        batch_sizes: Tensor | None,
        weights: tuple[Tensor, ...],
        state: State,
        masks: Masks | None = None,
    ) -> tuple[Tensor, State, Tape]:
        """Run a pass; see `contract.TapedKernel`."""
        units, has_cell = problem.hidden_size, problem.cell is LSTM
        form = x.shape[:-1]
        output = _fresh(x, (*form, problem.output_size))
        cells = _fresh(x, (*form, units)) if has_cell and problem.gradient else None
        cell_state = state[1].clone() if has_cell and cells is None else None
        kept = None
        slots = slots_of(problem) if problem.gradient else 0
        if slots and form.numel() * slots * units * x.element_size() <= self._kept_bytes:
            kept = _fresh(x, (*form, slots * units))
        self._run(
            problem,
            x,
            batch_sizes,
            weights,
            state,
            masks,
            output=output,
            cells=cells,
            cell_state=cell_state,
            slots=kept,
        )
        final: State = (_last(problem, output, batch_sizes),)
        if cells is not None:
            final += (_last(problem, cells, batch_sizes),)
        elif cell_state is not None:
            final += (cell_state,)
        return output, final, Tape(x, batch_sizes, weights, state, output, cells, kept, masks)

    def backward(
        self,
        problem: Problem,
        tape: Tape,
        output: Tensor | None,
        state: State,
        *,
        input_gradient: bool = True,
    ) -> Gradients:
        """The gradients of a pass; see `contract.TapedKernel`."""
        grad_x = _fresh(tape.x, tape.x.shape) if input_gradient else None
        grad_weights = tuple(
            torch.empty_like(weight, memory_format=torch.contiguous_format)
            for weight in tape.weights
        )
        grad_state = tuple(part.clone(memory_format=torch.contiguous_format) for part in state)
        named = problem.weights(grad_weights)
        self._run(
            problem,
            tape.x,
            tape.batch_sizes,
            tape.weights,
            tape.state,
            tape.masks,
            output=tape.output,
            cells=tape.cells,
            slots=tape.kept,
            backward=True,
            grad_output=None if output is None else output.contiguous(),
            grad_h=grad_state[0],
            grad_c=grad_state[1] if len(grad_state) > 1 else None,
            grad_x=grad_x,
            grad_weights=named,
        )
        return Gradients(grad_x, grad_weights, grad_state)

    def _run(
        self,
        problem: Problem,
        x: Tensor,
        batch_sizes: Tensor | None,
        weights: tuple[Tensor, ...],
        state: State,
        masks: Masks | None,
        *,
        output: Tensor,
        cells: Tensor | None = None,
        cell_state: Tensor | None = None,
        slots: Tensor | None = None,
        backward: bool = False,
        grad_output: Tensor | None = None,
        grad_h: Tensor | None = None,
        grad_c: Tensor | None = None,
        grad_x: Tensor | None = None,
        grad_weights: Weights | None = None,
    ) -> None:
        """Call the library; the names are those of `native/call.hpp`."""
        library = native.load()
        assert not isinstance(library, str)
        index = self.instruction_set(library)
        assert index is not None
        offsets = None
        if batch_sizes is not None:
            offsets = torch.cat([batch_sizes.new_zeros(1), batch_sizes.cumsum(0)])
        # Held here, so that what had to be made contiguous lives as long as the call.
        x = x.contiguous()
        state = tuple(part.contiguous() for part in state)
        named = problem.weights([weight.contiguous() for weight in weights])
        check(problem, x, named, state)
        call = native.Call(
            problem.steps,
            problem.batch,
            problem.input_size,
            problem.hidden_size,
            problem.reverse,
            worthwhile_threads(problem),
            _pointer(offsets),
            _pointer(x),
            _pointer(named.weight_ih),
            _pointer(named.weight_hh),
            _pointer(named.bias_ih),
            _pointer(named.bias_hh),
            _pointer(state[0]),
            _pointer(state[1]) if len(state) > 1 else None,
            _pointer(output),
            _pointer(cells),
            _pointer(cell_state),
            _pointer(slots),
            _pointer(grad_output),
            _pointer(grad_h),
            _pointer(grad_c),
            _pointer(grad_x),
        )
        if grad_weights is not None:
            call.grad_weight_ih = _pointer(grad_weights.weight_ih)
            call.grad_weight_hh = _pointer(grad_weights.weight_hh)
            call.grad_bias_ih = _pointer(grad_weights.bias_ih)
            call.grad_bias_hh = _pointer(grad_weights.bias_hh)
        if is_variant(problem):
            tell_options(call, problem, named, masks, grad_weights)
        double = problem.dtype == torch.float64
        failed = library.run(index, kernel_of(problem), double, backward, ctypes.byref(call))
        if failed:
            raise MemoryError("The compiled kernel could not get the memory it works in.")

    def instruction_set(self, library: native.Library) -> int | None:
        """The instruction set to take."""
        if self._instructions is None:
            return library.usable[0]
        if self._instructions not in library.names:
            return None
        index = library.names.index(self._instructions)
        return index if index in library.usable else None


def is_variant(problem: Problem) -> bool:
    """Whether a pass needs the kernels with options, which are a little slower than the others."""
    return problem.options is not NEUTRAL and bool(problem.options.changed) or problem.projection > 0


def kernel_of(problem: Problem) -> int:
    """The number of a pass's kernel in the table in `native/kernels.cpp`."""
    plain = CELLS.index(problem.cell)
    if not is_variant(problem):
        return plain
    return 4 + plain + (plain > 0 or problem.options.coupled)


def slots_of(problem: Problem) -> int:
    """What the forward pass keeps of a unit at a step for the backward pass: the gates.

    The plain RNN's only gate is its output, and not once options stand between the two. What has
    been normalised would take three times as much memory, and is always computed once more.
    """
    if problem.options.layer_norm:
        return 0
    if problem.cell is GRU:
        return 4  # r, z, n and what r is multiplied with
    gates = len(problem.cell.gates) - problem.options.coupled
    return gates if gates > 1 or is_variant(problem) else 0


def tell_options(
    call: native.Call,
    problem: Problem,
    weights: Weights,
    masks: Masks | None,
    gradients: Weights | None,
) -> None:
    """Fill in what belongs to options.

    Arguments:
        call: of which the rest is told already.
        problem, weights, masks: of the pass; the weights have to live as long as the call.
        gradients: where those of the weights go to, in a backward pass.
    """
    options = problem.options
    call.projection = problem.projection
    if masks is not None:
        call.masked, call.seed, call.first_step = True, int(masks.seed), masks.first_step
        call.stream = 16 * (2 * masks.layer + masks.direction)
    call.recurrent_dropout = options.recurrent_dropout
    call.zoneout_hidden, call.zoneout_cell = options.zoneout_hidden, options.zoneout_cell
    call.cell_clip = math.inf if options.cell_clip is None else options.cell_clip
    call.weight_hr, call.peephole = _pointer(weights.weight_hr), _pointer(weights.weight_peephole)
    call.norm_ih, call.norm_hh = _pointer(weights.norm_ih), _pointer(weights.norm_hh)
    call.norm_c, call.norm_c_bias = _pointer(weights.norm_c), _pointer(weights.norm_c_bias)
    if gradients is None:
        return
    call.grad_weight_hr = _pointer(gradients.weight_hr)
    call.grad_peephole = _pointer(gradients.weight_peephole)
    call.grad_norm_ih = _pointer(gradients.norm_ih)
    call.grad_norm_hh = _pointer(gradients.norm_hh)
    call.grad_norm_c = _pointer(gradients.norm_c)
    call.grad_norm_c_bias = _pointer(gradients.norm_c_bias)


def check(problem: Problem, x: Tensor, weights: Weights, state: State) -> None:
    """The library trusts its pointers: sizes that a caller could have changed are checked."""
    units, width = problem.hidden_size, problem.output_size
    wanted: list[tuple[Tensor, tuple[int, ...]]] = [(x, (*x.shape[:-1], problem.input_size))]
    if is_variant(problem):
        for name, shape in problem.weight_shapes().items():
            wanted.append((getattr(weights, name), shape))
    else:
        rows = len(problem.cell.gates) * units
        wanted.append((weights.weight_ih, (rows, problem.input_size)))
        wanted.append((weights.weight_hh, (rows, units)))
        for bias in (weights.bias_ih, weights.bias_hh):
            if bias is not None:
                wanted.append((bias, (rows,)))
    for part, last in zip(state, (width, units), strict=False):
        wanted.append((part, (1, problem.batch, last)))
    for tensor, shape in wanted:
        if tensor.shape != shape or tensor.dtype != problem.dtype or tensor.device.type != "cpu":
            raise RuntimeError(
                f"Expected a tensor of size {tuple(shape)} and {problem.dtype} on the CPU, got "
                f"{tuple(tensor.shape)} and {tensor.dtype} on {tensor.device}"
            )


def worthwhile_threads(problem: Problem) -> int:
    """As many as torch has, or one where starting them takes longer than the work."""
    rows = len(problem.cell.gates) * problem.hidden_size
    multiplications = (
        problem.steps * problem.batch * rows * (problem.input_size + problem.hidden_size)
    )
    return 1 if multiplications < SMALL else torch.get_num_threads()


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _fresh(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """An uninitialised tensor, on large pages where it is large."""
    made = like.new_empty(shape)
    if made.nbytes >= LARGE:
        library = native.load()
        assert not isinstance(library, str)
        library.advise(made.data_ptr(), made.nbytes)
    return made


def _last(problem: Problem, every: Tensor, batch_sizes: Tensor | None) -> Tensor:
    """The last computed of every sequence, (1, B, H), from those of all steps."""
    if batch_sizes is None:
        step = 0 if problem.reverse else problem.steps - 1
        return every[step : step + 1].clone()
    rows = torch.arange(problem.batch)
    if problem.reverse:
        return every[: problem.batch].clone().unsqueeze(0)
    lengths = (batch_sizes > rows.unsqueeze(1)).sum(1)
    offsets = batch_sizes.cumsum(0) - batch_sizes
    return every.index_select(0, offsets[lengths - 1] + rows).unsqueeze(0)


CPU = CpuKernel()
