"""New rows for a saved model: its folder is written anew, whole; no torch: no weight moves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import ArgumentError, InputError, ModelError, TableError
from holdfast.forecasting.evaluation.copula import Dependence
from holdfast.forecasting.evaluation.significance import PastScores
from holdfast.forecasting.stored_series import KIND, check_times, described_series, read_series
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.series import SeriesSet
from holdfast.tables.update import Appended, NewRows, append

_DEPENDENCE: Final = "dependence/"


@dataclass(frozen=True, eq=False)
class StoredModel:
    """A model folder as far as its histories go.

    Arguments:
        folder: where it lies.
        manifest, arrays: all that it holds.
        horizon: steps.
        series: its histories.
        names: what their columns are called.
    """

    folder: Path
    manifest: dict[str, Any]
    arrays: dict[str, NDArray[Any]]
    horizon: int
    series: SeriesSet
    names: ColumnNames

    @classmethod
    def open(cls, folder: str | Path) -> StoredModel:
        """Read a model folder.

        Raises:
            ModelError: it is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, KIND)
        try:
            horizon = manifest["horizon"]
            if type(horizon) is not int or horizon < 1:
                raise ValueError("its horizon is damaged")
            series, names = read_series(manifest, arrays, horizon)
            if arrays["rule/factors"].shape != (len(series),):
                raise ValueError("its widths are those of other series")
            Dependence.from_arrays(_dependence(arrays), horizon, len(series))
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            reason = str(error).rstrip(".")
            raise ModelError(f"{folder} does not fit together ({reason}); save it again.") from (
                error
            )
        return cls(Path(folder), manifest, arrays, horizon, series, names)

    def update(self, new: NewRows, *, correct: bool = False) -> Appended:
        """Write the model anew with new rows in its histories, whole or not at all.

        Arguments:
            new: rows on the model's calendar.
            correct: whether a row may take the place of another value.

        Raises:
            TableError: the rows do not fit; nothing is written.
            InputError: the folder cannot be written.
        """
        made = appended(self.series, new, self.horizon, correct=correct)
        described, arrays = described_series(made.series, self.names)
        factors = self.arrays["rule/factors"]
        arrays["rule/factors"] = widened_factors(factors, len(made.series))
        together = Dependence.from_arrays(
            _dependence(self.arrays), self.horizon, len(self.series)
        ).widened(len(made.series))
        arrays |= {f"{_DEPENDENCE}{name}": array for name, array in together.to_arrays().items()}
        scores = PastScores.from_arrays(self.arrays, self.horizon, len(self.series))
        if scores is not None:
            arrays |= scores.widened(len(made.series)).to_arrays()
        storage.save(self.folder, KIND, self.manifest | described, self.arrays | arrays)
        return made


def appended(series: SeriesSet, new: NewRows, horizon: int, *, correct: bool) -> Appended:
    """Series with new rows, as far as timestamps reach.

    Raises:
        TableError: the rows do not fit, or reach where timestamps end.
    """
    made = append(series, new, correct=correct)
    try:
        check_times(made.series, horizon)
    except (ArgumentError, ValueError) as error:
        raise TableError(
            f"{new.rows.where}: the times reach too far ({str(error).rstrip('.')}); mend them."
        ) from error
    return made


def _dependence(arrays: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(_DEPENDENCE): array
        for name, array in arrays.items()
        if name.startswith(_DEPENDENCE)
    }


def widened_factors(factors: NDArray[Any], series: int) -> NDArray[Any]:
    """Each series' own width of intervals; 1 for those that the fit never saw.

    Example:
        >>> widened_factors(np.array([0.5]), 2).tolist()
        [0.5, 1.0]
    """
    return np.concatenate([factors, np.ones(series - len(factors))])
