"""What a person sees while a command runs."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.training.progress import Progress, SilentProgress, progress_for_terminal

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from holdfast.records import ForecastRecord


class Screen:
    """Prints for people on standard output, or one JSON object for programs.

    Arguments:
        quiet: print nothing but errors.
        as_json: print nothing but the object given to `result`.
    """

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._silent = quiet or as_json
        self._as_json = as_json
        self._console: Console | None = None

    def show(self, *parts: RenderableType, whole_lines: bool = False) -> None:
        """Print texts and tables, at once, a blank line between them.

        Arguments:
            parts: an empty text is left out.
            whole_lines: whether to leave long lines, such as paths to copy, in one piece. A pipe
                gets whole lines anyway, a terminal lines that break between words.
        """
        if self._silent:
            return
        terminal = sys.stdout.isatty()
        for part in parts:
            if part == "":
                continue
            if self._console is None:
                from rich.console import Console

                # A pipe has no width of its own; 100 columns hold every table.
                self._console = Console(highlight=False, width=None if terminal else 100)
            else:
                self._console.print()
            self._console.print(part, soft_wrap=whole_lines or not terminal)
        sys.stdout.flush()

    @property
    def silent(self) -> bool:
        """Whether nothing is shown to people."""
        return self._silent

    def progress(self) -> Progress:
        """A bar on a terminal, silence elsewhere."""
        return SilentProgress() if self._silent else progress_for_terminal()

    def result(self, values: Mapping[str, object]) -> None:
        """Print the outcome for programs, where they asked for it."""
        if self._as_json:
            print(json.dumps(values, ensure_ascii=False, allow_nan=False))  # noqa: T201  # the output


def follows() -> bool:
    """Whether this process is one of several, and not the first.

    Example:
        >>> follows()
        False
    """
    return together() and os.environ.get("RANK", "0") != "0"


def together() -> bool:
    """Whether torchrun started several processes."""
    several = os.environ.get("WORLD_SIZE", "1") != "1"
    return "TORCHELASTIC_RUN_ID" in os.environ and several


def show_first_forecast(screen: Screen, record: ForecastRecord, folder: Path) -> None:
    """Print what the pretrained network is worth on past horizons, and that training goes on."""
    from holdfast.records import PRETRAINED
    from holdfast.reports import terminal
    from holdfast.reports.scores import BLEND

    if record.backtest is not None:
        shown = [row for row in record.backtest.methods if row.method in (BLEND, PRETRAINED)]
        screen.show(terminal.scores(shown, "First forecast: the pretrained LSTM, and the blend"))
    screen.show(
        f"First forecast after {record.seconds:.1f} s, in {folder}; training on these series may "
        "replace it."
    )


def show_outcome(screen: Screen, record: ForecastRecord) -> None:
    """Print scores, intervals and verdict, and whether and how networks were trained."""
    from holdfast.reports import terminal

    backtest = record.backtest
    if backtest is not None:
        screen.show(terminal.scores(backtest.methods, "Out of fold: the blend and its members"))
        if backtest.coverage:
            screen.show(terminal.coverage(backtest.coverage))
        screen.show(terminal.verdict(backtest.verdict))
    if record.trust is not None:
        screen.show(terminal.trust(record.trust, record.labels))
    screen.show(terminal.training(record.training, record.remarks))
    if record.totals is not None:
        from holdfast.reports.terminal import totals

        screen.show(totals(record.totals))
