"""How the state of a layer, or of a stack, depends on the state k steps before.

The products of the steps' Jacobians are made step by step from chosen beginnings, each divided by
its largest entry from time to time and the logarithm kept beside it, so that neither 1e-200 nor
1e+200 on the way is lost. Beside the whole product goes what is left of it without the cell path;
it is worked out as such, R' = J R + (J − F) C, since a difference of two nearly equal matrices
would show rounding errors. Norms are spectral and exact to rounding: roots of the largest
eigenvalue of MᵀM. Nothing here is an estimate but the choice of beginnings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from holdfast.lens.passes import LayerPass
from holdfast.lens.step_jacobians import StepJacobian, step_jacobian
from holdfast.records.forecast import Floats
from holdfast.records.lens import Ints, LagCurve

_CHUNK_BYTES = 1 << 26
"""Bytes that the Jacobians of the steps worked out at once may take."""

_PRODUCTS = 1.6e11
"""Multiplications that all products may take: 10 to 20 seconds of a common core."""

_RESCALE = 4
"""Steps between two divisions by the largest entry."""


@dataclass(frozen=True, eq=False)
class LayerDecay:
    """How a layer's dependence on its past falls with the lag; see `LayerMemory`.

    `jacobian` is the spectral norm of ∂(state at t)/∂(state at t−k), `cell_path` that of its part
    along the cells (the largest ∏f of any unit), `rest` of what is left; `median_cell` is the
    median unit's ∏f, `reaches_output` the same up to h at t.
    """

    jacobian: LagCurve
    cell_path: LagCurve | None = None
    rest: LagCurve | None = None
    reaches_output: LagCurve | None = None
    median_cell: LagCurve | None = None


@dataclass(frozen=True, eq=False)
class Product:
    """The Jacobians of the state after k steps by the state before them, of N beginnings.

    Arguments:
        alive: (N,) which of the beginnings they are of: the others' sequences have ended.
        rest: (N, S, S), without the cell path, over e^scale, with `scale` (N,).
        path: (N, H) logarithm of the cell path, not scaled; none for a plain RNN.
        path_at: where in the state the cell begins.
        reaches: (N, H) logarithm of the cell path up to h.
    """

    steps: int
    alive: Tensor
    rest: Tensor
    scale: Tensor
    path: Tensor | None
    path_at: int
    reaches: Tensor | None

    def whole(self) -> Tensor:
        """With the cell path, over e^scale."""
        if self.path is None:
            return self.rest
        whole = self.rest.clone()
        units = self.path.shape[1]
        block = whole[:, self.path_at : self.path_at + units, self.path_at : self.path_at + units]
        block.diagonal(dim1=1, dim2=2).add_(torch.exp(self.path - self.scale[:, None]))
        return whole


def layer_decay(one: LayerPass, lags: Ints, *, samples: int = 8, seed: int = 0) -> LayerDecay:
    """The norms of a layer's Jacobians by lag, (K,) steps back from 1 on.

    Its time grows with samples · longest lag · S² H, for an LSTM S = 2H; of wide layers fewer
    beginnings are taken, down to one, and the curves say how many. The lags of a layer with
    dilation d are the nearest multiples of d; lags beyond the sequence are left out, and where all
    are, the longest there is stands for them. The beginnings, `samples`, are spread over the
    sequence and over up to samples/2 sequences.
    """
    one = one.reading()
    steps = _in_steps(lags, one.steps, one.dilation)
    starts, rows = _beginnings([one], int(steps[-1]), samples, seed)
    curves: dict[str, Floats] = {}

    def note(name: str, product: Product, index: int, values: Tensor) -> None:
        table = curves.setdefault(name, np.full((len(steps), len(starts)), np.nan))
        table[index, product.alive.numpy()] = values.numpy()

    index_of = {int(k): index for index, k in enumerate(steps)}
    for product in products(one, starts, rows, int(steps[-1])):
        index = index_of.get(product.steps)
        if index is None:
            continue
        note("jacobian", product, index, _norms(product.whole(), product.scale))
        if product.path is not None and product.reaches is not None:
            note("cell_path", product, index, product.path.amax(1).exp())
            note("rest", product, index, _norms(product.rest, product.scale))
            note("reaches_output", product, index, product.reaches.exp().median(1).values)
            note("median_cell", product, index, product.path.exp().median(1).values)
    far = steps * one.dilation
    return LayerDecay(**{name: LagCurve.of(far, values) for name, values in curves.items()})


def stack_decay(
    passes: Sequence[LayerPass], lags: Ints, *, samples: int = 4, seed: int = 0
) -> LagCurve | None:
    """The norm of the Jacobian of all layers' joint state by lag, the layers given from below.

    None for one layer, for a stack that reads both ways, whose layers above the first see the
    future, and for one with dilation, whose layers step at different times.
    """
    if len(passes) < 2 or any(one.reverse or one.dilation > 1 for one in passes):
        return None
    steps = _in_steps(lags, passes[0].steps, 1)
    starts, rows = _beginnings(passes, int(steps[-1]), samples, seed)
    values = np.full((len(steps), len(starts)), np.nan)
    index_of = {int(k): index for index, k in enumerate(steps)}
    for product in stack_products(passes, starts, rows, int(steps[-1])):
        if (index := index_of.get(product.steps)) is not None:
            norms = _norms(product.whole(), product.scale)
            values[index, product.alive.numpy()] = norms.numpy()
    return LagCurve.of(steps, values)


def products(one: LayerPass, starts: Tensor, rows: Tensor, longest: int) -> Iterator[Product]:
    """The Jacobians of a layer's state after 1, 2 … steps by the state before `starts` (N,)."""
    alive = torch.arange(len(starts))
    rest = path = reaches = None
    scale = torch.zeros(len(starts), dtype=torch.float64)
    for count, kept, step in _steps(one, starts, rows, longest):
        if rest is None:
            rest, path = _nothing_yet(step, len(starts))
        if kept is not None:
            alive, rest, scale = alive[kept], rest[kept], scale[kept]
            path = None if path is None else path[kept]
        new = step.times(rest)
        if path is not None and step.cell_path is not None and step.reaches is not None:
            at, units = step.path_at, path.shape[1]
            carried = torch.exp(path - scale[:, None])
            new[:, :, at : at + units].addcmul_(step.by_cell_path(), carried[:, None])
            reaches, path = path + step.reaches.log(), path + step.cell_path.log()
        rest = new
        if count % _RESCALE == 0:
            top = rest.abs().amax((1, 2))
            if path is not None:
                top = torch.maximum(top, torch.exp(path.amax(1) - scale))
            top = torch.where(top > 0, top, 1.0)
            rest, scale = rest / top[:, None, None], scale + top.log()
        yield Product(count, alive, rest, scale, path, step.path_at, reaches)


