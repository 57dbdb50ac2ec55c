"""One sequence, as a model read it: unit by unit and step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.engine.cells import GRU, gru
from holdfast.errors import ArgumentError
from holdfast.lens.attribution import integrated_gradients
from holdfast.lens.passes import ADVANCE, LayerPass, gate_values, run_passes, timescales
from holdfast.lens.subject import Subject, take_apart
from holdfast.records import Floats, Ints, SequenceRecord, UnitsInTime
from holdfast.storage import local_time
from holdfast.version import __version__

POINTS: Final = 32
"""Points of the integral of the attribution, after Gauss and Legendre."""

CHANNELS: Final = 8
"""Columns of a layer's input that are kept as the values of the sequence, where none are given."""


def sequence(
    model: nn.Module,
    x: Any,
    *,
    labels: Sequence[str] = (),
    values: Floats | None = None,
    channels: Sequence[str] = (),
    at: int | None = None,
    output: str = "",
    title: str = "",
) -> SequenceRecord:
    """Look at one sequence: every gate and state, and what the output rests on.

    The model is copied; its weights, mode, gradients and random state stay as they are.

    Arguments:
        model: one of our recurrent layers or of torch's, a module with some inside, or one that
            implements `Inspectable`.
        x: one sequence as the model takes it: (T, 1, I) or (T, I) for a layer; the examples of an
            `Inspectable`, a batch of one.
        labels: (T,) the steps in words: tokens, or times; their numbers where there are none.
        values: (T, C) numbers of a series as a person knows them. For a bare layer of up to 8
            inputs those are taken.
        channels: (C,) names of the columns of `values`.
        at: the step whose prediction is attributed, from 0; the last one where it is not given.
            Only for an `Inspectable`: of other models it is the output after the last step.
        output: what is attributed, in words.
        title: of the page.

    Returns:
        The record; `holdfast.reports.save` makes its page. The attribution is by integrated
        gradients from the mean input, of minus the loss at `at`, or of half the squared distance
        of the output from that of the mean input. A unit's weight is the size of its hidden
        state times that output's slope along it, summed over the steps.

    Raises:
        ArgumentError: there are several sequences, `labels`, `values` or `at` do not fit, or the
            model cannot be inspected; see `inspect`.

    Source: Sundararajan et al. (2017), arXiv 1703.01365, equation 1.

    Example:
        >>> from holdfast.nn import LSTM
        >>> seen = sequence(LSTM(2, 8), torch.randn(30, 1, 2), channels=("price", "sales"))
        >>> seen.layers[0].fields["forget gate"].shape, len(seen.attribution)
        ((30, 8), 30)
    """
    subject = take_apart(model, x)
    steps, count, width = subject.encoded.shape
    if count != 1:
        raise ArgumentError(f"x holds {count:,} sequences; give one of them, such as x[:, :1].")
    if labels and len(labels) != steps:
        raise ArgumentError(f"labels names {len(labels):,} steps, and the sequence has {steps:,}.")
    bare = subject.losses is None and len(subject.layers) == 1
    if values is None and not labels and bare and width <= CHANNELS:
        values = subject.encoded[:, 0].numpy()
    if values is not None and (values.ndim != 2 or len(values) != steps):
        raise ArgumentError(f"values has shape {values.shape}; give ({steps}, C).")
    target, words = _target(subject, at)
    return SequenceRecord(
        title=title or f"{type(model).__name__}, one sequence",
        created=local_time(),
        version=__version__,
        labels=tuple(labels) or tuple(str(step + 1) for step in range(steps)),
        values=values,
        channels=() if values is None else _channels(channels, values.shape[1]),
        attribution=None if target is None else _attributed(target, subject.encoded),
        output=output or words,
        layers=_layers(subject, target),
    )


def _channels(names: Sequence[str], count: int) -> tuple[str, ...]:
    if not names:
        return tuple(f"input {place + 1}" for place in range(count)) if count > 1 else ("input",)
    if len(names) != count:
        raise ArgumentError(f"channels names {len(names)} columns, and values has {count}.")
    return tuple(names)


Target = Callable[[Tensor], Tensor]
"""(T, 1, I) → one number."""


def _target(subject: Subject, at: int | None) -> tuple[Target | None, str]:
    """What is attributed, and how it is called."""
    steps = len(subject.encoded)
    if subject.losses is not None:
        losses = subject.losses
        with torch.no_grad():
            predicted = torch.nonzero(~torch.isnan(losses(subject.encoded)[:, 0]))[:, 0].tolist()
        if at is not None and at not in predicted:
            raise ArgumentError(
                f"at={at}: nothing is predicted there; the first such step is "
                f"{predicted[0] if predicted else 'none'}, the last "
                f"{predicted[-1] if predicted else 'none'}."
            )
        if not predicted:
            return None, ""
        place = predicted[-1] if at is None else at
        name = f"what the model expects after step {place + 1:,}"
        return lambda read: -losses(read)[place, 0], name
    if at is not None and at != steps - 1:
        raise ArgumentError(
            f"at={at}: of a model without a loss the output after the last step is attributed; "
            "give a shorter x."
        )
    if subject.output is None:
        return None, ""
    forward = subject.output
    with torch.no_grad():
        resting = forward(_baseline(subject.encoded))
    return lambda read: 0.5 * (forward(read) - resting).square().sum(), "the last output"


