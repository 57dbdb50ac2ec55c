"""Turning torch's recurrent layers into ours, inside any model."""

from __future__ import annotations

from typing import Final, TypeVar, cast

from torch import nn
from torch.nn.utils.parametrize import is_parametrized

from holdfast.errors import ArgumentError
from holdfast.nn.cells import GRUCell, LSTMCell, RNNCell
from holdfast.nn.gru_rnn import GRU, RNN
from holdfast.nn.lstm import LSTM
from holdfast.nn.recurrent import torch_arguments

M = TypeVar("M", bound=nn.Module)

_OURS: Final[dict[type[nn.Module], type[nn.Module]]] = {
    nn.LSTM: LSTM,
    nn.GRU: GRU,
    nn.RNN: RNN,
    nn.LSTMCell: LSTMCell,
    nn.GRUCell: GRUCell,
    nn.RNNCell: RNNCell,
}


_BOOKKEEPING: Final = (
    "mode",
    "_all_weights",
    "_flat_weights",
    "_flat_weights_names",
    "_flat_weight_refs",
)
"""What torch's layers keep beside their options and parameters; ours need none of it."""


def convert(model: M) -> M:
    """Swap torch's LSTM, GRU, RNN and their cells inside a model for ours.

    The weights are not copied: ours hold the same `Parameter` objects, so that an optimiser made
    before stays right, and `state_dict` keeps its keys. Training mode, hooks with their handles,
    pruning masks and further attributes move over; a layer used in two places stays one layer.
    Subclasses of torch's layers are left as they are, since what they add is not known. A torch
    layer that was swapped shall not be used any more.

    Arguments:
        model: changed in place; or one of torch's recurrent layers.

    Returns:
        The model, or, where it was itself a torch layer, ours in its place.

    Raises:
        ArgumentError: a layer is parametrised; the message says where.

    Example:
        >>> model = nn.ModuleDict({"encoder": nn.LSTM(3, 8), "head": nn.Linear(8, 1)})
        >>> type(convert(model)["encoder"]).__module__
        'holdfast.nn.lstm'
    """
    for name, module in model.named_modules():
        if is_parametrized(module) and isinstance(module, tuple(_OURS)):
            where = f"The layer {name!r}" if name else "The layer"
            raise ArgumentError(
                f"{where} is parametrised, which ties it to torch's class; call "
                "torch.nn.utils.parametrize.remove_parametrizations first, and parametrise again."
            )
    swapped: dict[nn.Module, nn.Module] = {}
    for module in list(model.modules()):
        for name, child in module._modules.items():
            if child is not None and type(child) in _OURS:
                if child not in swapped:
                    swapped[child] = _ours(child)
                module._modules[name] = swapped[child]
    return cast(M, _ours(model)) if type(model) in _OURS else model


def _ours(theirs: nn.Module) -> nn.Module:
    cls = _OURS[type(theirs)]
    arguments = torch_arguments(theirs, cls) | {"device": "meta"}
    arguments.pop("dropout", None)  # carried over below, without warning of it once more
    layer = cls(**arguments)
    kept = {name: value for name, value in vars(theirs).items() if name not in _BOOKKEEPING}
    vars(layer).update(kept)
    return layer
