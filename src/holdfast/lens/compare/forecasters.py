"""Forecasting networks that differ in their recurrent layers alone."""

from __future__ import annotations

from torch import Tensor, nn

from holdfast.forecasting.groundwork import Groundwork
from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.model import ForecastNetwork
from holdfast.forecasting.networks.train import NetworkTask
from holdfast.lens.compare.models import ModelName, layer_of


class Recurrence(nn.Module):
    """Any recurrent layer in the place of an LSTM: as many numbers out as in.

    Arguments:
        model: which.
        size: numbers that come in and go out at a step.
        units: H of the layer; a linear map follows where it is not `size`.
        timescale: as in `layer_of`.
    """

    def __init__(self, model: ModelName, size: int, units: int, timescale: float) -> None:
        super().__init__()
        self.layer = layer_of(model, size, units, timescale)
        self.out = nn.Identity() if units == size else nn.Linear(units, size, bias=False)

    def forward(self, state: Tensor) -> tuple[Tensor, None]:
        """(P, B, size) from (P, B, size), as a layer and without its final states."""
        return self.out(self.layer(state)[0]), None


class ComparedTask(NetworkTask):
    """A forecasting network whose recurrent layers are those of a model.

    Arguments:
        model: which.
        ground: its folds; the network sees nothing of those that are scored.
        design: the sizes of the LSTM's network.
        seed: of the initial weights.
    """

    def __init__(self, model: ModelName, ground: Groundwork, design: Design, seed: int) -> None:
        self.model = model
        super().__init__(design, ground.seen, ground.watched, seed)

    def _made(self) -> ForecastNetwork:
        return compared_network(self.model, self.design)


def compared_network(model: ModelName, design: Design) -> ForecastNetwork:
    """The forecasting network of a design with a model's layers and as many weights as an LSTM's.

    Example:
        >>> import numpy as np
        >>> from holdfast.forecasting.networks.design import choose_design
        >>> from holdfast.lens.compare.models import MODELS, weights_of
        >>> design = choose_design(np.array([100]), horizon=4, season=1)
        >>> sizes = [weights_of(compared_network(model, design)) for model in MODELS]
        >>> max(sizes) / min(sizes) < 1.03
        True
    """
    network, size = ForecastNetwork(design), design.hidden
    timescale = float(max(design.context // design.patch, 2))
    wanted = 4 * size * (2 * size + 2)
    blocks = {"plain RNN": 1, "GRU": 3}.get(model, 4)

    def off(units: int) -> int:
        return abs(
            blocks * units * (size + units + 2) + (0 if units == size else units * size) - wanted
        )

    units = min(range(1, 4 * size), key=off)
    network.recurrent = nn.ModuleList(
        Recurrence(model, size, units, timescale) for _ in range(design.layers)
    )
    return network
