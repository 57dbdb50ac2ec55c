"""Ctrl-C between updates, never inside one."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class Interrupts:
    """Inside, the first Ctrl-C only sets `requested`; the second raises KeyboardInterrupt at once.

    Weights are therefore never left half-updated by the first. Where Python's own handler is not
    the one in charge (another thread, a program with a handler of its own, ``nohup``), nothing
    changes.

    Example:
        >>> with Interrupts() as interrupts:
        ...     signal.raise_signal(signal.SIGINT)
        ...     print("the update ends;", interrupts.requested)
        the update ends; True
    """

    def __init__(self) -> None:
        self.requested = False
        self._in_charge = False

    def __enter__(self) -> Interrupts:
        self._in_charge = (
            threading.current_thread() is threading.main_thread()
            and signal.getsignal(signal.SIGINT) is signal.default_int_handler
        )
        if self._in_charge:
            signal.signal(signal.SIGINT, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._in_charge:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