def _baseline(encoded: Tensor) -> Tensor:
    return encoded.mean(dim=0, keepdim=True).expand_as(encoded).contiguous()


def _attributed(target: Target, encoded: Tensor) -> Floats:
    """(T,) integrated gradients, summed over each step's numbers."""
    inputs, baseline = encoded.detach(), _baseline(encoded.detach())
    parts = integrated_gradients(target, inputs, baseline, POINTS)
    attributed: Floats = parts.sum(dim=(1, 2)).numpy()
    return attributed


def _layers(subject: Subject, target: Target | None) -> tuple[UnitsInTime, ...]:
    slopes = {} if target is None else _slopes(subject, target)
    layers = []
    for number, layer in enumerate(subject.layers):
        passes = run_passes(layer.recurrent, layer.x)
        base = layer.name or layer.recurrent.__class__.__name__
        for one in passes:
            name = f"{base}, layer {one.layer + 1}" if passes[-1].layer else base
            last = one.layer == passes[-1].layer
            layers.append(
                _units(
                    one,
                    f"{name}, reverse" if one.reverse else name,
                    slopes.get(number) if last else None,
                )
            )
    return tuple(layers)


def _slopes(subject: Subject, target: Target) -> dict[int, Tensor]:
    """Of each recurrent layer's output the target's slope along it, (T, 1, D·P)."""
    outputs: dict[int, Tensor] = {}

    def keep(number: int) -> Callable[[nn.Module, object, Any], None]:
        def hook(_module: nn.Module, _inputs: object, result: Any) -> None:
            outputs[number] = result[0]

        return hook

    with ExitStack() as stack, torch.enable_grad():
        for number, layer in enumerate(subject.layers):
            stack.callback(layer.recurrent.register_forward_hook(keep(number)).remove)
        value = target(subject.encoded.detach().clone().requires_grad_(True))
        tracked = {
            number: kept
            for number, kept in outputs.items()
            if isinstance(kept, Tensor) and kept.requires_grad
        }
        if not tracked:
            return {}
        found: tuple[Tensor | None, ...] = torch.autograd.grad(
            value, list(tracked.values()), allow_unused=True
        )
    slopes = {}
    for (number, _), slope in zip(tracked.items(), found, strict=True):
        if slope is None:
            continue
        first = bool(getattr(subject.layers[number].recurrent, "batch_first", False))
        turned = slope.transpose(0, 1) if first and slope.dim() == 3 else slope
        slopes[number] = turned.reshape(len(subject.encoded), 1, -1)
    return slopes


def _units(one: LayerPass, name: str, slope: Tensor | None) -> UnitsInTime:
    keeps = timescales(one)
    hidden = one.after[0][:, 0]
    order: Ints = np.arange(one.units, dtype=np.int64)
    if keeps is not None:
        order = np.argsort(-keeps, kind="stable").astype(np.int64)
    fields = {gate: values[:, 0].numpy() for gate, values in gate_values(one).items()}
    if one.cell in ADVANCE:
        fields["cell"] = one.after[1][:, 0].numpy()
    if hidden.shape[1] == one.units:
        fields["hidden"] = hidden.numpy()
    written, kept, erased = _changes(one)
    return UnitsInTime(
        name=name,
        kind=one.kind,
        order=order,
        timescales=None if keeps is None else keeps[order],
        fields={field: values[:, order] for field, values in fields.items()},
        weight=_weight(one, hidden, slope, order),
        written=written,
        kept=kept,
        erased=erased,
    )


def _weight(one: LayerPass, hidden: Tensor, slope: Tensor | None, order: Ints) -> Floats:
    """(H,) shares of the sizes of h ∂output/∂h, summed over the steps; empty where unknown."""
    width = hidden.shape[1]
    if slope is None or width != one.units:  # behind a projection units have no h of their own
        return np.empty(0)
    slopes = slope[:, 0, width:] if one.reverse else slope[:, 0, :width]
    sizes: Floats = (hidden * slopes).sum(dim=0).abs().detach().numpy()[order]
    total = sizes.sum()
    return sizes / total if total > 0 else np.empty(0)


def _changes(one: LayerPass) -> tuple[Floats, Floats, Floats]:
    """(T,) means over units: what a step wrote into the state, kept of it, and erased of it."""
    x, before = one.x[:, 0], tuple(part[:, 0] for part in one.before)
    if one.cell is GRU:
        _, update, candidate = gru.gates(x, before[0], one.weights)
        new, keep, old = (1 - update) * candidate, update, before[0]
    elif one.cell in ADVANCE:
        (i, f, g, _), _ = ADVANCE[one.cell](x, before, one.weights, one.options)
        new, keep, old = i * g, f, before[1]
    else:
        return np.empty(0), np.empty(0), np.empty(0)
    wrote, held, lost = (
        part.abs().mean(dim=1).numpy() for part in (new, keep * old, (1 - keep) * old)
    )
    return wrote, held, lost
