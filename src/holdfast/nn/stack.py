"""Running a stack of layers on whichever kernel the engine chooses."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn.functional import dropout

from holdfast.engine.autograd import run_pass
from holdfast.engine.cells import Masks, State
from holdfast.engine.kernels.choose import choose
from holdfast.engine.kernels.contract import Problem, TapedKernel
from holdfast.nn.dilation import run_dilated

_BY_EQUATIONS: ContextVar[bool] = ContextVar("by_equations", default=False)


@contextmanager
def by_equations() -> Iterator[None]:
    """Inside, every layer runs its equations step after step, and nothing faster.

    For second derivatives where a fused kernel has none (cuDNN), and for the question whether a
    strange number comes from a kernel. Same results to rounding, some hundred times slower.

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


def equations_wanted() -> bool:
    """Whether this is inside `by_equations`."""
    return _BY_EQUATIONS.get()


def autocasts(device: str) -> bool:
    """Whether this is inside an autocast for a type of device, such as "cpu"."""
    return torch.amp.is_autocast_available(device) and torch.is_autocast_enabled(device)


def run_stack(
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    seed: int | None = None,
    first_layer: int = 0,
) -> tuple[Tensor, State]:
    """Run all layers and directions.

    Arguments:
        problem: a stack.
        x, batch_sizes, weights, state: as in `contract.TransparentKernel.forward`.
        seed: of the masks of this call, None outside training.
        first_layer: the number of the stack's first layer, where it is a part of another.

    Returns:
        output (T, B, DH), or (rows, DH) where ragged, and the state after each row's last step,
        each part (LD, B, ·).
    """
    choice = choose(problem)
    kernel = choice.kernel
    if kernel.taped is False:
        return kernel.forward(problem, x, batch_sizes, weights, state)
    device = problem.device
    if not autocasts(device):
        return _run_passes(kernel, problem, x, batch_sizes, weights, state, seed, first_layer)
    dtype = torch.get_autocast_dtype(device)
    with torch.autocast(device, enabled=False):  # so that forward and backward are in one dtype
        return _run_passes(
            kernel,
            replace(problem, dtype=dtype),
            x.to(dtype),
            batch_sizes,
            tuple(weight.to(dtype) for weight in weights),
            tuple(part.to(dtype) for part in state),
            seed,
            first_layer,
        )


def run_layers(
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    seed: int | None,
    *,
    residual: bool,
    dilation: tuple[int, ...],
) -> tuple[Tensor, State]:
    """Run a stack layer by layer, with what stands between layers and around them.

    Source: residual stacks: Wu et al. (2016), arXiv 1609.08144, section 3.1.

    Arguments:
        problem, x, batch_sizes, weights, seed: as in `run_stack`.
        state: as there, but for a layer of dilation d each direction has d rows.
        residual: whether layers from the second on add their input, as it was before dropout.
        dilation: of each layer; empty for 1.

    Returns:
        As `run_stack`; the final state is the layers' own, without what residuals add.
    """
    width, directions = problem.tensors_per_pass, problem.directions
    finals: list[State] = []
    row = 0
    for layer in range(problem.layers):
        read = dropout(x, problem.dropout) if layer and problem.dropout > 0 else x
        part = replace(problem, input_size=x.shape[-1], layers=1, dropout=0.0)
        own = weights[layer * directions * width : (layer + 1) * directions * width]
        back = dilation[layer] if dilation else 1
        held = tuple(before[row : row + back * directions] for before in state)
        row += back * directions

        def run(
            inner: Problem,
            rows: Tensor,
            sizes: Tensor | None,
            begin: State,
            own: tuple[Tensor, ...] = own,
            layer: int = layer,
        ) -> tuple[Tensor, State]:
            return run_stack(inner, rows, sizes, own, begin, seed, layer)

        if back == 1:
            output, final = run(part, read, batch_sizes, held)
        else:
            output, final = run_dilated(run, part, read, batch_sizes, held, back)
        finals.append(final)
        x = x + output if residual and layer else output
    return x, tuple(torch.cat(list(parts)) for parts in zip(*finals, strict=True))


def _run_passes(
    kernel: TapedKernel,
    problem: Problem,
    x: Tensor,
    batch_sizes: Tensor | None,
    weights: tuple[Tensor, ...],
    state: State,
    seed: int | None,
    first_layer: int,
) -> tuple[Tensor, State]:
    width, directions = problem.tensors_per_pass, problem.directions
    outputs: list[Tensor] = []
    finals: list[State] = []
    for index, part in enumerate(problem.passes()):
        if index and index % directions == 0:
            x = _joined(outputs)
            if problem.dropout > 0:
                x = dropout(x, problem.dropout)
            outputs = []
        output, final = run_pass(
            kernel,
            part,
            x,
            batch_sizes,
            weights[index * width : (index + 1) * width],
            tuple(before[index : index + 1] for before in state),
            None
            if seed is None
            else Masks(seed, first_layer + index // directions, index % directions),
        )
        outputs.append(output)
        finals.append(final)
    return _joined(outputs), tuple(torch.cat(list(parts)) for parts in zip(*finals, strict=True))


def _joined(outputs: list[Tensor]) -> Tensor:
    """The directions of a layer side by side."""
    return outputs[0] if len(outputs) == 1 else torch.cat(outputs, dim=-1)
