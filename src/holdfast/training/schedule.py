"""The learning rate at each update, a pure function of the step."""

from __future__ import annotations

import math


def learning_rate(step: int, *, steps: int, peak: float, warmup: int) -> float:
    """Linear warm-up to the peak, then half a cosine towards zero.

    The cosine would reach zero one update after the last, so that no update is wasted on a rate
    of zero.

    Arguments:
        step: the update, counted from 1 to `steps`.
        steps: updates of the whole run.
        peak: the highest rate, reached at step `warmup` (at step 1 without warm-up).
        warmup: updates of the warm-up, 0 to `steps`.

    Returns:
        The rate of update `step`.

    Source: Loshchilov and Hutter (2017), "SGDR: stochastic gradient descent with warm restarts",
    equation 5, without restarts.

    Example:
        >>> [round(learning_rate(s, steps=6, peak=1.0, warmup=2), 3) for s in range(1, 7)]
        [0.5, 1.0, 0.905, 0.655, 0.345, 0.095]
    """
    if step < warmup:
        return peak * step / warmup
    first = max(warmup, 1)
    progress = (step - first) / (steps + 1 - first)
    return peak * 0.5 * (1.0 + math.cos(math.pi * progress))
