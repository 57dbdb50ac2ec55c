"""Kernels, specs for them, numbers to run them on, and the truth about them in float64."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from holdfast.engine.autograd import run_pass
from holdfast.engine.cells import (
    GRU,
    LSTM,
    RNN_RELU,
    RNN_TANH,
    SLSTM,
    Cell,
    Masks,
    Options,
    State,
    StepMasks,
)
from holdfast.engine.cells.masks import MaskReader
from holdfast.engine.kernels import cpu
from holdfast.engine.kernels.choose import KERNELS
from holdfast.engine.kernels.contract import Inputs, Kernel, KernelSpec
from holdfast.engine.kernels.cpu import CPU, CpuKernel

CELLS = (LSTM, GRU, RNN_TANH, RNN_RELU)
VARIANT_CELLS = (*CELLS, SLSTM)
SHAPES = tuple(itertools.product((1, 7), (0, 1, 2, 7), (1, 3, 17)))  # T, B, H
RAGGED_SHAPES = tuple(shape for shape in SHAPES if shape[0] > 1 and shape[1] > 1)
STRUCTURES = ("pass", "reverse", "stack")
OPTIONS: dict[str, Any] = {
    "peepholes": True,
    "coupled": True,
    "layer_norm": True,
    "cell_clip": 0.4,
    "recurrent_dropout": 0.4,
    "zoneout_hidden": 0.3,
    "zoneout_cell": 0.2,
    "heads": 3,
    "exponential_forget": True,
}
"""A value for each option, such that it changes the numbers."""


@dataclass(frozen=True)
class Numbers:
    """What goes into a kernel."""

    x: Tensor
    batch_sizes: Tensor | None
    lengths: tuple[int, ...]
    weights: tuple[Tensor, ...]
    state: State
    masks: Masks | None = None

    def inputs(self) -> Inputs:
        """As a kernel takes them."""
        return Inputs(
            x=self.x,
            batch_sizes=self.batch_sizes,
            weights=self.weights,
            state=self.state,
            masks=self.masks,
        )

    def leaves(self) -> tuple[Tensor, ...]:
        """What gradients are taken to."""
        return (self.x, *self.weights, *self.state)

    def to(self, dtype: torch.dtype) -> Numbers:
        """The same numbers in another precision, as new leaves."""

        def turn(tensor: Tensor) -> Tensor:
            return tensor.detach().to(dtype, copy=True).requires_grad_()

        return replace(
            self,
            x=turn(self.x),
            weights=tuple(turn(weight) for weight in self.weights),
            state=tuple(turn(part) for part in self.state),
        )


def specs() -> Iterator[KernelSpec]:
    """Every cell with every option and dtype; the shapes take turns so that each cell meets all."""
    dense, packed = itertools.cycle(SHAPES), itertools.cycle(RAGGED_SHAPES)
    options = itertools.product(
        CELLS, STRUCTURES, (False, True), (False, True), (torch.float32, torch.float64), range(4)
    )
    for cell, structure, ragged, bias, dtype, turn in options:
        steps, batch, hidden = next(packed if ragged else dense)
        projection = hidden // 2 if cell is LSTM and turn == 1 else 0
        yield KernelSpec(
            cell=cell,
            steps=steps,
            batch=batch,
            input_size=2,
            hidden_size=hidden,
            dtype=dtype,
            device="cpu",
            layers=2 if structure == "stack" else 1,
            directions=2 if structure == "stack" else 1,
            reverse=structure == "reverse",
            bias=bias,
            projection=projection,
            ragged=ragged,
        )


def large_specs() -> Iterator[KernelSpec]:
    """Shapes that cross every border in a kernel: of tiles, blocks, threads, chunks of steps."""
    sizes = itertools.cycle([(129, 2, 5, 65), (5, 131, 3, 17), (40, 7, 1, 33)])
    for cell, dtype, ragged in itertools.product(
        CELLS, (torch.float32, torch.float64), (False, True)
    ):
        steps, batch, inputs, hidden = next(sizes)
        yield KernelSpec(
            cell=cell,
            steps=steps,
            batch=batch,
            input_size=inputs,
            hidden_size=hidden,
            dtype=dtype,
            device="cpu",
            reverse=ragged,
            ragged=ragged,
        )


def variants(cell: Cell, *, most: int) -> Iterator[Options]:
    """Every choice of up to so many options of a cell."""
    names = [name for name in OPTIONS if name in cell.options]
    for count in range(1, most + 1):
        for chosen in itertools.combinations(names, count):
            yield Options(**{name: OPTIONS[name] for name in chosen})


def variant_specs(*, most: int = 2) -> Iterator[KernelSpec]:
    """Every cell with every choice of up to so many options; everything else takes turns."""
    dense, packed = itertools.cycle(SHAPES), itertools.cycle(RAGGED_SHAPES)
    turns = itertools.product((False, True), (False, True), (0, 2), (False, True))
    turn = itertools.cycle(turns)
    for cell in VARIANT_CELLS:
        for options in (*([Options()] if cell is SLSTM else []), *variants(cell, most=most)):
            for dtype in (torch.float32, torch.float64):
                ragged, reverse, projection, bias = next(turn)
                steps, batch, hidden = next(packed if ragged else dense)
                hidden += -hidden % options.heads
                yield KernelSpec(
                    cell=cell,
                    steps=steps,
                    batch=batch,
                    input_size=2,
                    hidden_size=hidden,
                    dtype=dtype,
                    device="cpu",
                    reverse=reverse,
                    bias=bias,
                    projection=projection if cell is LSTM and projection < hidden else 0,
                    ragged=ragged,
                    options=options,
                )


def long_variant_specs() -> Iterator[KernelSpec]:
    """All options of a cell at once, with and without coupled gates, over a kernel's borders."""
    sizes = itertools.cycle([(70, 2, 5, 33), (3, 50, 2, 18)])
    chosen: list[tuple[Cell, int, Options]] = []
    for cell in VARIANT_CELLS:
        every = {name: OPTIONS[name] for name in OPTIONS if name in cell.options}
        chosen.append((cell, 0, Options(**every)))
        if cell is LSTM:
            chosen.append((cell, 7, Options(**every)))
            chosen.append((cell, 7, Options(**(every | {"coupled": False}))))
            chosen.append((cell, 0, Options(**(every | {"layer_norm": False}))))
    for (cell, projection, options), ragged in itertools.product(chosen, (False, True)):
        steps, batch, inputs, hidden = next(sizes)
        yield KernelSpec(
            cell=cell,
            steps=steps,
            batch=batch,
            input_size=inputs,
            hidden_size=hidden,
            dtype=torch.float64,
            device="cpu",
            projection=projection,
            reverse=ragged,
            ragged=ragged,
            options=options,
        )


