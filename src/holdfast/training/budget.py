"""How long everything may take, and how many steps that is."""

from __future__ import annotations

import math
import re
import statistics
import time
from collections.abc import Callable

from holdfast.errors import ArgumentError, option

_NUMBER = r"([0-9]{1,9}(?:\.[0-9]{0,9})?)\s*"
_DURATION = re.compile(
    rf"(?:{_NUMBER}h)?\s*(?:{_NUMBER}m(?:in)?)?\s*(?:{_NUMBER}s(?:ec)?)?", re.IGNORECASE
)
_SECONDS_OF = (3600.0, 60.0, 1.0)

_CHUNK = 4
"""Updates timed together: batches differ in length, so one alone says little."""
_CHUNKS = 5
"""Timings of which the median is taken, at least: another program may steal the processor during
some."""
_TIMING_SHARE = 0.05
"""The most of the time that may go into measuring."""
_TIMING_WANTED = 0.02
"""The share of the time that measuring takes, where fewer than `_TIMING_SECONDS` would: a machine
may be slow for a second, and a count from that second leaves a third of the time unused."""
_TIMING_SECONDS = 10.0


class Budget:
    """A length of wall-clock time and the clock that it runs on.

    Arguments:
        seconds: how long everything may take; None for as long as it needs.
        start: the reading of `clock` at which time began; None for now.
        clock: seconds that never run backwards.

    Raises:
        ArgumentError: `seconds` is not a positive, finite number.
    """

    def __init__(
        self,
        seconds: float | None,
        *,
        start: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if seconds is not None and not 0.0 < seconds < math.inf:
            raise ArgumentError(f"{option('budget', seconds)} must be a number of seconds above 0.")
        self.seconds = None if seconds is None else float(seconds)
        self.start = clock() if start is None else start
        self._clock = clock

    @classmethod
    def parse(
        cls,
        value: str | float | None,
        *,
        start: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> Budget:
        """A budget from "90s", "5m", "1h30m", a number of seconds, or None for no limit."""
        return cls(None if value is None else duration(value), start=start, clock=clock)

    @property
    def deadline(self) -> float | None:
        """The reading of the clock at which the time is used up; None for never."""
        return None if self.seconds is None else self.start + self.seconds

    def elapsed(self) -> float:
        """Seconds since the start."""
        return self._clock() - self.start

    def remaining(self) -> float:
        """Seconds left, never below 0; infinite without a limit."""
        return math.inf if self.seconds is None else max(0.0, self.seconds - self.elapsed())

    def less(self, seconds: float) -> Budget:
        """A budget on the same clock that ends so many seconds sooner, but lasts a moment."""
        if self.seconds is None:
            return self
        return Budget(max(self.seconds - seconds, 1e-3), start=self.start, clock=self._clock)

    def share(self, fraction: float) -> float:
        """Seconds in a part, from 0 to 1, of what is left; infinite without a limit."""
        if not 0.0 <= fraction <= 1.0:
            raise ArgumentError(f"fraction={fraction!r} must be a share from 0 to 1.")
        return math.inf if self.seconds is None else fraction * self.remaining()


def duration(value: str | float) -> float:
    """Seconds in a length of time as a person writes it: "90s", "1h30m", "1.5h", 90 or "90"."""
    seconds = _seconds(value)
    if seconds is None or not 0.0 < seconds < math.inf:
        raise ArgumentError(
            f"{option('budget', value)} is not a length of time; "
            'write "90s", "5m" or "1h30m", or a number of seconds above 0.'
        )
    return seconds


def _seconds(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, str):
        return None
    text = value.strip()
    if re.fullmatch(_NUMBER, text):
        return float(text)
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        return None
    return sum(
        float(number) * unit
        for number, unit in zip(match.groups(), _SECONDS_OF, strict=True)
        if number is not None
    )


def steps_within(
    seconds: float, measure: Callable[[int], float], *, minimum: int, maximum: int
) -> int:
    """How many updates fit into a time, from `minimum` to `maximum`, from timing a few of them.

    The first update is not counted: it allocates memory and chooses kernels. The time that
    measuring takes comes out of `seconds`. The result is rounded down to two significant digits,
    so that two runs on one machine usually agree on it. Infinite `seconds` give `maximum` without
    measuring; `minimum` holds even where it takes longer.

    Arguments:
        seconds: for all the updates.
        measure: does this many throwaway updates and returns the seconds they took
            (`loop.StepTiming`).

    Raises:
        ArgumentError: `minimum` is below 1 or above `maximum`.
    """
    if not 1 <= minimum <= maximum:
        raise ArgumentError(
            f"minimum={minimum} and maximum={maximum} must be whole numbers, 1 ≤ minimum ≤ maximum."
        )
    if math.isinf(seconds):
        return maximum
    try:
        each, spent = update_seconds(seconds, measure)
    except TimeoutError:
        return minimum
    return min(max(_two_digits(int((seconds - spent) / each)), minimum), maximum)


def update_seconds(seconds: float, measure: Callable[[int], float]) -> tuple[float, float]:
    """How long an update takes, and how long measuring has taken: the median of some timings.

    Arguments:
        seconds: for all the updates; a small part of it goes into measuring.
        measure: as in `steps_within`.

    Raises:
        TimeoutError: there is not even time for two updates.
    """
    spent = first = measure(1)
    if spent + first > seconds:
        raise TimeoutError
    least = min(_TIMING_WANTED * seconds, _TIMING_SECONDS)
    timings: list[float] = []
    # One update is timed on its own where even a chunk of them would take too long.
    chunk = _CHUNK if spent + _CHUNK * first <= _TIMING_SHARE * seconds else 1
    while not timings or (
        (len(timings) < _CHUNKS or spent < least) and spent < _TIMING_SHARE * seconds
    ):
        taken = measure(chunk)
        spent += taken
        timings.append(taken / chunk)
    return max(statistics.median(timings), 1e-9), spent


def _two_digits(count: int) -> int:
    """The largest number with two significant digits that is not above `count`."""
    if count < 100:
        return max(count, 0)
    unit = int(10 ** (len(str(count)) - 2))
    return count // unit * unit
