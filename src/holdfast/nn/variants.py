"""What a layer does beside its plain equations, checked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Real

import torch
from torch import Tensor
from torch._C._functorch import is_batchedtensor
from torch.nn.functional import dropout

from holdfast.engine.cells import NEUTRAL, Options
from holdfast.errors import ArgumentError

EXTRA_WEIGHTS = ("weight_peephole", "norm_")
"""How the names of those weights begin that torch's layers have not."""


@dataclass(frozen=True)
class Variant:
    """The options of a stack.

    Arguments:
        options: of every layer's cell.
        weight_drop: share of the recurrent weights that each call in training sets to zero.
        residual: whether each layer from the second on adds its input to its output.
        dilation: for each layer how many steps back its state lies; empty for one step each.
    """

    options: Options = NEUTRAL
    weight_drop: float = 0.0
    residual: bool = False
    dilation: tuple[int, ...] = ()

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


def drawn_seed() -> int | Tensor:
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


def dropped(weights: tuple[Tensor, ...], share: float, names: Sequence[str]) -> tuple[Tensor, ...]:
    """The weights of a stack with some of the recurrent ones set to zero, the others enlarged.

    A product of the call and not of the parameter, so that there is nothing to go stale and any
    kernel serves it.

    Source: Merity, Keskar and Socher (2018), arXiv 1708.02182, section 2 (DropConnect on W_hh).

    Arguments:
        weights: of all passes.
        share: the probability of zero.
        names: of the weights.
    """
    return tuple(
        dropout(weight, share) if name.startswith("weight_hh") else weight
        for weight, name in zip(weights, names, strict=True)
    )
