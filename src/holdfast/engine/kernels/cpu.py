"""Our own kernels for the CPU: the loop over time in C++, the large products in torch."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import torch
from torch import Tensor

from holdfast.engine.cells import GRU, LSTM, RNN_RELU, RNN_TANH, State
from holdfast.engine.kernels import native
from holdfast.engine.kernels.contract import Gradients, Problem, Tape, Verdict

_CELLS: Final = (LSTM, GRU, RNN_TANH, RNN_RELU)
"""In the order of the table in `native/kernels.cpp`."""

_SLOTS: Final = {LSTM.name: 4, GRU.name: 4, RNN_TANH.name: 1, RNN_RELU.name: 1}

SEGMENT: Final = 1 << 20
"""Values of the sums' gradient in a segment of the backward pass: they stay in the cache."""

KEPT_BYTES: Final = 1 << 26
"""Gates are kept for the backward pass up to this size; beyond, computing them again costs less
than writing them to fresh memory and reading them back."""

LARGEST_HIDDEN: Final = 512
"""Above, the weights do not fit a core's own cache, and oneDNN's products are better at that."""

NARROW: Final = 4
"""Rows of the batch up to which W_ih x is one product over all steps, and no part of the loop."""


class Gate(NamedTuple):
    """Where a cell's gradients of the sums lie, as columns of H in `grad_sums`.

    Arguments:
        rows: the gates' rows in the weights.
        from_x, from_h: the columns that W_ih x and W_hh h were added to.
    """

    rows: slice
    from_x: slice
    from_h: slice


def _gates(problem: Problem) -> tuple[Gate, ...]:
    """Blocks of rows of the weights and their columns; see the slots in `native/cells`."""
    units = problem.hidden_size
    if problem.cell is GRU:  # columns n, r, z, and n's part of h; rows r, z, n
        first = slice(0, 2 * units)
        middle, last = slice(units, 3 * units), slice(2 * units, 3 * units)
        return (
            Gate(first, middle, middle),
            Gate(last, slice(0, units), slice(3 * units, 4 * units)),
        )
    every = slice(0, len(problem.cell.gates) * units)
    return (Gate(every, every, every),)


