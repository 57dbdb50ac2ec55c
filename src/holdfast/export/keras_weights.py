"""Layers of ours from the arrays that a Keras layer's `get_weights()` gives, without Keras."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from holdfast.errors import ArgumentError
from holdfast.export.recurrent_stack import (
    KERAS,
    OURS,
    Operator,
    PassWeights,
    RecurrentStack,
    layer_of,
    reordered,
)
from holdfast.nn import GRU, LSTM, RNN

L = TypeVar("L", LSTM, GRU, RNN)


def from_keras_weights(
    weights: Sequence[ArrayLike],
    cell: type[L],
    *,
    bidirectional: bool = False,
    nonlinearity: Literal["tanh", "relu"] = "tanh",
    batch_first: bool = True,
) -> L:
    """The layer that computes what a Keras LSTM, GRU or SimpleRNN with these weights does.

    Keras' own activations are taken for granted: tanh, and a sigmoid for the gates. What the arrays
    do not say is the caller's to know: masking, `return_sequences`, `go_backwards`.

    Arguments:
        weights: kernel (I, GH), recurrent kernel (H, GH) and bias, or without the bias; of a
            `Bidirectional` layer the forward layer's, then the backward layer's. The bias is (GH,),
            of a GRU (2, 3H).
        cell: the class to make: `LSTM`, `GRU`, or `RNN` for SimpleRNN.
        bidirectional: whether the weights are those of a `Bidirectional` layer that concatenates.
        nonlinearity: of a SimpleRNN, "tanh" or "relu".
        batch_first: as in the layer; Keras reads (B, T, I).

    Returns:
        A layer in the dtype of the arrays.

    Raises:
        ArgumentError: there are too few or too many arrays, one has another shape or type, or they
            are of a GRU with `reset_after=False`, whose equations are others. Without a bias the
            arrays do not tell, and `reset_after=True`, Keras' default, is assumed.

    Source: Keras' layers; its GRU with `reset_after=True` is the form of cuDNN, as ours is.

    Example:
        >>> import torch
        >>> kernel, recurrent, bias = np.ones((3, 32)), np.ones((8, 32)), np.zeros(32)
        >>> layer = from_keras_weights([kernel, recurrent, bias], LSTM)
        >>> layer(torch.zeros(1, 5, 3, dtype=torch.float64))[0].shape
        torch.Size([1, 5, 8])
    """
    if cell not in (LSTM, GRU, RNN):
        raise ArgumentError(f"cell must be the class LSTM, GRU or RNN of holdfast.nn, got {cell}.")
    if nonlinearity not in ("tanh", "relu"):
        raise ArgumentError(f'nonlinearity must be "tanh" or "relu", got {nonlinearity!r}.')
    if nonlinearity == "relu" and cell is not RNN:
        raise ArgumentError("nonlinearity goes with cell=RNN; the gated cells have tanh.")
    operator: Operator = "LSTM" if cell is LSTM else "GRU" if cell is GRU else "RNN"
    arrays = [np.asarray(array) for array in weights]
    directions = 2 if bidirectional else 1
    if len(arrays) not in (2 * directions, 3 * directions):
        raise ArgumentError(
            f"weights must be {2 * directions} arrays, or {3 * directions} with biases, for "
            f"bidirectional={bidirectional}; got {len(arrays)}."
        )
    each = len(arrays) // directions
    passes = tuple(
        _pass(operator, arrays[start : start + each], start)
        for start in range(0, len(arrays), each)
    )
    first, last = passes[0], passes[-1]
    same = first.weight_ih.shape == last.weight_ih.shape
    if not same or first.weight_hh.shape != last.weight_hh.shape:
        raise ArgumentError("The two directions in weights must have the same shapes.")
    types = sorted({str(array.dtype) for array in arrays})
    if types not in (["float32"], ["float64"]):
        raise ArgumentError(
            f"weights must be all float32 or all float64, got {', '.join(types)}; convert them."
        )
    stack = RecurrentStack(operator, passes, directions, nonlinearity)
    return cast(L, layer_of(stack, batch_first=batch_first))


def _pass(operator: Operator, arrays: list[NDArray[Any]], start: int) -> PassWeights:
    """One direction: Keras' matrices stand the other way round than ours."""
    kernel, recurrent = arrays[:2]
    gates = len(OURS[operator])
    if recurrent.ndim != 2 or not recurrent.size or recurrent.shape[1] != gates * len(recurrent):
        raise ArgumentError(
            f"weights[{start + 1}], the recurrent kernel of the {operator}, must have the shape "
            f"(H, {gates}H), got {recurrent.shape}."
        )
    columns = recurrent.shape[1]
    if kernel.ndim != 2 or not kernel.size or kernel.shape[1] != columns:
        raise ArgumentError(
            f"weights[{start}], the kernel of the {operator}, must have the shape (I, {columns}), "
            f"got {kernel.shape}."
        )
    bias_ih = bias_hh = None
    if len(arrays) == 3:
        bias_ih, bias_hh = _biases(operator, arrays[2], columns, start + 2)
    return PassWeights(
        weight_ih=_rows(operator, kernel.T),
        weight_hh=_rows(operator, recurrent.T),
        bias_ih=None if bias_ih is None else _rows(operator, bias_ih),
        bias_hh=None if bias_hh is None else _rows(operator, bias_hh),
    )


def _biases(
    operator: Operator, bias: NDArray[Any], columns: int, index: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """The bias of the input and that of the hidden state, which only Keras' GRU has."""
    if operator == "GRU" and bias.shape == (columns,):
        raise ArgumentError(
            f"weights[{index}] is the bias of a GRU with reset_after=False, which resets the "
            "hidden state before the matrix: other equations than ours, so that no weights of "
            "ours give its results; train it with reset_after=True."
        )
    shape = (2, columns) if operator == "GRU" else (columns,)
    if bias.shape != shape:
        raise ArgumentError(
            f"weights[{index}], the bias of the {operator}, must have the shape {shape}, got "
            f"{bias.shape}."
        )
    return (bias[0], bias[1]) if operator == "GRU" else (bias, np.zeros_like(bias))


def _rows(operator: Operator, array: NDArray[Any]) -> NDArray[Any]:
    return reordered(array, KERAS[operator], OURS[operator])
