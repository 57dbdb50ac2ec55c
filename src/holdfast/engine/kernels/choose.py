"""Which kernel runs a problem, and why."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from holdfast.engine.kernels.builtin import BUILTIN
from holdfast.engine.kernels.contract import Kernel, Problem, TransparentKernel
from holdfast.engine.kernels.cpu import CPU
from holdfast.engine.kernels.reference import REFERENCE

KERNELS: tuple[Kernel, ...] = (CPU, BUILTIN, REFERENCE)
"""All kernels, the preferred ones first."""


@dataclass(frozen=True)
class Choice:
    """The kernel for a problem.

    Arguments:
        kernel: which.
        reason: why, in words, with the reasons of those that were passed over.
        whole: True where the kernel runs the stack in one call, False where it runs its passes.
    """

    kernel: Kernel
    reason: str
    whole: bool


def choose(problem: Problem) -> Choice:
    """The first kernel that serves the stack, or every pass of it.

    A pure function of the problem: it tries nothing out, so an error in a kernel is an error for
    the caller and never a reason to run another one.

    Raises:
        LookupError: no kernel serves it; the reference serves every pass, so this is a fault in a
            kernel's `serves`.

    Example:
        >>> import torch
        >>> from holdfast.engine.cells import LSTM
        >>> problem = Problem(LSTM, 7, 2, 3, 4, torch.bfloat16, "cpu", layers=2)
        >>> choose(problem).kernel.name, choose(problem).whole
        ('builtin', True)
    """
    return _choose(problem, KERNELS)


@lru_cache(maxsize=1024)
def _choose(problem: Problem, kernels: tuple[Kernel, ...]) -> Choice:
    # Remembered, since a short pass takes less time than a choice does.
    refusals: list[str] = []
    for kernel in kernels:
        verdict = kernel.serves(problem)
        whole = verdict.serves
        if not whole and not problem.is_pass:
            passes = [kernel.serves(part) for part in problem.passes()]
            verdict = next((part for part in passes if not part.serves), passes[0])
        if verdict.serves:
            return Choice(kernel, "; ".join([f"{kernel.name}: {verdict.reason}", *refusals]), whole)
        refusals.append(f"not {kernel.name}: {verdict.reason}")
    raise LookupError("; ".join(refusals))


def choose_transparent(problem: Problem) -> TransparentKernel | None:
    """The first kernel made of torch's own operators that serves the whole stack, if there is one.

    For transforms of torch that look through its operators, but not through a kernel of our own.
    """
    for kernel in KERNELS:
        if kernel.taped is False and kernel.serves(problem).serves:
            return kernel
    return None
