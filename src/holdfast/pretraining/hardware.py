"""What a study computes on, and in what."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch

from holdfast.errors import ArgumentError
from holdfast.forecasting.pretrained.fine_tuning import Precision, native_precision

Device: TypeAlias = Literal["auto", "cpu", "cuda"]


def choose_device(device: Device) -> torch.device:
    """The device that a person means; "auto" is the GPU where torch can use one, else the CPU.

    Raises:
        ArgumentError: a GPU is asked for and there is none, or the word is not known.

    Example:
        >>> choose_device("cpu")
        device(type='cpu')
    """
    if device not in ("auto", "cpu", "cuda"):
        raise ArgumentError(f"device={device!r} is not known; take auto, cpu or cuda.")
    usable = device != "cpu" and torch.cuda.is_available()
    if device == "cuda" and not usable:
        raise ArgumentError(
            "device='cuda' asks for a GPU and torch sees none here; take cpu or auto."
        )
    return torch.device("cuda" if usable else "cpu")


def choose_precision(precision: Precision | Literal["auto"], device: torch.device) -> Precision:
    """What to multiply in; "auto" is bfloat16 where the processor has instructions for it.

    Raises:
        ArgumentError: the word is not known.

    Example:
        >>> choose_precision("float32", torch.device("cpu"))
        'float32'
    """
    if precision not in ("auto", "float32", "bfloat16"):
        raise ArgumentError(
            f"precision={precision!r} is not known; take auto, float32 or bfloat16."
        )
    return native_precision(device.type) if precision == "auto" else precision
