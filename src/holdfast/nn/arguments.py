"""What layers are given, checked: torch's arguments, options, inputs and their lengths."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real

import torch
from torch import Tensor
from torch._C._functorch import get_interpreter_stack, is_batchedtensor
from torch.nn.functional import dropout
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

from holdfast.engine.cells import NEUTRAL, Options, State
from holdfast.errors import ArgumentError
from holdfast.nn.stack import autocasts


def check_arguments(
    input_size: object,
    hidden_size: object,
    num_layers: int,
    bias: object,
    batch_first: object,
    dropout: object,
    proj_size: int,
) -> None:
    """Refuse what torch's layers refuse, with its kinds of exceptions."""
    if isinstance(dropout, bool) or not isinstance(dropout, Real) or not 0 <= float(dropout) <= 1:
        raise ValueError(f"dropout should be a number in range [0, 1], got {dropout!r}")
    for name, flag in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size and isinstance(hidden_size, int) and proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if float(dropout) > 0 and num_layers == 1:
        warnings.warn(
            "dropout is applied to the output of every layer but the last, so it does nothing in "
            f"a stack of one layer, but got dropout={dropout}",
            stacklevel=_callers_level(),
        )


def _callers_level() -> int:
    """How far up the line lies that made the layer, as `warnings.warn` counts for its caller."""
    level, frame = 1, sys._getframe(1)
    while frame.f_back is not None and frame.f_globals["__name__"].startswith("holdfast.nn"):
        level, frame = level + 1, frame.f_back
    return level


def check_input(x: Tensor, weight: Tensor, input_size: int) -> None:
    """Refuse an input of another dtype or width than the layer's.

    Raises:
        ValueError, RuntimeError: where torch raises them, in its words.
    """
    if x.dtype != weight.dtype and not autocasts(x.device.type):
        raise ValueError(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). "
            f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})"
        )
    if x.shape[-1] != input_size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {input_size}, got {x.shape[-1]}"
        )


def check_state(
    state: State, parts: tuple[str, ...], shapes: tuple[tuple[int, int, int], ...]
) -> None:
    """Refuse a state that is not one tensor of the right shape for each part.

    Raises:
        RuntimeError: as torch raises it.
    """
    if len(state) != len(parts):
        raise RuntimeError(f"hx must be ({', '.join(parts)}), got {len(state)} parts")
    for name, part, shape in zip(parts, state, shapes, strict=True):
        if part.shape != shape:
            raise RuntimeError(
                f"Expected {name} of hx to be of size {shape}, got {tuple(part.shape)}"
            )


EXTRA_WEIGHTS = ("weight_peephole", "norm_")
"""How the names of those weights begin that torch's layers have not."""


@dataclass(frozen=True)
class Variant:
    """The options of a stack, as `LSTM` documents them."""

    options: Options = NEUTRAL
    weight_drop: float = 0.0
    residual: bool = False
    dilation: tuple[int, ...] = ()
    """Empty where every layer's state lies one step back."""

    @property
    def layerwise(self) -> bool:
        """Whether the layers of a stack must be run one by one."""
        return self.residual or any(steps > 1 for steps in self.dilation)

    def shown(self) -> list[str]:
        """The options that are not neutral, as they are written in a call."""
        words = [f"{name}={getattr(self.options, name)}" for name in self.options.changed]
        words += [f"weight_drop={self.weight_drop}"] * (self.weight_drop > 0)
        words += [f"residual={self.residual}"] * self.residual
        words += [f"dilation={self.dilation}"] * bool(self.dilation)
        return words

    def state_rows(self, layers: int, directions: int) -> int:
        """Rows of the state: one for each layer, direction and step that it lies back."""
        return directions * (sum(self.dilation) or layers)


PLAIN = Variant()


def check_variant(
    options: Options,
    *,
    weight_drop: float,
    residual: bool,
    dilation: Sequence[int] | None,
    num_layers: int,
) -> Variant:
    """The options of a stack, checked.

    Raises:
        ArgumentError: a share is not a number from 0 to below 1; `cell_clip` is not a positive
            number; a flag is no bool; `residual` is asked of one layer; `dilation` is not one whole
            number from 1 for each layer.
    """
    shares: dict[str, object] = {
        name: getattr(options, name)
        for name in ("recurrent_dropout", "zoneout_hidden", "zoneout_cell")
    }
    shares["weight_drop"] = weight_drop
    for name, share in shares.items():
        if isinstance(share, bool) or not isinstance(share, Real) or not 0 <= float(share) < 1:
            raise ArgumentError(f"{name} must be a number from 0 to below 1, got {share!r}.")
    flags = {name: getattr(options, name) for name in ("peepholes", "coupled", "layer_norm")}
    for name, flag in (flags | {"residual": residual}).items():
        if not isinstance(flag, bool):
            raise ArgumentError(f"{name} must be True or False, got {flag!r}.")
    clip: object = options.cell_clip
    if clip is not None and (
        isinstance(clip, bool) or not isinstance(clip, Real) or not 0 < float(clip) < math.inf
    ):
        raise ArgumentError(f"cell_clip must be a number above 0, or None, got {clip!r}.")
    if residual and num_layers == 1:
        raise ArgumentError(
            "residual adds the input of a layer to its output from the second layer on; "
            "leave it out, or set num_layers to 2 or more."
        )
    steps = () if dilation is None else tuple(dilation)
    whole = all(isinstance(step, int) and not isinstance(step, bool) for step in steps)
    if dilation is not None and (len(steps) != num_layers or not whole or min(steps) < 1):
        raise ArgumentError(
            f"dilation must be a whole number of steps from 1 for each of the {num_layers} "
            f"layers, got {dilation!r}."
        )
    numbers = replace(  # of numpy's kinds, too: times a tensor those would give arrays
        options,
        cell_clip=None if options.cell_clip is None else float(options.cell_clip),
        recurrent_dropout=float(options.recurrent_dropout),
        zoneout_hidden=float(options.zoneout_hidden),
        zoneout_cell=float(options.zoneout_cell),
    )
    if numbers == NEUTRAL:
        numbers = NEUTRAL  # by which kernels know the plain layer at once
    return Variant(numbers, float(weight_drop), residual, steps)


