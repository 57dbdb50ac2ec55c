"""Training networks that read covariates."""

from __future__ import annotations

from holdfast.forecasting.networks.covariate_inputs import CovariateWindows, Reading
from holdfast.forecasting.networks.covariate_model import CovariateNetwork
from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.features import Features
from holdfast.forecasting.networks.fit import NetworkTask
from holdfast.tables.series import SeriesSet
from holdfast.tables.window_split import Windows


class CovariateTask(NetworkTask):
    """Learning to forecast all series of a table with one network that reads covariates.

    Arguments:
        design: the network's sizes.
        reading: how covariates become numbers.
        series: histories up to the last value that training may see.
        held_out: the same series some horizons further, to stop early on; None for never.
        seed: of the initial weights.
    """

    def __init__(
        self,
        design: Design,
        reading: Reading,
        series: SeriesSet,
        held_out: SeriesSet | None,
        seed: int,
    ) -> None:
        self._sizes = reading.sizes(series.calendar)
        self._learnt = CovariateWindows(series, reading, design.horizon)
        self._later = (
            None if held_out is None else CovariateWindows(held_out, reading, design.horizon)
        )
        super().__init__(design, series, held_out, seed)

    def _made(self) -> CovariateNetwork:
        return CovariateNetwork(self.design, self._sizes)

    def _beside(self, read: Features, windows: Windows) -> Features:
        watched = windows is self.windows.watched
        beside = self._later if watched and self._later is not None else self._learnt
        return beside.beside(read, windows.rows, windows.ends, self.design)
