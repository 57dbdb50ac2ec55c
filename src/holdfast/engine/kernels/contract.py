"""What a kernel is given, and what it returns.

Two kinds of kernel are worth having, and one description of the work serves both. A fused library
(oneDNN, cuDNN) wants the *whole stack* of layers at once, dropout and both directions included. A
kernel of our own computes one *pass*: one layer in one direction. So a `KernelSpec` describes a
stack, a pass is a stack of one layer and one direction, and `KernelSpec.passes` takes a stack
apart. A kernel that refuses a stack may still serve its passes; running them one after the other is
the layer's business (`holdfast.nn`), so that no kernel has to know of stacking.

Ragged batches have one form, torch's packed one: the sequences sorted by falling length, step t
of those that are long enough stored as consecutive rows, `batch_sizes[t]` of them. A dense batch is
the case of B rows at every step. Either way a step's rows are contiguous and none is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple, Protocol

import torch
from torch import Tensor

from holdfast.engine.cells import NEUTRAL, Cell, Masks, Options, State, Weights


@dataclass(frozen=True)
class KernelSpec:
    """One recurrence to run: everything that the choice of a kernel may depend on, and no tensor.

    Arguments:
        cell: which equations.
        steps, batch: T and B; of the longest sequence and of all sequences where ragged.
        input_size, hidden_size: I and H.
        dtype, device: of every tensor; the device by its type, "cpu" or "cuda".
        layers: L.
        directions: 1, or 2 for a stack that reads both ways.
        reverse: whether a pass reads from the last step to the first; False for stacks.
        bias: whether there are biases.
        projection: the width of h where the LSTM projects it, else 0.
        dropout: share of the values set to zero between layers; 0 outside training.
        ragged: whether the input is packed.
        gradient: whether a backward pass may follow, so that what it needs must be kept.
        by_equations: whether the caller wants the cell's own equations and nothing faster.
        options: which variant of the cell.
    """

    cell: Cell
    steps: int
    batch: int
    input_size: int
    hidden_size: int
    dtype: torch.dtype
    device: str
    layers: int = 1
    directions: int = 1
    reverse: bool = False
    bias: bool = True
    projection: int = 0
    dropout: float = 0.0
    ragged: bool = False
    gradient: bool = True
    by_equations: bool = False
    options: Options = NEUTRAL

    @cached_property
    def _hash(self) -> int:
        sizes = (self.steps, self.batch, self.input_size, self.hidden_size, self.layers)
        return hash((self.cell, *sizes, self.reverse, self.gradient, self.options))

    def __hash__(self) -> int:
        """Worked out once, since a call looks its spec up several times."""
        return self._hash

    @property
    def is_pass(self) -> bool:
        """Whether this is one layer in one direction."""
        return self.layers == 1 and self.directions == 1

    @property
    def output_size(self) -> int:
        """Values of h at a step, in one direction."""
        return self.projection or self.hidden_size

    @property
    def tensors_per_pass(self) -> int:
        """How many weight tensors each pass has."""
        if self.options is NEUTRAL:
            return 2 + 2 * self.bias + (self.projection > 0)
        return len(self.weight_shapes())

    def weight_shapes(self) -> dict[str, tuple[int, ...]]:
        """The weights of a pass, or of a stack's first one, by name and in their order."""
        return self.cell.weight_shapes(
            input_size=self.input_size,
            hidden_size=self.hidden_size,
            projection=self.projection,
            bias=self.bias,
            options=self.options,
        )

    def passes(self) -> tuple[KernelSpec, ...]:
        """The stack's passes in the order of its weights: by layer, forward before reverse."""
        if self.is_pass and self.dropout == 0:
            return (self,)
        return tuple(
            replace(
                self,
                input_size=self.input_size if layer == 0 else self.directions * self.output_size,
                layers=1,
                directions=1,
                reverse=direction == 1,
                dropout=0.0,
            )
            for layer in range(self.layers)
            for direction in range(self.directions)
        )

    def weights(self, tensors: Sequence[Tensor]) -> Weights:
        """The weights of a pass under their names, given in the order of `weight_shapes`."""
        if self.options is NEUTRAL:  # what most layers are; naming costs as much as a short pass
            weight_ih, weight_hh, *rest = tensors
            bias_ih, bias_hh = rest[:2] if self.bias else (None, None)
            weight_hr = rest[-1] if self.projection else None
            return Weights(weight_ih, weight_hh, bias_ih, bias_hh, weight_hr)
        return Weights(**dict(zip(self.weight_shapes(), tensors, strict=True)))


@dataclass(frozen=True)
class Verdict:
    """Whether a kernel serves a spec, and why, in words that a person can read."""

    serves: bool
    reason: str


class Inputs(NamedTuple):
    """The tensors that a pass or a stack runs on; a tuple, since each call makes one or more.

    Arguments:
        x: (T, B, I), or (rows, I) where ragged.
        batch_sizes: (T,) int64 on the CPU where ragged, else None.
        weights: as the layer holds them; of a stack those of all passes, one after the other.
        state: before the first step, each part (LD, B, ·).
        masks: where the masks of training come from, else None; of a stack those of its first pass,
            from which the others' follow.
    """

    x: Tensor
    batch_sizes: Tensor | None
    weights: tuple[Tensor, ...]
    state: State
    masks: Masks | None = None


class SavedForBackward(NamedTuple):
    """What the backward pass of one pass gets from its forward pass.

    Its shapes depend on the spec's options and never on the kernel, so that any kernel can go back
    from what another one saved.

    Arguments:
        inputs: of the forward pass.
        output: h at every step, (T, B, H) or (rows, H); P for H with a projection.
        cells: c at every step in the same form, for cells that have a c, else None.
        gates: what the forward pass spares the backward pass from computing again, in an order of
            the kernel's own; None where nothing was kept, and for every other kernel no loss.
    """

    inputs: Inputs
    output: Tensor
    cells: Tensor | None
    gates: Tensor | None = None


@dataclass(frozen=True)
class Gradients:
    """The gradient of a loss to what a pass was given, in the same shapes.

    That of x is None where it was not asked for.
    """

    x: Tensor | None
    weights: tuple[Tensor, ...]
    state: State


class PassKernel(Protocol):
    """A kernel of our own, with a backward pass of its own; it serves passes.

    Second derivatives are not its business: `engine.autograd` takes them from the reference.
    """

    name: str
    own_backward: Literal[True]

    def serves(self, spec: KernelSpec) -> Verdict:
        """Whether this kernel can do it; a pure function."""
        ...

    def forward(self, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State, SavedForBackward]:
        """Run a pass: output, state after each row's last step, and what `backward` needs.

        Each part of the state is (1, B, ·).
        """
        ...

    def backward(
        self,
        spec: KernelSpec,
        saved: SavedForBackward,
        output: Tensor | None,
        state: tuple[Tensor | None, ...],
        *,
        input_gradient: bool = True,
    ) -> Gradients:
        """The gradients of a pass, from those that reach its output and final state.

        They have the shapes of what `forward` returned, and are None for what no loss depends on.
        """
        ...


class StackKernel(Protocol):
    """A kernel made of torch's own operators, which torch differentiates; it serves stacks."""

    name: str
    own_backward: Literal[False]

    def serves(self, spec: KernelSpec) -> Verdict:
        """Whether this kernel can do it; a pure function."""
        ...

    def forward(self, spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
        """Run a stack or a pass: output (T, B, DH), or (rows, DH) where ragged, and final state."""
        ...


Kernel = PassKernel | StackKernel
