"""Short readings of a backtest that pages, the terminal and JSON share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from holdfast import records
from holdfast.records import Floats
from holdfast.reports.formatting import significant

BLEND = "holdfast"

VERDICTS = (records.DISTRUST, records.CARE, records.TRUST)
"""Verdicts, the gravest first: the table of series sorts by their place."""


def best_simple(methods: Sequence[records.MethodScore]) -> records.MethodScore | None:
    """The method of lowest MASE that is neither the blend nor a network; None without one."""
    simple = [row for row in methods if row.method not in (BLEND, *records.NETWORKS)]
    return lowest(simple, [row.mase for row in simple])


def lowest(
    methods: Sequence[records.MethodScore], values: Sequence[float]
) -> records.MethodScore | None:
    """The method with the lowest finite value; None where no value is finite."""
    pairs = zip(values, methods, strict=True)
    finite = [(value, row) for value, row in pairs if math.isfinite(value)]
    return min(finite, key=lambda pair: pair[0])[1] if finite else None


def needed_scores(level: float) -> int:
    """How many independent scores an interval of two tails needs: n ≥ 2/α − 1.

    Source: the smallest n at which the conformal rank ⌈(1 − α/2)(n + 1)⌉ is at most n
    (Vovk, Gammerman and Shafer, 2005, in each tail). `level` is in percent, below 100.

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


def fold_scores(fold: records.FoldRecord) -> dict[str, object]:
    """Cut-off, size, sMAPE of each method, and the share inside each interval."""
    methods = {BLEND: fold.median, **fold.members}
    return {
        "cutoff": fold.cutoff,
        "series": len(fold.series),
        "points": int(np.isfinite(fold.actual).sum()),
        "smape": {name: significant(smape(fold.actual, rows)) for name, rows in methods.items()},
        "coverage": [
            {
                "level": float(level),
                "share": significant(share_inside(fold.actual, fold.lower[level], upper)),
            }
            for level, upper in sorted(fold.upper.items())
        ],
    }


def smape(actual: Floats, forecast: Floats) -> float:
    """Symmetric mean absolute percentage error, 0 to 200: mean over steps, then over series.

    Source: Makridakis, Spiliotis and Assimakopoulos (2020), "The M4 Competition", equation of
    section 2.2; a step at which both numbers are 0 counts as no error. Of (n, K) numbers, steps at
    which either is missing are left out.

    Example:
        >>> smape(np.array([[100.0, np.nan]]), np.array([[300.0, 5.0]]))
        100.0
    """
    size = np.abs(actual) + np.abs(forecast)
    seen = np.isfinite(size)
    error = np.divide(
        200 * np.abs(actual - forecast), size, out=np.zeros(size.shape), where=seen & (size > 0)
    )
    steps = seen.sum(axis=1)
    if not np.any(steps):
        return float("nan")
    return float(np.mean(error.sum(axis=1)[steps > 0] / steps[steps > 0]))


def share_inside(actual: Floats, lower: Floats, upper: Floats) -> float:
    """The share of observed values between the bounds, 0 to 1; NaN where nothing was observed."""
    seen = np.isfinite(actual) & np.isfinite(lower) & np.isfinite(upper)
    if not np.any(seen):
        return float("nan")
    inside = (actual >= lower) & (actual <= upper)
    return float(np.mean(inside[seen]))


def headline(trust: records.TrustRecord) -> str:
    """How many series are not to be trusted, in a sentence.

    Example:
        >>> headline(records.TrustRecord(("trust", "care", "do not trust"), ((), ("a",), ("b",))))
        '1 of 3 series: do not trust; 1 of 3: care.'
        >>> headline(records.TrustRecord(("trust",), ((),)))
        'Nothing in the past of the series speaks against its forecast.'
    """
    count = len(trust.verdicts)
    doubts = [(trust.count(verdict), verdict) for verdict in VERDICTS[:2] if trust.count(verdict)]
    if not doubts:
        which = "the series" if count == 1 else f"any of the {count:,} series"
        end = ", but mind this:" if trust.common else "."
        return f"Nothing in the past of {which} speaks against its forecast{end}"
    if count == 1:
        verdict = doubts[0][1]
        return f"{verdict[:1].upper()}{verdict[1:]}: {'; '.join(trust.findings[0])}."
    parts = [f"{found:,} of {count:,}: {verdict}" for found, verdict in doubts]
    parts[0] = parts[0].replace(":", " series:", 1)
    return f"{'; '.join(parts)}."
