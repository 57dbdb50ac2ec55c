"""What LSTMs keep before training, as it is promised: 128 units, N(0, 1) input, 100 steps."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from holdfast.lens.jacobians import layer_decay
from holdfast.lens.passes import run_passes
from holdfast.nn import LSTM

LAG = 100


@pytest.mark.parametrize(
    ("init", "bias", "least", "most"),
    [("torch", None, 0.0, 1e-28), ("torch", 1.0, 1e-15, 1e-13), ("remember", None, 2e-2, 1.0)],
)
def test_the_cell_of_the_median_unit_after_100_steps(
    init: str, bias: float | None, least: float, most: float
) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        layer = LSTM(8, 128, init=init, timescale=1000)  # type: ignore[arg-type]
        x = torch.randn(2 * LAG, 1, 8)
    if bias is not None:
        with torch.no_grad():
            layer.bias_ih_l0[128:256], layer.bias_hh_l0[128:256] = bias, 0.0
    (one,) = run_passes(layer, x)
    decay = layer_decay(one, np.array([LAG]), samples=1)
    assert decay.median_cell is not None
    assert decay.reaches_output is not None
    assert least <= decay.median_cell.at(LAG) <= most
    if init == "remember":  # what is kept is seen outside, too
        assert decay.reaches_output.at(LAG) > 0.2 * decay.median_cell.at(LAG)
