"""The scores of a backtest that stay with a model, to be held against later errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from holdfast.forecasting.evaluation.metrics import mean_observed, scaled_error
from holdfast.records import Floats

_PREFIX = "backtest/"


@dataclass(frozen=True, eq=False)
class PastScores:
    """What the blend's errors were on the folds, every one out of fold.

    Arguments:
        errors: (F, N) mean scaled error (MASE) of each window; NaN for a series not in a fold.
        steps: (K,) mean scaled error at each step of the horizon; NaN where there was none.
        cutoffs: (F,) ordinals of the folds' cut-offs, oldest first.

    Example:
        >>> actual = np.array([[[1.0, 2.0]]])
        >>> PastScores.of(actual, actual + 0.5, np.ones((1, 1)), np.array([7])).errors.tolist()
        [[0.5]]
    """

    errors: Floats
    steps: Floats
    cutoffs: NDArray[np.int64]

    @classmethod
    def of(
        cls, actual: Floats, blend: Floats, scales: Floats, cutoffs: NDArray[np.int64]
    ) -> PastScores:
        """The scores of a backtest.

        Arguments:
            actual, blend: (F, N, K), NaN for what is not there.
            scales: (F, N) each window's MASE unit.
            cutoffs: (F,).
        """
        error = scaled_error(actual, blend, scales)
        return cls(mean_observed(error, axis=2), mean_observed(error, axis=(0, 1)), cutoffs)

    def widened(self, series: int) -> PastScores:
        """With room for series that came later, which have no score: N in all."""
        errors = np.full((len(self.errors), series), np.nan)
        errors[:, : self.errors.shape[1]] = self.errors
        return PastScores(errors, self.steps, self.cutoffs)

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """The numbers, by name, for a model folder."""
        return {
            f"{_PREFIX}errors": self.errors,
            f"{_PREFIX}steps": self.steps,
            f"{_PREFIX}cutoffs": self.cutoffs,
        }

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, NDArray[np.generic]], horizon: int, series: int
    ) -> PastScores | None:
        """The inverse of `to_arrays`; None where a model was saved without them.

        Raises:
            ValueError: an array is missing, has the wrong shape or an impossible number.
        """
        own = {name: array for name, array in arrays.items() if name.startswith(_PREFIX)}
        if not own:
            return None
        if set(own) != {f"{_PREFIX}{name}" for name in ("errors", "steps", "cutoffs")}:
            raise ValueError("the scores of its backtest are not complete")
        errors, steps, cutoffs = (
            own[f"{_PREFIX}{name}"] for name in ("errors", "steps", "cutoffs")
        )
        sound = (
            errors.dtype == steps.dtype == np.float64
            and cutoffs.dtype == np.int64
            and cutoffs.ndim == 1
            and errors.shape == (len(cutoffs), series)
            and steps.shape == (horizon,)
        )
        if not sound or not all(_possible(array) for array in (errors, steps)):
            raise ValueError("the scores of its backtest are damaged")
        return cls(
            np.asarray(errors, dtype=np.float64),
            np.asarray(steps, dtype=np.float64),
            np.asarray(cutoffs, dtype=np.int64),
        )


def _possible(array: NDArray[np.generic]) -> bool:
    numbers = np.asarray(array, dtype=np.float64)
    return bool((np.isnan(numbers) | (np.isfinite(numbers) & (numbers >= 0))).all())
