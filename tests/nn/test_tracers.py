"""torch.compile and torch.export: one node a pass, free in steps and rows."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
import torch
from tests.nn.pairs import (
    INPUTS,
    STEPS,
    UNITS,
    assert_all_close,
    assert_close,
    gradients,
    pair,
    tensors,
)
from torch import Tensor, nn
from torch.export import Dim, export

pytestmark = pytest.mark.filterwarnings("ignore")  # torch's tracers warn of themselves
"""What is traced is ours, what warns while tracing is not."""

ROUNDINGS = 2 * 2 * STEPS * (INPUTS + 4 * UNITS)
"""Layers × steps × sums."""

LAYERS: list[tuple[str, dict[str, Any]]] = [
    ("LSTM", {"num_layers": 2, "bidirectional": True, "proj_size": 2}),
    ("GRU", {"batch_first": True}),
    ("RNN", {"nonlinearity": "relu", "bias": False}),
]


def inputs(layer: nn.Module, steps: int, rows: int) -> Tensor:
    x = torch.randn(steps, rows, INPUTS, dtype=torch.float64)
    return (x.transpose(0, 1).contiguous() if layer.batch_first else x).requires_grad_()


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_an_exported_layer_takes_any_number_of_steps_and_rows(
    name: str, options: dict[str, Any]
) -> None:
    _, mine = pair(name, **options)
    free = ({0: Dim.DYNAMIC, 1: Dim.DYNAMIC},)
    exported = export(mine, (inputs(mine, STEPS, 3),), dynamic_shapes=free, strict=False)
    nodes = [node for node in exported.graph.nodes if "recurrent_pass" in str(node.target)]
    assert len(nodes) == mine.num_layers * (2 if mine.bidirectional else 1)
    for steps, rows in ((STEPS, 3), (2 * STEPS, 5)):
        x = inputs(mine, steps, rows).detach()
        with torch.no_grad():
            for found, right in zip(tensors(exported.module()(x)), tensors(mine(x)), strict=True):
                assert_close(found, right, roundings=ROUNDINGS)


@pytest.mark.parametrize(("name", "options"), LAYERS)
def test_a_compiled_layer_is_one_graph_and_has_the_gradients(
    name: str, options: dict[str, Any]
) -> None:
    _, mine = pair(name, **options)
    compiled = torch.compile(mine, fullgraph=True, backend="aot_eager", dynamic=True)
    for steps, rows in ((STEPS, 3), (2 * STEPS, 5)):
        x = inputs(mine, steps, rows)
        leaves = [x, *mine.parameters()]
        results = []
        for layer in (compiled, mine):
            result = layer(x)
            results.append(tensors(result) + gradients(result, leaves))
        for found, right in zip(*results, strict=True):
            assert_close(found, right, roundings=ROUNDINGS)


def test_one_compiled_graph_serves_every_length() -> None:
    _, mine = pair("LSTM")
    seen: list[object] = []

    def counting(graph: Any, example: Any) -> Any:
        seen.append(graph)
        return graph.forward

    compiled = torch.compile(mine, fullgraph=True, backend=counting, dynamic=True)
    for steps in (5, 6, 9):
        x = inputs(mine, steps, 3)
        assert_all_close([compiled(x)[0]], [mine(x)[0]])
    assert len(seen) == 1


def test_layers_load_no_tracer() -> None:
    script = (
        "import sys, holdfast.nn\n"
        "heavy = {'sympy', 'torch._dynamo', 'torch._inductor'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
