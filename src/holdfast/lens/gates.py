"""How open the gates of a layer stood, and for how long its units keep."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from holdfast.engine.cells import GRU, LSTM, SLSTM, gru, lstm, slstm
from holdfast.lens.passes import LayerPass
from holdfast.records.forecast import Floats
from holdfast.records.lens import GateActivity

CLOSED, OPEN = 0.05, 0.95
"""Below and above these a gate is saturated: what it does then hardly depends on its input."""

RESETTING = 2.0
"""Steps: a unit with a shorter timescale has forgotten nearly two thirds after two steps."""


def gate_values(one: LayerPass) -> dict[str, Tensor]:
    """The gates of every step behind their σ, as they act.

    Arguments:
        one: a pass.

    Returns:
        Each (T, B, H), in the order of the input: "forget gate", "input gate", "output gate" of an
        LSTM or an sLSTM (there over e^m), "update gate", "reset gate" of a GRU; nothing for a plain
        RNN.

    Example:
        >>> from holdfast.lens.passes import run_passes
        >>> from holdfast.nn import GRU as Layer
        >>> (one,) = run_passes(Layer(3, 8), torch.randn(50, 2, 3))
        >>> {name: tuple(gate.shape) for name, gate in gate_values(one).items()}
        {'update gate': (50, 2, 8), 'reset gate': (50, 2, 8)}
    """
    x, before = one.x.flatten(0, 1), tuple(part.flatten(0, 1) for part in one.before)
    if one.cell is LSTM:
        (i, f, _, o), _ = lstm.advance(x, before, one.weights, one.options)
    elif one.cell is SLSTM:
        (i, f, _, o), _ = slstm.advance(x, before, one.weights, one.options)
    elif one.cell is GRU:
        r, z, _ = gru.gates(x, before[0], one.weights)
        return {name: _by_step(gate, one) for name, gate in (("update gate", z), ("reset gate", r))}
    else:
        return {}
    named = ("forget gate", f), ("input gate", i), ("output gate", o)
    return {name: _by_step(gate, one) for name, gate in named}


def gate_activity(one: LayerPass) -> tuple[GateActivity, ...]:
    """The means of every gate by step and by unit, and how much of it is saturated.

    Arguments:
        one: a pass.

    Returns:
        One for each gate, in the order of `gate_values`; none for a plain RNN.

    Example:
        >>> from holdfast.lens.passes import run_passes
        >>> from holdfast.nn import LSTM as Layer
        >>> (one,) = run_passes(Layer(3, 8), torch.randn(50, 2, 3))
        >>> [(gate.name, len(gate.by_step), len(gate.by_unit)) for gate in gate_activity(one)]
        [('forget gate', 50, 8), ('input gate', 50, 8), ('output gate', 50, 8)]
    """
    return tuple(
        GateActivity(
            name,
            gate.mean((1, 2)).numpy(),
            gate.mean((0, 1)).numpy(),
            float((gate < CLOSED).double().mean()),
            float((gate > OPEN).double().mean()),
        )
        for name, gate in gate_values(one).items()
    )


def timescales(one: LayerPass) -> Floats | None:
    """For how many steps each unit keeps: τ = −1 / mean ln f, after which 1/e is left.

    f is what is left of the cell after a step where the gates are held, zoneout included: for a
    GRU it is the update gate. The first step of an sLSTM, which has nothing to keep, is left out.

    Arguments:
        one: a pass.

    Returns:
        (H,) in steps, from 0 (nothing is kept) to inf (all is kept); none for a plain RNN.

    Example:
        >>> from holdfast.lens.passes import run_passes
        >>> from holdfast.nn import LSTM as Layer
        >>> (one,) = run_passes(Layer(3, 5, timescale=100), torch.zeros(1, 1, 3))
        >>> timescales(one).round(1).tolist()
        [1.6, 4.0, 10.0, 25.1, 63.1]
    """
    values = gate_values(one)
    if not values:
        return None
    f = values["update gate" if one.cell is GRU else "forget gate"]
    keep = one.options.zoneout_hidden if one.cell is GRU else one.options.zoneout_cell
    logarithm = torch.log(keep + (1 - keep) * f)
    if one.cell is SLSTM:
        logarithm = torch.where(one.before[2] == 0, torch.nan, logarithm)
    mean = torch.nanmean(logarithm, (0, 1)) * one.dilation**-1
    # −1/0 is infinite and −1/−inf is 0, as it should be; an sLSTM of one step kept nothing.
    steps: Floats = torch.nan_to_num(-1 / mean, nan=0.0, posinf=np.inf, neginf=np.inf).numpy()
    return steps


def shares(timescale: Floats, steps: int) -> tuple[float, float, float]:
    """How many of the units latch, leak and reset.

    Arguments:
        timescale: (H,) in steps.
        steps: of the sequence.

    Returns:
        The shares that keep for longer than the sequence; that forget slowly; that forget within
        two steps. They add up to 1.

    Example:
        >>> shares(np.array([0.5, 10.0, np.inf, 20.0]), 100)
        (0.25, 0.5, 0.25)
    """
    latching = float(np.mean(timescale > steps))
    resetting = float(np.mean((timescale <= RESETTING) & (timescale <= steps)))
    return latching, 1.0 - latching - resetting, resetting


def _by_step(gate: Tensor, one: LayerPass) -> Tensor:
    return gate.view(one.steps, one.sequences, -1)
