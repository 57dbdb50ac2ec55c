"""Progress shown on a terminal, and Ctrl-C between updates."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as RichProgress
    from rich.progress import TaskID

_SECONDS_BETWEEN_DRAWINGS = 0.2  # drawing takes milliseconds that the updates are short of


class Progress(Protocol):
    """Something that is told of every update."""

    def start(self, total: int, description: str) -> None:
        """A run of `total` updates begins."""
        ...

    def advance(self, step: int, loss: float, note: str = "") -> None:
        """Update `step`, counted from 1, is done; `note` is "" when there is nothing to add."""
        ...

    def message(self, text: str) -> None:
        """Say a sentence without disturbing what is shown."""
        ...

    def stop(self) -> None:
        """The run has ended, well or not."""
        ...


class SilentProgress:
    """Says nothing."""

    def start(self, total: int, description: str) -> None:
        """Nothing."""

    def advance(self, step: int, loss: float, note: str = "") -> None:
        """Nothing."""

    def message(self, text: str) -> None:
        """Nothing."""

    def stop(self) -> None:
        """Nothing."""


class BarProgress:
    """A bar on a terminal: description, per cent, steps, loss, the latest note, time left."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self._console = Console(stderr=True) if console is None else console
        self._bar: RichProgress | None = None
        self._task: TaskID | None = None
        self._note = ""
        self._drawn = 0.0

    def start(self, total: int, description: str) -> None:
        """Draw an empty bar."""
        from rich.markup import escape
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            TaskProgressColumn,
            TextColumn,
            TimeRemainingColumn,
        )
        from rich.progress import Progress as RichProgress

        self.stop()
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TaskProgressColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[loss]}"),
            TimeRemainingColumn(),
            console=self._console,
            auto_refresh=False,  # a thread that draws would take time from the updates
            transient=True,
        )
        self._task = self._bar.add_task(escape(description), total=total, loss="")
        self._note = ""
        self._drawn = 0.0
        self._bar.start()

    def advance(self, step: int, loss: float, note: str = "") -> None:
        """Move the bar, a few times a second at most."""
        self._note = note or self._note
        now = time.monotonic()
        if self._bar is None or self._task is None:
            return
        if now - self._drawn < _SECONDS_BETWEEN_DRAWINGS:
            return
        text = f"loss {loss:.4g}" + (f", {self._note}" if self._note else "")
        self._bar.update(self._task, completed=step, loss=text)
        self._bar.refresh()
        self._drawn = now

    def message(self, text: str) -> None:
        """Print a line above the bar."""
        self._console.print(text, markup=False, highlight=False)

    def stop(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def progress_for_terminal() -> Progress:
    """A bar where standard error is a terminal, silence where it is not."""
    return BarProgress() if sys.stderr.isatty() else SilentProgress()


class Interrupts:
    """Inside, the first Ctrl-C only sets `requested`; the second raises KeyboardInterrupt at once.

    Weights are therefore never left half-updated by the first. Where Python's own handler is not
    the one in charge (another thread, a program with a handler of its own, ``nohup``), nothing
    changes.
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

    def __exit__(self, *_: object) -> None:
        if self._in_charge:
            signal.signal(signal.SIGINT, signal.default_int_handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
