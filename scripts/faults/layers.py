"""Faults of the layers: initialisation, stacks, ragged batches, streams, traces."""

from __future__ import annotations

from typing import Any

import torch

from faults.fault import Fault, changed, reads, returns

START = "tests/nn/test_initialisation.py::"
CHANCE, STACKS = "tests/nn/test_chance.py::", "tests/nn/test_stacks.py::"
LENGTHS, PARITY = "tests/nn/test_lengths.py::", "tests/nn/test_parity.py::"
ALONE = (LENGTHS + "test_each_row_gives_what_it_gives_alone",)
TRACE = "tests/nn/test_trace.py::"

LAYER = "a layer forgets, mixes up its layers or lacks a variant"
RAGGED = "a ragged batch is not its rows"
STREAM = "a stream or a trace is not the sequence"


def packed_by_length_alone(found: Any, _: Any) -> Any:
    """What says where a row of the sorted batch belongs is lost."""
    if found is None:
        return None
    order = torch.arange(len(found.sorted_indices))
    return changed(found, unsorted_indices=order)


def stepper_begins_anew(step: Any) -> Any:
    """Every step begins from zeros."""

    def wrong(self: Any, x: Any) -> Any:
        self.reset()
        return step(self, x)

    return wrong


def one_step_late(_: Any, given: Any) -> Any:
    """The state before a step is the one behind it."""
    return given.after


FAULTS: tuple[Fault, ...] = (
    Fault(
        LAYER, "a fresh forget gate is half open",
        "holdfast.nn.initialisation:keep_bias",
        returns(lambda found, _: torch.zeros_like(found)),
        (START + "test_a_fresh_lstm_remembers_and_does_not_saturate",),
    ),
    Fault(
        LAYER, "weight drop drops nothing",
        "holdfast.nn.arguments:drop_weights", returns(lambda _, given: given.weights),
        (CHANCE + "test_weight_drop_takes_its_share_of_the_recurrent_weights_and_their_gradient",),
    ),
    Fault(
        LAYER, "residual layers do not add their input",
        "holdfast.nn.stack:run_layers", reads(residual=lambda *_: False),
        (STACKS + "test_residual_layers_add_their_input",),
    ),
    Fault(
        LAYER, "dilated layers read the state of one step back",
        "holdfast.nn.stack:run_dilated", reads(dilation=lambda *_: 1),
        (STACKS + "test_dilated_layers_read_the_state_so_many_steps_back",),
    ),
    Fault(
        RAGGED, "final states stay sorted by length",
        "holdfast.nn.arguments:pack", returns(packed_by_length_alone),
        ALONE,
    ),
    Fault(
        STREAM, "a step forgets the state it is given",
        "holdfast.nn.steps:step", reads(state=lambda *_: None),
        ("tests/nn/test_one_step.py::test_a_stream_is_the_sequence",),
    ),
    Fault(
        STREAM, "a stepper begins anew at every step",
        "holdfast.nn.steps:Stepper.step", stepper_begins_anew,
        ("tests/nn/test_stepper.py::test_steps_give_the_numbers_of_the_sequence_call",),
    ),
    Fault(
        STREAM, "a trace's gates are those of the step behind",
        "holdfast.nn.tracing:_before", returns(one_step_late),
        (TRACE + "test_gates_are_those_worked_out_by_hand",),
    ),
)  # fmt: skip