def draw_seed() -> int | Tensor:
    """The seed of a call's masks, from torch's default generator of the CPU.

    A tensor while torch traces, since a number would be the same in every call of what it traced.

    Raises:
        ArgumentError: it would be another one for each sample of a vmap.
    """
    seed = torch.randint(1 << 32, ())
    if is_batchedtensor(seed):
        raise ArgumentError(
            'vmap draws one set of masks for all samples: give it randomness="same", or map over '
            "layer.eval()."
        )
    return seed if torch.compiler.is_compiling() else int(seed)


def drop_weights(
    weights: tuple[Tensor, ...], share: float, names: Sequence[str]
) -> tuple[Tensor, ...]:
    """The weights of a stack with a share of the recurrent ones set to zero, the others enlarged.

    A product of the call and not of the parameter, so that there is nothing to go stale and any
    kernel serves it.

    Source: Merity, Keskar and Socher (2018), arXiv 1708.02182, section 2 (DropConnect on W_hh).
    """
    return tuple(
        dropout(weight, share) if name.startswith("weight_hh") else weight
        for weight, name in zip(weights, names, strict=True)
    )


Lengths = Tensor | Sequence[int]


def pack(x: Tensor, lengths: Lengths) -> PackedSequence | None:
    """The rows of a padded batch (T, B, ·) without their padding; None where there is none.

    Raises:
        ArgumentError: there are not B lengths, or one is not a whole number from 1 to T.

    Example:
        >>> pack(torch.zeros(3, 2, 1), [1, 3]).batch_sizes.tolist()
        [2, 1, 1]
        >>> pack(torch.zeros(3, 2, 1), [3, 3]) is None
        True
    """
    steps, batch = x.shape[0], x.shape[1]
    counts = torch.as_tensor(lengths).cpu()
    if counts.is_floating_point() or counts.is_complex() or counts.dtype == torch.bool:
        raise ArgumentError(f"lengths must be whole numbers, got {counts.dtype}.")
    if counts.shape != (batch,):
        raise ArgumentError(
            f"lengths must be one number for each of the {batch} rows of the batch, "
            f"got shape {tuple(counts.shape)}."
        )
    wrong = ((counts < 1) | (counts > steps)).nonzero()
    if len(wrong):
        row = int(wrong[0])
        raise ArgumentError(
            f"lengths must be from 1 to {steps}, the steps of the input; "
            f"row {row} has {int(counts[row])}."
        )
    if bool((counts == steps).all()):
        return None
    if get_interpreter_stack():
        return _pack_by_index(x, counts.tolist())
    return pack_padded_sequence(x, counts, enforce_sorted=False)


def pad(output: PackedSequence, steps: int) -> Tensor:
    """The padded form again, (T, B, ·), zero beyond each row's length."""
    if get_interpreter_stack():
        return _pad_by_index(output, steps)
    return pad_packed_sequence(output, total_length=steps)[0]


def _pack_by_index(x: Tensor, lengths: list[int]) -> PackedSequence:
    """The same by an index, since torch.func cannot look through torch's packing."""
    order = sorted(range(len(lengths)), key=lambda row: -lengths[row])
    sizes = [sum(length > step for length in lengths) for step in range(max(lengths))]
    rows = [step * len(lengths) + row for step, size in enumerate(sizes) for row in order[:size]]
    unsorted = sorted(range(len(order)), key=order.__getitem__)
    return PackedSequence(
        x.flatten(0, 1).index_select(0, torch.tensor(rows, device=x.device)),
        torch.tensor(sizes),
        torch.tensor(order, device=x.device),
        torch.tensor(unsorted, device=x.device),
    )


def _pad_by_index(output: PackedSequence, steps: int) -> Tensor:
    sizes, unsorted = output.batch_sizes.tolist(), output.unsorted_indices
    assert unsorted is not None  # `pack` always sorts
    batch, data = sizes[0], output.data
    ends = [0, *output.batch_sizes.cumsum(0).tolist()]
    beyond = ends[-1]  # a row of zeros behind the others
    places = [
        ends[step] + place if step < len(sizes) and place < sizes[step] else beyond
        for step in range(steps)
        for place in unsorted.tolist()
    ]
    rows = torch.cat([data, torch.zeros_like(data[:1])])
    padded = rows.index_select(0, torch.tensor(places, device=data.device))
    return padded.reshape(steps, batch, data.shape[-1])
