"""The one call: what a recurrent model remembers, for how long, and what reaches its output."""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
import torch
from torch import Tensor, nn

from holdfast.errors import ArgumentError, option
from holdfast.lens.attribution import attribution, context_loss
from holdfast.lens.dynamics import exponents, memory_capacity
from holdfast.lens.jacobians import layer_decay, stack_decay
from holdfast.lens.passes import LayerPass, gate_activity, run_passes, shares, timescales
from holdfast.lens.subject import ReadLayer, take_apart
from holdfast.records import Inspection, Ints, LayerMemory
from holdfast.storage import local_time
from holdfast.training.threads import one_thread
from holdfast.version import __version__

SEQUENCES: Final = 16
"""Sequences whose states are looked into; attributions and losses use all."""

POINTS: Final = 24
"""Lags that are measured, about evenly on a logarithmic axis."""


def inspect(
    model: nn.Module,
    x: Any,
    *,
    max_lag: int | None = None,
    before: nn.Module | Mapping[str, Tensor] | None = None,
    title: str | None = None,
    seed: int = 0,
    command: str = "",
) -> Inspection:
    """Measure what a recurrent model remembers.

    A copy in float64 is measured, in evaluation, on the CPU: the model's mode, gradients, buffers
    and hooks and the random state stay as they are.

    Arguments:
        model: `holdfast.nn.LSTM`, `GRU`, `RNN` or `SLSTM`, those of `torch.nn`, any module that
            contains some, or one that implements `holdfast.nn.Inspectable`.
        x: what the model is fed, such as (T, B, I) for a layer; a tuple is several arguments. For
            an `Inspectable` its examples. Sequences of one length, at least two steps.
        max_lag: the longest lag in steps; None for three quarters of the sequences.
        before: the model as it was before training, or its state_dict then.
        title: what the page is called; None for the model's class.
        seed: of the samples that are drawn.
        command: that was given, for the page.

    Returns:
        The record; `.verdict()` says it in words, `.table()` gives its arrays.

    Raises:
        ArgumentError: the model has no recurrent layer or a weight that is not finite, x has one
            step or does not vary, or `max_lag` does not lie within its steps.

    Source: the joint Jacobian and its part along the cells after Hochreiter and Schmidhuber (1997),
    sections 3 and 4; the others are named where they are measured.

    Example:
        >>> record = inspect(nn.LSTM(3, 8), torch.randn(60, 4, 3), max_lag=20)
        >>> record.layers[0].kind, record.layers[0].units
        ('LSTM', 8)
        >>> record.verdict()[:15]
        'Remembers about'
    """
    started = time.monotonic()
    with one_thread(), torch.inference_mode(False), torch.random.fork_rng(devices=[]):
        subject = take_apart(model, x)
        steps, batch = subject.encoded.shape[:2]
        lags = measured_lags(steps, max_lag)
        layers, passes = [], []
        for layer in subject.layers:
            inside = run_passes(layer.recurrent, layer.x[:, :SEQUENCES])
            passes.append(inside)
            within = lags[lags < len(layer.x)]
            layers += [_measured(layer, one, within, seed) for one in inside]
        whole = stack_decay(passes[0], lags, seed=seed) if _stack(passes) else None
        rests = attribution(subject, int(lags[-1]), seed=seed)
        context = context_loss(subject, lags, seed=seed)
    result = Inspection(
        title=type(model).__name__ if title is None else title,
        created=local_time(),
        version=__version__,
        description=subject.description,
        steps=steps,
        sequences=batch,
        seconds=time.monotonic() - started,
        layers=tuple(layers),
        whole=whole,
        attribution=rests,
        context=context,
        command=command,
    )
    if before is None:
        return result
    earlier = inspect(
        _earlier(model, before),
        x,
        max_lag=int(lags[-1]),
        title=f"{result.title}, before training",
        seed=seed,
    )
    return replace(result, before=earlier, seconds=time.monotonic() - started)


def measured_lags(steps: int, max_lag: int | None) -> Ints:
    """(K,) lags from 1 on, each next one or evenly on a logarithmic axis."""
    longest = max(1, 3 * steps // 4) if max_lag is None else max_lag
    if type(longest) is not int or not 1 <= longest < steps:
        raise ArgumentError(
            f"{option('max_lag', max_lag)} must be a whole number of steps from 1 to {steps - 1}, "
            f"since x has {steps}; give longer sequences for longer lags."
        )
    return np.unique(np.geomspace(1, longest, POINTS).round().astype(np.int64))


def _measured(layer: ReadLayer, one: LayerPass, lags: Ints, seed: int) -> LayerMemory:
    decay = layer_decay(one, lags, seed=seed)
    scales = timescales(one)
    latching, leaking, resetting = (0.0, 0.0, 0.0) if scales is None else shares(scales, one.steps)
    return LayerMemory(
        name=_name(layer, one),
        kind=one.kind,
        units=one.units,
        jacobian=decay.jacobian,
        cell_path=decay.cell_path,
        rest=decay.rest,
        reaches_output=decay.reaches_output,
        timescales=scales,
        latching=latching,
        leaking=leaking,
        resetting=resetting,
        gates=gate_activity(one),
        lyapunov=exponents(one),
        capacity=memory_capacity(one, lags, seed=seed),
        median_cell=decay.median_cell,
    )


def _name(layer: ReadLayer, one: LayerPass) -> str:
    """ "recurrent.0", "layer 2, reverse"."""
    parts = [layer.name] if layer.name else []
    if layer.recurrent.num_layers > 1 or not layer.name:
        parts.append(f"layer {one.layer + 1}")
    return " ".join(parts) + (", reverse" if one.reverse else "")


def _stack(passes: list[tuple[LayerPass, ...]]) -> bool:
    """Whether all layers are one stack that runs forward, with nothing between them."""
    return len(passes) == 1 and len(passes[0]) > 1 and not any(one.reverse for one in passes[0])


def _earlier(model: nn.Module, before: nn.Module | Mapping[str, Tensor]) -> nn.Module:
    if isinstance(before, nn.Module):
        return before
    if not isinstance(before, Mapping):
        raise ArgumentError(
            f"before is a {type(before).__name__}; give the model as it was, or its state_dict."
        )
    earlier = copy.deepcopy(model)
    try:
        earlier.load_state_dict(before)
    except RuntimeError as error:
        raise ArgumentError(
            "before is no state_dict of this model: " + " ".join(str(error).split()) + "."
        ) from error
    return earlier
