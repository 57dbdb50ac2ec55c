"""What a backtest means, in sentences that a person can act on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from holdfast.forecasting.evaluation.conformal import scores_needed
from holdfast.forecasting.evaluation.significance import Comparison
from holdfast.records import (
    ADAPTED,
    LSTM,
    LSTM_X,
    NETWORKS,
    PRETRAINED,
    PRETRAINED_X,
    LevelCoverage,
    MethodScore,
)

_SPOKEN: Final = {
    PRETRAINED: "the pretrained LSTM",
    ADAPTED: "the adapted LSTM",
    LSTM: "the LSTM",
    PRETRAINED_X: "the pretrained LSTM with covariates",
    LSTM_X: "the LSTM with covariates",
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
) -> tuple[str, ...]:
    """What follows from a backtest.

    Arguments:
        folds: how many scoring folds there were.
        methods: the blend first.
        coverage: one row a level.
        comparison: the blend against the best simple method.

    Returns:
        sentences, the most important first.
    """
    if not folds:
        return (
            (
                "The history is too short for a backtest: networks and simple methods weigh the "
                "same, the intervals are not calibrated, and nothing says which method is best."
            ),
        )
    said = []
    if folds == 1:
        said.append(
            "With one fold there is none left to learn weights from: networks and simple methods "
            "weigh the same and the intervals are not calibrated."
        )
    else:
        said += [*_about_blend(methods), *_about_networks(methods)]
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
    sentence = (
        f"{_begun(_spoken(best))} alone was better on the folds than the blend (MASE "
        f"{best.mase:.3f} against {methods[0].mase:.3f}), which could not know that beforehand."
    )
    return [sentence]


def _about_networks(methods: Sequence[MethodScore]) -> list[str]:
    """What the networks earned: the best of them in full, the others in a few words."""
    networks = [row for row in methods if row.method in NETWORKS and row.weight is not None]
    if not networks:
        return []
    simple = [row for row in methods[1:] if row.method not in NETWORKS]
    weighted = [row for row in networks if row.weight]
    first = min(weighted or networks, key=lambda row: row.mase)
    best = min(simple, key=lambda row: row.mase, default=first)
    said = [_about_network(first, best, methods[0])]
    for row in networks:
        if row is not first:
            weight = f"weight {row.weight:.2f}" if row.weight else "no weight"
            said.append(f"{_begun(_spoken(row))} gets {weight} (MASE {row.mase:.3f}).")
    return said


def _about_network(own: MethodScore, best: MethodScore, blend: MethodScore) -> str:
    """What one network earned beside the best simple method."""
    name = _spoken(own)
    if own.weight:
        return (
            f"{_begun(name)} earns weight {own.weight:.2f}: alone it has MASE {own.mase:.3f}, "
            f"{_spoken(best)} {best.mase:.3f}, the blend {blend.mase:.3f}."
        )
    scores = f"(MASE {own.mase:.3f} against {best.mase:.3f})"
    if own.mase < best.mase:
        return (
            f"{_begun(name)} gets no weight: alone it beats {_spoken(best)} {scores}, but the "
            "blend is as good without it."
        )
    return f"{_begun(_spoken(best))} is as good: {name} gets no weight {scores}."


def _spoken(row: MethodScore) -> str:
    """A method in a sentence."""
    return _SPOKEN.get(row.method, row.method)


def _begun(words: str) -> str:
    """Words at the beginning of a sentence."""
    return words[:1].upper() + words[1:]


def _about_levels(missing: Sequence[LevelCoverage]) -> str:
    """Which levels the data cannot calibrate, and why."""
    levels = ", ".join(f"{row.level:g} %" for row in missing)
    needed = ", ".join(str(scores_needed(row.level)) for row in missing)
    return (
        f"Not calibrated: {levels}; that takes {needed} past horizons (series × folds), and each "
        f"was tested with the {missing[0].scores} others. These intervals are as wide as past "
        "errors suggest."
    )
