"""How well a classifier does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from holdfast.language.classify.calibration import calibration_error
from holdfast.records import ClassifierScores, TagScore, WarmStartComparison


def classifier_scores(
    chances: NDArray[np.float64],
    truth: Sequence[str],
    labels: Sequence[str],
    simple: Mapping[str, float],
    parts: Mapping[str, float] | None = None,
    start: WarmStartComparison | None = None,
) -> ClassifierScores:
    """Accuracy, calibration and what was taken for what.

    Arguments:
        chances: (N, K) probabilities.
        truth: (N,) true labels; those that training never saw count as wrong.
        labels: K names.
        simple: accuracy of simple classifiers on the same texts.
        parts: of what is blended.
        start: what the start from a language model brought.
    """
    known = {name: number for number, name in enumerate(labels)}
    numbers = np.array([known.get(name, -1) for name in truth], dtype=np.int64)
    made = chances.argmax(axis=1)
    confusion = np.zeros((len(labels), len(labels)), dtype=np.int64)
    inside = numbers >= 0
    np.add.at(confusion, (numbers[inside], made[inside]), 1)
    rows = []
    for place, name in enumerate(labels):
        right, said = int(confusion[place, place]), int((made == place).sum())
        there = int(confusion[place].sum())
        precision, recall = right / max(said, 1), right / max(there, 1)
        both = precision + recall
        rows.append(
            TagScore(name, precision, recall, 2 * precision * recall / both if both else 0.0, there)
        )
    picked = np.where(inside, chances[np.arange(len(made)), np.maximum(numbers, 0)], 0.0)
    return ClassifierScores(
        texts=len(truth),
        accuracy=float((made == numbers).mean()),
        nats=float(-np.log(np.maximum(picked, 1e-12)).mean()),
        calibration_error=calibration_error(chances, numbers),
        labels=tuple(rows),
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
        simple=tuple(simple.items()),
        unknown=tuple(sorted(set(truth) - set(labels))),
        parts=tuple((parts or {}).items()),
        warm_start=start,
    )
