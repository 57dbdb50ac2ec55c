"""The package `onnx` (extra ``onnx``): loaded when a file is written or read, not before."""

from __future__ import annotations

from types import ModuleType
from typing import Final

from holdfast.errors import InputError

MAX_BYTES: Final = (1 << 31) - (1 << 20)
"""Most bytes of a model: a protobuf message ends at 2 GiB, and the graph beside the weights needs
some."""


def onnx_package(task: str) -> ModuleType:
    """The package, with `helper` and `numpy_helper`.

    Arguments:
        task: what it is wanted for, for the sentence.

    Raises:
        InputError: it is not installed.
    """
    try:
        import onnx
        import onnx.helper
        import onnx.numpy_helper
    except ImportError:
        raise InputError(
            f"{task} takes the package onnx; run: pip install 'holdfast[onnx]'."
        ) from (None)
    module: ModuleType = onnx
    return module
