"""`holdfast watch`: rows from standard input beside their forecasts, an alarm a surprising one."""

from __future__ import annotations

import csv
import io
import json
import os
import select
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, Annotated, Any, Final, Literal

import typer

from holdfast.errors import InputError, option


def watch(
    model: Annotated[Path, typer.Argument(help="A model folder that `holdfast forecast` wrote.")],
    state: Annotated[
        Path | None,
        typer.Option(help="Folder from which a watch goes on; MODEL-watch unless given."),
    ] = None,
    alarms: Annotated[
        Path | None, typer.Option(help="File for the alarms too, each of them once.")
    ] = None,
    level: Annotated[float, typer.Option(help="Interval in percent; outside it is an alarm.")] = 99,
    every: Annotated[
        int | None,
        typer.Option(min=1, help="Rows of a series until its next forecast; the horizon at most."),
    ] = None,
    form: Annotated[
        Literal["csv", "json"], typer.Option("--format", help="Of the alarm lines.")
    ] = "csv",
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="No word about rows that were left out.")
    ] = False,
) -> None:
    """Judge rows as they come: CSV lines on standard input, an alarm line a surprising value.

    Each row is compared with the interval that was forecast for it; where the fit had past or
    future covariates, rows have them too. Lines that cannot be used are named on standard error and
    the watch goes on. After a kill it goes on where it was; rows that
    are sent again are known.
    """
    from holdfast.forecasting.monitoring.watch_state import LineWatch

    with (
        Incoming(sys.stdin.fileno()) as incoming,
        LineWatch(model, level=level, every=every, state=state) as live,
    ):
        say = _silent if quiet else _say
        say([live.doubt])
        lines = AlarmLines(live.header, form, alarms, live.offset)
        for found, reported in live.resume():
            lines.write(found, aloud=not reported)
        count = _FEWEST
        while (chunk := incoming.lines(count)) is not None:
            if not chunk:
                continue
            started = time.monotonic()
            found, unusable = live.judge(chunk)
            lines.write(found, aloud=True)
            live.reported()
            say(unusable)
            live.checkpoint(lines.written(), needed=False)
            # So many lines next time that no alarm waits for a second.
            pace = len(chunk) / max(time.monotonic() - started, 1e-6)
            count = int(min(max(pace * _PAUSE, _FEWEST), _MOST))
        live.checkpoint(lines.written())
        if live.past:
            say([f"{live.past:,} rows lie before what is kept of their series."])


_FEWEST, _MOST = 256, 65_536  # lines that are judged together
_PAUSE = 0.5  # seconds that they may take


def _say(sentences: list[str]) -> None:
    """Print what is not an alarm, to standard error."""
    text = "".join(f"holdfast: {sentence}\n" for sentence in sentences if sentence)
    if text:
        sys.stderr.write(text)
        sys.stderr.flush()


def _silent(sentences: list[str]) -> None:
    """Print nothing."""


_CHUNK: Final = 1 << 18
_WAIT: Final = 0.05
"""Seconds in which more lines may join those that are there, so that forecasts go together."""


class Incoming:
    """Lines of a file or a pipe as they come; SIGTERM and Ctrl-C end them like the end of input.

    Arguments:
        descriptor: of standard input.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._rest = b""
        self._ended = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Incoming:
        """Let SIGTERM and Ctrl-C end the lines."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Restore the signal handlers."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def lines(self, most: int) -> list[str] | None:
        """At most `most` lines that have arrived; waits for the first, and None after the last."""
        found = self._rest.count(b"\n")
        deadline = time.monotonic() + _WAIT
        while not self._ended and found < most:
            wait = 0.5 if not found else max(deadline - time.monotonic(), 0.0)
            ready, _, _ = select.select([self._descriptor], [], [], wait)
            if not ready:
                if found:
                    break
                continue
            data = os.read(self._descriptor, _CHUNK)
            if not data:
                self._ended = True
                self._rest += b"\n" if self._rest and not self._rest.endswith(b"\n") else b""
                found = self._rest.count(b"\n")
                break
            if not found:
                deadline = time.monotonic() + _WAIT
            self._rest += data
            found += data.count(b"\n")
        if not found:
            return None if self._ended else []
        whole = self._rest.split(b"\n", min(found, most))
        self._rest = whole.pop()
        return [line.decode("utf-8", errors="replace") for line in whole]

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._ended = True


class AlarmLines:
    """Writes alarms to standard output, and to a file where each stands once.

    Arguments:
        header: names of the cells.
        form: of the lines.
        path: of the file; None for none.
        offset: bytes of the file that are right; what stands behind is written again.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(
        self,
        header: Sequence[str],
        form: Literal["csv", "json"],
        path: Path | None,
        offset: int,
    ) -> None:
        self._header, self._form = tuple(header), form
        self._aloud = False
        self._file: IO[bytes] | None = None
        if path is None:
            return
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = path.open("r+b" if path.exists() else "w+b")
            self._file.seek(0, os.SEEK_END)
            self._file.truncate(min(offset, self._file.tell()))
            self._file.seek(0, os.SEEK_END)
            if not self._file.tell() and form == "csv":
                self._file.write(_csv([self._header]))
        except OSError as error:
            raise InputError(
                f"{option('alarms', path)}: it cannot be written "
                f"({error.strerror or error}); give another file."
            ) from error

    def write(self, alarms: list[tuple[object, ...]], *, aloud: bool) -> None:
        """Write some alarms at once.

        Arguments:
            alarms: in the order in which they came.
            aloud: whether to standard output too.
        """
        text = self._lines(alarms)
        if self._file is not None:
            self._file.write(text)
            self._file.flush()
        if not aloud:
            return
        if not self._aloud and self._form == "csv":
            text = _csv([self._header]) + text
        self._aloud = True
        try:
            sys.stdout.buffer.write(text)
            sys.stdout.buffer.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # silence at exit
            raise InputError("Nobody reads the alarms any more; the watch ends.") from None

    def written(self) -> int:
        """Bytes of the file; 0 where there is none."""
        if self._file is None:
            return 0
        os.fsync(self._file.fileno())
        return self._file.tell()

    def _lines(self, alarms: list[tuple[object, ...]]) -> bytes:
        if self._form == "csv":
            return _csv(alarms)
        rows = (dict(zip(self._header, cells, strict=True)) for cells in alarms)
        return "".join(f"{json.dumps(row, default=str)}\n" for row in rows).encode()


def _csv(rows: Sequence[Sequence[object]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
