"""The forecasting network that reads covariates, and the task of training it."""

from __future__ import annotations

from typing import Final

import torch.nn.functional as F
from torch import Tensor, nn

from holdfast.forecasting.networks.covariates.inputs import (
    CovariateEncoding,
    CovariateWindows,
    Sizes,
)
from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.model import EXTRA_INPUTS, Features, ForecastNetwork
from holdfast.forecasting.networks.train import NetworkTask
from holdfast.forecasting.quantiles import QUANTILES
from holdfast.tables.series import SeriesSet
from holdfast.tables.windows import Windows

_DECODER: Final = 32


class CovariateNetwork(ForecastNetwork):
    """A `ForecastNetwork` whose patches and whose head read covariates.

    Source: known inputs of the horizon in a decoder shared by its steps: Wen et al., A
    multi-horizon quantile recurrent forecaster (2017), section 3.2.
    """

    def __init__(self, design: Design, sizes: Sizes) -> None:
        super().__init__(design)
        self.sizes = sizes
        hidden = design.hidden
        inputs = 2 * design.patch + EXTRA_INPUTS + sizes.of_patch(design.patch)
        self.read = nn.Sequential(nn.Linear(inputs, hidden), nn.SiLU(), nn.Linear(hidden, hidden))
        self.decode = StepDecoder(hidden, sizes.known, len(QUANTILES))

    def shift(self, state: Tensor, read: Features) -> Tensor | None:
        """What is added to the head of each step, before its quantiles."""
        assert read.ahead is not None
        shift: Tensor = self.decode(state, read.ahead[-len(state) :])
        return shift


class StepDecoder(nn.Module):
    """The effect of a step's covariates, given the state: the same layers for all steps.

    It begins at nothing, so that an untrained network forecasts as one without covariates.
    """

    def __init__(self, hidden: int, known: int, quantiles: int) -> None:
        super().__init__()
        self.of_state = nn.Linear(hidden, _DECODER)
        self.of_step = nn.Linear(known, _DECODER, bias=False)
        self.out = nn.Linear(_DECODER, quantiles)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, state: Tensor, ahead: Tensor) -> Tensor:
        """(P, B, K, Q) from state (P, B, H) and the covariates of the horizon (P, B, K, F)."""
        mixed = F.silu(self.of_state(state)[..., None, :] + self.of_step(ahead))
        effect: Tensor = self.out(mixed)
        return effect


class CovariateTask(NetworkTask):
    """Learning to forecast all series of a table with one network that reads covariates."""

    def __init__(
        self,
        design: Design,
        encoding: CovariateEncoding,
        series: SeriesSet,
        held_out: SeriesSet | None,
        seed: int,
    ) -> None:
        self._sizes = encoding.sizes(series.calendar)
        self._learnt = CovariateWindows(series, encoding, design.horizon)
        self._later = (
            None if held_out is None else CovariateWindows(held_out, encoding, design.horizon)
        )
        super().__init__(design, series, held_out, seed)

    def _new_network(self) -> CovariateNetwork:
        return CovariateNetwork(self.design, self._sizes)

    def _with_covariates(self, read: Features, windows: Windows) -> Features:
        watched = windows is self.windows.validation
        covariates = self._later if watched and self._later is not None else self._learnt
        return covariates.added_to(read, windows.rows, windows.ends, self.design)
