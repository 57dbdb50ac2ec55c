"""The arguments that our layers share with torch's, refused as torch refuses them."""

from __future__ import annotations

import warnings
from numbers import Real

from torch import Tensor

from holdfast.engine.cells import State
from holdfast.nn.stack import autocasts


def check_arguments(
    input_size: object,
    hidden_size: object,
    num_layers: int,
    bias: object,
    batch_first: object,
    dropout: object,
    proj_size: int,
) -> None:
    """Refuse what torch's layers refuse, with its kinds of exceptions."""
    if isinstance(dropout, bool) or not isinstance(dropout, Real) or not 0 <= float(dropout) <= 1:
        raise ValueError(f"dropout should be a number in range [0, 1], got {dropout!r}")
    for name, flag in (("bias", bias), ("batch_first", batch_first)):
        if not isinstance(flag, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
    for name, size in (("input_size", input_size), ("hidden_size", hidden_size)):
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero")
    if num_layers <= 0:
        raise ValueError("num_layers must be greater than zero")
    if proj_size < 0:
        raise ValueError("proj_size should be a positive integer or zero to disable projections")
    if proj_size and isinstance(hidden_size, int) and proj_size >= hidden_size:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if float(dropout) > 0 and num_layers == 1:
        warnings.warn(
            "dropout is applied to the output of every layer but the last, so it does nothing in "
            f"a stack of one layer, but got dropout={dropout}",
            stacklevel=4,
        )


def check_input(x: Tensor, weight: Tensor, input_size: int) -> None:
    """Refuse an input of another dtype or width than the layer's.

    Raises:
        ValueError, RuntimeError: where torch raises them, in its words.
    """
    if x.dtype != weight.dtype and not autocasts(x.device.type):
        raise ValueError(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({weight.dtype}). "
            f"Convert input: input.to({weight.dtype}), or convert model: model.to({x.dtype})"
        )
    if x.shape[-1] != input_size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {input_size}, got {x.shape[-1]}"
        )


def check_state(
    state: State, parts: tuple[str, ...], shapes: tuple[tuple[int, int, int], ...]
) -> None:
    """Refuse a state that is not one tensor of the right shape for each part.

    Raises:
        RuntimeError: as torch raises it.
    """
    if len(state) != len(parts):
        raise RuntimeError(f"hx must be ({', '.join(parts)}), got {len(state)} parts")
    for name, part, shape in zip(parts, state, shapes, strict=True):
        if part.shape != shape:
            raise RuntimeError(
                f"Expected {name} of hx to be of size {shape}, got {tuple(part.shape)}"
            )
