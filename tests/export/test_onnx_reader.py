"""Layers come back from ONNX files as they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from tests.export.layers import CASES, INPUTS, UNITS, changed, made, sequence, title

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
