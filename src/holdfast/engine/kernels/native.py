"""The compiled library: found, loaded and called; `native/call.hpp` is its other side."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Final, NamedTuple

LIBRARY: Final = "libholdfast.so"

_SIZES: Final = ("steps", "batch", "inputs", "units", "reverse", "threads")
_POINTERS: Final = (
    "offsets", "x", "weight_ih", "weight_hh", "bias_ih", "bias_hh", "h0", "c0",
    "output", "cells", "cell_state", "slots", "grad_output", "grad_h", "grad_c", "grad_x",
    "grad_weight_ih", "grad_weight_hh", "grad_bias_ih", "grad_bias_hh",
)  # fmt: skip
_OPTION_SIZES: Final = ("projection", "masked", "seed", "stream", "first_step")
_OPTION_NUMBERS: Final = ("recurrent_dropout", "zoneout_hidden", "zoneout_cell", "cell_clip")
_OPTION_POINTERS: Final = (
    "weight_hr", "peephole", "norm_ih", "norm_hh", "norm_c", "norm_c_bias",
    "grad_weight_hr", "grad_peephole", "grad_norm_ih", "grad_norm_hh", "grad_norm_c",
    "grad_norm_c_bias",
)  # fmt: skip
_STABILISED_SIZES: Final = ("exponential_forget",)
_STABILISED_POINTERS: Final = ("normaliser", "stabiliser", "grad_normaliser", "grad_stabiliser")


class Call(ctypes.Structure):
    """`HoldfastCall` of `native/call.hpp`, which says what each field is."""

    _fields_ = [
        *((name, ctypes.c_int64) for name in _SIZES),
        *((name, ctypes.c_void_p) for name in _POINTERS),
        *((name, ctypes.c_int64) for name in _OPTION_SIZES),
        *((name, ctypes.c_double) for name in _OPTION_NUMBERS),
        *((name, ctypes.c_void_p) for name in _OPTION_POINTERS),
        *((name, ctypes.c_int64) for name in _STABILISED_SIZES),
        *((name, ctypes.c_void_p) for name in _STABILISED_POINTERS),
    ]


class Library(NamedTuple):
    """The loaded library.

    Arguments:
        run: (instruction set, cell, precision, backward, call) → 0, or what went wrong.
        advise: (address, bytes) asks for large pages.
        stream_open: (instruction set, cell, precision, call) → a stream's address, or None.
        stream_refresh, stream_close: (stream).
        stream_step: (stream, address of x).
        names: the instruction sets that were compiled, the best first.
        usable: the indices of those that this processor has.
    """

    run: ctypes._NamedFuncPointer
    advise: ctypes._NamedFuncPointer
    stream_open: ctypes._NamedFuncPointer
    stream_refresh: ctypes._NamedFuncPointer
    stream_close: ctypes._NamedFuncPointer
    stream_step: ctypes._NamedFuncPointer
    names: tuple[str, ...]
    usable: tuple[int, ...]


@cache
def load() -> Library | str:
    """The library, or one sentence that says why there is none.

    `HOLDFAST_NATIVE=0` keeps it away; `HOLDFAST_NATIVE=` the path of a library takes that one.
    """
    wanted = os.environ.get("HOLDFAST_NATIVE", "")
    if wanted == "0":
        return "HOLDFAST_NATIVE=0 switches the compiled kernels off"
    paths = [Path(wanted)] if wanted not in ("", "1") else list(_places())
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return (
            "Holdfast was installed without its compiled kernels: not on Linux, with "
            "HOLDFAST_NATIVE=0, or without a C++17 compiler that has OpenMP"
        )
    try:
        found = ctypes.CDLL(str(path))
    except OSError as error:
        return f"the compiled kernels could not be loaded: {error}"
    found.holdfast_call_size.restype = ctypes.c_int64
    found.holdfast_isa_name.restype = ctypes.c_char_p
    found.holdfast_run.argtypes = [ctypes.c_int] * 4 + [ctypes.c_void_p]
    found.holdfast_advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    if found.holdfast_call_size() != ctypes.sizeof(Call):
        return f"{path.name} belongs to another version of Holdfast"
    names: list[str] = []
    while (name := found.holdfast_isa_name(len(names))) is not None:
        names.append(name.decode())
    usable = tuple(index for index in range(len(names)) if found.holdfast_isa_there(index))
    found.holdfast_stream_open.argtypes = [ctypes.c_int] * 3 + [ctypes.c_void_p]
    found.holdfast_stream_open.restype = ctypes.c_void_p
    found.holdfast_stream_step.argtypes = [ctypes.c_void_p] * 2
    for function in (
        found.holdfast_advise,
        found.holdfast_stream_refresh,
        found.holdfast_stream_close,
        found.holdfast_stream_step,
    ):
        function.restype = None
    for function in (found.holdfast_stream_refresh, found.holdfast_stream_close):
        function.argtypes = [ctypes.c_void_p]
    return Library(
        found.holdfast_run,
        found.holdfast_advise,
        found.holdfast_stream_open,
        found.holdfast_stream_refresh,
        found.holdfast_stream_close,
        found.holdfast_stream_step,
        tuple(names),
        usable,
    )


def _places() -> Iterator[Path]:
    """Beside this file; and, of an editable install, where the build put it."""
    here = Path(__file__).with_name(LIBRARY)
    yield here
    try:
        distribution = metadata.distribution("holdfast")
    except metadata.PackageNotFoundError:
        return
    yield Path(str(distribution.locate_file(Path("holdfast", "engine", "kernels", LIBRARY))))