def label(spec: KernelSpec) -> str:
    """A name for a test's case."""
    marks = [
        spec.cell.name,
        "stack" if spec.layers > 1 else "reverse" if spec.reverse else "pass",
        f"T{spec.steps}B{spec.batch}H{spec.hidden_size}",
        str(spec.dtype).removeprefix("torch."),
    ]
    marks += ["ragged"] * spec.ragged + ["bias"] * spec.bias
    marks += ["projection"] * (spec.projection > 0)
    return "-".join([*marks, *spec.options.changed])


def numbers(spec: KernelSpec, seed: int = 0, *, unseen: bool = False) -> Numbers:
    """Random float64 numbers that float32 can hold, so that both precisions start from the same.

    `unseen`: a third of an sLSTM's units have seen nothing, n = 0. That is a border: no quotient of
    differences can be taken across it.
    """
    draw = torch.Generator().manual_seed(seed)

    def tensor(*shape: int, positive: bool = False) -> Tensor:
        # 1/√columns keeps a step from enlarging errors, as weights of order one would.
        values = torch.randn(shape, generator=draw, dtype=torch.float32) / shape[-1] ** 0.5
        if positive:
            values = values.abs() + 1
            if unseen:
                values.view(-1)[::3] = 0
        return values.double().requires_grad_()

    lengths = tuple(max(1, spec.steps - row * spec.ragged) for row in range(spec.batch))
    if spec.ragged:
        sizes = [sum(length > step for length in lengths) for step in range(spec.steps)]
        batch_sizes = torch.tensor(sizes)
        x = tensor(sum(sizes), spec.input_size)
    else:
        batch_sizes = None
        x = tensor(spec.steps, spec.batch, spec.input_size)
    units, width = spec.hidden_size, spec.output_size
    weights = tuple(
        tensor(*shape) for part in spec.passes() for shape in part.weight_shapes().values()
    )
    held = spec.layers * spec.directions
    state = tuple(
        tensor(held, spec.batch, width if part == "h" else units, positive=part == "n")
        for part in spec.cell.parts
    )
    masks = Masks(seed=5, layer=1, direction=1) if spec.options.draws else None
    return Numbers(x, batch_sizes, lengths, weights, state, masks)


