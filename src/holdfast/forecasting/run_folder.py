"""The folder from which a fit that was killed goes on: snapshots and settled step counts."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.forecasting.networks.recipes import NETWORKS_OF
from holdfast.storage import write_text_atomically

PHASES: Final = ("Backtest", "Forecast")
"""What networks are trained for: without what is scored, and then on everything."""

_STEPS: Final = "steps.json"


@dataclass(frozen=True)
class RunFolder:
    """Where the trainings of one fit leave what they need to go on.

    Arguments:
        path: of the folder; it may hold other files, which are left alone.
        identity: of the data and of all that shapes the networks.
    """

    path: Path
    identity: str

    def snapshots(self, phase: str, member: str, number: int) -> Path:
        """Where one network's snapshots lie."""
        return self.path / _folder_name(phase, member, number)

    def settled(self) -> dict[str, int]:
        """Member → updates of each of its networks, as an earlier process settled them."""
        try:
            found = json.loads((self.path / _STEPS).read_text(encoding="utf-8"))
            if found["identity"] == self.identity:
                return {name: max(int(steps), 0) for name, steps in found["steps"].items()}
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # not step counts of ours: they are settled again and replaced
        clear_snapshots(self.path)  # those of a run with other data or options
        return {}

    def settle(self, steps: dict[str, int]) -> None:
        """Keep the updates of each member's networks for a process that goes on.

        Raises:
            InputError: the folder cannot be written.
        """
        contents = {"identity": self.identity, "steps": steps}
        write_text_atomically(self.path / _STEPS, json.dumps(contents))


def clear_snapshots(path: Path) -> None:
    """Remove what the trainings of a fit that is done have left, and nothing that lies beside."""
    for phase in PHASES:
        for member, networks in NETWORKS_OF.items():
            for number in range(networks):
                shutil.rmtree(path / _folder_name(phase, member, number), ignore_errors=True)
    with suppress(OSError):  # what cannot be removed is in nobody's way
        (path / _STEPS).unlink(missing_ok=True)
        path.rmdir()  # refused where the caller keeps something of his own in it


def description(phase: str, member: str, number: int) -> str:
    """What the progress calls a network.

    Example:
        >>> description("Backtest", "LSTM", 1), description("Forecast", "Adapted", 0)
        ('Backtest, LSTM 2', 'Forecast, Adapted')
    """
    return f"{phase}, {member} {number + 1}" if NETWORKS_OF[member] > 1 else f"{phase}, {member}"


def _folder_name(phase: str, member: str, number: int) -> str:
    return description(phase, member, number).lower().replace(", ", "-").replace(" ", "-")