class CpuKernel:
    """Runs passes by the compiled library.

    Arguments:
        instructions: an instruction set by its name, such as "avx2"; None for the best there is.
    """

    taped: Literal[True] = True

    def __init__(self, instructions: str | None = None) -> None:
        self.name = "cpu" if instructions is None else f"cpu-{instructions}"
        self._instructions = instructions

    def serves(self, problem: Problem) -> Verdict:
        """LSTM, GRU and RNN in float32 and float64, one layer and direction, up to 512 units."""
        library = native.load()
        if isinstance(library, str):
            return Verdict(False, library)
        if self._instructions is not None and self._index(library) is None:
            return Verdict(False, f"this processor has no {self._instructions}")
        if problem.by_equations:
            return Verdict(False, "the equations themselves were asked for")
        if problem.device != "cpu":
            return Verdict(False, f"it runs on the CPU, not on {problem.device}")
        if problem.dtype not in (torch.float32, torch.float64):
            return Verdict(False, f"it computes in float32 and float64, not in {problem.dtype}")
        if problem.cell not in _CELLS:
            return Verdict(False, f"there is no compiled kernel for {problem.cell.name}")
        if problem.projection:
            return Verdict(False, "there is no compiled kernel for projections")
        if problem.hidden_size > LARGEST_HIDDEN:
            return Verdict(False, f"with more than {LARGEST_HIDDEN} units oneDNN is faster")
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
    ) -> tuple[Tensor, State, Tape]:
        """Run a pass; see `contract.TapedKernel`."""
        run = _Run(self, problem, x, batch_sizes, weights, state)
        output = x.new_empty((run.rows, problem.hidden_size))
        has_cell = problem.cell is LSTM
        cells = torch.empty_like(output) if has_cell and problem.gradient else None
        cell_state = state[1][0].clone() if has_cell and not problem.gradient else None
        kept = None
        if problem.gradient and len(problem.cell.gates) > 1:
            width = _SLOTS[problem.cell.name] * problem.hidden_size
            if run.rows * width * x.element_size() <= KEPT_BYTES:
                kept = x.new_empty((run.rows, width))
        for begin, end in run.forward_segments():
            projected = run.projected(begin, end)
            run(
                False,
                begin,
                end,
                projected=projected,
                output=output,
                cells=cells,
                cell_state=cell_state,
                gates=kept,
            )
        final: State = (run.final(output),)
        if has_cell:
            final += (run.final(cells) if cells is not None else _one(cell_state),)
        shaped = (
            output if batch_sizes is not None else output.view(*x.shape[:2], problem.hidden_size)
        )
        if cells is not None:
            cells = cells.view(shaped.shape)
        return shaped, final, Tape(x, batch_sizes, weights, state, shaped, cells, kept)

    def backward(
        self, problem: Problem, tape: Tape, output: Tensor | None, state: State
    ) -> Gradients:
        """The gradients of a pass; see `contract.TapedKernel`."""
        run = _Run(self, problem, tape.x, tape.batch_sizes, tape.weights, tape.state)
        units = problem.hidden_size
        named = problem.weights(run.weights)
        grad_x = torch.empty_like(run.x)
        grad_weights = [torch.zeros_like(weight) for weight in run.weights]
        grad_state = tuple(part[0].clone() for part in state)
        hidden = _one(tape.output).reshape(run.rows, units)
        cells = None if tape.cells is None else tape.cells.reshape(run.rows, units)
        grad_output = None if output is None else output.reshape(run.rows, units).contiguous()
        width = _SLOTS[problem.cell.name] * units
        blocks = _gates(problem)
        sums: Tensor | None = None
        for begin, end in run.backward_segments(width):
            low, high = run.offset(begin), run.offset(end)
            if sums is None or len(sums) < high - low:
                sums = run.x.new_empty((high - low, width))
            part = sums[: high - low]
            run(
                True,
                begin,
                end,
                projected=run.projected(begin, end) if tape.kept is None else None,
                output=hidden,
                cells=cells,
                gates=tape.kept,
                grad_output=grad_output,
                grad_h=grad_state[0],
                grad_c=grad_state[1] if len(grad_state) > 1 else None,
                grad_sums=part,
            )
            for index, block in enumerate(blocks):
                by_x, by_h = part[:, block.from_x], part[:, block.from_h]
                into = grad_x[low:high]
                if index == 0:
                    torch.mm(by_x, named.weight_ih[block.rows], out=into)
                else:
                    into.addmm_(by_x, named.weight_ih[block.rows])
                grad_weights[0][block.rows].addmm_(by_x.t(), run.x[low:high])
                for first, before in run.states_before(hidden, begin, end):
                    grad_weights[1][block.rows].addmm_(
                        by_h[first : first + len(before)].t(), before
                    )
                if problem.bias:
                    grad_weights[2][block.rows] += by_x.sum(0)
                    if block.from_x != block.from_h:
                        grad_weights[3][block.rows] += by_h.sum(0)
        if problem.bias:
            for block in blocks:
                if block.from_x == block.from_h:
                    grad_weights[3][block.rows] = grad_weights[2][block.rows]
        return Gradients(
            grad_x.view(tape.x.shape),
            tuple(grad_weights),
            tuple(part.unsqueeze(0) for part in grad_state),
        )

    def _index(self, library: native.Library) -> int | None:
        """The instruction set to take."""
        if self._instructions is None:
            return library.usable[0]
        if self._instructions not in library.names:
            return None
        index = library.names.index(self._instructions)
        return index if index in library.usable else None


