"""A recurrent layer as arrays that every format is written from and read into; orders of gates."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.nn import GRU, LSTM, RNN

_KNOWN: Final = frozenset(
    {
        "self",
        "input_size",
        "hidden_size",
        "num_layers",
        "nonlinearity",
        "bias",
        "batch_first",
        "bidirectional",
        "peepholes",
        "coupled",
        "dropout",  # these in training only, and what is exported is the layer in evaluation
        "recurrent_dropout",
        "weight_drop",
        "recompute",  # these in the backward pass only
        "recompute_memory",
        "device",
        "dtype",
        "init",
        "timescale",
    }
)
"""The options of a layer that a stack holds, or that decide nothing once there are weights."""

Operator = Literal["LSTM", "GRU", "RNN"]

# One letter a gate, by our names: ONNX and Keras write c or h for the candidates g and n.
OURS: Final[dict[Operator, str]] = {"LSTM": "ifgo", "GRU": "rzn", "RNN": "h"}
ONNX: Final[dict[Operator, str]] = {"LSTM": "iofg", "GRU": "zrn", "RNN": "h"}
KERAS: Final[dict[Operator, str]] = {"LSTM": "ifgo", "GRU": "zrn", "RNN": "h"}

# An LSTM with coupled gates has no rows of its own for f = 1 − i.
OURS_COUPLED: Final = "igo"

OUR_PEEPHOLES: Final = "ifo"
OUR_PEEPHOLES_COUPLED: Final = "io"
ONNX_PEEPHOLES: Final = "iof"


def reordered(array: NDArray[Any], have: str, want: str) -> NDArray[Any]:
    """The blocks of H rows in `array` (GH, …), one a gate, in another order.

    `have` and `want` name the gates, one letter each; a gate that is not there becomes zeros.

    Example:
        >>> reordered(np.arange(8), have="ifgo", want="iofg").tolist()
        [0, 1, 6, 7, 2, 3, 4, 5]
    """
    blocks = dict(zip(have, np.split(array, len(have)), strict=True))
    absent = np.zeros_like(blocks[have[0]])
    return np.concatenate([blocks.get(gate, absent) for gate in want])


@dataclass(frozen=True)
class PassWeights:
    """The weights of one layer in one direction, gates in the order of our layers.

    `weight_ih` (GH, I), `weight_hh` (GH, H), biases (GH,); `peephole` (3H,) is what the cell state
    says to the gates i, f and o, (2H,) to i and o of coupled gates.
    """

    weight_ih: NDArray[Any]
    weight_hh: NDArray[Any]
    bias_ih: NDArray[Any] | None = None
    bias_hh: NDArray[Any] | None = None
    peephole: NDArray[Any] | None = None


@dataclass(frozen=True)
class RecurrentStack:
    """Layers of one kind on top of each other, each of D directions.

    Arguments:
        passes: L times D weights, layer by layer, in each the forward direction first.
        nonlinearity: of an RNN.
        coupled: whether the forget gate of an LSTM is f = 1 − i; it has no rows then.
    """

    operator: Operator
    passes: tuple[PassWeights, ...]
    directions: int = 1
    nonlinearity: Literal["tanh", "relu"] = "tanh"
    coupled: bool = False

    @property
    def gates(self) -> str:
        """The blocks of H rows in the weights."""
        return OURS_COUPLED if self.coupled else OURS[self.operator]

    @property
    def peephole_gates(self) -> str:
        """The blocks of H numbers in a peephole."""
        return OUR_PEEPHOLES_COUPLED if self.coupled else OUR_PEEPHOLES

    @property
    def layers(self) -> int:
        return len(self.passes) // self.directions

    @property
    def input_size(self) -> int:
        return int(self.passes[0].weight_ih.shape[1])

    @property
    def hidden_size(self) -> int:
        return int(self.passes[0].weight_hh.shape[1])

    @property
    def bias(self) -> bool:
        return self.passes[0].bias_ih is not None

    @property
    def peepholes(self) -> bool:
        return self.passes[0].peephole is not None

    @property
    def state_parts(self) -> tuple[str, ...]:
        """The tensors of the state."""
        return ("h", "c") if self.operator == "LSTM" else ("h",)

    def of_layer(self, layer: int) -> tuple[PassWeights, ...]:
        """The weights of one layer, direction by direction."""
        return self.passes[layer * self.directions : (layer + 1) * self.directions]


def stack_of(layer: LSTM | GRU | RNN) -> RecurrentStack:
    """The stack that a layer computes in evaluation mode, on any device, parametrised or not.

    Raises:
        ArgumentError: it is no layer of ours, its forward is another, or it has an option that no
            format has; the message names the option.
    """
    kind = _kind(layer)
    for name, parameter in inspect.signature(kind.__init__).parameters.items():
        # Refused unless known or neutral, so that a new option is never left out in silence.
        value = _option(layer, name)
        if name not in _KNOWN and value not in (parameter.default, ()):
            raise ArgumentError(
                f"The option {name}={value!r} of the layer has no place in the standard "
                f"{kind.__name__} node; export a layer without it."
            )
    suffixes = ("", "_reverse") if layer.bidirectional else ("",)
    peepholes = layer.options.peepholes
    return RecurrentStack(
        operator="LSTM" if kind is LSTM else "GRU" if kind is GRU else "RNN",
        passes=tuple(
            PassWeights(
                weight_ih=_array(layer, f"weight_ih_l{index}{suffix}"),
                weight_hh=_array(layer, f"weight_hh_l{index}{suffix}"),
                bias_ih=_array(layer, f"bias_ih_l{index}{suffix}") if layer.bias else None,
                bias_hh=_array(layer, f"bias_hh_l{index}{suffix}") if layer.bias else None,
                peephole=_array(layer, f"weight_peephole_l{index}{suffix}") if peepholes else None,
            )
            for index in range(layer.num_layers)
            for suffix in suffixes
        ),
        directions=len(suffixes),
        nonlinearity=layer.nonlinearity if isinstance(layer, RNN) else "tanh",
        coupled=layer.options.coupled,
    )


def layer_of(stack: RecurrentStack, *, batch_first: bool) -> LSTM | GRU | RNN:
    """A layer with the weights of a stack, copied; in training mode, as every fresh layer."""
    sizes = stack.input_size, stack.hidden_size, stack.layers
    options: dict[str, Any] = {
        "bias": stack.bias,
        "batch_first": batch_first,
        "bidirectional": stack.directions == 2,
        "device": "meta",  # without memory: nothing is drawn, so nobody's random numbers move
        "init": "torch",
    }
    layer: LSTM | GRU | RNN
    if stack.operator == "LSTM":
        layer = LSTM(*sizes, **options, peepholes=stack.peepholes, coupled=stack.coupled)
    elif stack.operator == "GRU":
        layer = GRU(*sizes, **options)
    else:
        layer = RNN(*sizes, stack.nonlinearity, **options)
    weights: dict[str, torch.Tensor] = {}
    for index, one in enumerate(stack.passes):
        suffix = f"_l{index // stack.directions}" + ("_reverse" if index % stack.directions else "")
        named = {
            "weight_ih": one.weight_ih,
            "weight_hh": one.weight_hh,
            "bias_ih": one.bias_ih,
            "bias_hh": one.bias_hh,
            "weight_peephole": one.peephole,
        }
        for name, array in named.items():
            if array is not None:
                weights[name + suffix] = torch.from_numpy(array.copy())
    layer.load_state_dict(weights, assign=True)
    layer.flatten_parameters()
    return layer


def _kind(layer: object) -> type[LSTM] | type[GRU] | type[RNN]:
    if isinstance(layer, torch.nn.LSTM | torch.nn.GRU | torch.nn.RNN):
        raise ArgumentError(
            f"layer is torch's own {type(layer).__name__}; give holdfast.nn.convert(layer)."
        )
    for kind in (LSTM, GRU, RNN):
        if isinstance(layer, kind):
            if type(layer).forward is not kind.forward:
                raise ArgumentError(
                    f"layer is a {type(layer).__name__}, whose own forward is not known here; give "
                    f"the {kind.__name__} without it."
                )
            return kind
    raise ArgumentError(
        f"layer must be a holdfast.nn.LSTM, GRU or RNN, got {type(layer).__name__}; of a model, "
        "give the layer inside."
    )


def _option(layer: LSTM | GRU | RNN, name: str) -> object:
    """The value of an option, wherever the layer keeps it."""
    for holder in (layer, layer.options, layer.variant):
        if hasattr(holder, name):
            value: object = getattr(holder, name)
            return value
    return "?"


def _array(layer: torch.nn.Module, name: str) -> NDArray[Any]:
    tensor: torch.Tensor = getattr(layer, name)
    if tensor.dtype not in (torch.float32, torch.float64):
        raise ArgumentError(
            f"The layer's {name} is {tensor.dtype}; call layer.float() before the export."
        )
    array: NDArray[Any] = tensor.detach().cpu().numpy()
    return array
