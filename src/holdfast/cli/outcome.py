"""What a backtest came to, on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from holdfast.cli.screen import Screen

if TYPE_CHECKING:
    from holdfast.records import ForecastRecord


def show_outcome(screen: Screen, record: ForecastRecord) -> None:
    """Print scores, intervals and verdict, and whether and how networks were trained."""
    from holdfast.reports import terminal

    backtest, training = record.backtest, record.training
    if backtest is not None:
        screen.show(terminal.scores(backtest.methods, "Out of fold: the blend and its members"))
        if backtest.coverage:
            screen.show(terminal.coverage(backtest.coverage))
        screen.show(terminal.verdict(backtest.verdict))
    if training is not None:
        screen.show(terminal.training(training))
    else:
        screen.show(
            "No LSTM was trained: the history is too short to learn from and to prove it on, so "
            "simple methods made the forecasts."
        )
