"""How far to trust a forecast, and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

TRUST: Final = "trust"
"""Nothing speaks against a forecast."""

CARE: Final = "care"
"""One reason to look at a forecast before using it."""

DISTRUST: Final = "do not trust"
"""A grave reason not to use a forecast, or several."""


@dataclass(frozen=True)
class TrustRecord:
    """Which forecasts to trust, and what they rest on.

    Arguments:
        verdicts: (N,) of each series: `TRUST`, `CARE` or `DISTRUST`.
        findings: (N,) why, a phrase a reason; nothing for series to trust.
        common: what is true of all series, in sentences: intervals that are not calibrated, a
            blend that was worse than simple methods.
        hard: indices of the series that were hardest to forecast, the hardest first; only those
            that stand out.
        rests_on: what the forecasts rest on, in sentences: the weights of the members, and how far
            back each looks.

    Example:
        >>> record = TrustRecord(("trust", "care"), ((), ("the last 9 values are missing",)))
        >>> record.count("care"), record.series("care")
        (1, [1])
    """

    verdicts: tuple[str, ...]
    findings: tuple[tuple[str, ...], ...]
    common: tuple[str, ...] = ()
    hard: tuple[int, ...] = ()
    rests_on: tuple[str, ...] = ()

    def count(self, verdict: str) -> int:
        """How many series have a verdict."""
        return self.counts.get(verdict, 0)

    @property
    def counts(self) -> dict[str, int]:
        """Verdict → how many series have it."""
        return dict(Counter(self.verdicts))

    def series(self, verdict: str) -> list[int]:
        """The indices of the series that have a verdict."""
        return [index for index, found in enumerate(self.verdicts) if found == verdict]
