"""What happened inside a layer: every gate, cell and hidden state of every step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence, pad_packed_sequence

from holdfast.engine.cells import Options, State, Weights, gru, lstm, rnn, slstm
from holdfast.engine.kernels import reference
from holdfast.engine.kernels.choose import choose
from holdfast.engine.kernels.contract import Inputs, KernelSpec
from holdfast.errors import ArgumentError
from holdfast.nn.arguments import Lengths, check_input, check_state, pack, pad
from holdfast.nn.recurrent import Recurrent
from holdfast.nn.stack import run_passes


@dataclass(frozen=True, eq=False)
class LSTMTrace:
    """The inside of an LSTM, each tensor (L, D, T, B, H).

    Time is in input order in both directions: what the reverse direction had read from step T back
    to step t stands at t. Gates are as they act, behind their σ or tanh. Zeros stand behind the end
    of a row that is shorter than the batch.

    Arguments:
        input_gate, forget_gate, output_gate: i, f and o, 0 to 1.
        candidate: g, −1 to 1.
        cell: c after the step: forget_gate · (c before) + input_gate · candidate, clipped and with
            its zoneout in a layer that has them.
        hidden: h after the step; (L, D, T, B, P) with a projection.
    """

    input_gate: Tensor
    forget_gate: Tensor
    output_gate: Tensor
    candidate: Tensor
    cell: Tensor
    hidden: Tensor


@dataclass(frozen=True, eq=False)
class GRUTrace:
    """The inside of a GRU, each tensor (L, D, T, B, H); order and padding as in `LSTMTrace`.

    Arguments:
        reset_gate, update_gate: r and z, 0 to 1; z keeps the old state.
        candidate: n, −1 to 1.
        hidden: h after the step: (1 − update_gate) · candidate + update_gate · (h before), with its
            zoneout in a layer that has it.
    """

    reset_gate: Tensor
    update_gate: Tensor
    candidate: Tensor
    hidden: Tensor


@dataclass(frozen=True, eq=False)
class RNNTrace:
    """The inside of a plain RNN, each tensor (L, D, T, B, H); as in `LSTMTrace`.

    Arguments:
        preactivation: what tanh or relu is applied to.
        hidden: h after the step.
    """

    preactivation: Tensor
    hidden: Tensor


@dataclass(frozen=True, eq=False)
class SLSTMTrace:
    """The inside of an sLSTM, each tensor (L, D, T, B, H); order and padding as in `LSTMTrace`.

    Arguments:
        input_gate, forget_gate: i and f as they act on c and n, over e^m, 0 to 1.
        output_gate: o, 0 to 1.
        candidate: z, −1 to 1.
        cell, normaliser, stabiliser: c, n and m after the step.
        hidden: h after the step: output_gate · cell / normaliser.
    """

    input_gate: Tensor
    forget_gate: Tensor
    output_gate: Tensor
    candidate: Tensor
    cell: Tensor
    normaliser: Tensor
    stabiliser: Tensor
    hidden: Tensor


@dataclass(frozen=True)
class PassTrace:
    """One layer in one direction, as it ran."""

    x: Tensor
    """What it read, (T, B, ·), zeros behind a row's end."""
    before: State
    """Before each step, each part (T, B, ·); `after` each alike."""
    after: State
    weights: Weights
    options: Options


Fields = Callable[[PassTrace], tuple[Tensor, ...]]
"""The fields of a record for one pass, each (T, B, ·)."""


def lstm_fields(one: PassTrace) -> tuple[Tensor, ...]:
    """The fields of `LSTMTrace`."""
    (i, f, g, o), _ = lstm.advance(one.x, one.before, one.weights, one.options)
    h, c = one.after
    return i, f, o, g, c, h


def gru_fields(one: PassTrace) -> tuple[Tensor, ...]:
    """The fields of `GRUTrace`."""
    r, z, n = gru.gates(one.x, one.before[0], one.weights)
    return r, z, n, one.after[0]


def rnn_fields(one: PassTrace) -> tuple[Tensor, ...]:
    """The fields of `RNNTrace`."""
    return rnn.preactivation(one.x, one.before[0], one.weights), one.after[0]


def slstm_fields(one: PassTrace) -> tuple[Tensor, ...]:
    """The fields of `SLSTMTrace`."""
    steps, batch, _ = one.x.shape
    before = tuple(part.flatten(0, 1) for part in one.before)
    gates, _ = slstm.advance(one.x.flatten(0, 1), before, one.weights, one.options)
    i, f, z, o = (gate.view(steps, batch, -1) for gate in gates)
    h, c, n, m = one.after
    return i, f, o, z, c, n, m, h


