"""At which positions of a sequence an output or a loss is looked at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def chosen_positions(
    predicted: NDArray[np.bool_], count: int, least: int, seed: int
) -> list[NDArray[np.int64]]:
    """(B,) positions with a loss, `count` times: first the last ones, then some before them.

    Arguments:
        predicted: (T, B) where there is a loss.
        count: how often.
        least: the earliest position, where a sequence has one as late; else its last.
        seed: of the draws.
    """
    random = np.random.default_rng(seed)
    steps, batch = predicted.shape
    late = [np.flatnonzero(predicted[:, row]) for row in range(batch)]
    made = [np.array([one[-1] if len(one) else steps - 1 for one in late])]
    reach = max(least, steps // 2)
    for _ in range(count - 1):
        drawn = made[0].copy()
        for row, one in enumerate(late):
            among = one[one >= reach]
            if len(among):
                drawn[row] = random.choice(among)
        if any(np.array_equal(drawn, other) for other in made):
            break  # a loss at the end alone
        made.append(drawn)
    return made
