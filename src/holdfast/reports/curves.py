"""Curves as short text: the page carries two bytes a point instead of a written-out number."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from holdfast.records import Floats

MISSING = 65_535
"""The code of a point without a value."""

LARGEST = 65_533
"""Steps from the lowest to the highest point at most: one code is MISSING, one is for rounding."""

OVERHEAD = 28
"""Bytes of a packed curve beside its points, at most: origin, exponent, brackets and commas."""

Packed = tuple[int, int, str]
"""Origin, exponent, base64 of little-endian uint16 codes: value = (origin + code) · 10^exponent."""


def pack(values: Floats) -> Packed:
    """One curve as text; the step is a power of ten, so that short decimals stay what they are.

    A curve keeps at least 1/6,553 of its own range (or 12 digits of its largest value, where the
    range asks for more), however far from zero it lies. Infinite values count as missing.

    Arguments:
        values: (n,) a curve, NaN for gaps.

    Example:
        >>> pack(np.array([112.0, 118.0, np.nan]))
        (1120000, -4, 'AABg6v//')
    """
    return next(pack_rows(values[None, :]))


def pack_rows(rows: Floats) -> Iterator[Packed]:
    """Each row of a matrix packed by itself.

    Arguments:
        rows: (n, K) curves of one length, NaN for gaps.
    """
    finite = np.isfinite(rows)
    low = np.min(rows, axis=1, initial=np.inf, where=finite)
    high = np.max(rows, axis=1, initial=-np.inf, where=finite)
    empty = low > high
    low, high = np.where(empty, 0.0, low), np.where(empty, 0.0, high)
    exponents = _exponents(low, high)
    # 10^-1 is no binary fraction, so a negative exponent multiplies by 10^1 instead.
    up, down = 10.0 ** np.maximum(exponents, 0), 10.0 ** np.maximum(-exponents, 0)
    origins = np.floor(low / up * down)
    codes = np.rint(np.where(finite, rows, low[:, None]) / up[:, None] * down[:, None])
    codes = np.where(finite, codes - origins[:, None], MISSING)
    for origin, exponent, row in zip(origins, exponents, codes.astype("<u2"), strict=True):
        yield int(origin), int(exponent), base64.b64encode(row.tobytes()).decode("ascii")


def packed_bytes(points: NDArray[np.int64]) -> NDArray[np.int64]:
    """An upper bound of the bytes that curves of these lengths take in the page."""
    return 4 * ((2 * points + 2) // 3) + OVERHEAD


def significant(value: float, digits: int = 5) -> float | None:
    """A number cut to significant digits; None where it is not finite (JSON has no NaN).

    Example:
        >>> significant(3.14159265), significant(float("nan"))
        (3.1416, None)
    """
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None


def _exponents(low: Floats, high: Floats) -> NDArray[np.int64]:
    """(n,) powers of ten: the finest step with which a row's range fits the codes."""
    # Halved before subtracting: the range of ±1e308 is not a number otherwise.
    half = high / 2 - low / 2
    largest = np.maximum(np.abs(low), np.abs(high))
    tiny = np.finfo(np.float64).tiny
    by_range = np.ceil(np.log10(np.maximum(half, tiny)) - np.log10(LARGEST / 2))
    by_digits = np.ceil(np.log10(np.maximum(largest, tiny))) - 12
    # A constant needs one code however fine the step, so its digits alone decide.
    exponents = np.where(half > 0, np.maximum(by_range, by_digits), by_digits)
    return np.asarray(np.clip(np.where(largest > 0, exponents, 0), -300, 300), dtype=np.int64)
