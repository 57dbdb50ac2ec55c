"""A pool of large buffers, which the system would otherwise have to clear for each training step.

What a step saves for its backward pass is freed at its end and needed again by the next.
Between the two it is the system's whenever that is short of memory (`MADV_FREE`), so nothing is
held; but as long as it is not, the pages are still there, and need not be found, cleared and mapped
anew, which in a virtual machine can take longer than the step's arithmetic.
"""

from __future__ import annotations

import math
import mmap
import weakref
from functools import partial
from typing import Final

import torch
from torch import Tensor

LARGE: Final = 1 << 22
"""Bytes from which a tensor gets large pages, and its memory is worth keeping track of."""

IDLE: Final = 1 << 29
"""Bytes at most that lie idle and mapped."""

# Where these are unknown there is no compiled kernel; importing shall work all the same.
_HUGEPAGE: Final[int] = getattr(mmap, "MADV_HUGEPAGE", 0)
_FREE: Final[int] = getattr(mmap, "MADV_FREE", 0)


class BufferPool:
    """Uninitialised tensors whose memory comes back by itself when the last view of it is gone.

    At most `idle_bytes` are kept mapped while nobody uses them.

    Example:
        >>> pool = BufferPool()
        >>> tensor = pool.tensor(torch.float32, (1024, 1024))
        >>> pool.idle
        0
        >>> del tensor
        >>> pool.idle
        4194304
    """

    def __init__(self, idle_bytes: int = IDLE) -> None:
        self._idle_bytes = idle_bytes
        self._idle: list[mmap.mmap] = []
        self._used: dict[int, weakref.ref[memoryview]] = {}

    @property
    def idle(self) -> int:
        """Bytes that lie idle."""
        return sum(len(memory) for memory in self._idle)

    def tensor(self, dtype: torch.dtype, shape: tuple[int, ...]) -> Tensor:
        """An uninitialised tensor on the CPU, of one value or more."""
        count = math.prod(shape)
        memory = self._take(count * dtype.itemsize)
        view = memoryview(memory)  # what the tensor holds on to, and nobody else
        self._used[id(memory)] = weakref.ref(view, partial(self._take_back, memory))
        return torch.frombuffer(view, dtype=dtype, count=count).view(shape)

    def _take(self, size: int) -> mmap.mmap:
        """The smallest idle memory that fits without much waste, or new one."""
        fitting = [memory for memory in self._idle if size <= len(memory) <= 2 * size]
        for memory in sorted(fitting, key=len):
            try:
                self._idle.remove(memory)
            except ValueError:  # another thread was quicker
                continue
            return memory
        memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        self._advise(memory, _HUGEPAGE)
        return memory

    # Called in whichever thread frees the tensor, and at the interpreter's end too: so it looks up
    # no global name.
    def _take_back(
        self, memory: mmap.mmap, view: weakref.ref[memoryview], free: int = _FREE
    ) -> None:
        self._used.pop(id(memory), None)
        if self._advise(memory, free):
            self._idle.append(memory)
            while self._idle and self.idle > self._idle_bytes:
                self._idle.pop(0)

    @staticmethod
    def _advise(memory: mmap.mmap, advice: int) -> bool:
        """Whether the system has taken an advice; an old one does not know every one."""
        try:
            memory.madvise(advice)
        except OSError:
            return False
        return True


BUFFERS: Final = BufferPool()
