"""Forget gates of chosen units held at a number, to see whether a model needs them."""

from __future__ import annotations

import copy
import math
from collections.abc import Sequence
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from holdfast.errors import ArgumentError
from holdfast.nn.gru_rnn import GRU
from holdfast.nn.lstm import LSTM

L = TypeVar("L", bound=nn.Module)

_KEEPING: Final = 1
"""Which block of rows keeps: the forget gate is the second of an LSTM's i, f, g, o, and the update
gate the second of a GRU's r, z, n."""


def force_forget(
    layer: L,
    units: Sequence[int] | NDArray[np.int64] | NDArray[np.bool_],
    value: float = 0.5,
    *,
    stacked: int = 0,
    reverse: bool = False,
) -> L:
    """A copy of a layer in which some units forget at a constant rate, whatever they read.

    The forget gate's rows of these units are zero in both weights and in one bias; the other bias
    is the logit of the value.

    Arguments:
        layer: an LSTM or a GRU of ours or of torch's, with biases; stays as it is. Of a GRU the
            update gate, which keeps the old state, is held.
        units: numbers of the units, from 0, or a truth value for each unit.
        value: of the gate, above 0 and below 1; 0.5 forgets within 1.44 steps.
        stacked: which layer of a stack, from 0.
        reverse: whether the direction back in time is meant.

    Raises:
        ArgumentError: the layer has no forget gate or no biases, a unit does not exist, or the
            value is no share.

    Example:
        >>> layer = LSTM(3, 8)
        >>> held = force_forget(layer, [0, 5])
        >>> gate = held.trace(torch.randn(20, 1, 3)).forget_gate[..., [0, 5]]
        >>> gate.unique().tolist()
        [0.5]
    """
    if not isinstance(layer, (LSTM, GRU, nn.LSTM, nn.GRU)):
        raise ArgumentError(
            f"A {type(layer).__name__} has no forget gate of its own; give an LSTM or a GRU."
        )
    if not layer.bias:
        raise ArgumentError(
            "The layer has no biases, and without one a gate stands at 0.5 or moves."
        )
    if isinstance(layer, (LSTM, GRU)) and (layer.options.coupled or layer.options.layer_norm):
        raise ArgumentError(
            "A forget gate that is coupled to the input gate, or stands behind a layer norm, "
            "cannot be held by its weights; give a layer without."
        )
    if not 0.0 < value < 1.0:
        raise ArgumentError(f"value={value!r} must lie above 0 and below 1.")
    if not 0 <= stacked < layer.num_layers or (reverse and not layer.bidirectional):
        raise ArgumentError(
            f"stacked={stacked}, reverse={reverse}: the layer has {layer.num_layers} stacked "
            f"layers in {'two directions' if layer.bidirectional else 'one direction'}."
        )
    chosen = _numbers(units, layer.hidden_size)
    if len(chosen) and (chosen.min() < 0 or chosen.max() >= layer.hidden_size):
        raise ArgumentError(
            f"units must be numbers from 0 to {layer.hidden_size - 1}, got {int(chosen.min())} to "
            f"{int(chosen.max())}."
        )
    made = copy.deepcopy(layer)
    rows = torch.from_numpy(chosen + _KEEPING * layer.hidden_size)
    suffix = f"_l{stacked}" + ("_reverse" if reverse else "")
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if not name.endswith(suffix):
                continue
            kind = name[: -len(suffix)]
            if kind in ("weight_ih", "weight_hh", "weight_peephole", "bias_hh"):
                parameter[rows] = 0.0  # the peepholes' order is i, f, o
            elif kind == "bias_ih":
                parameter[rows] = math.log(value / (1.0 - value))
    return made


def _numbers(
    units: Sequence[int] | NDArray[np.int64] | NDArray[np.bool_], hidden: int
) -> NDArray[np.int64]:
    """The numbers of the units that are meant."""
    given = np.asarray(units).reshape(-1)
    if given.dtype.kind == "b":
        if len(given) != hidden:
            raise ArgumentError(
                f"units holds {len(given)} truth values; give one for each of the {hidden} units, "
                "or the numbers of those that are meant."
            )
        return np.flatnonzero(given)
    if len(given) and given.dtype.kind not in "iu":
        raise ArgumentError(f"units must be whole numbers or truth values, got {given[0]!r}.")
    return given.astype(np.int64)
