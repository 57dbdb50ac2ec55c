"""`holdfast watch`: rows from standard input beside their forecasts, an alarm a surprising one."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from holdfast.cli.alarm_lines import AlarmLines
    from holdfast.forecasting.monitoring.watch import Watch
    from holdfast.forecasting.monitoring.watch_state import WatchState
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
    from holdfast.cli.alarm_lines import AlarmLines, Incoming
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
