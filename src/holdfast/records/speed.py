"""How fast layers are."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerSpeed:
    """One layer on one shape: which kernel runs it, why, and how fast beside torch's.

    Arguments:
        cell: "LSTM", "GRU" or "RNN".
        steps, batch, inputs, units: T, B, I, H.
        kernel, reason: what the engine chose, in words.
        inference, training: milliseconds, ours and torch's; None where nothing was measured.
    """

    cell: str
    steps: int
    batch: int
    inputs: int
    units: int
    kernel: str
    reason: str
    inference: tuple[float, float] | None = None
    training: tuple[float, float] | None = None
