"""Running a stack of layers on whichever kernel the engine chooses, dilated layers included.

A layer whose state lies d steps back is a plain layer over interleaved sequences: the steps t,
t + d, t + 2d, … of a sequence are a sequence of their own, so that T steps of B rows are about T/d
steps of dB rows, row pB + b holding the steps p, p + d, … of row b. In memory nothing moves where
all rows are T long. The state is a queue of d states, the oldest first, which the first d steps
read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import torch
from torch import Tensor
from torch.nn.functional import dropout

from holdfast.engine.autograd import equations_needed, run_pass, under_transform
from holdfast.engine.cells import Masks, State
from holdfast.engine.kernels.choose import choose, choose_for_transforms
from holdfast.engine.kernels.contract import Inputs, KernelSpec
from holdfast.engine.operator import run_traced
from holdfast.engine.recompute import run_pass_in_segments

Run = Callable[[KernelSpec, Inputs], tuple[Tensor, State]]
"""Runs a pass."""

RunStack = Callable[[KernelSpec, Inputs, int | None], tuple[Tensor, State]]
"""Runs some layers; the arguments are those of `run_stack`."""

_cached_passes = lru_cache(maxsize=1024)(KernelSpec.passes)

_BY_EQUATIONS: ContextVar[bool] = ContextVar("by_equations", default=False)


@contextmanager
def by_equations() -> Iterator[None]:
    """Inside, every layer runs its equations step after step, and nothing faster.

    They are plain torch operators, so every derivative and transform of torch goes through them:
    for second derivatives where a fused kernel has none (cuDNN), and for the question whether a
    strange number comes from a kernel. Same results to rounding, some hundred times slower, and
    every step is kept for the backward pass.

    Example:
        >>> import torch
        >>> from holdfast.nn import LSTM
        >>> layer, x = LSTM(3, 4), torch.randn(5, 2, 3)
        >>> with by_equations():
        ...     slow, _ = layer(x)
        >>> torch.allclose(slow, layer(x)[0], atol=1e-6)
        True
    """
    token = _BY_EQUATIONS.set(True)
    try:
        yield
    finally:
        _BY_EQUATIONS.reset(token)


def equations_forced() -> bool:
    """Whether this is inside `by_equations`; what traces cannot ask."""
    return not torch.compiler.is_compiling() and _BY_EQUATIONS.get()


def autocasts(device: str) -> bool:
    """Whether this is inside an autocast for a type of device, such as "cpu"."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def run_stack(spec: KernelSpec, inputs: Inputs, segment: int | None = None) -> tuple[Tensor, State]:
    """Run all layers and directions.

    `segment` is how many steps the backward pass may keep all of; where there are more it computes
    them anew, segment by segment. None for all of them.

    Returns:
        output (T, B, DH), or (rows, DH) where ragged, and the state after each row's last step,
        each part (LD, B, ·).
    """
    if torch.compiler.is_compiling():
        return run_passes(run_traced, spec, inputs)
    tensors = (inputs.x, *inputs.weights, *inputs.state)
    if segment is not None and (
        segment >= spec.steps
        or not spec.gradient
        or not any(tensor.requires_grad for tensor in tensors)
    ):
        segment = None
    if autocasts(spec.device):  # the kernel is to serve what it will get
        spec = replace(spec, dtype=torch.get_autocast_dtype(spec.device))
    kernel = choose(spec).kernel
    if equations_needed(tensors):
        spec, segment = replace(spec, by_equations=True), None
        kernel = choose(spec).kernel
    elif under_transform():
        segment, for_transforms = None, choose_for_transforms(spec)
        if for_transforms is None:
            spec = replace(spec, by_equations=True)
        kernel = for_transforms or choose(spec).kernel
    if segment is not None:
        run: Run = partial(run_pass_in_segments, segment)
    elif kernel.own_backward is True:
        run = partial(run_pass, kernel)
    else:
        return kernel.forward(spec, inputs)
    return run_passes(run, spec, inputs)


def run_passes(run: Run, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
    """Run a stack pass by pass, each by `run`; returns as `run_stack`."""
    device = spec.device
    if not autocasts(device):
        return _run_passes(run, spec, inputs)
    dtype = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):  # so that forward and backward are in one dtype
        cast = inputs._replace(
            x=inputs.x.to(dtype),
            weights=tuple(weight.to(dtype) for weight in inputs.weights),
            state=tuple(part.to(dtype) for part in inputs.state),
        )
        return _run_passes(run, replace(spec, dtype=dtype), cast)


