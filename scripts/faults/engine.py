"""Faults of the engine and its layers: gates, derivatives, states, masks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from faults.fault import Fault

BY_HAND = "tests/engine/test_cells.py::"
GATE = "a gate is wrong"


def lstm_gates_change_places(advance: Callable[..., Any]) -> Callable[..., Any]:
    """An LSTM whose forget and input gates are each other's rows of the weights."""
    import torch

    def wrong(x: Any, state: Any, weights: Any, *rest: Any) -> Any:
        rows = [1, 0, 2, 3]

        def swapped(tensor: Any) -> Any:
            return None if tensor is None else torch.cat([tensor.chunk(4)[row] for row in rows])

        names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        if weights.weight_ih.shape[0] == 4 * state[1].shape[1]:  # not of coupled gates
            weights = weights._replace(**{name: swapped(getattr(weights, name)) for name in names})
        return advance(x, state, weights, *rest)

    return wrong


FAULTS: tuple[Fault, ...] = (
    Fault(
        kind=GATE,
        name="LSTM: forget and input gate change places",
        target="holdfast.engine.cells.lstm:advance",
        wrong=lstm_gates_change_places,
        tests=(BY_HAND + "test_lstm_is_the_equations_worked_out_by_hand",),
    ),
)
