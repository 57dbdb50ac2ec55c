"""What a comparison of forecasters says, in sentences; where no network wins, too."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from holdfast.lens.compare.models import REMEMBER
from holdfast.records import Floats


def forecast_findings(
    models: Sequence[str], scores: Floats, simple: dict[str, float], updates: int
) -> tuple[str, ...]:
    """What the scores say, in sentences.

    Arguments:
        models: the best first.
        scores: (models, seeds).
        simple: name → score.
        updates: of each run at most.

    Example:
        >>> forecast_findings(["GRU"], np.array([[0.9, 1.1]]), {"Theta": 0.8}, 100)[1]
        'No network was better than Theta (MASE 0.800) in the median of its seeds.'
    """
    middle = np.median(scores, axis=1)
    seeds = scores.shape[1]
    found = [f"{models[0]} came first: MASE {middle[0]:.3f}, after at most {updates:,} updates."]
    best, score = min(simple.items(), key=lambda item: item[1])
    better = [model for model, mase in zip(models, middle, strict=True) if mase < score]
    if better:
        found.append(f"Better than {best} (MASE {score:.3f}): {'; '.join(better)}.")
    else:
        found.append(
            f"No network was better than {best} (MASE {score:.3f}) in the median of its seeds."
        )
    if REMEMBER in models and models[0] != REMEMBER:
        ours = list(models).index(REMEMBER)
        overlap = scores[ours].min() <= scores[0].max()
        spread = ", within" if overlap else ", outside"
        spread = f"{spread} the spread of the seeds" if seeds >= 3 else ""
        found.append(
            f"The LSTM that starts to remember was not first: MASE {middle[ours]:.3f}{spread}."
        )
    if seeds < 3:
        found.append("Fewer than three seeds say little about which of two networks is better.")
    return tuple(found)