def _run_passes(run: Run, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
    if spec.is_pass and spec.dropout == 0:
        return run(spec, inputs)
    width, directions = spec.tensors_per_pass, spec.directions
    x = inputs.x
    outputs: list[Tensor] = []
    finals: list[State] = []
    passes = spec.passes() if torch.compiler.is_compiling() else _cached_passes(spec)
    for index, part in enumerate(passes):
        if index and index % directions == 0:
            x = _joined(outputs)
            if spec.dropout > 0:
                x = dropout(x, spec.dropout)
            outputs = []
        of_pass = Inputs(
            x,
            inputs.batch_sizes,
            inputs.weights[index * width : (index + 1) * width],
            tuple([before[index : index + 1] for before in inputs.state]),
            _of_pass(inputs.masks, *divmod(index, directions)),
        )
        output, final = run(part, of_pass)
        outputs.append(output)
        finals.append(final)
    return _joined(outputs), _stacked(finals)


def run_layers(
    run: RunStack,
    spec: KernelSpec,
    inputs: Inputs,
    segment: int | None,
    *,
    residual: bool,
    dilation: tuple[int, ...],
) -> tuple[Tensor, State]:
    """Run a stack layer by layer, with what stands between layers and around them.

    With `residual` layers from the second on add their input, as it was before dropout. `dilation`
    is that of each layer, empty for 1; each direction of a layer of dilation d has d rows of state.
    Returns as `run_stack`; the final state is without what residuals add.

    Source: residual stacks: Wu et al. (2016), arXiv 1609.08144, section 3.1.
    """
    width = spec.directions * spec.tensors_per_pass
    x = inputs.x
    finals: list[State] = []
    row = 0
    for layer in range(spec.layers):
        back = dilation[layer] if dilation else 1
        rows = slice(row, row + back * spec.directions)
        row = rows.stop
        of_layer = Inputs(
            x=dropout(x, spec.dropout) if layer and spec.dropout > 0 else x,
            batch_sizes=inputs.batch_sizes,
            weights=inputs.weights[layer * width : (layer + 1) * width],
            state=tuple(before[rows] for before in inputs.state),
            masks=_of_pass(inputs.masks, layer, 0),
        )
        part = replace(spec, input_size=x.shape[-1], layers=1, dropout=0.0)
        if back == 1:
            output, final = run(part, of_layer, segment)
        else:
            # A step of the interleaved layer is so many rows wide, and as many rows shall be kept.
            shorter = None if segment is None else max(1, segment // back)
            output, final = run_dilated(run, part, of_layer, shorter, back)
        finals.append(final)
        x = x + output if residual and layer else output
    return x, _stacked(finals)


def _of_pass(masks: Masks | None, layer: int, direction: int) -> Masks | None:
    """The masks of a pass from those of its stack."""
    return masks and replace(masks, layer=masks.layer + layer, direction=direction)


def _stacked(states: list[State]) -> State:
    """The final states of passes one after the other."""
    if len(states) == 1:
        return states[0]
    return tuple(torch.cat(list(parts)) for parts in zip(*states, strict=True))


def _joined(outputs: list[Tensor]) -> Tensor:
    """The directions of a layer side by side."""
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)


@dataclass(frozen=True)
class Interleaving:
    """How a layer's rows and steps become those of a plain one."""

    steps: int
    """Of the longest interleaved sequence."""
    batch_sizes: Tensor | None
    """Rows at each of these steps, or None where all are equally long."""
    rows: Tensor | None
    """(dB,) the interleaved sequences pB + b by falling length; None where they lie so already."""
    data: Tensor | None
    """Where each row of the interleaved batch lies in the packed one; None as above."""
    live: int
    """How many of the dB interleaved sequences are not empty."""


def run_dilated(
    run: RunStack, spec: KernelSpec, inputs: Inputs, segment: int | None, dilation: int
) -> tuple[Tensor, State]:
    """Run one layer, in one direction or both, whose state lies `dilation` steps back.

    Each part of the state is (Dd, B, ·): for each direction a queue of d states, the oldest first.

    Source: Chang et al. (2017), arXiv 1710.02224, equation 1 and section 2.1.
    """
    x, batch_sizes, batch, device = inputs.x, inputs.batch_sizes, spec.batch, inputs.x.device
    if batch_sizes is None:
        lengths = torch.full((batch,), spec.steps)
        plan = _dense(spec.steps, batch, dilation)
    else:
        lengths = (batch_sizes[:, None] > torch.arange(batch)).sum(0)
        plan = _ragged(lengths, batch_sizes, dilation)
    inner = replace(spec, steps=plan.steps, batch=plan.live, ragged=plan.batch_sizes is not None)
    if batch_sizes is None:
        rows = x.reshape(spec.steps * batch, x.shape[-1])
    else:
        rows = x if plan.data is None else x.index_select(0, plan.data.to(device))
    if plan.batch_sizes is None:
        rows = rows.reshape(plan.steps, plan.live, x.shape[-1])
    starts = [start.to(device) for start in _starts(lengths, dilation, spec.directions)]
    begun = [_begin(part, starts, plan) for part in inputs.state]
    interleaved = inputs._replace(
        x=rows, batch_sizes=plan.batch_sizes, state=tuple(part for part, _ in begun)
    )
    output, final = run(inner, interleaved, segment)
    if batch_sizes is None:
        output = output.reshape(spec.steps, batch, output.shape[-1])
    elif plan.data is not None:
        output = output.index_select(0, plan.data.argsort().to(device))
    ends = [end.to(device) for end in _ends(lengths, dilation, spec.directions)]
    after = tuple(
        _queue(part, waiting, ends, plan) for part, (_, waiting) in zip(final, begun, strict=True)
    )
    return output, after


def _dense(steps: int, batch: int, dilation: int) -> Interleaving:
    whole, rest = steps // dilation, steps % dilation  # what torch.compile has for free numbers
    rows = dilation * batch
    if rest == 0:
        return Interleaving(whole, None, None, None, rows)
    sizes = torch.cat([torch.full((whole,), rows), torch.full((1,), rest * batch)])
    return Interleaving(whole + 1, sizes, None, None, rows if whole else rest * batch)


def _ragged(lengths: Tensor, batch_sizes: Tensor, dilation: int) -> Interleaving:
    batch = len(lengths)
    phase = torch.arange(dilation)[:, None]
    counts = (lengths - phase + dilation - 1).div(dilation, rounding_mode="floor").clamp(min=0)
    falling = counts.flatten().argsort(descending=True, stable=True)
    live = int((counts > 0).sum())
    rows = falling[:live]
    counts = counts.flatten()[rows]
    step = torch.arange(int(counts[0]))[:, None]
    present = step < counts
    starts = torch.cat([batch_sizes.new_zeros(1), batch_sizes.cumsum(0)])
    time = (step * dilation + rows // batch).clamp(max=len(batch_sizes) - 1)
    data = (starts[time] + rows % batch)[present]
    return Interleaving(len(step), present.sum(1), falling, data, live)


def _starts(lengths: Tensor, dilation: int, directions: int) -> list[Tensor]:
    """For each direction the place in the queue from which each sequence begins, (d, B)."""
    phase = torch.arange(dilation)[:, None].expand(dilation, len(lengths))
    return [phase, (lengths - 1 - phase) % dilation][:directions]


def _ends(lengths: Tensor, dilation: int, directions: int) -> list[Tensor]:
    """For each direction the sequence whose end comes to each place of the queue, (d, B)."""
    place = torch.arange(dilation)[:, None].expand(dilation, len(lengths))
    return [(lengths + place) % dilation, dilation - 1 - place][:directions]


def _begin(part: Tensor, starts: list[Tensor], plan: Interleaving) -> tuple[Tensor, Tensor]:
    """What the interleaved sequences begin with: (D, live, ·), and of those that are empty."""
    queues = part.chunk(len(starts))
    flat = torch.stack(
        [_picked(queue, start).flatten(0, 1) for queue, start in zip(queues, starts, strict=True)]
    )
    if plan.rows is not None:
        flat = flat.index_select(1, plan.rows.to(flat.device))
    return flat[:, : plan.live], flat[:, plan.live :]


def _queue(final: Tensor, waiting: Tensor, ends: list[Tensor], plan: Interleaving) -> Tensor:
    """The queue after each row's last step, (Dd, B, ·)."""
    flat = torch.cat([final, waiting.to(final.dtype)], dim=1) if waiting.shape[1] else final
    if plan.rows is not None:
        flat = flat.index_select(1, plan.rows.argsort().to(flat.device))
    rows = [
        _picked(one.reshape(*end.shape, one.shape[-1]), end)
        for one, end in zip(flat, ends, strict=True)
    ]
    return torch.cat(rows)


def _picked(queue: Tensor, index: Tensor) -> Tensor:
    """queue[index[p, b], b], (d, B, ·)."""
    return queue.gather(0, index[..., None].expand(*index.shape, queue.shape[-1]))
