"""Our own kernels for the CPU, in C++: `native/`."""

from __future__ import annotations

import ctypes
import math
from typing import Final, Literal

import torch
from torch import Tensor

from holdfast.engine.cells import LSTM, NEUTRAL, SLSTM, Masks, State, Weights
from holdfast.engine.kernels import native
from holdfast.engine.kernels.call import (
    CELLS,
    check,
    dense,
    is_variant,
    kernel_of,
    on_diagonal,
    pointer,
    slots_of,
    tell_options,
    worthwhile_threads,
)
from holdfast.engine.kernels.contract import Gradients, Problem, Tape, Verdict
from holdfast.engine.kernels.lending import LARGE, LENDER

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

    taped: Literal[True] = True

    def __init__(self, instructions: str | None = None, kept_bytes: int = KEPT_BYTES) -> None:
        self.name = "cpu" if instructions is None else f"cpu-{instructions}"
        self._instructions = instructions
        self._kept_bytes = kept_bytes

    def serves(self, problem: Problem) -> Verdict:
        """Every cell in float32 and float64, one layer and direction.

        Without options up to 512 units, since torch's operators take more; with options any.
        """
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
        plain = problem.options is NEUTRAL and problem.cell is not SLSTM
        if problem.options is not NEUTRAL:  # else not to be asked: it takes as long as a short pass
            foreign = set(problem.options.changed) - problem.cell.options
            if foreign:
                return Verdict(False, f"{problem.cell.name} has no {', '.join(sorted(foreign))}")
        if plain and problem.hidden_size > LARGEST_HIDDEN:
            return Verdict(False, f"with more than {LARGEST_HIDDEN} units oneDNN is faster")
        if plain and problem.batch == 1 and problem.hidden_size > LARGEST_ALONE:
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
        units, has_cell = problem.hidden_size, problem.cell in (LSTM, SLSTM)
        form = x.shape[:-1]
        output = _fresh(x, (*form, problem.output_size))
        cells = _lent(x, (*form, units)) if has_cell and problem.gradient else None
        cell_state = state[1].clone() if has_cell and cells is None else None
        kept = None
        slots = slots_of(problem) if problem.gradient else 0
        if slots and form.numel() * slots * units * x.element_size() <= self._kept_bytes:
            kept = _lent(x, (*form, slots * units))
        beyond = tuple(part.clone(memory_format=torch.contiguous_format) for part in state[2:])
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
            beyond=beyond,
        )
        final: State = (_last(problem, output, batch_sizes),)
        if cells is not None:
            final += (_last(problem, cells, batch_sizes),)
        elif cell_state is not None:
            final += (cell_state,)
        final += beyond
        return output, final, Tape(x, batch_sizes, weights, state, output, cells, kept, masks)

    def backward(
        self,
        problem: Problem,
        tape: Tape,
        output: Tensor | None,
        state: tuple[Tensor | None, ...],
        *,
        input_gradient: bool = True,
    ) -> Gradients:
        """The gradients of a pass; see `contract.TapedKernel`."""
        grad_x = _fresh(tape.x, tape.x.shape) if input_gradient else None
        grad_weights = tuple(
            torch.empty_like(weight, memory_format=torch.contiguous_format)
            for weight in tape.weights
        )
        # Ours to write into: what reaches the last state becomes what leaves the first.
        grad_state = tuple(
            before.new_zeros(before.shape)
            if part is None
            else part.clone(memory_format=torch.contiguous_format)
            for before, part in zip(tape.state, state, strict=True)
        )
        named = problem.weights(grad_weights)
        kept = tape.kept
        if kept is None and problem.cell is SLSTM:
            kept = self._slots(problem, tape)
        self._run(
            problem,
            tape.x,
            tape.batch_sizes,
            tape.weights,
            tape.state,
            tape.masks,
            output=tape.output,
            cells=tape.cells,
            slots=kept,
            beyond=grad_state[2:],
            backward=True,
            grad_output=None if output is None else output.contiguous(),
            grad_h=grad_state[0],
            grad_c=grad_state[1] if len(grad_state) > 1 else None,
            grad_x=grad_x,
            grad_weights=named,
        )
        return Gradients(grad_x, grad_weights, grad_state)

    def _slots(self, problem: Problem, tape: Tape) -> Tensor:
        """What the forward pass has not kept, by running it once more."""
        assert tape.cells is not None
        width = slots_of(problem) * problem.hidden_size
        made = _fresh(tape.x, (*tape.x.shape[:-1], width))
        self._run(
            problem,
            tape.x,
            tape.batch_sizes,
            tape.weights,
            tape.state,
            tape.masks,
            output=torch.empty_like(tape.output),
            cells=torch.empty_like(tape.cells),
            slots=made,
            beyond=tuple(
                part.clone(memory_format=torch.contiguous_format) for part in tape.state[2:]
            ),
        )
        return made

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
        beyond: State = (),
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
        named, blocks = dense(problem, named), None
        if grad_weights is not None and problem.options.heads > 1:
            blocks = grad_weights.weight_hh
            grad_weights = grad_weights._replace(weight_hh=torch.empty_like(named.weight_hh))
        call = native.Call(
            problem.steps,
            problem.batch,
            problem.input_size,
            problem.hidden_size,
            problem.reverse,
            worthwhile_threads(problem),
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
        if is_variant(problem):
            tell_options(call, problem, named, masks, grad_weights)
        if beyond:
            places = [pointer(part) for part in beyond]
            if backward:
                call.grad_normaliser, call.grad_stabiliser = places
            else:
                call.normaliser, call.stabiliser = places
        double = problem.dtype == torch.float64
        failed = library.run(index, kernel_of(problem), double, backward, ctypes.byref(call))
        if failed:
            raise MemoryError("The compiled kernel could not get the memory it works in.")
        if blocks is not None and grad_weights is not None:
            found = on_diagonal(grad_weights.weight_hh, problem.options.heads)
            blocks.view(found.shape).copy_(found)

    def instruction_set(self, library: native.Library) -> int | None:
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
        library = native.load()
        assert not isinstance(library, str)
        library.advise(made.data_ptr(), made.nbytes)
    return made


def _lent(like: Tensor, shape: tuple[int, ...]) -> Tensor:
    """An uninitialised tensor for what nobody sees but the backward pass."""
    if like.element_size() * math.prod(shape) < LARGE:
        return like.new_empty(shape)
    return LENDER.lend(like.dtype, shape)


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
