"""Layers of ours from the LSTM, GRU and RNN nodes of an ONNX file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from holdfast.errors import ModelError
from holdfast.export.onnx_graph import Graph
from holdfast.export.recurrent_stack import (
    ONNX,
    ONNX_PEEPHOLES,
    OURS,
    Operator,
    PassWeights,
    RecurrentStack,
    layer_of,
    reordered,
)
from holdfast.nn import GRU, LSTM, RNN

_ACTIVATIONS: Final[dict[Operator, tuple[str, ...]]] = {
    "LSTM": ("sigmoid", "tanh", "tanh"),
    "GRU": ("sigmoid", "tanh"),
    "RNN": ("tanh",),
}

_KNOWN: Final = frozenset(
    {
        "activation_alpha",  # sigmoid, tanh and relu have no parameter
        "activation_beta",
        "activations",
        "clip",
        "direction",
        "hidden_size",
        "input_forget",
        "layout",
        "linear_before_reset",
        "output_sequence",  # a leftover of old exporters
    }
)


@dataclass(frozen=True)
class _Read:
    """A node and the layer that it is."""

    node: Any
    stack: RecurrentStack


def from_onnx(source: str | Path | bytes, *, batch_first: bool = False) -> list[LSTM | GRU | RNN]:
    """The recurrent layers of an ONNX model, such as `to_onnx` or torch's exporter writes it.

    Weights come in, and what a layer does with them; initial states do not. Nodes of equal size
    and kind of which each reads the other's output, and nobody else does, become one stack.

    Arguments:
        source: a file, or its content.
        batch_first: whether the layers shall read (B, T, I); the file's nodes read (T, B, I).

    Returns:
        A layer for each stack in the model's main graph, in its order, in the dtype of its weights.

    Raises:
        ModelError: the file cannot be read or is no ONNX model, has no such node, keeps weights in
            another file, or has a node that no layer of ours is; the message names the node.
        InputError: onnx is not installed.

    Example:
        >>> import torch
        >>> from holdfast.export import to_onnx
        >>> layer = GRU(3, 8, num_layers=2, bidirectional=True)
        >>> (same,) = from_onnx(to_onnx(layer))
        >>> torch.equal(same.weight_hh_l1_reverse, layer.weight_hh_l1_reverse)
        True
    """
    graph = Graph(source)
    read = [
        _Read(node, _one_layer(graph, node))
        for node in graph.nodes
        if graph.standard(node, "LSTM", "GRU", "RNN")
    ]
    if not read:
        raise ModelError(f"{graph.where} has no LSTM, GRU or RNN node in its main graph.")
    by_output = {one.node.output[0]: index for index, one in enumerate(read) if one.node.output}
    stacks: dict[int, RecurrentStack] = {}  # by the index of the last node in it
    for index, one in enumerate(read):
        below = by_output.get(_layer_below(graph, one.node))
        if below in stacks and _go_together(read[below], one):
            passes = stacks.pop(below).passes + one.stack.passes
            stacks[index] = replace(one.stack, passes=passes)
        else:
            stacks[index] = one.stack
    return [layer_of(stack, batch_first=batch_first) for stack in stacks.values()]


def _one_layer(graph: Graph, node: Any) -> RecurrentStack:
    """A node as a stack of one layer, or a refusal."""
    operator: Operator = node.op_type
    gates = len(OURS[operator])
    inputs = [*node.input, *[""] * 8]
    attributes = graph.attributes(node)
    directions, nonlinearity = _checked(graph, node, operator, attributes)
    w = graph.array(node, "W", inputs[1], None)
    rows = w.shape[1]
    hidden = rows // gates
    if w.shape[0] != directions or rows != gates * hidden or not hidden:
        raise graph.refusal(
            node, f"its W has shape {w.shape}, not ({directions}, {gates} times H, I)"
        )
    if attributes.get("hidden_size", hidden) != hidden:
        raise graph.refusal(node, f"its hidden_size is not the {hidden} of its W")
    r = graph.array(node, "R", inputs[2], (directions, rows, hidden))
    b = graph.array(node, "B", inputs[3], (directions, 2 * rows)) if inputs[3] else None
    _refuse_initial_state(graph, node, operator, inputs)
    p = None
    if operator == "LSTM" and inputs[7]:
        p = graph.array(node, "P", inputs[7], (directions, 3 * hidden))
    if any(array is not None and array.dtype != w.dtype for array in (r, b, p)):
        raise graph.refusal(node, "its W, R, B and P have different types")
    stack = RecurrentStack(
        operator=operator,
        passes=(),
        directions=directions,
        nonlinearity="relu" if nonlinearity == "relu" else "tanh",
        coupled=attributes.get("input_forget") == 1,
    )
    have, want = ONNX[operator], stack.gates
    passes = tuple(
        PassWeights(
            weight_ih=reordered(w[direction], have, want),
            weight_hh=reordered(r[direction], have, want),
            bias_ih=None if b is None else reordered(b[direction, :rows], have, want),
            bias_hh=None if b is None else reordered(b[direction, rows:], have, want),
            peephole=None
            if p is None
            else reordered(p[direction], ONNX_PEEPHOLES, stack.peephole_gates),
        )
        for direction in range(directions)
    )
    return replace(stack, passes=passes)


def _checked(
    graph: Graph, node: Any, operator: Operator, attributes: dict[str, Any]
) -> tuple[int, str]:
    """D and the nonlinearity, after every attribute was seen to be what a layer of ours does."""
    for name in attributes:
        if name not in _KNOWN:
            raise graph.refusal(node, f"its attribute {name!r} is not known")
    direction = attributes.get("direction", "forward")
    if direction not in ("forward", "bidirectional"):
        raise graph.refusal(
            node, f"its direction is {direction!r}; layers are forward or bidirectional"
        )
    directions = 2 if direction == "bidirectional" else 1
    if attributes.get("clip", 0) != 0:
        raise graph.refusal(node, "it clips what goes into the gates (clip)")
    if attributes.get("layout", 0) != 0:
        raise graph.refusal(node, "it reads rows first (layout=1); export it with layout=0")
    if attributes.get("input_forget", 0) not in ((0, 1) if operator == "LSTM" else (0,)):
        raise graph.refusal(node, "its input_forget is not 0 or, of an LSTM, 1")
    if operator == "GRU" and attributes.get("linear_before_reset") != 1:
        raise graph.refusal(
            node,
            "it resets the hidden state before the matrix (linear_before_reset=0), which are "
            "other equations",
        )
    usual = _ACTIVATIONS[operator]
    given = tuple(str(one).lower() for one in attributes.get("activations") or usual * directions)
    if given == usual * directions:
        return directions, "tanh"
    if operator == "RNN" and given == ("relu",) * directions:
        return directions, "relu"
    raise graph.refusal(node, f"its activations are {', '.join(given) or 'none'}")


def _refuse_initial_state(graph: Graph, node: Any, operator: Operator, inputs: list[str]) -> None:
    """A stored state that is not zero would be lost; what comes from outside is the caller's."""
    names = ("initial_h", "initial_c")[: 2 if operator == "LSTM" else 1]
    for what, name in zip(names, inputs[5:7], strict=False):
        if graph.is_constant(name) and graph.array(node, what, name, None).any():
            raise graph.refusal(node, f"it starts from a stored {what}, which no layer keeps")


