"""Covariates of new rows, put beside those that series have."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.covariates import Covariates
from holdfast.tables.future_table import laid_out

if TYPE_CHECKING:
    from holdfast.tables.new_rows import NewRows
    from holdfast.tables.series import SeriesSet


def with_rows(
    series: SeriesSet,
    own: Covariates,
    new: NewRows,
    places: NDArray[np.int64],
    rows: NDArray[np.int64],
) -> SeriesSet:
    """Series with their covariates, those of new rows among them.

    Arguments:
        series: N histories that have grown, without covariates.
        own: covariates of the first of them, before they grew; the others are new.
        new: the rows.
        places: (rows,) which series each row belongs to.
        rows: which of the rows are taken.
    """
    made = _widened(own, len(series))
    created = len(series) - len(own)
    if created and new.static is not None:
        codes = new.rows.codes[rows]
        behind = places >= len(own)
        made.static[places[behind]] = new.static[codes[behind]]
    beside = new.rows.beside
    if beside is not None:
        later = laid_out(made, places, new.ordinals[rows], beside.values[rows])
        made = made.with_rows(later)
    return replace(series, covariates=made)


def _widened(own: Covariates, count: int) -> Covariates:
    """The same with series behind them of which nothing is known."""
    more = count - len(own)
    return replace(
        own,
        starts=np.concatenate([own.starts, np.zeros(more, dtype=np.int64)]),
        offsets=np.concatenate([own.offsets, np.full(more, own.offsets[-1])]).astype(np.int64),
        static=np.concatenate([own.static, np.full((more, own.static.shape[1]), np.nan)]),
    )
