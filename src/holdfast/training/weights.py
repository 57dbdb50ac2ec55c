"""The weights of a network as arrays, and a network from untrusted arrays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.overrides import TorchFunctionMode

from holdfast.errors import ModelError
from holdfast.storage import digest

Network = TypeVar("Network", bound=nn.Module)


def arrays_of(network: nn.Module) -> dict[str, NDArray[Any]]:
    """The weights by name: in half precision where that loses nothing, else in single."""
    arrays = {}
    for name, tensor in network.state_dict().items():
        array = tensor.detach().cpu().numpy()
        with np.errstate(over="ignore"):  # to infinity, which is not equal
            half = array.astype(np.float16)
        arrays[name] = half if np.array_equal(half, array) else array
    return arrays


def weights_digest(network: nn.Module) -> str:
    """A hash of a network's weights and their names."""
    parts: list[str | NDArray[Any]] = []
    for name, weight in network.state_dict().items():
        parts += [name, weight.numpy()]
    return digest(*parts)


def network_from(make: Callable[[], Network], arrays: Mapping[str, NDArray[Any]]) -> Network:
    """A network with weights that were stored as float16 or float32, ready to be used.

    Nothing is drawn by `make` and no memory is taken before the shapes fit.

    Raises:
        ModelError: the weights are damaged or those of another network.
    """
    # A manifest of a few bytes must not cost memory or time: the shapes come first.
    with _WithoutMemory():
        network = make()
    shapes = {name: tuple(weight.shape) for name, weight in network.state_dict().items()}
    if {name: array.shape for name, array in arrays.items()} != shapes:
        raise ModelError("the weights of its networks are not those of its design")
    for name, array in arrays.items():
        if array.dtype not in (np.float16, np.float32) or not np.isfinite(array).all():
            raise ModelError(f"the weights {name!r} are damaged")
    # Cloned into memory that torch aligns, on which the fastest kernels rely.
    weights = {
        name: torch.from_numpy(array.astype(np.float32)).clone() for name, array in arrays.items()
    }
    network.load_state_dict(weights, assign=True)
    return network.eval()


class _WithoutMemory(TorchFunctionMode):
    """Inside, `torch.empty` takes no memory and draws nothing, and all else is as usual."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: object,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = dict(kwargs or {})
        if func is torch.empty:
            given["device"] = "meta"
        return func(*args, **given)