def _layer_below(graph: Graph, node: Any) -> str:
    """The output Y, read by this node alone and made (T, B, DH) on the way; "" if it is not so."""
    name = node.input[0] if node.input else ""
    turned = False
    for _ in range(len(graph.nodes)):
        source = graph.producer(name)
        if source is None or graph.readers(name) != 1:
            return ""
        if graph.standard(source, "LSTM", "GRU", "RNN"):
            return name if turned and name == source.output[0] else ""
        below = _unchanged(graph, source)
        if below is None and not turned:
            below = _joined(graph, source)
            turned = True
        if below is None:
            return ""
        name = below
    return ""


def _unchanged(graph: Graph, source: Any) -> str | None:
    """What a node passes on as it is."""
    idle = graph.standard(source, "Identity") or (
        graph.standard(source, "Dropout") and not any(source.input[2:])  # not in training
    )
    return source.input[0] if idle and source.input else None


def _joined(graph: Graph, source: Any) -> str | None:
    """The Y (T, D, B, H) of which a node makes (T, B, DH), in one of the two usual ways."""
    attributes = graph.attributes(source)
    if graph.standard(source, "Squeeze") and source.input:
        axes = attributes.get("axes")
        if axes is None and len(source.input) > 1:
            axes = graph.integers(source.input[1])
        return source.input[0] if axes == [1] else None
    if not graph.standard(source, "Reshape") or len(source.input) < 2:
        return None
    shape = graph.integers(source.input[1])
    rows = graph.producer(source.input[0])
    if shape is None or len(shape) != 3 or shape[:2] != [0, 0] or attributes.get("allowzero"):
        return None
    if rows is None or not graph.standard(rows, "Transpose") or not rows.input:
        return None
    alone = graph.readers(source.input[0]) == 1
    turned = graph.attributes(rows).get("perm") == [0, 2, 1, 3]
    return rows.input[0] if alone and turned else None


def _go_together(below: _Read, above: _Read) -> bool:
    """Whether two layers of which one reads the other are a stack of one layer of ours."""
    one, other = below.stack, above.stack
    lengths = [node.input[4] if len(node.input) > 4 else "" for node in (below.node, above.node)]
    return (
        replace(one, passes=()) == replace(other, passes=())
        and (one.hidden_size, one.bias, one.peepholes)
        == (other.hidden_size, other.bias, other.peepholes)
        and other.input_size == one.directions * one.hidden_size
        and one.passes[0].weight_ih.dtype == other.passes[0].weight_ih.dtype
        and lengths[0] == lengths[1]
    )
