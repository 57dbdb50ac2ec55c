"""Layers come back from ONNX files as they were, and no file is believed."""

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
from tests.export.layers import CASES, INPUTS, UNITS, Layer, made, sequence, title

import holdfast.nn as ours
from holdfast.errors import InputError, ModelError
from holdfast.export import from_onnx, to_onnx

TORCH_TO_ONNX_ROWS = {"LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2), "RNN": (0,)}
"""Blocks of H rows, as the two formats document their gates: i f g o → i o f c; r z n → z r h."""


@pytest.mark.parametrize(("name", "options"), CASES, ids=title)
def test_a_layer_comes_back_as_it_was(name: str, options: dict[str, Any], tmp_path: Path) -> None:
    layer = made(name, **options)
    to_onnx(layer, tmp_path / "layer.onnx", lengths=True, initial_state=True)
    (same,) = from_onnx(tmp_path / "layer.onnx", batch_first=layer.batch_first)
    assert type(same) is type(layer)
    assert repr(same) == repr(layer)
    assert list(same.state_dict()) == list(layer.state_dict())
    x = sequence(layer, 6, 2)
    assert torch.equal(same(x)[0], layer(x)[0])  # also what no weight says: the nonlinearity
    for key, weight in layer.state_dict().items():
        assert torch.equal(same.state_dict()[key], weight)
    assert all(parameter.requires_grad for parameter in same.parameters())


def by_torchs_exporter(theirs: torch.nn.Module, **extra: Any) -> Any:
    """A model laid out as torch.onnx.export lays it out: states made by nodes, weights folded."""
    kind = type(theirs).__name__
    weights = {name: value.detach().numpy() for name, value in theirs.named_parameters()}
    suffixes = ("", "_reverse") if theirs.bidirectional else ("",)
    both = len(suffixes)

    def rows(name: str) -> Any:
        blocks = np.split(weights[name], len(TORCH_TO_ONNX_ROWS[kind]))
        return np.concatenate([blocks[block] for block in TORCH_TO_ONNX_ROWS[kind]])

    constants = [
        numpy_helper.from_array(np.array([0], np.int64), "zero"),
        numpy_helper.from_array(np.array([1], np.int64), "one"),
        numpy_helper.from_array(np.array([2], np.int64), "two"),
        numpy_helper.from_array(np.array([both], np.int64), "directions"),
        numpy_helper.from_array(np.array([UNITS], np.int64), "units"),
    ]
    nodes = [
        helper.make_node("Transpose", ["x"], ["steps_first"], perm=[1, 0, 2]),
        helper.make_node("Shape", ["steps_first"], ["sizes"]),
        helper.make_node("Slice", ["sizes", "one", "two", "zero"], ["batch"]),
        helper.make_node("Concat", ["directions", "batch", "units"], ["state_shape"], axis=0),
        helper.make_node("ConstantOfShape", ["state_shape"], ["zeros"]),
    ]
    x = "steps_first"
    for layer in range(theirs.num_layers):
        names = {}
        for letter, kinds in {"W": ["weight_ih"], "R": ["weight_hh"]}.items():
            stacked = [rows(f"{kinds[0]}_l{layer}{suffix}") for suffix in suffixes]
            names[letter] = f"onnx::{kind}_{letter}{layer}"
            constants.append(numpy_helper.from_array(np.stack(stacked), names[letter]))
        names["B"] = f"onnx::{kind}_B{layer}" if theirs.bias else ""
        if theirs.bias:
            stacked = [
                np.concatenate([rows(f"bias_ih_l{layer}{s}"), rows(f"bias_hh_l{layer}{s}")])
                for s in suffixes
            ]
            constants.append(numpy_helper.from_array(np.stack(stacked), names["B"]))
        options: dict[str, Any] = {"hidden_size": UNITS}
        options |= {"direction": "bidirectional"} if both == 2 else {}
        options |= {"linear_before_reset": 1} if kind == "GRU" else {}
        if kind == "RNN":
            options["activations"] = [theirs.nonlinearity.capitalize()] * both
        inputs = [x, names["W"], names["R"], names["B"], "", *["zeros"] * (1 + (kind == "LSTM"))]
        outputs = [f"y{layer}", f"h{layer}", f"c{layer}"][: 2 + (kind == "LSTM")]
        nodes.append(helper.make_node(kind, inputs, outputs, name=f"/{kind}_{layer}", **options))
        x = f"x{layer}"
        if both == 2:
            nodes += [
                helper.make_node("Transpose", [f"y{layer}"], [f"t{layer}"], perm=[0, 2, 1, 3]),
                helper.make_node(
                    "Constant",
                    [],
                    [f"shape{layer}"],
                    value=numpy_helper.from_array(np.array([0, 0, -1], np.int64)),
                ),
                helper.make_node("Reshape", [f"t{layer}", f"shape{layer}"], [x], allowzero=0),
            ]
        else:
            nodes.append(helper.make_node("Squeeze", [f"y{layer}", "one"], [x]))
    nodes.append(helper.make_node("Transpose", [x], ["output"], perm=[1, 0, 2]))
    graph = helper.make_graph(
        nodes,
        "main_graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", "t", INPUTS])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["b", "t", both * UNITS])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    return model


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("name", ["LSTM", "GRU", "RNN"])
def test_a_model_of_torchs_exporter_gives_torchs_numbers(name: str, bias: bool, both: bool) -> None:
    torch.manual_seed(4)
    relu = {"nonlinearity": "relu"} if name == "RNN" else {}
    theirs = getattr(torch.nn, name)(
        INPUTS, UNITS, 2, bias=bias, bidirectional=both, batch_first=True, **relu
    )
    model = by_torchs_exporter(theirs)
    onnx.checker.check_model(model, full_check=True)
    (layer,) = from_onnx(model.SerializeToString(), batch_first=True)
    assert layer.num_layers == 2
    x = torch.randn(2, 6, INPUTS)
    torch.testing.assert_close(layer(x)[0], theirs(x)[0])


