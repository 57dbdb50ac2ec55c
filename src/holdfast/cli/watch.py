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
from pathlib import Path
from types import FrameType, TracebackType
from typing import IO, TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from holdfast.errors import InputError

if TYPE_CHECKING:
    from holdfast.forecasting.monitoring.watch import Alarms, Watch
    from holdfast.forecasting.monitoring.watch_state import WatchState
    from holdfast.tables.layouts import ColumnNames
    from holdfast.tables.series import SeriesSet
    from holdfast.tables.stream import LineRows, RowLines


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

    Each row is compared with the interval that was forecast for it; where the fit had known or
    historic columns, rows have them too. Lines that cannot be used are
    named on standard error and the watch goes on. After a kill it goes on where it was; rows that
    are sent again are known.
    """
    from holdfast.forecasting.forecaster import check_levels
    from holdfast.storage import identity

    (level,) = check_levels((level,))
    named = identity(model)

    from holdfast.forecasting.model import FittedModel
    from holdfast.forecasting.monitoring.watch import Watch, doubt
    from holdfast.forecasting.monitoring.watch_state import WatchState, default_folder
    from holdfast.tables.stream import RowLines
    from holdfast.training.threads import one_thread

    fitted = FittedModel.load(model)
    if not quiet:
        _say([doubt(fitted, level)])
    with one_thread(), Incoming(sys.stdin.fileno()) as incoming:
        begun = Watch(fitted, level, every)
        with WatchState(state or default_folder(model), begun, named) as kept:
            lines = AlarmLines(fitted.series, fitted.names, level, form, alarms, kept.offset)
            for rows, seen in kept.resume():
                lines.write(begun.take(*rows)[0], aloud=not seen)
            kept.reported()
            reader = RowLines(fitted.series, fitted.names)
            count = _FEWEST
            while (chunk := incoming.lines(count)) is not None:
                if chunk:
                    count = _judged(chunk, reader, begun, kept, lines, quiet)
            kept.checkpoint(lines.written())
            if begun.past and not quiet:
                _say([f"{begun.past:,} rows lie before what is kept of their series."])


_FEWEST, _MOST = 256, 65_536  # rows that are judged together
_PAUSE = 0.5  # seconds that they may take


def _judged(
    chunk: list[str],
    reader: RowLines,
    begun: Watch,
    kept: WatchState,
    lines: AlarmLines,
    quiet: bool,
) -> int:
    """Judge some lines; how many there may be next time, so that no alarm waits for a second."""
    started = time.monotonic()
    read: LineRows = reader.read(chunk)
    rows = read.places, read.ordinals, read.values, read.beside
    if len(read.places):
        kept.take(rows)
    found, refused = begun.take(*rows)
    lines.write(found, aloud=True)
    kept.reported()
    if not quiet:
        _say([*read.complaints, *(f"line {read.lines[one.row]}: {one.reason}" for one in refused)])
    kept.checkpoint_if_long(lines.written())
    pace = len(chunk) / max(time.monotonic() - started, 1e-6)
    return int(min(max(pace * _PAUSE, _FEWEST), _MOST))


def _say(sentences: list[str]) -> None:
    """What is not an alarm goes to standard error."""
    said = "".join(f"holdfast: {sentence}\n" for sentence in sentences if sentence)
    if said:
        sys.stderr.write(said)
        sys.stderr.flush()


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
        """Itself; signals end the lines from here on."""
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._end)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Signals are what they were."""
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def lines(self, most: int) -> list[str] | None:
        """Lines that are there, at most so many; waits for the first, and None after the last."""
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
        series, names: of the model.
        level: of the intervals, for the names of the columns.
        form: of the lines.
        path: of the file; None for none.
        offset: bytes of the file that are right; what stands behind is written again.

    Raises:
        InputError: the file cannot be written.
    """

    def __init__(
        self,
        series: SeriesSet,
        names: ColumnNames,
        level: float,
        form: Literal["csv", "json"],
        path: Path | None,
        offset: int,
    ) -> None:
        self._series = series
        self._form = form
        bounds = (f"holdfast-lo-{level:g}", f"holdfast-hi-{level:g}")
        self._header = [*names.id, names.time, names.target, "holdfast", *bounds, "score"]
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
                f"--alarms {path}: it cannot be written ({error.strerror or error}); give another "
                "file."
            ) from error

    def write(self, alarms: Alarms, *, aloud: bool) -> None:
        """Write some alarms at once.

        Arguments:
            alarms: in the order in which they came.
            aloud: whether to standard output too.
        """
        text = self._lines(alarms) if len(alarms.places) else b""
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

    def _lines(self, alarms: Alarms) -> bytes:
        series = self._series
        times = series.calendar.texts(series.calendar.times(alarms.ordinals)).tolist()
        keys = [column[alarms.places].tolist() for column in series.keys.values()]
        numbers = [
            [_short(number) for number in column.tolist()]
            for column in (
                alarms.values, alarms.median, alarms.lower, alarms.upper, alarms.scores
            )
        ]  # fmt: skip
        rows = zip(*keys, times, *numbers, strict=True)
        if self._form == "csv":
            return _csv(list(rows))
        made = (json.dumps(dict(zip(self._header, row, strict=True)), default=str) for row in rows)
        return "".join(f"{line}\n" for line in made).encode()


def _short(number: float) -> float:
    """Seven digits: more say nothing of a forecast."""
    return float(f"{number:.7g}")


def _csv(rows: list[Any]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
