"""The recurrent networks that are compared, with about as many weights each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal, get_args

import torch
from torch import Tensor

from holdfast import nn
from holdfast.errors import ArgumentError, option
from holdfast.training.seed import seeded, torch_seed

ModelName = Literal[
    "plain RNN",
    "GRU",
    "LSTM, forget bias 0",
    "LSTM, forget bias 1",
    "LSTM, remember",
    "sLSTM",
]

MODELS: Final[tuple[ModelName, ...]] = get_args(ModelName)

REMEMBER: Final[ModelName] = "LSTM, remember"

START: Final[dict[ModelName, str]] = {
    "plain RNN": "torch's initial weights; tanh",
    "GRU": "torch's initial weights",
    "LSTM, forget bias 0": "torch's initial weights; forget gates at 1/2",
    "LSTM, forget bias 1": "torch's initial weights; forget gates at 0.73",
    "LSTM, remember": "timescales from 1 step to the lag",
    "sLSTM": "timescales from 1 step to the lag",
}
"""How each starts, in words."""


def check_models(models: Sequence[str]) -> None:
    """Refuse a name that is no model's, with an ArgumentError that names it."""
    for model in models:
        if model not in MODELS:
            raise ArgumentError(f"{option('model', model)} is not known; take {'; '.join(MODELS)}.")


HIDDEN: Final = 32
"""Units of the LSTM; the others get as many as make their weights as many."""


def layer_of(
    model: ModelName, inputs: int, hidden: int, timescale: float
) -> nn.RNN | nn.GRU | nn.LSTM | nn.SLSTM:
    """One recurrent layer that starts as its name says, with timescales up to the one given."""
    if model == "plain RNN":
        return nn.RNN(inputs, hidden, init="torch")
    if model == "GRU":
        return nn.GRU(inputs, hidden, init="torch")
    if model == "sLSTM":
        return nn.SLSTM(inputs, hidden, timescale=timescale)
    if model == REMEMBER:
        return nn.LSTM(inputs, hidden, timescale=timescale)
    check_models([model])
    layer = nn.LSTM(inputs, hidden, init="torch")
    with torch.no_grad():
        layer.get_parameter("bias_ih_l0").chunk(4)[1].fill_(
            1.0 if model == "LSTM, forget bias 1" else 0.0
        )
        layer.get_parameter("bias_hh_l0").chunk(4)[1].zero_()
    return layer


class Reader(torch.nn.Module):
    """A recurrent layer and a linear head on its output."""

    def __init__(
        self, layer: nn.RNN | nn.GRU | nn.LSTM | nn.SLSTM, hidden: int, outputs: int
    ) -> None:
        super().__init__()
        self.layer = layer
        self.head = torch.nn.Linear(hidden, outputs)

    def forward(self, inputs: Tensor) -> Tensor:
        """(T, B, O) outputs at every step of (T, B, I)."""
        states: Tensor = self.layer(inputs)[0]
        outputs: Tensor = self.head(states)
        return outputs


def reader(
    model: ModelName,
    inputs: int,
    outputs: int,
    *,
    timescale: float,
    seed: int,
    hidden: int = HIDDEN,
) -> Reader:
    """A network with about as many weights as an LSTM of `hidden` units has; as in `layer_of`."""
    units = matched_units(model, inputs, outputs, hidden)
    with seeded(torch_seed(seed, "weights"), torch.device("cpu")):
        return Reader(layer_of(model, inputs, units, timescale), units, outputs)


def matched_units(model: ModelName, inputs: int, outputs: int, hidden: int) -> int:
    """H with which a model comes nearest to the number of weights of an LSTM."""
    blocks = {"plain RNN": 1, "GRU": 3}.get(model, 4)

    def count(blocks: int, units: int) -> int:
        return blocks * units * (inputs + units + 2) + outputs * (units + 1)

    target = count(4, hidden)
    candidates = range(1, 4 * hidden + 4 * inputs + 8)
    return min(candidates, key=lambda units: abs(count(blocks, units) - target))


def weights_of(network: torch.nn.Module) -> int:
    """How many numbers are trained."""
    return sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