class _Run:
    """One pass as the library is told of it."""

    def __init__(
        self,
        kernel: CpuKernel,
        problem: Problem,
        x: Tensor,
        batch_sizes: Tensor | None,
        weights: tuple[Tensor, ...],
        state: State,
    ) -> None:
        library = native.load()
        assert not isinstance(library, str)
        self.problem = problem
        self.x = x.reshape(x.shape[:-1].numel(), problem.input_size).contiguous()
        self.rows = self.x.shape[0]
        self.weights = tuple(weight.contiguous() for weight in weights)
        self.state = tuple(part.contiguous() for part in state)
        self.batch_sizes = batch_sizes
        self.offsets: Tensor | None = None
        if batch_sizes is not None:
            self.offsets = torch.cat([batch_sizes.new_zeros(1), batch_sizes.cumsum(0)])
        threads = torch.get_num_threads()
        named = problem.weights(self.weights)
        self._library, self._index = library, kernel._index(library)
        self._cell = _CELLS.index(problem.cell)
        self._call = native.Call(
            steps=problem.steps,
            batch=problem.batch,
            inputs=problem.input_size,
            units=problem.hidden_size,
            reverse=problem.reverse,
            threads=threads,
            offsets=_pointer(self.offsets),
            x=_pointer(self.x),
            weight_ih=_pointer(named.weight_ih),
            weight_hh=_pointer(named.weight_hh),
            bias_ih=_pointer(named.bias_ih),
            bias_hh=_pointer(named.bias_hh),
            h0=_pointer(self.state[0]),
            c0=_pointer(self.state[1]) if len(self.state) > 1 else None,
        )
        # A few rows leave most of the registers empty: there one large product is faster.
        rows = -(-problem.batch // threads)
        self._apart = rows <= NARROW and problem.input_size > 16

    def __call__(
        self,
        backward: bool,
        begin: int,
        end: int,
        *,
        projected: Tensor | None,
        output: Tensor,
        cells: Tensor | None = None,
        cell_state: Tensor | None = None,
        gates: Tensor | None = None,
        grad_output: Tensor | None = None,
        grad_h: Tensor | None = None,
        grad_c: Tensor | None = None,
        grad_sums: Tensor | None = None,
    ) -> None:
        """Run the steps from `begin` to before `end`; the arguments are those of `HoldfastCall`."""
        call = self._call
        call.begin, call.end = begin, end
        call.projected = _pointer(projected)
        call.output, call.cells = _pointer(output), _pointer(cells)
        call.cell_state, call.gates = _pointer(cell_state), _pointer(gates)
        call.grad_output, call.grad_sums = _pointer(grad_output), _pointer(grad_sums)
        call.grad_h, call.grad_c = _pointer(grad_h), _pointer(grad_c)
        double = self.problem.dtype == torch.float64
        failed = self._library.run(self._index, self._cell, double, backward, ctypes.byref(call))
        if failed:
            raise MemoryError("The compiled kernel could not get the memory it works in.")

    def offset(self, step: int) -> int:
        """The first row of a step."""
        return step * self.problem.batch if self.offsets is None else int(self.offsets[step].item())

    def projected(self, begin: int, end: int) -> Tensor | None:
        """W_ih x of some steps, where that is not left to the loop."""
        if not self._apart:
            return None
        return torch.mm(self.x[self.offset(begin) : self.offset(end)], self.weights[0].t())

    def forward_segments(self) -> Iterator[tuple[int, int]]:
        """The steps in the order in which they are run."""
        width = len(self.problem.cell.gates) * self.problem.hidden_size
        segments = self._segments(width) if self._apart else [(0, self.problem.steps)]
        yield from reversed(segments) if self.problem.reverse else segments

    def backward_segments(self, width: int) -> Iterator[tuple[int, int]]:
        """The steps in the order in which gradients go back through them."""
        segments = self._segments(width)
        yield from segments if self.problem.reverse else reversed(segments)

    def _segments(self, width: int) -> list[tuple[int, int]]:
        steps = self.problem.steps
        count = max(1, SEGMENT // (width * max(self.problem.batch, 1)))
        return [(begin, min(begin + count, steps)) for begin in range(0, steps, count)]

    def final(self, every: Tensor) -> Tensor:
        """The last computed of every sequence, (1, B, H), from all rows."""
        problem = self.problem
        if self.offsets is None or self.batch_sizes is None:
            step = 0 if problem.reverse else problem.steps - 1
            return every[step * problem.batch : (step + 1) * problem.batch].clone().unsqueeze(0)
        rows = torch.arange(problem.batch)
        if problem.reverse:
            return every.index_select(0, rows).unsqueeze(0)
        lengths = (self.batch_sizes > rows.unsqueeze(1)).sum(1)
        return every.index_select(0, self.offsets[lengths - 1] + rows).unsqueeze(0)

    def states_before(self, hidden: Tensor, begin: int, end: int) -> Iterator[tuple[int, Tensor]]:
        """h before each row of some steps: the first row that a piece is for, and the piece."""
        problem, batch, initial = self.problem, self.problem.batch, self.state[0][0]
        if self.offsets is not None:
            yield 0, self._gathered(hidden, begin, end)
            return
        if problem.reverse:
            inner = hidden[(begin + 1) * batch : (end + 1) * batch]
            yield 0, inner
            if end == problem.steps:
                yield len(inner), initial
            return
        first = begin == 0
        if first:
            yield 0, initial
        yield first * batch, hidden[max(begin - 1, 0) * batch : (end - 1) * batch]

    def _gathered(self, hidden: Tensor, begin: int, end: int) -> Tensor:
        """The same for a ragged batch, where a step's rows are not those of its neighbour."""
        assert self.offsets is not None
        assert self.batch_sizes is not None
        sizes, offsets = self.batch_sizes, self.offsets
        steps = torch.repeat_interleave(torch.arange(begin, end), sizes[begin:end])
        rows = torch.arange(len(steps)) + offsets[begin] - offsets[steps]
        before = steps + (1 if self.problem.reverse else -1)
        inside = (before >= 0) & (before < self.problem.steps)
        before = before.clamp(0, self.problem.steps - 1)
        computed = inside & (rows < sizes[before])
        found = hidden.index_select(0, torch.where(computed, offsets[before] + rows, 0))
        initial = self.state[0][0].index_select(0, rows)
        return torch.where(computed.unsqueeze(1), found, initial)


def _pointer(tensor: Tensor | None) -> int | None:
    return None if tensor is None else tensor.data_ptr()


def _one(tensor: Tensor | None) -> Tensor:
    assert tensor is not None
    return tensor.unsqueeze(0) if tensor.dim() == 2 else tensor


CPU = CpuKernel()
