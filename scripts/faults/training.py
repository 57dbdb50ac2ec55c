"""Faults of training, storage, export, the lens, reports and messages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from faults.fault import Fault, changed, constant, does_nothing, reads, returns

LOOP = "tests/training/test_loop.py::"
CHECKPOINT = "tests/training/test_checkpoint.py::"
STORAGE = "tests/test_storage.py::"
WRITER = "tests/export/test_onnx_writer.py::"
ANY_LENGTH = (WRITER + "test_a_layer_gives_its_own_numbers_in_onnxruntime_at_any_length_and_batch",)
REFUSALS = "tests/test_storage_refusals.py::"
MESSAGES = "tests/test_messages.py::"
PAST = "tests/lens/test_past.py::"

RUN = "a training run is not what it says"
FILES = "a file is half-written or unchecked"
EXPORT = "an exported layer is another"
LENS = "the lens shows what the model does not do"
WORDS = "a page or a message says what it must not"


def written_in_place(_: Any) -> Any:
    """The file itself is written, and is half there until it is done."""
    from contextlib import contextmanager

    @contextmanager
    def wrong(path: str | Path) -> Any:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        yield Path(path)

    return wrong


def random_numbers_are_everybodys(_: Any) -> Any:
    """Inside, random numbers come from torch's own generator as it stands."""
    from contextlib import nullcontext

    return lambda *_args: nullcontext()


def no_lengths(onnx_model: Any) -> Any:
    """Every node reads all steps of the padded batch."""

    def wrong(*args: Any, **kwargs: Any) -> Any:
        model = onnx_model(*args, **kwargs)
        for node in model.graph.node:
            if node.op_type in ("LSTM", "GRU", "RNN") and len(node.input) > 4:
                node.input[4] = ""
        return model

    return wrong


FAULTS: tuple[Fault, ...] = (
    Fault(
        RUN, "a loss that is not finite goes on to the weights",
        "holdfast.training.optimise:Update.__call__", constant(float("nan")),
        (LOOP + "test_a_loss_that_is_not_finite_names_step_and_row_and_leaves_the_weights",),
    ),
    Fault(
        RUN, "a checkpoint forgets the optimiser",
        "holdfast.training.checkpoint:_load_optimiser", does_nothing,
        (CHECKPOINT + "test_the_average_goes_on_where_it_was",),
    ),
    Fault(
        RUN, "the deadline is not looked at",
        "holdfast.training.loop:train", reads(deadline=lambda *_: None),
        (LOOP + "test_past_the_deadline_no_update_begins",),
    ),
    Fault(
        RUN, "random numbers are those of the whole process",
        "holdfast.training.seed:seeded", random_numbers_are_everybodys,
        (LOOP + "test_global_random_numbers_are_neither_read_nor_moved",),
    ),
    Fault(
        FILES, "files are written in place",
        "holdfast.storage:written_atomically", written_in_place,
        (STORAGE + "test_a_file_is_written_whole_or_not_at_all",),
    ),
    Fault(
        FILES, "digests are not checked",
        "holdfast.storage:digest", constant("0" * 64),
        (REFUSALS + "test_a_damaged_model_is_refused_in_a_sentence_that_names_the_folder",),
    ),
    Fault(
        EXPORT, "ONNX: forget and output gate change places",
        "holdfast.export.recurrent_stack:ONNX",
        constant({"LSTM": "ifog", "GRU": "zrn", "RNN": "h"}),
        ANY_LENGTH,
    ),
    Fault(
        EXPORT, "ONNX: directions change places",
        "holdfast.export.recurrent_stack:RecurrentStack.of_layer",
        returns(lambda found, _: found[::-1]),
        ANY_LENGTH,
    ),
    Fault(
        EXPORT, "ONNX: lengths do not reach the nodes",
        "holdfast.export.onnx_writer:onnx_model", no_lengths,
        (WRITER + "test_states_and_lengths_come_in_and_a_row_gives_what_it_gives_alone",),
    ),
    Fault(
        LENS, "a Jacobian's lag is off by one",
        "holdfast.lens.jacobians:products",
        returns(lambda found, _: (changed(one, steps=one.steps + 1) for one in found)),
        ("tests/lens/test_jacobians.py::test_a_product_is_autograds_at_every_lag",),
    ),
    Fault(
        LENS, "attributions are counted from an input of zeros",
        "holdfast.lens.attribution:integrated_gradients",
        reads(baseline=lambda baseline, _: torch.zeros_like(baseline)),
        (PAST + "test_an_input_that_is_the_mean_explains_nothing",),
    ),
    Fault(
        LENS, "the input gate is held in place of the forget gate",
        "holdfast.lens.prescription:_KEEPING", constant(0),
        ("tests/lens/test_prescription.py::test_only_the_chosen_gates_are_held",),
    ),
    Fault(
        WORDS, "a name can end the script that holds it",
        "holdfast.reports.page:safe_json",
        lambda _: lambda data: json.dumps(data, default=float),
        ("tests/reports/test_page.py::test_names_stay_text",),
    ),
    Fault(
        WORDS, "flags of the command are told to callers in Python",
        "holdfast.errors:_rendered", lambda _: lambda name, *_rest: f"--{name}",
        (MESSAGES + "test_a_refusal_names_arguments_in_python_and_flags_in_the_command",),
    ),
)  # fmt: skip
