"""Faults of what goes out to other formats and comes in from them."""

from __future__ import annotations

from faults.fault import Fault

WRITER = "tests/export/test_onnx_writer.py::"
READER = "tests/export/test_onnx_reader.py::"
REFUSALS = "tests/export/test_onnx_refusals.py::"
KERAS = "tests/export/test_keras_weights.py::"

EXPORT = "an exported layer is another"

FAULTS: tuple[Fault, ...] = (
    Fault(
        EXPORT, "ONNX: forget and output gate change places", "export/gate_order.py",
        '"LSTM": "iofg"', '"LSTM": "ifog"',
        (WRITER + "test_a_layer_gives_its_own_numbers_in_onnxruntime_at_any_length_and_batch",
         READER + "test_a_model_of_torchs_exporter_gives_torchs_numbers"),
    ),
    Fault(
        EXPORT, "Keras: reset and update gate change places", "export/gate_order.py",
        'KERAS: Final[dict[Operator, str]] = {"LSTM": "ifgo", "GRU": "zrn"',
        'KERAS: Final[dict[Operator, str]] = {"LSTM": "ifgo", "GRU": "rzn"',
        (KERAS + "test_a_layer_computes_keras_equations",),
    ),
    Fault(
        EXPORT, "peepholes keep the order of our gates", "export/gate_order.py",
        'ONNX_PEEPHOLES: Final = "iof"', 'ONNX_PEEPHOLES: Final = "ifo"',
        (WRITER + "test_peepholes_and_coupled_gates_are_the_papers_equations",),
    ),
    Fault(
        EXPORT, "directions follow each other in the wrong axis", "export/onnx_writer.py",
        "perm = [2, 0, 1, 3] if turned else [0, 2, 1, 3]",
        "perm = [2, 0, 1, 3] if turned else [0, 1, 2, 3]",
        (WRITER + "test_a_layer_gives_its_own_numbers_in_onnxruntime_at_any_length_and_batch",),
    ),
    Fault(
        EXPORT, "lengths do not reach the nodes", "export/onnx_writer.py",
        '"lengths" if self.lengths else ""', '""',
        (WRITER + "test_states_and_lengths_come_in_and_a_row_gives_what_it_gives_alone",),
    ),
    Fault(
        EXPORT, "a new option is left out in silence", "export/recurrent_stack.py",
        "if name not in _SAID and value not in (parameter.default, ()):",
        'if name == "proj_size" and value not in (parameter.default, ()):',
        (WRITER + "test_an_option_that_nobody_has_thought_of_is_refused",),
    ),
    Fault(
        EXPORT, "a layer whose output others read too joins a stack", "export/onnx_reader.py",
        'if source is None or graph.readers(name) != 1:', "if source is None:",
        (READER + "test_layers_whose_output_others_read_too_stay_apart",),
    ),
    Fault(
        EXPORT, "weights in another file are taken for stored ones", "export/onnx_graph.py",
        "if tensor.data_location == self._onnx.TensorProto.EXTERNAL:\n            raise",
        "if tensor.data_location is None:\n            raise",
        (REFUSALS + "test_weights_in_another_file_are_not_followed",),
    ),
)  # fmt: skip
