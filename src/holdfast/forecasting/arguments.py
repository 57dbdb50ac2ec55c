"""Arguments of the forecaster and of its commands, checked; nothing else is loaded for that."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from holdfast.errors import ArgumentError, option

MOST: Final = 100_000  # the longest horizon, the longest season and the largest seed


def check_levels(levels: Sequence[float]) -> tuple[float, ...]:
    """Interval levels in ascending order, once each.

    Raises:
        ArgumentError: a level is not a percentage of at least 1 and below 100.

    Example:
        >>> check_levels([90, 80])
        (80.0, 90.0)
    """
    listed = np.asarray(levels)
    if listed.size and (listed.ndim != 1 or listed.dtype.kind not in "if"):
        given = option("level", levels)
        raise ArgumentError(f"{given} must be a list of percentages, as in (80, 90).")
    for level in listed.tolist():
        if not 0 < level < 100:
            raise ArgumentError(f"{option('level', level)} must be a percentage between 0 and 100.")
        if level < 1:
            raise ArgumentError(
                f"{option('level', level)}: levels are percentages, so write {100 * level:g} for "
                f"{level:g}."
            )
    return tuple(sorted({float(level) for level in listed.tolist()}))


def check_whole_number(name: str, value: object, least: int, most: int = MOST) -> int:
    """An argument that is a whole number, numpy's too, of at least `least`.

    Raises:
        ArgumentError: it is something else.
    """
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    number = int(value) if isinstance(value, int | np.integer) else least - 1
    if not whole or not least <= number <= most:
        given = option(name, value)
        raise ArgumentError(f"{given} must be a whole number from {least} to {most:,}.")
    return number
