"""When a table is read and written a chunk of series at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Final

_LARGE: Final = 20_000
"""Series of one table above which a sample of them is worth a word."""


def in_parts(data: Path, sample: int | None) -> bool:
    """Whether the data is a folder, or a file of which a sample settles what all series share."""
    return data.is_dir() or (sample is not None and data.is_file())


def large(series: int) -> str:
    """What to say of a table of many series; "" for any other.

    Example:
        >>> large(30_000)[:13], large(10)
        ('30,000 series', '')
    """
    if series <= _LARGE:
        return ""
    return (
        f"{series:,} series are judged one and all; --sample 1000 settles blend and intervals on a "
        "sample, forecasts each series once and keeps memory bounded."
    )
