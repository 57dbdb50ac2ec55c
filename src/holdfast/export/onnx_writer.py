"""ONNX files of our layers, with the standard LSTM, GRU and RNN nodes."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError
from holdfast.export.onnx_graph import MAX_BYTES, onnx_package
from holdfast.export.recurrent_stack import (
    ONNX,
    ONNX_PEEPHOLES,
    PassWeights,
    RecurrentStack,
    reordered,
    stack_of,
)
from holdfast.nn import GRU, LSTM, RNN
from holdfast.storage import write_bytes_atomically
from holdfast.version import __version__

OPSET: Final = 17
"""Old enough for runtimes of 2022; the nodes have not changed for float32 since opset 14."""

IR_VERSION: Final = 8
"""The file format that came with that opset."""


def to_onnx(
    layer: LSTM | GRU | RNN,
    path: str | Path | None = None,
    *,
    initial_state: bool = False,
    lengths: bool = False,
) -> bytes:
    """Write a layer as an ONNX model of standard LSTM, GRU or RNN nodes, one for each layer.

    No tracing: sequence length and batch size stay open, and ragged batches are said by their
    lengths. What is written is the layer in evaluation mode, peepholes and coupled gates included.
    The model's inputs and outputs:

    - `input`: (T, B, I), or (B, T, I) from a layer with `batch_first`; onnxruntime 1.31 ends the
      process where B is 0;
    - `h_0`, and `c_0` of an LSTM: (LD, B, H), where `initial_state`;
    - `lengths`: (B,) int32, from 1 to T, where `lengths`;
    - `output`: (T, B, DH), or (B, T, DH); in onnxruntime zeros follow each row's length;
    - `h_n`, and `c_n` of an LSTM: (LD, B, H).

    Arguments:
        layer: float32, on any device; without a projection.
        path: the file to write, whole or not at all; None for none.
        initial_state: whether the model is given the state before the first step; else it is zero.
        lengths: whether the model is given how many steps of each row count; else all do.

    Returns:
        The content of the file, for `onnxruntime.InferenceSession` or `onnx.load_from_string`.

    Raises:
        ArgumentError: the layer is not float32, is larger than an ONNX file may be, or has an
            option that the nodes cannot say; the message names the option.
        InputError: onnx is not installed, or the file cannot be written.

    Source: the operators of ONNX, https://onnx.ai/onnx/operators/onnx__LSTM.html, onnx__GRU.html
    (with linear_before_reset, the form of cuDNN) and onnx__RNN.html.

    Example:
        >>> model = to_onnx(LSTM(3, 8, num_layers=2), lengths=True)
        >>> import onnx
        >>> [node.op_type for node in onnx.load_from_string(model).graph.node]
        ['LSTM', 'Squeeze', 'LSTM', 'Squeeze', 'Concat', 'Concat']
    """
    stack = stack_of(layer)
    if stack.passes[0].weight_ih.dtype != np.float32:
        raise ArgumentError(
            "The layer is float64, which onnxruntime's recurrent kernels do not compute; call "
            "layer.float() before the export."
        )
    onnx = onnx_package("Writing an ONNX file")
    model = onnx_model(
        onnx, stack, batch_first=layer.batch_first, initial_state=initial_state, lengths=lengths
    )
    content: bytes = model.SerializeToString(deterministic=True)
    if path is not None:
        write_bytes_atomically(path, content)
    return content


def onnx_model(
    onnx: ModuleType,
    stack: RecurrentStack,
    *,
    batch_first: bool = False,
    initial_state: bool = False,
    lengths: bool = False,
) -> Any:
    """The `onnx.ModelProto` of a float32 stack, if it is small enough; options as in `to_onnx`."""
    size = sum(
        array.nbytes for one in stack.passes for array in vars(one).values() if array is not None
    )
    if size > MAX_BYTES:
        raise ArgumentError(
            f"The layer has {size} bytes of weights and an ONNX file holds {MAX_BYTES}; export a "
            "layer of a smaller hidden_size."
        )
    graph = _Graph(onnx, stack, batch_first=batch_first, state=initial_state, lengths=lengths)
    return onnx.helper.make_model(
        graph.proto(),
        producer_name="holdfast",
        producer_version=__version__,
        opset_imports=[onnx.helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
    )


class _Graph:
    """A graph while it grows: nodes and constants."""

    def __init__(
        self,
        onnx: ModuleType,
        stack: RecurrentStack,
        *,
        batch_first: bool,
        state: bool,
        lengths: bool,
    ) -> None:
        self.onnx, self.stack = onnx, stack
        self.batch_first, self.state, self.lengths = batch_first, state, lengths
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def proto(self) -> Any:
        x = "input"
        if self.batch_first:
            x = self.node("Transpose", [x], ["input_steps_first"], perm=[1, 0, 2])
        last = self.stack.layers - 1
        if self.state and last:
            rows = np.full(self.stack.layers, self.stack.directions, np.int64)
            self.constant("state_rows", rows)
        states = {part: self.initial_states(part) for part in self.stack.state_parts}
        for layer in range(self.stack.layers):
            y = self.recurrent_node(layer, x, [states[part][layer] for part in states])
            x = self.joined(y, layer, "output" if layer == last else f"output_l{layer}")
        if last:
            for part in states:
                finals = [self.final_state(part, layer) for layer in range(self.stack.layers)]
                self.node("Concat", finals, [f"{part}_n"], axis=0)
        return self.onnx.helper.make_graph(
            self.nodes, "holdfast", self.inputs(), self.outputs(), self.constants
        )

    def recurrent_node(self, layer: int, x: str, states: list[str]) -> str:
        """One layer: Y (T, D, B, H) from X (T, B, I)."""
        stack, passes = self.stack, self.stack.of_layer(layer)
        have, want = stack.gates, ONNX[stack.operator]
        weights = [
            self.constant(f"W_l{layer}", [reordered(p.weight_ih, have, want) for p in passes]),
            self.constant(f"R_l{layer}", [reordered(p.weight_hh, have, want) for p in passes]),
            self.constant(f"B_l{layer}", [_biases(p, have, want) for p in passes])
            if stack.bias
            else "",
        ]
        peepholes = [
            reordered(p.peephole, stack.peephole_gates, ONNX_PEEPHOLES)
            for p in passes
            if p.peephole is not None
        ]
        inputs = [x, *weights, "lengths" if self.lengths else "", *states]
        inputs += [self.constant(f"P_l{layer}", peepholes)] if peepholes else []
        while not inputs[-1]:
            inputs.pop()
        attributes: dict[str, Any] = {
            "hidden_size": stack.hidden_size,
            "direction": "bidirectional" if stack.directions == 2 else "forward",
        }
        if stack.operator == "GRU":
            attributes["linear_before_reset"] = 1  # b_hn inside the reset product
        if stack.operator == "RNN":
            attributes["activations"] = [stack.nonlinearity.capitalize()] * stack.directions
        if stack.coupled:
            attributes["input_forget"] = 1
        finals = [self.final_state(part, layer) for part in stack.state_parts]
        return self.node(stack.operator, inputs, [f"Y_l{layer}", *finals], **attributes)

    def joined(self, y: str, layer: int, output: str) -> str:
        """The directions side by side, (T, B, DH), or (B, T, DH) where a layer gives it so."""
        turned = self.batch_first and layer == self.stack.layers - 1
        if self.stack.directions == 1 and not turned:
            axis = self.constant(f"{output}_axis", np.array([1], np.int64))
            return self.node("Squeeze", [y, axis], [output])
        perm = [2, 0, 1, 3] if turned else [0, 2, 1, 3]
        rows = self.node("Transpose", [y], [f"{output}_by_direction"], perm=perm)
        width = self.stack.directions * self.stack.hidden_size
        # 0 keeps a dimension as it is, so that T and B stay open.
        shape = self.constant(f"{output}_shape", np.array([0, 0, width], np.int64))
        return self.node("Reshape", [rows, shape], [output])

    def initial_states(self, part: str) -> list[str]:
        """The state before the first step of each layer, (D, B, H); "" for zeros."""
        name, layers = f"{part}_0", self.stack.layers
        if not self.state:
            return [""] * layers
        if layers == 1:
            return [name]
        parts = [f"{name}_l{layer}" for layer in range(layers)]
        self.node("Split", [name, "state_rows"], parts, axis=0)
        return parts

    def final_state(self, part: str, layer: int) -> str:
        return f"{part}_n" if self.stack.layers == 1 else f"{part}_n_l{layer}"

    def inputs(self) -> list[Any]:
        given = [self.info("input", self.of_sequence(self.stack.input_size))]
        if self.state:
            given += [self.info(f"{part}_0", self.of_state()) for part in self.stack.state_parts]
        if self.lengths:
            int32 = self.onnx.TensorProto.INT32
            given.append(self.onnx.helper.make_tensor_value_info("lengths", int32, ["batch"]))
        return given

    def outputs(self) -> list[Any]:
        width = self.stack.directions * self.stack.hidden_size
        return [
            self.info("output", self.of_sequence(width)),
            *(self.info(f"{part}_n", self.of_state()) for part in self.stack.state_parts),
        ]

    def of_sequence(self, width: int) -> list[str | int]:
        return ["batch", "steps", width] if self.batch_first else ["steps", "batch", width]

    def of_state(self) -> list[str | int]:
        return [len(self.stack.passes), "batch", self.stack.hidden_size]

    def info(self, name: str, shape: list[str | int]) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, self.onnx.TensorProto.FLOAT, shape)

    def node(self, operator: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        """Add a node; its first output."""
        name = f"{operator}_{len(self.nodes)}"
        node = self.onnx.helper.make_node(operator, inputs, outputs, name=name, **attributes)
        self.nodes.append(node)
        return outputs[0]

    def constant(self, name: str, value: NDArray[Any] | list[NDArray[Any]]) -> str:
        """Add an array, or one for each direction, stacked."""
        array = np.ascontiguousarray(value if isinstance(value, np.ndarray) else np.stack(value))
        self.constants.append(self.onnx.numpy_helper.from_array(array, name))
        return name


def _biases(weights: PassWeights, have: str, want: str) -> NDArray[Any]:
    """Those of the input, then those of the hidden state, (2GH,)."""
    assert weights.bias_ih is not None
    assert weights.bias_hh is not None
    both = (weights.bias_ih, weights.bias_hh)
    return np.concatenate([reordered(bias, have, want) for bias in both])
