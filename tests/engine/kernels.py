"""Every kernel, and the compiled one on every instruction set that this processor has."""

from __future__ import annotations

from holdfast.engine.kernels import cpu
from holdfast.engine.kernels.choose import KERNELS
from holdfast.engine.kernels.contract import Kernel
from holdfast.engine.kernels.cpu import CPU, CpuKernel


def instruction_sets() -> tuple[str, ...]:
    """Those that were compiled and that this processor has; none without the library."""
    library = cpu.load()
    return () if isinstance(library, str) else library.usable


FORCED: tuple[CpuKernel, ...] = (
    *(CpuKernel(name) for name in instruction_sets()),
    *([CpuKernel(saved_bytes=0)] if instruction_sets() else []),
)
"""The compiled kernel on each of them, and one that keeps no gates."""

EVERY: tuple[Kernel, ...] = (*(kernel for kernel in KERNELS if kernel is not CPU), *FORCED)
