"""The letters of every shape in Holdfast.

Sequences are ``(T, B, ·)`` inside; ``batch_first`` exists only at a layer's door.
Gates lie in torch's order along the first axis of a weight: ``i, f, g, o`` for the LSTM,
``r, z, n`` for the GRU, one block for the plain RNN.
"""

from __future__ import annotations

from typing import Final

LETTERS: Final[dict[str, str]] = {
    "T": "time steps of a sequence",
    "B": "sequences in a batch",
    "I": "inputs at a time step",
    "H": "hidden units",
    "G": "gates of a cell (4 LSTM, 3 GRU, 1 plain RNN)",
    "L": "layers of a stack",
    "D": "directions (1 or 2)",
    "N": "series in a table",
    "F": "folds of a backtest",
    "K": "steps of the horizon",
    "Q": "quantiles",
    "M": "members of a blend",
}
