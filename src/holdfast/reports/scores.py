"""Short readings of a backtest that the terminal and the page share."""

from __future__ import annotations

import math
from collections.abc import Sequence

from holdfast.records import NETWORKS, MethodScore

BLEND = "holdfast"


def best_simple(methods: Sequence[MethodScore]) -> MethodScore | None:
    """The method of lowest MASE that is neither the blend nor a network; None without one."""
    simple = [row for row in methods if row.method not in (BLEND, *NETWORKS)]
    return lowest(simple, [row.mase for row in simple])


def lowest(methods: Sequence[MethodScore], values: Sequence[float]) -> MethodScore | None:
    """The method with the lowest finite value; None where no value is finite."""
    finite = [
        (value, row) for value, row in zip(values, methods, strict=True) if math.isfinite(value)
    ]
    return min(finite, key=lambda pair: pair[0])[1] if finite else None


def needed_scores(level: float) -> int:
    """How many independent scores an interval of two tails needs: n ≥ 2/α − 1.

    Source: the smallest n at which the conformal rank ⌈(1 − α/2)(n + 1)⌉ is at most n
    (Vovk, Gammerman and Shafer, 2005, in each tail).

    Arguments:
        level: nominal coverage in percent, below 100.

    Example:
        >>> needed_scores(90), needed_scores(95)
        (19, 39)
    """
    tails = 1 - level / 100
    # 1 − 0.95 is 0.05000000000000004 in binary: a small step back before rounding up.
    return math.ceil(2 / tails - 1 - 1e-9) if tails > 0 else 0


def level_name(level: float) -> str:
    """A level as people write it: "90 %", "97.5 %"."""
    return f"{level:g} %"
