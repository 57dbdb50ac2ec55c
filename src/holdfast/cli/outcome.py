"""What a backtest came to, on the screen."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from holdfast.cli.screen import Screen

if TYPE_CHECKING:
    from holdfast.records import ForecastRecord


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
        from holdfast.reports.totals_table import totals

        screen.show(totals(record.totals))