def trace(
    layer: Recurrent,
    x: Tensor | PackedSequence,
    state: State | None,
    lengths: Lengths | None,
    fields: Fields,
) -> list[Tensor]:
    """Run a layer pass by pass, and work out its gates from what went through it.

    The states come from the kernel; the gates of all steps of a pass are then one matrix product.
    Returns each field of the layer's record, (L, D, T, B, ·); the arguments as in `Layer.trace`.
    """
    if any(back > 1 for back in layer.variant.dilation):
        raise ArgumentError(
            "trace shows layers whose state lies one step back, and this one's lies further; take "
            f"what a dilated layer does from its output, or step by step (dilation="
            f"{layer.variant.dilation})."
        )
    with torch.no_grad():
        x, state, lengths = _at_the_door(layer, x, state, lengths)
        steps, batch, _ = x.shape
        weights = layer.flat_weights()
        check_input(x, weights[0], layer.input_size)
        if steps == 0:
            raise ArgumentError("trace takes x with one step or more, got none.")
        if state is None:
            state = layer.zero_state(x, batch)
        else:
            check_state(state, layer.cell.parts, layer.state_shapes(batch))
        ragged = None if lengths is None else pack(x, lengths)
        inputs, ends = Inputs(x=x, batch_sizes=None, weights=weights, state=state), None
        if ragged is not None:
            order = ragged.sorted_indices
            assert order is not None  # `pack` always sorts
            inputs = inputs._replace(
                x=ragged.data,
                batch_sizes=ragged.batch_sizes,
                state=tuple(part.index_select(1, order) for part in state),
            )
            ends = torch.as_tensor(lengths, device=x.device)
        spec = layer.kernel_spec(x, steps, batch, ragged=ragged is not None)
        spec = replace(spec, dropout=0.0, gradient=True)  # so that c is kept
        traces: list[tuple[Tensor, ...]] = []

        def run_pass(spec: KernelSpec, inputs: Inputs) -> tuple[Tensor, State]:
            every, final = _every_state(spec, inputs)
            one = _pass_trace(spec, inputs, every, ragged, ends, steps)
            traces.append(_without_padding(fields(one), ends))
            return every[0], final

        def run(spec: KernelSpec, inputs: Inputs, segment: int | None) -> tuple[Tensor, State]:
            return run_passes(run_pass, spec, inputs)

        layer.run_spec(run, spec, inputs)
        return [
            torch.stack(field).view(layer.num_layers, spec.directions, *field[0].shape)
            for field in zip(*traces, strict=True)
        ]


def _at_the_door(
    layer: Recurrent,
    x: Tensor | PackedSequence,
    state: State | None,
    lengths: Lengths | None,
) -> tuple[Tensor, State | None, Lengths | None]:
    """Any call form as (T, B, I), the state of a batch, and lengths."""
    if isinstance(x, PackedSequence):
        if lengths is not None:
            raise ArgumentError("lengths goes with a pad tensor; a PackedSequence has its own.")
        sequences, counts = pad_packed_sequence(x)
        return sequences, state, counts
    if x.dim() == 2:
        if lengths is not None:
            raise ArgumentError("lengths goes with a batch; an unbatched x is one sequence.")
        unbatched = None if state is None else tuple(part.unsqueeze(1) for part in state)
        return x.unsqueeze(1), unbatched, None
    if x.dim() != 3:
        raise ArgumentError(
            f"trace takes x of shape (T, B, I) or (T, I), got {tuple(x.shape)}; see batch_first."
        )
    return (x.transpose(0, 1) if layer.batch_first else x), state, lengths


def _every_state(spec: KernelSpec, inputs: Inputs) -> tuple[State, State]:
    """Every part of the state after each step of a pass, and after each row's last step."""
    kernel = choose(spec).kernel
    if kernel.own_backward is True and len(spec.cell.parts) <= 2:  # more than is saved
        output, final, saved = kernel.forward(spec, inputs)
        return (output,) if saved.cells is None else (output, saved.cells), final
    return reference.unroll(spec, inputs)


def _pass_trace(
    spec: KernelSpec,
    inputs: Inputs,
    every: State,
    ragged: PackedSequence | None,
    ends: Tensor | None,
    steps: int,
) -> PassTrace:
    """The states before and after each step of a pass that ran."""

    def spread(tensor: Tensor) -> Tensor:
        return tensor if ragged is None else pad(ragged._replace(data=tensor), steps)

    begin = inputs.state
    if ragged is not None and ragged.unsorted_indices is not None:
        unsorted = ragged.unsorted_indices
        begin = tuple(part.index_select(1, unsorted) for part in begin)
    after = tuple(spread(tensor) for tensor in every)
    before = tuple(
        _before(part, first, ends, reverse=spec.reverse)
        for part, first in zip(after, begin, strict=True)
    )
    return PassTrace(spread(inputs.x), before, after, spec.weights(inputs.weights), spec.options)


def _before(after: Tensor, begin: Tensor, ends: Tensor | None, *, reverse: bool) -> Tensor:
    """The state before each step from (T, B, ·) after each and (1, B, ·) at the beginning."""
    if not reverse:
        return torch.cat([begin, after[:-1]])
    before = torch.cat([after[1:], begin])
    if ends is None:
        return before
    time = torch.arange(after.shape[0], device=after.device)
    return torch.where((time[:, None] == ends - 1)[..., None], begin, before)


def _without_padding(tensors: tuple[Tensor, ...], ends: Tensor | None) -> tuple[Tensor, ...]:
    """The same with zeros behind each row's end."""
    if ends is None:
        return tensors
    time = torch.arange(tensors[0].shape[0], device=ends.device)
    beyond = (time[:, None] >= ends)[..., None]
    return tuple(tensor.masked_fill(beyond, 0.0) for tensor in tensors)
