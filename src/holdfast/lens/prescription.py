"""What to change in a model, and forget gates held at a number to see whether it needs them."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator, Sequence
from typing import Final, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from holdfast.errors import ArgumentError
from holdfast.lens.dynamics import total_capacity
from holdfast.nn.gru_rnn import GRU
from holdfast.nn.lstm import LSTM
from holdfast.records import Inspection, LagCurve
from holdfast.records.lens_summary import brief_number, deciding, memory, timescales, window

GROWING: Final = 10.0
"""A Jacobian that makes a difference so much larger needs clipping."""

SATURATED: Final = 0.3
"""Share of a gate's values at its ends from which a layer norm is worth a try."""

FULL: Final = 0.5
"""Share of its units that a layer's linear memory holds when it is called full."""


def prescribe(record: Inspection) -> tuple[str, ...]:
    """What to change, each sentence with the number that it rests on.

    They are first things to try, not laws: each follows from one measurement on the sequences
    that were looked at.

    Arguments:
        record: from `inspect`.

    Returns:
        Sentences, the most urgent first; one that says so where nothing is to be changed.
    """
    advice = [*_clipping(record), *_context(record), *_timescales(record), *_gates(record)]
    advice += _size(record)
    if advice:
        return tuple(advice)
    return ("Nothing: no measurement calls for a change.",)


def _clipping(record: Inspection) -> Iterator[str]:
    """Gradients that grow."""
    worst = max(record.layers, key=lambda layer: _peak(layer.jacobian))
    peak = _peak(worst.jacobian)
    if peak < GROWING:
        return
    at = int(worst.jacobian.lags[int(np.argmax(worst.jacobian.high))])
    yield (
        f"Clip the gradient's norm, at 1 to begin with: in {worst.name} a difference grows "
        f"{brief_number(peak)} times over {at:,} steps in a tenth of the places."
    )


def _context(record: Inspection) -> Iterator[str]:
    """The length of the window."""
    if record.context is None:
        return
    context = record.context
    needed, longest = context.effective, int(context.lags[-1])
    if needed is None or needed >= longest:
        gain = float(context.removed[-1] - context.whole)
        yield (
            f"Train on longer windows than {record.steps:,} steps: with {longest:,} steps of "
            f"past the loss is still {brief_number(gain)} {context.unit} above that with all."
        )
    elif window(needed) <= record.steps // 2:
        yield (
            f"A window of {window(needed):,} steps is enough in place of {record.steps:,}: "
            f"beyond {needed:,} steps the loss gains nothing, and training takes "
            f"{record.steps / window(needed):.1f} times as many steps as it needs."
        )


def _timescales(record: Inspection) -> Iterator[str]:
    """Where the cells begin, against what the loss asks for."""
    scales, held = timescales(record), memory(deciding(record))
    needed = record.steps
    if record.context is not None and record.context.effective is not None:
        needed = record.context.effective
    if held is not None and held < needed / 3:
        if scales is None:
            yield (
                f"Put an LSTM in place of the plain RNN: differences fade within {held:,.0f} "
                f"of {needed:,} steps, and there is no gate that could hold them."
            )
        else:
            yield (
                f'Begin with init="remember" and timescale={float(needed):g}: the state remembers '
                f"about {held:,.0f} of {needed:,} steps, and the slowest unit keeps "
                f"{float(scales.max()):,.0f}."
            )
    elif scales is not None:
        stuck = float((scales > 10.0 * record.steps).mean())
        if stuck > 0.5:
            yield (
                f"Begin with a shorter timescale={float(record.steps):g}: {stuck:.0%} of the "
                f"units keep more than ten times the {record.steps:,} steps, so they hardly "
                "take anything up."
            )


def _gates(record: Inspection) -> list[str]:
    """Gates that stand still."""
    advice = []
    for layer in record.layers:
        for gate in layer.gates:
            held = gate.closed + (0.0 if _keeps(gate.name) else gate.open)
            if held > SATURATED:
                advice.append(
                    f"Try layer_norm=True in {layer.name}: {held:.0%} of the values of its "
                    f"{gate.name} are saturated, where hardly any gradient passes."
                )
                break
    return advice


def _size(record: Inspection) -> list[str]:
    """How many units."""
    advice = []
    for layer in record.layers:
        total = 0.0 if layer.capacity is None else total_capacity(layer.capacity)
        if total > FULL * layer.units:
            advice.append(
                f"Give {layer.name} more units than {layer.units:,}: it holds {total:,.0f} past "
                "inputs linearly, so there is hardly room for more."
            )
    scales = timescales(record)
    if scales is not None and len(scales) >= 8:
        idle = float((scales <= 2.0).mean())
        if idle > 0.9:
            advice.append(
                f"Fewer units may do: {idle:.0%} of {len(scales):,} forget within 2 steps and "
                "serve no memory."
            )
    return advice


def _keeps(name: str) -> bool:
    """Gates that are meant to stand open: what is kept is kept by them."""
    return name in ("forget gate", "update gate")


def _peak(curve: LagCurve) -> float:
    return float(curve.high.max())


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
    held = copy.deepcopy(layer)
    rows = torch.from_numpy(chosen + _KEEPING * layer.hidden_size)
    suffix = f"_l{stacked}" + ("_reverse" if reverse else "")
    with torch.no_grad():
        for name, parameter in held.named_parameters():
            if not name.endswith(suffix):
                continue
            kind = name[: -len(suffix)]
            if kind in ("weight_ih", "weight_hh", "weight_peephole", "bias_hh"):
                parameter[rows] = 0.0  # the peepholes' order is i, f, o
            elif kind == "bias_ih":
                parameter[rows] = math.log(value / (1.0 - value))
    return held


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