def run(kernel: Kernel, spec: KernelSpec, given: Numbers) -> tuple[Tensor, State]:
    """Run a kernel as the layers do."""
    if kernel.own_backward is True:
        return run_pass(kernel, spec, given.inputs())
    return kernel.forward(spec, given.inputs())


def truth(spec: KernelSpec, given: Numbers) -> tuple[Tensor, State]:
    """Row by row, each alone, by the cell's step: no packing, no batching, no kernel."""
    if spec.batch == 0:
        width = spec.directions * spec.output_size
        return given.x.new_zeros(spec.steps, 0, width), given.state
    rows = [_one_row(spec, given, row) for row in range(spec.batch)]
    state = tuple(
        torch.stack([final[part] for _, final in rows], dim=1)
        for part in range(len(spec.cell.parts))
    )
    outputs = [output for output, _ in rows]
    if not spec.ragged:
        return torch.stack(outputs, dim=1), state
    packed = [
        output[step] for step in range(spec.steps) for output in outputs if step < len(output)
    ]
    return torch.stack(packed), state


def _one_row(spec: KernelSpec, given: Numbers, row: int) -> tuple[Tensor, tuple[Tensor, ...]]:
    length = given.lengths[row]
    if given.batch_sizes is None:
        sequence = given.x[:, row]
    else:
        starts = [0, *given.batch_sizes.cumsum(0).tolist()]
        sequence = torch.stack([given.x[starts[step] + row] for step in range(length)])
    width, parts = spec.tensors_per_pass, spec.passes()
    finals: list[tuple[Tensor, ...]] = []
    for layer in range(spec.layers):
        read = []
        for direction in range(spec.directions):
            index = layer * spec.directions + direction
            weights = spec.weights(given.weights[index * width : (index + 1) * width])
            state = tuple(part[index, row : row + 1] for part in given.state)
            backwards = parts[index].reverse if not spec.is_pass else spec.reverse
            drawn = MaskReader(
                given.masks,
                spec.options,
                spec.batch,
                spec.output_size,
                spec.hidden_size,
                given.x,
            )
            seen: dict[int, Tensor] = {}
            for step in reversed(range(length)) if backwards else range(length):
                masks = StepMasks(
                    *(None if mask is None else mask[row:] for mask in drawn.at(step, row + 1))
                )
                state = spec.cell.step(
                    sequence[step : step + 1], state, weights, spec.options, masks
                )
                seen[step] = state[0][0]
            read.append(torch.stack([seen[step] for step in range(length)]))
            finals.append(tuple(part[0] for part in state))
        sequence = torch.cat(read, dim=-1)
    return sequence, tuple(torch.stack(list(part)) for part in zip(*finals, strict=True))


def instruction_sets() -> tuple[str, ...]:
    """Those that were compiled and that this processor has; none without the library."""
    library = cpu.load()
    return () if isinstance(library, str) else library.usable


FORCED: tuple[CpuKernel, ...] = (
    *(CpuKernel(name) for name in instruction_sets()),
    *([CpuKernel(saved_bytes=0)] if instruction_sets() else []),
)
"""The compiled kernel on each instruction set of this processor, and one that keeps no gates."""

EVERY: tuple[Kernel, ...] = (*(kernel for kernel in KERNELS if kernel is not CPU), *FORCED)


def results(output: Tensor, state: State, given: Numbers, like: State) -> list[Tensor]:
    """Outputs, final states and the gradients of a loss that weighs each of their values."""
    draw = torch.Generator().manual_seed(9)
    loss = torch.zeros((), dtype=torch.float64)
    for tensor in (output, *state):
        weight = torch.randn(tensor.shape, generator=draw, dtype=torch.float32)
        loss = loss + (tensor * weight.to(tensor.dtype)).sum().double()
    assert len(state) == len(like)
    gradients = torch.autograd.grad(loss, given.leaves(), materialize_grads=True)
    return [output.detach(), *(part.detach() for part in state), *gradients]


def largest_error(found: Iterable[Tensor], expected: Iterable[Tensor]) -> float:
    """The largest error, in units of the last place of the numbers that were added up.

    Those are of order one even where the result is small (1 − tanh² of a saturated unit), so the
    unit is that of the tensor's largest value or of 1, whichever is larger.
    """
    worst = 0.0
    for one, right in zip(found, expected, strict=True):
        assert one.shape == right.shape
        if right.numel():
            ulp = torch.finfo(one.dtype).eps * max(float(right.abs().max()), 1.0)
            worst = max(worst, float((one.double() - right).abs().max()) / ulp)
    return worst