def stack_products(
    passes: Sequence[LayerPass], starts: Tensor, rows: Tensor, longest: int
) -> Iterator[Product]:
    """The same for the joint state of a stack, layer after layer; there is no cell path in it.

    The matrix is block lower triangular: a layer's state depends on its own and on those below.
    """
    alive = torch.arange(len(starts))
    scale = torch.zeros(len(starts), dtype=torch.float64)
    matrix: Tensor | None = None
    walks = [_steps(one, starts, rows, longest, by_input=one.layer > 0) for one in passes]
    for together in zip(*walks, strict=True):
        (count, kept, _), layers = together[0], [step for _, _, step in together]
        if matrix is None:
            eye = torch.eye(sum(step.width for step in layers), dtype=torch.float64)
            matrix = eye.expand(len(starts), -1, -1)
        if kept is not None:
            alive, matrix, scale = alive[kept], matrix[kept], scale[kept]
        new = torch.zeros_like(matrix)
        read: Tensor | None = None  # what a layer reads, by the state at the beginning
        at = 0
        for one, step in zip(passes, layers, strict=True):
            place = slice(at, at + step.width)
            at += step.width
            block = step.times(matrix[:, place, :at])
            if read is not None and step.input is not None:
                block[:, :, : read.shape[2]] += torch.bmm(step.input, read)
            new[:, place, :at] = block
            output = block[:, : step.hidden.shape[2]]
            if one.residual and read is not None:
                output = output.clone()
                output[:, :, : read.shape[2]] += read
            read = output
        matrix = new
        if count % _RESCALE == 0:
            top = matrix.abs().amax((1, 2))
            top = torch.where(top > 0, top, 1.0)
            matrix, scale = matrix / top[:, None, None], scale + top.log()
        yield Product(count, alive, matrix, scale, None, 0, None)


