"""Rows of many series in long form, sorted by series and time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError, option
from holdfast.tables.codes import DAY
from holdfast.tables.covariates import Beside
from holdfast.tables.stamps import Stamps

_HOUR = DAY // 24


@dataclass(frozen=True, eq=False)
class Rows:
    """One timestamp and one value a row.

    Arguments:
        labels: N names to show.
        keys: the id columns, name → N values.
        codes: (rows,) which series.
        stamps: the (rows,) timestamps and what they are.
        values: (rows,) float64, NaN where nothing was written.
        at: row → where a person finds it.
        where: what to call the table in a sentence.
        beside: the covariates of each row; None for none.
    """

    labels: tuple[str, ...]
    keys: Mapping[str, NDArray[np.generic]]
    codes: NDArray[np.int64]
    stamps: Stamps
    values: NDArray[np.float64]
    at: Callable[[int], str]
    where: str
    beside: Beside | None = None

    def __len__(self) -> int:
        return len(self.codes)

    def series(self, code: int) -> str:
        """How a sentence names a series."""
        return f"series {self.labels[code]!r}" if len(self.labels) > 1 else "the series"

    def time(self, row: int) -> str:
        """A row's timestamp as text, for sentences."""
        stamp = int(self.stamps.values[row])
        return str(stamp) if self.stamps.counter else moment_text(stamp)

    @property
    def same_series(self) -> NDArray[np.bool_]:
        """(rows − 1,) whether a row's successor belongs to the same series."""
        return np.asarray(self.codes[1:] == self.codes[:-1])

    def at_times(self, values: NDArray[np.int64]) -> Rows:
        """The same rows with other timestamps."""
        return replace(self, stamps=replace(self.stamps, values=values))

    def sorted(self) -> tuple[Rows, bool]:
        """The rows by series and time, and whether they had to be moved.

        Descending rows and interleaved series count as sorted as long as each series runs in one
        direction: nobody needs to hear about them.
        """
        times = self.stamps.values
        steps = np.diff(times)
        if (np.diff(self.codes) >= 0).all() and ((steps >= 0) | ~self.same_series).all():
            return self, False
        by_series = np.argsort(self.codes, kind="stable")
        inside = np.diff(self.codes[by_series]) == 0
        steps = np.diff(times[by_series])[inside]
        moved = bool((steps < 0).any() and (steps > 0).any())
        return self._in_order(np.lexsort((times, self.codes))), moved

    def where_true(self, kept: NDArray[np.bool_]) -> Rows:
        """Only some rows, which still know where they came from."""
        return self._in_order(np.flatnonzero(kept))

    def _in_order(self, order: NDArray[np.int64]) -> Rows:
        at = self.at
        return replace(
            self.at_times(self.stamps.values[order]),
            codes=self.codes[order],
            values=self.values[order],
            at=lambda row: at(int(order[row])),
            beside=None if self.beside is None else self.beside.take(order),
        )

    def check_unique(self) -> None:
        """Refuse two rows of one series at one time; rows must be sorted.

        Raises:
            TableError: names the series, the timestamp, both rows and what to do.
        """
        times = self.stamps.values
        twice = np.flatnonzero((times[1:] == times[:-1]) & self.same_series)
        if not len(twice):
            return
        row = int(twice[0])
        name = self.series(int(self.codes[row]))
        places = f"{self.at(row)} and {self.at(row + 1)}"
        start = f"{self.where}: {name} has {self.time(row)} twice, in {places}"
        if self._summer_time(twice):
            raise TableError(
                f"{start}; it looks like the hour that daylight saving repeats: give the times "
                "in UTC or with their offset, or combine the rows with "
                f"{option('aggregate', 'mean')}."
            )
        advice = (
            f"combine such rows with {option('aggregate', 'sum')} or {option('aggregate', 'mean')}"
        )
        if len(self.labels) == 1:
            advice += f", or name the column that tells series apart with {option('id_col')}"
        raise TableError(f"{start}; {advice}.")

    def _summer_time(self, twice: NDArray[np.int64]) -> bool:
        """Whether repeated timestamps are what a clock shows when it is put back.

        At most one night a year and series, each time no more than the hours before four.
        """
        if self.stamps.counter or self.stamps.zone is not None:
            return False
        times = self.stamps.values
        if not (times % DAY != 0).any():
            return False
        repeated = times[twice]
        nights = np.unique(repeated // DAY)
        years = np.unique(repeated.astype("datetime64[ns]").astype("datetime64[Y]"))
        in_threes = (np.diff(twice) == 1) & (np.diff(repeated) == 0)
        return bool(
            len(nights) <= len(years)
            and (repeated % DAY < 4 * _HOUR).all()
            and all(
                np.ptp(repeated[repeated // DAY == night]) < 2 * _HOUR for night in nights.tolist()
            )
            and not in_threes.any()
        )


def moment_text(stamp: int) -> str:
    """Nanoseconds since 1970 as text, without a time of day where there is none."""
    moment = np.datetime64(stamp, "ns")
    if stamp % DAY == 0:
        return str(np.datetime_as_string(moment, unit="D"))
    unit = "s" if stamp % 10**9 == 0 else "ns"
    return str(np.datetime_as_string(moment, unit=unit)).replace("T", " ")  # type: ignore[call-overload] # a str is fine here