def changed(change: Callable[[Any], None], layer: Layer | None = None) -> bytes:
    """An exported model after a change."""
    model = onnx.load_from_string(to_onnx(layer or made("LSTM", num_layers=2)))
    change(model)
    content: bytes = model.SerializeToString()
    return content


def test_layers_whose_output_others_read_too_stay_apart() -> None:
    def show_the_first(model: Any) -> None:
        model.graph.output.append(
            helper.make_tensor_value_info("output_l0", TensorProto.FLOAT, ["t", "b", UNITS])
        )

    first, second = from_onnx(changed(show_the_first))
    assert (first.input_size, second.input_size) == (INPUTS, UNITS)
    assert (first.num_layers, second.num_layers) == (1, 1)


def test_layers_with_something_between_them_stay_apart() -> None:
    def bend(model: Any) -> None:
        nodes = list(model.graph.node)
        nodes.insert(2, helper.make_node("Relu", ["output_l0"], ["bent"]))
        nodes[3].input[0] = "bent"
        del model.graph.node[:]
        model.graph.node.extend(nodes)

    assert len(from_onnx(changed(bend))) == 2


def test_a_weight_that_two_nodes_share_is_found_through_its_alias() -> None:
    def share(model: Any) -> None:
        model.graph.node[0].input[2] = "alias"
        model.graph.node.insert(0, helper.make_node("Identity", ["R_l0"], ["alias"]))

    layer = made("LSTM", num_layers=2)
    (same,) = from_onnx(changed(share, layer))
    assert torch.equal(same.weight_hh_l0, layer.weight_hh_l0)


def test_float64_and_a_stored_state_of_zeros_are_no_hindrance() -> None:
    def widen(model: Any) -> None:
        for tensor in model.graph.initializer:
            if tensor.data_type == TensorProto.FLOAT:
                wide = numpy_helper.to_array(tensor).astype(np.float64)
                tensor.CopyFrom(numpy_helper.from_array(wide, tensor.name))
        zeros = numpy_helper.from_array(np.zeros((1, 2, UNITS)), "zeros")
        model.graph.initializer.append(zeros)
        model.graph.node[0].input.extend(["", "zeros", "zeros"])

    layer = made("LSTM")
    (same,) = from_onnx(changed(widen, layer))
    assert same.weight_hh_l0.dtype == torch.float64
    assert torch.equal(same.weight_hh_l0, layer.weight_hh_l0.double())


def test_nobodys_random_numbers_move() -> None:
    content = to_onnx(made("GRU"))
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    from_onnx(content)
    assert torch.equal(torch.rand(3), expected)


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
