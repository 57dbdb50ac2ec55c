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

# An LSTM with coupled gates has no rows of its own for f = 1 − i.
OURS_COUPLED: Final = "igo"

OUR_PEEPHOLES: Final = "ifo"
OUR_PEEPHOLES_COUPLED: Final = "io"
ONNX_PEEPHOLES: Final = "iof"


def reordered(array: NDArray[Any], have: str, want: str) -> NDArray[Any]:
    """The same blocks of rows in another order.

    Arguments:
        array: (GH, …), a block of H rows for each gate.
        have: the gates in the order of `array`, one letter each.
        want: the gates to make, in their order; zeros for one that `array` does not have.

    Example:
        >>> reordered(np.arange(8), have="ifgo", want="iofg").tolist()
        [0, 1, 6, 7, 2, 3, 4, 5]
        >>> reordered(np.arange(1, 4), have="igo", want="iofg").tolist()
        [1, 3, 0, 2]
    """
    blocks = dict(zip(have, np.split(array, len(have)), strict=True))
    absent = np.zeros_like(blocks[have[0]])
    return np.concatenate([blocks.get(gate, absent) for gate in want])
