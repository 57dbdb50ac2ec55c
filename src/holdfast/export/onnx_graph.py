"""An ONNX graph as something to look things up in; every constant is checked before it is read."""

from __future__ import annotations

import math
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import InputError, ModelError

OLDEST_OPSET: Final = 7
"""Since then the recurrent nodes have had the inputs and attributes that they have now."""
_STANDARD: Final = ("", "ai.onnx")
_LONGEST_ALIAS: Final = 8
"""Identity nodes between a constant and its reader; exporters write one for a shared weight."""
MAX_BYTES: Final = (1 << 31) - (1 << 20)
"""Most bytes of a model: a protobuf message ends at 2 GiB, and the graph beside the weights needs
some."""


def onnx_package(task: str) -> ModuleType:
    """The package, with `helper` and `numpy_helper`; an InputError where a `task` lacks it."""
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        message = f"{task} takes the package onnx; run: pip install 'holdfast[onnx]'."
        raise InputError(message) from None
    module: ModuleType = onnx
    return module


class Graph:
    """The main graph of a model, from a file or from bytes: untrusted.

    Raises:
        ModelError: it cannot be read, is too large, is no ONNX model, or is from before opset 7.
        InputError: onnx is not installed.
    """

    def __init__(self, source: str | Path | bytes) -> None:
        self.where = "The ONNX model" if isinstance(source, bytes) else str(source)
        self._onnx = onnx_package("Reading an ONNX file")
        graph = self._parsed(_content(source, self.where)).graph
        self.nodes: list[Any] = list(graph.node)
        self._unread = MAX_BYTES
        self._producers = {name: node for node in self.nodes for name in node.output if name}
        self._initializers = {tensor.name: tensor for tensor in graph.initializer}
        self._readers = Counter(name for node in self.nodes for name in node.input)
        self._readers.update(value.name for value in graph.output)

    def standard(self, node: Any, *operators: str) -> bool:
        """Whether a node is one of ONNX's own operators."""
        return node.domain in _STANDARD and node.op_type in operators

    def producer(self, name: str) -> Any | None:
        """The node that makes a value."""
        return self._producers.get(name)

    def readers(self, name: str) -> int:
        """How many nodes and outputs of the model take a value."""
        return self._readers[name]

    def attributes(self, node: Any) -> dict[str, Any]:
        """What is set on a node, as Python's numbers, strings and lists."""
        found: dict[str, Any] = {}
        for attribute in node.attribute:
            try:
                value = self._onnx.helper.get_attribute_value(attribute)
            except (ValueError, TypeError):
                raise self.refusal(node, f"its attribute {attribute.name!r} is corrupt") from None
            if isinstance(value, bytes):
                value = value.decode("utf-8", "replace")
            elif isinstance(value, list):
                value = [
                    one.decode("utf-8", "replace") if isinstance(one, bytes) else one
                    for one in value
                ]
            found[attribute.name] = value
        return found

    def is_constant(self, name: str) -> bool:
        """Whether a value is stored in the file."""
        return self._tensor(name) is not None

    def integers(self, name: str) -> list[int] | None:
        """A short constant list of whole numbers, or None where it is something else."""
        tensor = self._tensor(name)
        if tensor is None or tensor.data_type != self._onnx.TensorProto.INT64:
            return None
        if len(tensor.dims) > 1 or math.prod(tensor.dims) > 8:
            return None
        if tensor.data_location == self._onnx.TensorProto.EXTERNAL:
            return None
        try:
            return [int(value) for value in self._onnx.numpy_helper.to_array(tensor).reshape(-1)]
        except (ValueError, TypeError):
            return None

    def array(self, node: Any, what: str, name: str, shape: tuple[int, ...] | None) -> NDArray[Any]:
        """A constant that a node reads: float32 or float64, not empty.

        `what` is the input's name in the operator, for sentences; a `shape` of None stands for
        three dimensions, whichever they are.

        Raises:
            ModelError: it is not stored in the file, not of this shape or type, or too large.
        """
        tensor = self._tensor(name)
        if tensor is None:
            raise self.refusal(
                node,
                f"its {what} ({name!r}) is worked out by other nodes, not stored; export the model "
                "with constant folding",
            )
        if tensor.data_location == self._onnx.TensorProto.EXTERNAL:
            raise self.refusal(
                node,
                f"its {what} ({name!r}) lies in another file; save the model with the weights "
                "inside",
            )
        types = {
            self._onnx.TensorProto.FLOAT: np.float32,
            self._onnx.TensorProto.DOUBLE: np.float64,
        }
        if tensor.data_type not in types:
            raise self.refusal(node, f"its {what} ({name!r}) is neither float32 nor float64")
        dims = tuple(tensor.dims)
        right = len(dims) == 3 if shape is None else dims == shape
        if not right or min(dims) < 1:
            expected = "(D, gates times H, ·)" if shape is None else str(shape)
            raise self.refusal(node, f"its {what} ({name!r}) has shape {dims} and not {expected}")
        # Many nodes may name one small constant: what is read is counted, not what is stored.
        self._unread -= math.prod(dims) * np.dtype(types[tensor.data_type]).itemsize
        if self._unread < 0:
            raise ModelError(f"{self.where} has more than {MAX_BYTES} bytes of weights.")
        try:
            array: NDArray[Any] = self._onnx.numpy_helper.to_array(tensor)
        except (ValueError, TypeError):
            raise self.refusal(node, f"its {what} ({name!r}) is cut short or corrupt") from None
        return array

    def refusal(self, node: Any, reason: str) -> ModelError:
        """The sentence that names a node."""
        return ModelError(f"{self.where}: {node.op_type} node {label(node)} is refused: {reason}.")

    def _parsed(self, content: bytes) -> Any:
        from google.protobuf.message import DecodeError

        try:
            model = self._onnx.ModelProto.FromString(content)
        except DecodeError:
            raise ModelError(f"{self.where} is not an ONNX model; export it again.") from None
        versions = [one.version for one in model.opset_import if one.domain in _STANDARD]
        if not versions or not model.graph.node:
            raise ModelError(f"{self.where} is not an ONNX model with a graph; export it again.")
        if max(versions) < OLDEST_OPSET:
            raise ModelError(
                f"{self.where} has opset {max(versions)}; opset {OLDEST_OPSET} and later are read: "
                "export it again."
            )
        return model

    def _tensor(self, name: str) -> Any | None:
        """The constant behind a name: an initializer, or a Constant node; through Identity."""
        for _ in range(_LONGEST_ALIAS):
            if name in self._initializers:
                return self._initializers[name]
            node = self._producers.get(name)
            if node is None:
                return None
            if self.standard(node, "Constant"):
                held = [one.t for one in node.attribute if one.name == "value"]
                return held[0] if held else None
            if not self.standard(node, "Identity") or not node.input:
                return None
            name = node.input[0]
        return None


def label(node: Any) -> str:
    """How a sentence names a node: by its name, or by what it makes."""
    return repr(node.name or next((name for name in node.output if name), "without a name"))


def _content(source: str | Path | bytes, where: str) -> bytes:
    if isinstance(source, bytes):
        size, content = len(source), source
    else:
        path = Path(source)
        try:
            if not path.is_file():
                raise ModelError(f"{path} is not a file; give the file of an ONNX model.")
            size = path.stat().st_size
            with path.open("rb") as file:
                content = file.read(size) if size <= MAX_BYTES else b""
        except OSError as error:
            raise ModelError(f"Cannot read {path}: {error.strerror or error}.") from error
    if size > MAX_BYTES:
        raise ModelError(f"{where} has {size} bytes; at most {MAX_BYTES} are read.")
    return content
