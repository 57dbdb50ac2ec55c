"""Totals of groups of series and of periods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from holdfast.records.arrays import Floats


@dataclass(frozen=True, eq=False)
class TotalsRecord:
    """T totals, with intervals of their own.

    Arguments:
        by: the column that groups the series; "" where each is by itself.
        over: the period that was added up over; "" where each timestamp is by itself.
        labels: (T,) the group of each total.
        times: (T,) the first timestamp of its period, as text.
        median, mean: (T,); the mean is the sum of the means of the parts.
        lower, upper: level in percent → (T,).
        note: (T,) why a total is not the whole one; "" where it is.
    """

    by: str
    over: str
    labels: tuple[str, ...]
    times: tuple[str, ...]
    median: Floats
    mean: Floats
    lower: Mapping[float, Floats]
    upper: Mapping[float, Floats]
    note: tuple[str, ...]

    @property
    def partial(self) -> int:
        """How many of them are not whole."""
        return sum(bool(said) for said in self.note)
