"""Weights of torch's layers in layers of ours that have more options."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import nn

from holdfast.errors import ArgumentError
from holdfast.nn.recurrent import Recurrent

L = TypeVar("L", bound=Recurrent)


def filled(layer: L, module: nn.Module) -> L:
    """A layer with the weights of torch's one, copied; what torch's has not stays neutral.

    Arguments:
        layer: made with the options of `module` and more; changed in place.
        module: a layer of torch.

    Returns:
        The layer.

    Raises:
        ArgumentError: its gates are coupled; or a weight is missing or of another shape, which is
            named.
    """
    if layer.options.coupled:
        raise ArgumentError(
            "coupled layers have three blocks of rows (i, g, o) and torch's four, so that no "
            "weights of torch's fit; leave coupled out, or train the layer from the start."
        )
    own = dict(layer.named_parameters())
    given = module.state_dict()
    for name, weight in given.items():
        if name not in own or own[name].shape != weight.shape:
            had = tuple(own[name].shape) if name in own else "no such weight"
            raise ArgumentError(
                f"module has {name} of shape {tuple(weight.shape)}, the layer {had}; take "
                "parametrisations off first, and give a layer of torch."
            )
    with torch.no_grad():
        for name, weight in given.items():
            own[name].copy_(weight)
    return layer.train(module.training)
