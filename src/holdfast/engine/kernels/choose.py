"""Which kernel runs a recurrence, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from holdfast.engine.kernels.builtin import BUILTIN
from holdfast.engine.kernels.contract import Kernel, KernelSpec, StackKernel
from holdfast.engine.kernels.cpu import CPU
from holdfast.engine.kernels.reference import REFERENCE

KERNELS: tuple[Kernel, ...] = (CPU, BUILTIN, REFERENCE)
"""All kernels, the preferred ones first."""


@dataclass(frozen=True)
class Choice:
    """The kernel for a spec."""

    kernel: Kernel
    reason: str
    """Why, in words, with the reasons of those that were passed over."""
    whole: bool
    """True where the kernel runs the stack in one call, False where it runs its passes."""


def choose(spec: KernelSpec) -> Choice:
    """The first kernel that serves the stack, or every pass of it.

    A pure function of the spec: it tries nothing out, so an error in a kernel is an error for
    the caller and never a reason to run another one. A LookupError would be a fault in a kernel's
    `serves`, since the reference serves every pass.

    Example:
        >>> import torch
        >>> from holdfast.engine.cells import LSTM
        >>> spec = KernelSpec(LSTM, 7, 2, 3, 4, torch.bfloat16, "cpu", layers=2)
        >>> choose(spec).kernel.name, choose(spec).whole
        ('builtin', True)
    """
    return _first_serving(spec, KERNELS)


@lru_cache(maxsize=1024)
def _first_serving(spec: KernelSpec, kernels: tuple[Kernel, ...]) -> Choice:
    # Remembered, since a short pass takes less time than a choice does.
    refusals: list[str] = []
    for kernel in kernels:
        verdict = kernel.serves(spec)
        whole = verdict.serves
        if not whole and not spec.is_pass:
            passes = [kernel.serves(part) for part in spec.passes()]
            verdict = next((part for part in passes if not part.serves), passes[0])
        if verdict.serves:
            return Choice(kernel, "; ".join([f"{kernel.name}: {verdict.reason}", *refusals]), whole)
        refusals.append(f"not {kernel.name}: {verdict.reason}")
    raise LookupError("; ".join(refusals))


def choose_for_transforms(spec: KernelSpec) -> StackKernel | None:
    """The first kernel made of torch's own operators that serves the whole stack, if there is one.

    For transforms of torch that look through its operators, but not through a kernel of our own.
    """
    for kernel in KERNELS:
        if kernel.own_backward is False and kernel.serves(spec).serves:
            return kernel
    return None
