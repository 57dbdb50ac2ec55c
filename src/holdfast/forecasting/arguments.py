"""What a caller may give the forecaster: levels, counts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holdfast.errors import ArgumentError

MOST = 100_000
"""The longest horizon, the longest season, the most steps and the largest seed."""


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Interval levels in ascending order, once each.

    Raises:
        ArgumentError: a level is not between 0 and 100.
    """
    listed = np.asarray(levels)
    if listed.ndim != 1 or listed.dtype.kind not in "if":
        raise ArgumentError(f"level={levels!r} must be a list of percentages, as in (80, 90).")
    for level in listed.tolist():
        if not 0 < level < 100:
            raise ArgumentError(f"level={level!r} must be a percentage between 0 and 100.")
    return tuple(sorted({float(level) for level in listed.tolist()}))


def count(name: str, value: object, least: int) -> int:
    """A whole number, numpy's too, of at least `least`."""
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    number = int(value) if isinstance(value, int | np.integer) else least - 1
    if not whole or not least <= number <= MOST:
        raise ArgumentError(f"{name}={value!r} must be a whole number from {least} to {MOST:,}.")
    return number
