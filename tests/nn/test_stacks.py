"""How the layers of a stack stand to each other: residuals, and states some steps back."""

from __future__ import annotations

import pytest
import torch
from tests.nn.pairs import (
    INPUTS,
    OPTIONS,
    ROWS,
    STEPS,
    UNITS,
    assert_all_close,
    assert_close,
    held,
    hx,
    sequence,
    tensors,
    variant_layer,
)

import holdfast.nn as ours


def test_residual_layers_add_their_input() -> None:
    layer = variant_layer("GRU", {"residual": True}, bidirectional=True).eval()
    wide = ours.GRU(2 * UNITS, UNITS, bidirectional=True, dtype=torch.float64)
    narrow = ours.GRU(INPUTS, UNITS, bidirectional=True, dtype=torch.float64)
    weights = layer.state_dict()
    narrow.load_state_dict({key: weights[key] for key in narrow.state_dict()})
    wide.load_state_dict({key: weights[key.replace("_l0", "_l1")] for key in wide.state_dict()})
    first, h_first = narrow(sequence())
    second, h_second = wide(first)
    output, h = layer(sequence())
    assert_all_close([output, h], [first + second, torch.cat([h_first, h_second])])


def test_residuals_are_added_as_they_were_before_dropout() -> None:
    """With a dropout of 1 the second layer reads zeros, and its input goes past it."""
    layer = variant_layer("GRU", {"residual": True}, dropout=1.0)
    first, second = (ours.GRU(columns, UNITS, dtype=torch.float64) for columns in (INPUTS, UNITS))
    weights = layer.state_dict()
    first.load_state_dict({key: weights[key] for key in first.state_dict()})
    second.load_state_dict({key: weights[key.replace("_l0", "_l1")] for key in second.state_dict()})
    read, _ = first(sequence())
    expected = read + second(torch.zeros_like(read))[0]
    assert torch.equal(layer(sequence())[0], expected)


@pytest.mark.parametrize("name", OPTIONS)
@pytest.mark.parametrize("both", [False, True], ids=["forward", "bidirectional"])
@pytest.mark.parametrize("steps", [1, 2, 3, 5, 6, 7])
def test_dilated_layers_read_the_state_so_many_steps_back(
    name: str, both: bool, steps: int
) -> None:
    dilation, directions = 3, 2 if both else 1
    layer = getattr(ours, name)(
        INPUTS, UNITS, bidirectional=both, dilation=[dilation], dtype=torch.float64, timescale=5
    )
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(steps, ROWS, INPUTS, generator=draw, dtype=torch.float64)
    start = held(layer)
    outputs, queues = [], []
    for direction in range(directions):
        queue = [
            tuple(part[direction * dilation + place] for part in start) for place in range(dilation)
        ]
        weights, seen = layer._weights(layer._weight_names[direction]), {}
        for step in reversed(range(steps)) if direction else range(steps):
            queue.append(layer.cell.step(x[step], queue.pop(0), weights, layer.options))
            seen[step] = queue[-1][0]
        outputs.append(torch.stack([seen[step] for step in range(steps)]))
        queues += queue
    output, final = layer(x, hx(start))
    roundings = 2 * STEPS * (INPUTS + 4 * UNITS)
    assert_close(output, torch.cat(outputs, -1), roundings=roundings)
    for part, right in zip(tensors(final), zip(*queues, strict=True), strict=True):
        assert_close(part, torch.stack(list(right)), roundings=roundings)


@pytest.mark.parametrize("cut", [1, 2, 4])
def test_a_dilated_sequence_can_be_cut_anywhere(cut: int) -> None:
    layer = variant_layer("LSTM", {"dilation": (2, 3)})
    whole, final = layer(sequence())
    first, state = layer(sequence()[:cut])
    second, state = layer(sequence()[cut:], state)
    for one, right in zip([torch.cat([first, second]), *state], [whole, *final], strict=True):
        assert_close(one, right, roundings=2 * STEPS * (INPUTS + 4 * UNITS))


def test_wrong_states_of_a_dilated_stack_are_refused_with_their_shape() -> None:
    layer = variant_layer("GRU", {"dilation": (1, 3)})
    with pytest.raises(RuntimeError, match=r"\(4, 5, 4\)"):
        layer(sequence(), torch.zeros(2, ROWS, UNITS, dtype=torch.float64))
