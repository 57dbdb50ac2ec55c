"""The order in which each format stacks the gates' blocks of H rows."""

from __future__ import annotations

from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

Operator = Literal["LSTM", "GRU", "RNN"]

# One letter a gate, by our names: ONNX and Keras write c or h for the candidates g and n.
OURS: Final[dict[Operator, str]] = {"LSTM": "ifgo", "GRU": "rzn", "RNN": "h"}
ONNX: Final[dict[Operator, str]] = {"LSTM": "iofg", "GRU": "zrn", "RNN": "h"}
KERAS: Final[dict[Operator, str]] = {"LSTM": "ifgo", "GRU": "zrn", "RNN": "h"}

OUR_PEEPHOLES: Final = "ifo"
ONNX_PEEPHOLES: Final = "iof"


def reordered(array: NDArray[Any], have: str, want: str) -> NDArray[Any]:
    """The same blocks of rows in another order.

    Arguments:
        array: (GH, …), a block of H rows for each gate.
        have: the gates in the order of `array`, one letter each.
        want: the same letters in the order to make.

    Example:
        >>> reordered(np.arange(8), have="ifgo", want="iofg").tolist()
        [0, 1, 6, 7, 2, 3, 4, 5]
    """
    blocks = np.split(array, len(have))
    return np.concatenate([blocks[have.index(gate)] for gate in want])
