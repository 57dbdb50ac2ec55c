"""One layer in one direction, run in float64: states, gates and timescales of every step."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import torch
from torch import Tensor

from holdfast.engine.cells import GRU, LSTM, SLSTM, Cell, Options, State, Weights, gru, lstm, slstm
from holdfast.errors import ArgumentError
from holdfast.nn.recurrent import Recurrent
from holdfast.records.forecast import Floats
from holdfast.records.lens import GateActivity

KINDS = {
    "lstm": "LSTM",
    "gru": "GRU",
    "rnn_tanh": "RNN",
    "rnn_relu": "RNN (relu)",
    "slstm": "sLSTM",
}
"""How people call a cell."""

ADVANCE: Final = {LSTM: lstm.advance, SLSTM: slstm.advance}
"""Of cells with a cell state beside h: the gates and the state after a step."""


@dataclass(frozen=True, eq=False)
class LayerPass:
    """One layer in one direction, as it ran in evaluation; everything in float64.

    Time is in the order of the input in both directions; `reading` turns it.

    Arguments:
        layer: its number in the stack, from 0.
        x: what it read, (T, B, I): the sequence, or what the layer below gave.
        before, after: the state before and after each step, each part (T, B, ·).
        dilation: how many steps back its state lies.
        residual: whether its input is added to its output on the way up.
    """

    layer: int
    reverse: bool
    cell: Cell
    x: Tensor
    before: State
    after: State
    weights: Weights
    options: Options
    dilation: int = 1
    residual: bool = False

    @property
    def kind(self) -> str:
        """ "LSTM", "GRU", "RNN", "RNN (relu)" or "sLSTM"."""
        return KINDS[self.cell.name]

    @property
    def units(self) -> int:
        """H, the cells of the layer; with a projection h is narrower."""
        if self.weights.weight_hr is not None:
            return int(self.weights.weight_hr.shape[1])
        return int(self.after[-1].shape[-1])

    @property
    def steps(self) -> int:
        return int(self.x.shape[0])

    @property
    def sequences(self) -> int:
        return int(self.x.shape[1])

    def reading(self) -> LayerPass:
        """The same with time in the order in which the layer reads."""
        if not self.reverse:
            return self
        return replace(
            self,
            reverse=False,
            x=self.x.flip(0),
            before=tuple(part.flip(0) for part in self.before),
            after=tuple(part.flip(0) for part in self.after),
        )


def run_passes(layer: Recurrent, x: Tensor) -> tuple[LayerPass, ...]:
    """Run a stack on x (T, B, I) in float64 by its equations, and keep every state.

    It runs as in evaluation, whatever the layer's mode: no dropout, no weight drop, the expectation
    for zoneout. The layer is not touched, nor is any random state. The passes come layer by layer
    from below, of each the direction forward first.

    Raises:
        ArgumentError: x is not (T, B, I) with one step and one sequence or more.
    """
    if x.dim() != 3 or x.shape[0] < 1 or x.shape[1] < 1 or x.shape[2] != layer.input_size:
        raise ArgumentError(
            f"x must be (T, B, {layer.input_size}) with at least one step and one sequence, got "
            f"{tuple(x.shape)}; time stands first."
        )
    precise = copy.deepcopy(layer).double()  # of weights that a parametrisation makes, its parts
    directions = 2 if layer.bidirectional else 1
    passes: list[LayerPass] = []
    with torch.no_grad():
        read = x.detach().to("cpu", torch.float64)
        weights = [tuple(w.detach().cpu() for w in tensors) for tensors in precise.all_weights]
        for number in range(layer.num_layers):
            outputs = []
            for direction in range(directions):
                named = _named(layer, weights[number * directions + direction])
                one = _run(layer, number, named, read, reverse=direction == 1)
                passes.append(one)
                outputs.append(one.after[0])
            output = torch.cat(outputs, dim=-1)
            read = read + output if passes[-1].residual else output
    return tuple(passes)


def run_steps(
    cell: Cell, x: Tensor, weights: Weights, options: Options, dilation: int = 1
) -> tuple[State, State]:
    """The states before and after each step of a cell that starts from zeros, each (T, B, ·)."""
    zero = _zero_state(cell, weights, options, x)
    history = [zero] * dilation
    with torch.no_grad():
        for t, x_t in enumerate(x):
            history.append(cell.step(x_t, history[t], weights, options))
    before = tuple(torch.stack(list(part)) for part in zip(*history[: len(x)], strict=True))
    after = tuple(torch.stack(list(part)) for part in zip(*history[dilation:], strict=True))
    return before, after


def _run(layer: Recurrent, number: int, weights: Weights, x: Tensor, *, reverse: bool) -> LayerPass:
    dilation = layer.variant.dilation[number] if layer.variant.dilation else 1
    read = x.flip(0) if reverse else x
    before, after = run_steps(layer.cell, read, weights, layer.options, dilation)
    if reverse:
        before = tuple(part.flip(0) for part in before)
        after = tuple(part.flip(0) for part in after)
    residual = layer.variant.residual and number > 0
    return LayerPass(
        number, reverse, layer.cell, x, before, after, weights, layer.options, dilation, residual
    )


def _named(layer: Recurrent, tensors: tuple[Tensor, ...]) -> Weights:
    names = layer.cell.weight_shapes(
        input_size=1,
        hidden_size=layer.hidden_size,
        projection=layer.proj_size,
        bias=layer.bias,
        options=layer.options,
    )
    return Weights(**dict(zip(names, tensors, strict=True)))


def _zero_state(cell: Cell, weights: Weights, options: Options, x: Tensor) -> State:
    """h, c … before the first step."""
    if weights.weight_hr is not None:
        width, units = weights.weight_hr.shape
    else:
        width = units = weights.weight_ih.shape[0] // (len(cell.gates) - options.coupled)
    widths = (width, *[units] * (len(cell.parts) - 1))
    return tuple(x.new_zeros(x.shape[1], width) for width in widths)


CLOSED, OPEN = 0.05, 0.95
"""Below and above these a gate is saturated: what it does then hardly depends on its input."""

RESETTING = 2.0
"""Steps: a unit with a shorter timescale has forgotten nearly two thirds after two steps."""


def gate_values(one: LayerPass) -> dict[str, Tensor]:
    """The gates of every step behind their σ, as they act, (T, B, H) in the order of the input.

    "forget gate", "input gate", "output gate" of an LSTM or an sLSTM (there over e^m), "update
    gate", "reset gate" of a GRU; nothing for a plain RNN.
    """
    x, before = one.x.flatten(0, 1), tuple(part.flatten(0, 1) for part in one.before)
    advance = ADVANCE.get(one.cell)
    if advance is not None:
        (i, f, _, o), _ = advance(x, before, one.weights, one.options)
        named = {"forget gate": f, "input gate": i, "output gate": o}
    elif one.cell is GRU:
        r, z, _ = gru.gates(x, before[0], one.weights)
        named = {"update gate": z, "reset gate": r}
    else:
        return {}
    return {name: gate.view(one.steps, one.sequences, -1) for name, gate in named.items()}


def gate_activity(one: LayerPass) -> tuple[GateActivity, ...]:
    """The means of every gate by step and by unit, and how much of it is saturated."""
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
    (H,) from 0 (nothing is kept) to inf (all is kept); none for a plain RNN.
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
    """Shares of units that outlast the sequence, that forget slowly, that forget in two steps."""
    latching = float(np.mean(timescale > steps))
    resetting = float(np.mean((timescale <= RESETTING) & (timescale <= steps)))
    return latching, 1.0 - latching - resetting, resetting
