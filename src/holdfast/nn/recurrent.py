"""What `LSTM`, `GRU`, `RNN` and `SLSTM` share: their weights, their call forms, their checks."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from holdfast.engine.cells import Cell, Masks, Options, State, Weights
from holdfast.engine.kernels.builtin import flatten_weights
from holdfast.engine.kernels.choose import choose
from holdfast.engine.kernels.contract import Inputs, KernelSpec
from holdfast.engine.recompute import Recompute, check_recompute, segment_length
from holdfast.errors import ArgumentError
from holdfast.nn.arguments import (
    EXTRA_WEIGHTS,
    PLAIN,
    Lengths,
    Variant,
    check_arguments,
    check_input,
    check_state,
    draw_seed,
    drop_weights,
    pack,
    pad,
)
from holdfast.nn.initialisation import Initialisation, check_initialisation, initialise
from holdfast.nn.stack import RunStack, equations_forced, run_layers, run_stack

_cached_spec = lru_cache(maxsize=1024)(KernelSpec)
"""The same spec for the same sizes: to make and compare one takes as long as some steps do."""


class Recurrent(nn.Module):
    """A stack of recurrent layers; use `LSTM`, `GRU` or `RNN`.

    Its parameters are the only store of its weights: whatever sits under their names when the layer
    is called (a parametrisation's product, a pruned tensor, a replica) is what runs.
    """

    recompute: Recompute = "auto"
    recompute_memory: int | None = None

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        proj_size: int,
        device: torch.device | str | int | None,
        dtype: torch.dtype | None,
        *,
        init: Initialisation,
        timescale: float | None,
        recompute: Recompute,
        recompute_memory: int | None,
        variant: Variant = PLAIN,
    ) -> None:
        super().__init__()
        check_recompute(recompute, recompute_memory)
        check_arguments(input_size, hidden_size, num_layers, bias, batch_first, dropout, proj_size)
        self.input_size = input_size
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bias = bias
        self.batch_first = batch_first
        self.dropout = float(dropout)
        self.bidirectional = bidirectional
        self.proj_size = proj_size
        self.recompute = recompute
        self.recompute_memory = recompute_memory
        self.variant = variant
        self.init, self.timescale = check_initialisation(init, timescale, self.cell, bias=bias)
        self._weight_names = self._names()
        shapes = self._shapes()
        for names in self._weight_names:
            for name in names:
                empty = torch.empty(shapes[name], device=device, dtype=dtype)
                self.register_parameter(name, nn.Parameter(empty))
        self.flatten_parameters()
        self.reset_parameters()

    @property
    def cell(self) -> Cell:
        """The equations of this layer."""
        raise AttributeError(f"{type(self).__name__} has no cell; use LSTM, GRU or RNN.")

    @property
    def options(self) -> Options:
        """Which variant of the equations; `variant` has what the stack does beside them."""
        return self.variant.options

    @property
    def all_weights(self) -> list[list[Tensor]]:
        """The weights of each layer and direction, in torch's order."""
        return [[getattr(self, name) for name in names] for names in self._weight_names]

    def reset_parameters(self) -> None:
        """Draw the weights anew, as `init` and `timescale` say."""
        initialise(
            self.cell,
            [
                parameter
                for name, parameter in self.named_parameters()
                if not name.startswith(EXTRA_WEIGHTS)
            ],
            [self._weights(names) for names in self._weight_names],
            self.hidden_size,
            self.init,
            self.timescale,
            self.options,
        )

    def flatten_parameters(self) -> None:
        """Lay the weights side by side in memory, as cuDNN wants them; elsewhere do nothing.

        Called for you when the layer is made or moved; call it after replacing weights by hand.
        """
        tensors = [getattr(self, name, None) for names in self._weight_names for name in names]
        present = [tensor for tensor in tensors if isinstance(tensor, Tensor)]
        if len(present) == len(tensors) and not self.options.changed:
            flatten_weights(
                self.cell,
                present,
                tensors_per_pass=len(self._weight_names[0]),
                input_size=self.input_size,
                hidden_size=self.hidden_size,
                projection=self.proj_size,
                layers=self.num_layers,
                bidirectional=self.bidirectional,
            )

    def extra_repr(self) -> str:
        """The options that differ from the defaults."""
        shown = [f"{self.input_size}, {self.hidden_size}"]
        defaults = {
            "proj_size": 0,
            "num_layers": 1,
            "bias": True,
            "batch_first": False,
            "dropout": 0.0,
            "bidirectional": False,
            "recompute": "auto",
            "recompute_memory": None,
        }
        for name, default in defaults.items():
            value = getattr(self, name)
            if value != default:
                shown.append(f"{name}={value!r}")
        return ", ".join(shown + self.variant.shown())

    def _apply(self, fn: Callable[[Tensor], Tensor], recurse: bool = True) -> Recurrent:
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.flatten_parameters()
        return self

    def _names(self) -> tuple[tuple[str, ...], ...]:
        """The names of the weights of each layer and direction."""
        kinds = tuple(self._shapes_of_pass(self.input_size))
        suffixes = ("", "_reverse") if self.bidirectional else ("",)
        return tuple(
            tuple(f"{kind}_l{layer}{suffix}" for kind in kinds)
            for layer in range(self.num_layers)
            for suffix in suffixes
        )

    def _shapes(self) -> dict[str, tuple[int, ...]]:
        output = self.proj_size or self.hidden_size
        directions = 2 if self.bidirectional else 1
        shapes: dict[str, tuple[int, ...]] = {}
        for index, names in enumerate(self._weight_names):
            columns = self.input_size if index < directions else directions * output
            shapes |= zip(names, self._shapes_of_pass(columns).values(), strict=True)
        return shapes

    def _shapes_of_pass(self, columns: int) -> dict[str, tuple[int, ...]]:
        return self.cell.weight_shapes(
            input_size=columns,
            hidden_size=self.hidden_size,
            projection=self.proj_size,
            bias=self.bias,
            options=self.options,
        )

    def _weights(self, names: tuple[str, ...]) -> Weights:
        return Weights(**{name[: name.index("_l")]: getattr(self, name) for name in names})

    def _run(
        self, input: Tensor | PackedSequence, state: State | None, lengths: Lengths | None
    ) -> tuple[Tensor | PackedSequence, State]:
        """Bring any call form to (T, B, I) or a pack batch, run it, and bring it back."""
        if isinstance(input, PackedSequence):
            if lengths is not None:
                raise ArgumentError("lengths goes with a pad tensor; a PackedSequence has its own.")
            return self._run_packed(input, state)
        dimensions = input.dim()
        if dimensions not in (2, 3):
            raise ValueError(
                f"{type(self).__name__}: Expected input to be 2D or 3D, got {dimensions}D instead"
            )
        batched = dimensions == 3
        if state is not None:
            if any(part.dim() != dimensions for part in state):
                raise RuntimeError(
                    f"For {'batched' if batched else 'unbatched'} {dimensions}-D input, each part "
                    f"of hx should also be {dimensions}-D but got "
                    + ", ".join(f"{part.dim()}-D" for part in state)
                )
            if not batched:
                state = tuple(part.unsqueeze(1) for part in state)
        if not batched:
            if lengths is not None:
                raise ArgumentError(
                    "lengths goes with a batch; an unbatched input is one sequence."
                )
            output, final = self._run_dense(input.unsqueeze(1), state)
            return output.squeeze(1), tuple(part.squeeze(1) for part in final)
        x = input.transpose(0, 1) if self.batch_first else input
        ragged = None if lengths is None else pack(x, lengths)
        if ragged is None:
            output, final = self._run_dense(x, state)
        else:
            result, final = self._run_packed(ragged, state)
            output = pad(result, x.shape[0])
        return (output.transpose(0, 1) if self.batch_first else output), final

    def _run_dense(self, x: Tensor, state: State | None) -> tuple[Tensor, State]:
        steps, batch, _ = x.shape
        if steps == 0:
            raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
        return self._run_stack(x, None, state, steps, batch)

    def _run_packed(
        self, input: PackedSequence, state: State | None
    ) -> tuple[PackedSequence, State]:
        x, batch_sizes, sorted_indices, unsorted_indices = input
        if x.dim() != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {x.dim()}")
        batch = int(batch_sizes[0])
        if state is not None and sorted_indices is not None:
            check_state(state, self.cell.parts, self.state_shapes(batch))
            state = tuple(part.index_select(1, sorted_indices) for part in state)
        output, final = self._run_stack(x, batch_sizes, state, len(batch_sizes), batch)
        if unsorted_indices is not None:
            final = tuple(part.index_select(1, unsorted_indices) for part in final)
        return PackedSequence(output, batch_sizes, sorted_indices, unsorted_indices), final

    def _run_stack(
        self,
        x: Tensor,
        batch_sizes: Tensor | None,
        state: State | None,
        steps: int,
        batch: int,
    ) -> tuple[Tensor, State]:
        weights = self.flat_weights()
        check_input(x, weights[0], self.input_size)
        if state is None:
            state = self.zero_state(x, batch)
        else:
            check_state(state, self.cell.parts, self.state_shapes(batch))
        segment, masks = None, None
        if self.training and self.options.draws:
            masks = Masks(draw_seed())
        if self.training and self.variant.weight_drop > 0:
            names = [name for names in self._weight_names for name in names]
            weights = drop_weights(weights, self.variant.weight_drop, names)
        spec = self.kernel_spec(x, steps, batch, ragged=batch_sizes is not None)
        if not torch.compiler.is_compiling():  # there it cuts by itself; a question would fix T
            segment = segment_length(spec, self.recompute, self.recompute_memory)
        inputs = Inputs(x=x, batch_sizes=batch_sizes, weights=weights, state=state, masks=masks)
        return self.run_spec(run_stack, spec, inputs, segment)

    # The inner interface: what other modules of this package ask of a layer, and users need not.

    def flat_weights(self) -> tuple[Tensor, ...]:
        """The weights of all layers and directions, in torch's order."""
        parameters = self._parameters  # where most are, and found sooner than through the module
        return tuple(
            getattr(self, name) if (found := parameters.get(name)) is None else found
            for names in self._weight_names
            for name in names
        )

    def state_shapes(self, batch: int) -> tuple[tuple[int, int, int], ...]:
        """The shape of each part of the state: (LD, B, H), with P for the h of a projection.

        A layer of dilation d has d rows for each direction.
        """
        rows = self.variant.state_rows(self.num_layers, 2 if self.bidirectional else 1)
        first = (rows, batch, self.proj_size or self.hidden_size)
        return (first, *[(rows, batch, self.hidden_size)] * (len(self.cell.parts) - 1))

    def zero_state(self, x: Tensor, batch: int) -> State:
        """A state of zeros in the dtype and on the device of x, to read only.

        Nobody writes into what a pass begins with, so that parts of one shape may be one tensor.
        """
        first, *others = self.state_shapes(batch)
        h = torch.zeros(first, dtype=x.dtype, device=x.device)
        if not self.proj_size:
            return (h,) * (1 + len(others))
        return (h, *[torch.zeros(shape, dtype=x.dtype, device=x.device) for shape in others])

    def kernel_spec(self, x: Tensor, steps: int, batch: int, *, ragged: bool) -> KernelSpec:
        """What the engine is to run for an input of a size, in the layer's mode."""
        options = self.options
        if not self.training and options.recurrent_dropout:
            options = replace(options, recurrent_dropout=0.0)
        make = KernelSpec if torch.compiler.is_compiling() else _cached_spec
        return make(  # in the order of its fields, since names make finding it slower
            self.cell,
            steps,
            batch,
            self.input_size,
            self.hidden_size,
            x.dtype,
            x.device.type,
            self.num_layers,
            2 if self.bidirectional else 1,
            False,  # reverse
            self.bias,
            self.proj_size,
            self.dropout if self.training else 0.0,
            ragged,
            torch.is_grad_enabled(),
            equations_forced(),
            options,
        )

    def run_spec(
        self, run: RunStack, spec: KernelSpec, inputs: Inputs, segment: int | None = None
    ) -> tuple[Tensor, State]:
        """Run the stack at once, or layer by layer where something stands between layers."""
        if not self.variant.layerwise:
            return run(spec, inputs, segment)
        return run_layers(
            run,
            spec,
            inputs,
            segment,
            residual=self.variant.residual,
            dilation=self.variant.dilation,
        )


L = TypeVar("L", bound=Recurrent)


def torch_arguments(module: nn.Module, cls: type[nn.Module]) -> dict[str, Any]:
    """The arguments with which ours in the place of torch's layer or cell is made alike."""
    weight = next(module.parameters())
    shared = [name for name in inspect.signature(cls).parameters if hasattr(module, name)]
    arguments = {name: getattr(module, name) for name in shared}
    return arguments | {"device": weight.device, "dtype": weight.dtype, "init": "torch"}


def take_weights(layer: L, module: nn.Module) -> L:
    """The layer with the weights of torch's one, copied; what torch's has not stays neutral.

    Raises:
        ArgumentError: its gates are coupled; or a weight is missing or of another shape, which is
            named.
    """
    if layer.options.coupled:
        raise ArgumentError(
            "coupled layers have three blocks of rows (i, g, o) and torch's four, so that no "
            "weights of torch's fit; leave coupled out, or train the layer from the start."
        )
    parameters = dict(layer.named_parameters())
    given = module.state_dict()
    for name, weight in given.items():
        if name not in parameters or parameters[name].shape != weight.shape:
            had = tuple(parameters[name].shape) if name in parameters else "no such weight"
            raise ArgumentError(
                f"module has {name} of shape {tuple(weight.shape)}, the layer {had}; take "
                "parametrisations off first, and give a layer of torch."
            )
    with torch.no_grad():
        for name, weight in given.items():
            parameters[name].copy_(weight)
    return layer.train(module.training)


@dataclass(frozen=True)
class Explanation:
    """What the engine chooses for a layer.

    Arguments:
        kernel: its name: "cpu" (compiled by Holdfast), "builtin" (torch's operator), "reference"
            (the equations in plain torch).
        reason: why this one, and why not those before it.
    """

    kernel: str
    reason: str


def explain(layer: Recurrent, steps: int, batch: int, *, training: bool = True) -> Explanation:
    """Say which kernel runs a layer on sequences of a size; nothing is run.

    Arguments:
        layer: in its mode, dtype and on its device.
        steps: T.
        batch: B.
        training: whether gradients are wanted.

    Returns:
        The kernel and the reason in words.

    Example:
        >>> from holdfast.nn import LSTM
        >>> explain(LSTM(8, 64, dtype=torch.bfloat16), steps=100, batch=32).kernel
        'builtin'
    """
    weight = layer.all_weights[0][0]
    x = torch.empty((1, 1, layer.input_size), dtype=weight.dtype, device=weight.device)
    spec = layer.kernel_spec(x, steps, batch, ragged=False)
    choice = choose(replace(spec, gradient=training))
    return Explanation(choice.kernel.name, choice.reason)
