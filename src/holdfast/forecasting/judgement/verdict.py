"""What a backtest means, in sentences that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from holdfast.forecasting.judgement.conformal import scores_needed
from holdfast.forecasting.judgement.significance import Comparison
from holdfast.records import LevelCoverage, MethodScore

_SPOKEN: Final = {
    "SeasonalNaive": "seasonal naive",
    "SeasonalMean": "the seasonal mean",
    "DampedETS": "damped ETS",
    "Naive": "naive",
    "Mean": "the mean of the simple methods",
}


def sentences(
    folds: int,
    methods: Sequence[MethodScore],
    coverage: Sequence[LevelCoverage],
    comparison: Comparison | None,
    candidate: str,
) -> tuple[str, ...]:
    """What follows from a backtest.

    Arguments:
        folds: how many scoring folds there were.
        methods: the blend first.
        coverage: one row a level.
        comparison: the blend against the best simple method.
        candidate: the member that had to earn its place.

    Returns:
        sentences, the most important first.
    """
    if not folds:
        return (
            (
                "The history is too short for a backtest: the members weigh the same, the "
                "intervals are not calibrated, and nothing says which method is best."
            ),
        )
    said = []
    if folds == 1:
        said.append(
            "With one fold there is none left to learn weights from: the members weigh the same "
            "and the intervals are not calibrated."
        )
    else:
        said += [*_about_blend(methods), *_about_candidate(methods, candidate)]
    if comparison is not None:
        said.append(comparison.sentence)
    missing = [row for row in coverage if not row.calibrated]
    if missing and folds > 1:
        said.append(_about_levels(missing))
    return tuple(said)


def _about_blend(methods: Sequence[MethodScore]) -> list[str]:
    """A member that would have done better alone, where there is one by a margin."""
    best = min(methods[1:], key=lambda row: row.mase, default=methods[0])
    if not best.mase < 0.95 * methods[0].mase:
        return []
    name = _SPOKEN.get(best.method, f"the {best.method}")
    sentence = (
        f"{name[:1].upper()}{name[1:]} alone was better on the folds than the blend (MASE "
        f"{best.mase:.3f} against {methods[0].mase:.3f}), which could not know that beforehand."
    )
    return [sentence]


def _about_candidate(methods: Sequence[MethodScore], candidate: str) -> list[str]:
    """What the network earned."""
    rows = {row.method: row for row in methods}
    if candidate not in rows:
        return []
    own = rows[candidate]
    simple = [row for row in methods[1:] if row.method != candidate]
    best = min(simple, key=lambda row: row.mase, default=own)
    name = _SPOKEN.get(best.method, best.method)
    if own.weight:
        return [
            (
                f"The {candidate} earns weight {own.weight:.2f}: alone it has MASE {own.mase:.3f}, "
                f"{name} {best.mase:.3f}, the blend {methods[0].mase:.3f}."
            )
        ]
    scores = f"(MASE {own.mase:.3f} against {best.mase:.3f})"
    if own.mase < best.mase:
        return [
            (
                f"The {candidate} gets no weight: alone it beats {name} {scores}, but the blend is "
                "as good without it."
            )
        ]
    return [f"{name[:1].upper()}{name[1:]} is as good: the {candidate} gets no weight {scores}."]


def _about_levels(missing: Sequence[LevelCoverage]) -> str:
    """Which levels the data cannot calibrate, and why."""
    levels = ", ".join(f"{row.level:g} %" for row in missing)
    needed = ", ".join(str(scores_needed(row.level)) for row in missing)
    return (
        f"Not calibrated: {levels}; this takes {needed} independent scores (series × folds) and a "
        f"fold has {missing[0].scores} from the others. These intervals are as wide as past errors "
        "suggest."
    )