def _steps(
    one: LayerPass, starts: Tensor, rows: Tensor, longest: int, *, by_input: bool = False
) -> Iterator[tuple[int, Tensor | None, StepJacobian]]:
    """The steps' Jacobians one after the other, those that have not ended; made some at a time.

    With each come its number and, where sequences have ended, which of the last step's go on.
    """
    size = sum(part.shape[-1] for part in one.after) * one.after[0].shape[-1] * 8
    done = 0
    while done < longest:
        left = (one.steps - 1 - starts).div(one.dilation, rounding_mode="floor") + 1 - done
        going = left > 0
        if not bool(going.any()):
            return
        kept = None if bool(going.all()) else going.nonzero()[:, 0]
        starts, rows, left = starts[going], rows[going], left[going]
        chunk = max(1, _CHUNK_BYTES // (size * len(starts)))
        chunk = min(chunk, longest - done, int(left.min()))
        time = starts + (done + torch.arange(chunk))[:, None] * one.dilation
        every = step_jacobian(
            one.cell,
            one.x[time, rows].flatten(0, 1),
            tuple(part[time, rows].flatten(0, 1) for part in one.before),
            one.weights,
            one.options,
            by_input=by_input,
        )
        for index in range(chunk):
            yield (
                done + index + 1,
                kept if index == 0 else None,
                every.at(slice(index * len(starts), (index + 1) * len(starts))),
            )
        done += chunk


def _nothing_yet(step: StepJacobian, count: int) -> tuple[Tensor, Tensor | None]:
    """The identity, split into the cell path and the rest."""
    rest = torch.eye(step.width, dtype=torch.float64).repeat(count, 1, 1)
    if step.cell_path is None:
        return rest, None
    units = step.cell_path.shape[1]
    rest[:, step.path_at : step.path_at + units, step.path_at : step.path_at + units] = 0.0
    return rest, torch.zeros(count, units, dtype=torch.float64)


def _norms(matrix: Tensor, scale: Tensor) -> Tensor:
    """Spectral norms (N,) of (N, S, S) over e^scale."""
    top = matrix.abs().amax((1, 2))
    unit = matrix / torch.where(top > 0, top, 1.0)[:, None, None]  # of which no square underflows
    largest = torch.linalg.eigvalsh(unit.mT @ unit)[:, -1].clamp(min=0.0).sqrt()
    return torch.exp(largest.log() + top.log() + scale)


def _in_steps(lags: Ints, steps: int, dilation: int) -> Ints:
    """Lags as steps of the layer, ascending."""
    in_steps = np.maximum(1, np.rint(np.asarray(lags) / dilation)).astype(np.int64)
    most = -(-steps // dilation)
    within = np.unique(in_steps[in_steps <= most])
    return within if len(within) else np.array([most], dtype=np.int64)


def _beginnings(
    passes: Sequence[LayerPass], longest: int, samples: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Where products begin: steps and sequences, (N,) each.

    The beginnings are spread over so much of the sequence that each reaches the longest lag, but
    over half of it at least: then some end sooner. The first step is always among them.
    """
    one = passes[0]
    width = sum(part.shape[-1] for each in passes for part in each.after)
    narrow = max(each.after[0].shape[-1] for each in passes)
    samples = max(1, min(samples, int(_PRODUCTS / (width * width * narrow * longest))))
    number = min(one.sequences, max(1, samples // 2))
    chosen = np.arange(one.sequences)
    if number < one.sequences:
        chosen = np.sort(np.random.default_rng(seed).permutation(one.sequences)[:number])
    last = max(one.steps - longest * one.dilation, one.steps // 2 if one.steps > 1 else 0)
    places = np.unique(np.linspace(0, last, max(1, -(-samples // number))).astype(np.int64))
    starts, rows = np.meshgrid(places, chosen)
    return torch.from_numpy(starts.ravel()), torch.from_numpy(rows.ravel())
