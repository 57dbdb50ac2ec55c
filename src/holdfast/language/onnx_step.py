"""A language model as an ONNX file: tokens and a state in, log-probabilities and the state out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from holdfast.errors import ArgumentError
from holdfast.export import to_onnx
from holdfast.export.onnx_graph import MAX_BYTES, onnx_package
from holdfast.export.onnx_writer import IR_VERSION, OPSET
from holdfast.language.network import LanguageNetwork
from holdfast.storage import write_bytes_atomically
from holdfast.version import __version__

IDS: Final = "ids"
SCORES: Final = "log_probabilities"


def language_onnx(network: LanguageNetwork, path: str | Path | None = None) -> bytes:
    """Write a network as an ONNX model that is run token by token, or over many tokens at once.

    The model's inputs and outputs, T and B open:

    - `ids`: (T, B) int64, tokens to read;
    - `h_l0`, `c_l0`, `h_l1` …: (1, B, H) the state of each layer before them, zeros to begin with;
    - `log_probabilities`: (T, B, V) of the token that follows each;
    - `h_l0_next`, `c_l0_next` …: (1, B, H) the state after them, to be given with the next tokens.

    The content of the file is returned, and written, whole or not at all, where there is a path.

    Raises:
        ArgumentError: the network is not float32 or larger than an ONNX file may be.
        InputError: onnx is not installed, or the file cannot be written.

    Source: the operators of ONNX, https://onnx.ai/onnx/operators (LSTM, LayerNormalization).
    """
    size = sum(weight.numel() * weight.element_size() for weight in network.parameters())
    if size > MAX_BYTES:
        raise ArgumentError(
            f"The model has {size} bytes of weights and an ONNX file holds {MAX_BYTES}; export a "
            "smaller one."
        )
    graph = _Graph(onnx_package("Writing an ONNX file"))
    graph.network(network)
    content = graph.serialised()
    if path is not None:
        write_bytes_atomically(path, content)
    return content


class _Graph:
    """A graph while it grows."""

    def __init__(self, onnx: ModuleType) -> None:
        self.onnx = onnx
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.inputs: list[Any] = []
        self.outputs: list[Any] = []

    def network(self, network: LanguageNetwork) -> None:
        types = self.onnx.TensorProto
        self.inputs.append(self.info(IDS, types.INT64, ["steps", "batch"]))
        weight = self.constant("embedding", network.embedding.weight)
        x = self.node("Gather", [weight, IDS])
        states: list[Any] = []
        for place, layer in enumerate(network.layers):
            x = self.layer(place, layer, x, states)
        norm = [self.constant(f"norm_{n}", w) for n, w in network.norm.named_parameters()]
        read = self.node("LayerNormalization", [x, *norm], axis=-1, epsilon=float(network.norm.eps))
        turned = (
            self.node("Transpose", [weight], perm=[1, 0])
            if network.design.tied
            else self.constant("head", network.head.weight.T)
        )
        products = self.node("MatMul", [read, turned])
        logits = self.node("Add", [products, self.constant("head_bias", network.head.bias)])
        scores = self.node("LogSoftmax", [logits], axis=-1)
        self.nodes.append(self.onnx.helper.make_node("Identity", [scores], [SCORES], name=SCORES))
        scored = self.info(SCORES, types.FLOAT, ["steps", "batch", network.design.vocabulary])
        self.outputs = [scored, *states]

    def layer(self, place: int, layer: nn.Module, x: str, states: list[Any]) -> str:
        """The graph of one LSTM, as `to_onnx` writes it, its names marked with the layer."""
        graph = self.onnx.load_from_string(to_onnx(layer, initial_state=True)).graph  # type: ignore[arg-type]  # an LSTM each
        names = {"input": x, "output": f"x_l{place}"}
        names |= {f"{part}_0": f"{part}_l{place}" for part in "hc"}
        names |= {f"{part}_n": f"{part}_l{place}_next" for part in "hc"}

        def renamed(name: str) -> str:
            return names.get(name, f"l{place}_{name}") if name else ""

        for node in graph.node:
            for field in (node.input, node.output):
                field[:] = [renamed(name) for name in field]
            node.name = renamed(node.name)
        for constant in graph.initializer:
            constant.name = renamed(constant.name)
        self.nodes += graph.node
        self.constants += graph.initializer
        for value in (*graph.input[1:], *graph.output[1:]):
            value.name = renamed(value.name)
        self.inputs += graph.input[1:]
        states += graph.output[1:]
        return names["output"]

    def node(self, operator: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node; its output."""
        name = f"{operator}_{len(self.nodes)}"
        node = self.onnx.helper.make_node(operator, inputs, [name], name=name, **attributes)
        self.nodes.append(node)
        return name

    def constant(self, name: str, value: Tensor | NDArray[Any]) -> str:
        array = value.detach().cpu().numpy() if isinstance(value, Tensor) else value
        tensor = self.onnx.numpy_helper.from_array(np.ascontiguousarray(array), name)
        self.constants.append(tensor)
        return name

    def info(self, name: str, kind: int, sizes: Sequence[str | int]) -> Any:
        return self.onnx.helper.make_tensor_value_info(name, kind, sizes)

    def serialised(self) -> bytes:
        graph = self.onnx.helper.make_graph(
            self.nodes, "holdfast_language", self.inputs, self.outputs, self.constants
        )
        model = self.onnx.helper.make_model(
            graph,
            producer_name="holdfast",
            producer_version=__version__,
            opset_imports=[self.onnx.helper.make_opsetid("", OPSET)],
            ir_version=IR_VERSION,
        )
        content: bytes = model.SerializeToString(deterministic=True)
        return content
