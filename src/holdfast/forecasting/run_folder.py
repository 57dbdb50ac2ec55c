"""Where the checkpoints of a fit lie, from which a fit that was killed goes on."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from holdfast.forecasting.networks.recipes import NETWORKS_OF
from holdfast.training import run_directory

PHASES: Final = ("Backtest", "Forecast")
"""What networks are trained for: without what is scored, and then on everything."""


def clear_checkpoints(path: Path) -> None:
    """Remove what the trainings of a fit that is done have left, and nothing that lies beside."""
    run_directory.clear(path, CHECKPOINTS)


def description(phase: str, member: str, number: int) -> str:
    """What the progress calls a network.

    Example:
        >>> description("Backtest", "LSTM", 1), description("Forecast", "Adapted", 0)
        ('Backtest, LSTM 2', 'Forecast, Adapted')
    """
    return f"{phase}, {member} {number + 1}" if NETWORKS_OF[member] > 1 else f"{phase}, {member}"


def checkpoint_name(phase: str, member: str, number: int) -> str:
    """What the directory of a network's checkpoints is called."""
    return description(phase, member, number).lower().replace(", ", "-").replace(" ", "-")


CHECKPOINTS: Final = tuple(
    checkpoint_name(phase, member, number)
    for phase in PHASES
    for member, networks in NETWORKS_OF.items()
    for number in range(networks)
)
"""The directories of checkpoints that a fit may leave."""
