"""First-order recursions over time without a loop over time."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.float64, np.complex128)


def first_order(noise: NDArray[Number], factor: NDArray[Number]) -> NDArray[Number]:
    """y(t) = factor · y(t − 1) + noise(t), from y(−1) = 0, in log₂ T doublings.

    Arguments:
        noise: (B, T).
        factor: (B, 1) of absolute value at most 1, real or complex.

    Returns:
        (B, T).

    Source: Hillis and Steele (1986), the parallel prefix sum.

    Example:
        >>> import numpy as np
        >>> first_order(np.array([[1.0, 0, 0, 0]]), np.array([[0.5]])).tolist()
        [[1.0, 0.5, 0.25, 0.125]]
    """
    values: NDArray[Number] = noise.copy()
    power = factor
    step = 1
    while step < values.shape[1]:
        # The right-hand side is a new array, so the shifted values are those before the step.
        values[:, step:] = values[:, step:] + power * values[:, :-step]
        power = power * power
        step *= 2
    return values


def autoregression(
    random: np.random.Generator, length: int, factor: NDArray[np.float64]
) -> NDArray[np.float64]:
    """AR(1) with variance 1 at every time, from its stationary distribution.

    Arguments:
        random: the source of randomness.
        length: T.
        factor: (B, 1) of absolute value below 1.

    Returns:
        (B, T).
    """
    noise = random.standard_normal((len(factor), length))
    noise[:, 1:] *= np.sqrt(1 - factor**2)
    return first_order(noise, factor)
