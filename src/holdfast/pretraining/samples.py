"""Synthetic series to look at: drawn as pretraining draws them; no torch here."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.pretraining.synthetic.generate import generate
from holdfast.pretraining.synthetic.recipe import FAMILIES, probabilities, recipe_of
from holdfast.records import SamplesRecord
from holdfast.tables.frames import write_csv
from holdfast.version import __version__

LENGTHS: Final = {"short": 128, "long": 672}
"""Points of a sample where nobody asks for another number: what each network looks back on."""

MOST: Final = 500
"""Samples in one picture at most."""

LONGEST: Final = 20_000
"""Points of a sample at most."""


def draw_samples(
    kind: str = "short",
    *,
    count: int = 24,
    length: int | None = None,
    seed: int = 0,
    without: Sequence[str] = (),
    command: str = "",
) -> SamplesRecord:
    """Some synthetic series of a kind; equal arguments give equal series.

    Arguments:
        kind: "short" (years to days) or "long" (hours and shorter steps).
        count: N series.
        length: T points; None for what the network of that kind looks back on.
        seed: of the series.
        without: families and augmentations to switch off.
        command: for the record.

    Raises:
        ArgumentError: an argument is out of range or not known.

    Example:
        >>> draw_samples("short", count=3, length=40).values.shape
        (3, 40)
    """
    recipe = recipe_of(kind, without)
    length = LENGTHS[kind] if length is None else length
    if not 1 <= count <= MOST:
        raise ArgumentError(f"count={count} must be a number of series from 1 to {MOST}.")
    if not 10 <= length <= LONGEST:
        raise ArgumentError(f"length={length} must be a number of points from 10 to {LONGEST}.")
    if seed < 0:
        raise ArgumentError(f"seed={seed} must be a whole number from 0.")
    samples = generate(np.random.default_rng(seed), count, length, recipe)
    whole = sum(recipe.weights)
    return SamplesRecord(
        kind=kind,
        seed=seed,
        without=tuple(without),
        version=__version__,
        command=command,
        families={name: w / whole for name, w in zip(FAMILIES, recipe.weights, strict=True)},
        parts=probabilities(recipe),
        values=samples.values,
        season=samples.season,
        long_season=samples.long_season,
        family=samples.family,
    )


def write_samples(record: SamplesRecord, path: str | Path) -> None:
    """Write the series as a long table: unique_id, ds, y.

    ``ds`` counts from 1; a gap is an empty cell; nothing stands before a series begins.

    Arguments:
        record: from `draw_samples`.
        path: of the CSV file.

    Raises:
        InputError: it cannot be written.
    """
    ids: list[str] = []
    counters: list[NDArray[np.int64]] = []
    texts: list[str] = []
    width = len(str(len(record.family)))
    for number, (row, family) in enumerate(zip(record.values, record.family, strict=True), 1):
        first = int(np.flatnonzero(np.isfinite(row))[0])
        ids += [f"{number:0{width}d} {family}"] * (len(row) - first)
        counters.append(np.arange(1, len(row) - first + 1))
        # The shortest decimals that are these single-precision numbers, and no longer ones.
        texts += ["" if np.isnan(value) else str(value) for value in row[first:]]
    columns = {
        "unique_id": np.array(ids, dtype=object),
        "ds": np.concatenate(counters),
        "y": np.array(texts, dtype=object),
    }
    write_csv(path, columns)
