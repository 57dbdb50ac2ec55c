"""No ONNX file is believed: it is a layer, or refused in a sentence that names the place."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper
from tests.export.layers import UNITS, changed, made

import holdfast.nn as ours
from holdfast.errors import InputError, ModelError
from holdfast.export import from_onnx, to_onnx


def attribute(name: str, value: Any) -> Callable[[Any], None]:
    """Set an attribute of the first node."""

    def change(model: Any) -> None:
        node = model.graph.node[0]
        kept = [one for one in node.attribute if one.name != name]
        del node.attribute[:]
        node.attribute.extend([*kept, helper.make_attribute(name, value)])

    return change


def constant(name: str, array: Any, place: int | None = None) -> Callable[[Any], None]:
    """Replace a constant, or give the first node one more input."""

    def change(model: Any) -> None:
        stored = [one for one in model.graph.initializer if one.name == name]
        made_of = numpy_helper.from_array(np.asarray(array), name)
        if stored:
            stored[0].CopyFrom(made_of)
        else:
            model.graph.initializer.append(made_of)
        if place is not None:
            inputs = model.graph.node[0].input
            inputs.extend([""] * (place + 1 - len(inputs)))
            inputs[place] = name

    return change


def external(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def cut_short(model: Any) -> None:
    tensor = model.graph.initializer[0]
    tensor.raw_data = tensor.raw_data[:-3]


def worked_out(model: Any) -> None:
    model.graph.initializer.remove(model.graph.initializer[0])
    model.graph.node.insert(0, helper.make_node("Transpose", ["V"], ["W_l0"], perm=[0, 2, 1]))


def huge(model: Any) -> None:
    model.graph.initializer[0].dims[2] = 1 << 60


def old(model: Any) -> None:
    model.opset_import[0].version = 6


def nodeless(model: Any) -> None:
    del model.graph.node[0]
    del model.graph.node[1:]


def foreign(model: Any) -> None:
    for node in model.graph.node:
        node.domain = "com.example"


ROWS = 4 * UNITS
REFUSED: list[tuple[str, str, Callable[[Any], None], str]] = [
    ("LSTM", "clip", attribute("clip", 3.0), "clip"),
    ("LSTM", "layout", attribute("layout", 1), "layout=0"),
    ("LSTM", "input_forget", attribute("input_forget", 2), "input_forget"),
    ("GRU", "input_forget", attribute("input_forget", 1), "input_forget"),
    ("LSTM", "direction", attribute("direction", "reverse"), "direction is 'reverse'"),
    ("LSTM", "both directions", attribute("direction", "bidirectional"), r"W has shape .* not \(2"),
    ("LSTM", "activations", attribute("activations", ["HardSigmoid", "Tanh", "Tanh"]), "hardsig"),
    ("LSTM", "attribute", attribute("forget_more", 1), "forget_more"),
    ("LSTM", "hidden_size", attribute("hidden_size", 4), "hidden_size is not the 5"),
    ("GRU", "reset", attribute("linear_before_reset", 0), "linear_before_reset=0"),
    ("GRU", "reset's type", attribute("linear_before_reset", [0]), "linear_before_reset=0"),
    ("RNN", "activations", attribute("activations", ["Affine"]), "affine"),
    ("LSTM", "R", constant("R_l0", np.zeros((1, ROWS, 4), np.float32)), "its R .*shape"),
    ("LSTM", "B", constant("B_l0", np.zeros((1, ROWS), np.float32)), "its B .*shape"),
    ("LSTM", "W flat", constant("W_l0", np.zeros((ROWS, 3), np.float32)), "its W .*shape"),
    ("LSTM", "W empty", constant("W_l0", np.zeros((1, ROWS, 0), np.float32)), "its W .*shape"),
    ("LSTM", "W odd", constant("W_l0", np.zeros((1, ROWS + 1, 3), np.float32)), "its W .*shape"),
    ("LSTM", "W short", constant("W_l0", np.zeros((1, 3, 3), np.float32)), "its W .*shape"),
    ("LSTM", "types", constant("R_l0", np.zeros((1, ROWS, UNITS))), "different types"),
    ("LSTM", "half", constant("W_l0", np.zeros((1, ROWS, 3), np.float16)), "float32 nor float64"),
    ("LSTM", "peepholes", constant("P", np.ones((1, 10), np.float32), 7), "its P .*shape"),
    ("LSTM", "peepholes' type", constant("P", np.ones((1, 15)), 7), "different types"),
    ("LSTM", "state", constant("s", np.ones((1, 2, UNITS), np.float32), 6), "stored initial_c"),
    ("LSTM", "external", external, r"'W_l0'.*another file"),
    ("LSTM", "cut short", cut_short, r"'W_l0'.*cut short"),
    ("LSTM", "worked out", worked_out, r"'W_l0'.*constant folding"),
    ("LSTM", "huge", huge, "bytes"),
    ("LSTM", "old", old, "opset 6"),
    ("LSTM", "nodeless", nodeless, "no LSTM, GRU or RNN node"),
    ("LSTM", "foreign", foreign, "no LSTM, GRU or RNN node"),
]


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [pytest.param(one[0], one[2], one[3], id=f"{one[0]} {one[1]}") for one in REFUSED],
)
def test_what_no_layer_does_is_refused_by_node_and_field(
    name: str, change: Callable[[Any], None], sentence: str
) -> None:
    with pytest.raises(ModelError, match=sentence):
        from_onnx(changed(change, made(name)))


def test_weights_in_another_file_are_not_followed(tmp_path: Path) -> None:
    model = onnx.load_from_string(to_onnx(made("LSTM")))
    onnx.save_model(
        model,
        tmp_path / "layer.onnx",
        save_as_external_data=True,
        location="weights",
        size_threshold=0,
    )
    with pytest.raises(ModelError, match=r"layer\.onnx: LSTM node .*another file"):
        from_onnx(tmp_path / "layer.onnx")


def test_many_nodes_that_name_one_weight_do_not_fill_the_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def repeat(model: Any) -> None:
        for index in range(50):
            node = model.graph.node.add()
            node.CopyFrom(model.graph.node[0])
            node.output[0] = f"again{index}"

    content = changed(repeat, made("LSTM"))
    monkeypatch.setattr("holdfast.export.onnx_graph.MAX_BYTES", len(content) + 1)
    with pytest.raises(ModelError, match="bytes of weights"):
        from_onnx(content)


def test_a_file_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "layer.onnx"
    with pytest.raises(ModelError, match="not a file"):
        from_onnx(path)
    with pytest.raises(ModelError, match="not a file"):
        from_onnx(tmp_path)
    for content in (b"", b"no protobuf at all", to_onnx(made("LSTM"))[:-40]):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=r"layer\.onnx is not an ONNX model"):
            from_onnx(path)
    monkeypatch.setattr("holdfast.export.onnx_graph.MAX_BYTES", 10)
    path.write_bytes(b"0123456789A")
    for source in (path, path.read_bytes()):
        with pytest.raises(ModelError, match="11 bytes; at most 10"):
            from_onnx(source)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.data())
def test_whatever_is_changed_in_a_file_it_is_a_layer_or_a_refusal(data: st.DataObject) -> None:
    content = bytearray(CONTENT)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] = data.draw(st.integers(0, 255))
    try:
        found = from_onnx(bytes(content))
    except ModelError:
        return
    assert all(isinstance(layer, ours.LSTM | ours.GRU | ours.RNN) for layer in found)


def small_content() -> bytes:
    """Few weights, so that most bytes say how the model is built."""
    torch.manual_seed(0)
    return to_onnx(ours.LSTM(1, 1, num_layers=2, bidirectional=True), lengths=True)


CONTENT = small_content()


def test_without_the_package_the_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'holdfast\[onnx\]'"):
        from_onnx(b"")
