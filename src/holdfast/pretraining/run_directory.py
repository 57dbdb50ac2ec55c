"""The folder of a pretraining: whose results lie in it, and from where a killed run goes on."""

from __future__ import annotations

import json
import math
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from holdfast import storage
from holdfast.errors import ModelError
from holdfast.forecasting.pretrained import weights
from holdfast.pretraining.recipes import KIND_OF

CURVES: Final = ("curves.html", "curves.csv")
"""What is written for all networks of a folder together."""

_STEPS: Final = "steps.json"


@dataclass(frozen=True)
class Decisions:
    """What is decided about a network's run before it begins.

    Arguments:
        identity: hash of all that shapes the run.
        steps: updates.
        seconds_per_step, series_per_second: as they were timed.
    """

    identity: str
    steps: int
    seconds_per_step: float
    series_per_second: float


class PretrainingDirectory:
    """What lies in the folder of a pretraining.

    Arguments:
        folder: of the results; checkpoints lie in its ``training`` until a network is finished.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._training = folder / "training"

    def checkpoints(self, network: str) -> Path:
        """Where the checkpoints of a network lie."""
        return self._training / network

    def refuse_another_run(self, network: str, identity: str) -> None:
        """Refuse to write over anything but results of the same run.

        Raises:
            ModelError: names what lies there.
        """
        packed, described = weights.network_paths(self.folder, network)
        found = self.decisions(network)
        if found is not None and found.identity != identity:
            raise ModelError(
                f"{self._training} holds a run of {network!r} with other options; give those to go "
                "on with it, delete the folder, or choose another one for the results."
            )
        if described.exists():
            facts = self.facts(network)
            if facts.get("identity") != identity:
                raise ModelError(
                    f"{described} is the result of another run; choose another folder, or delete "
                    f"{packed.name} and {described.name}."
                )
        elif packed.exists() and found is None:
            raise ModelError(
                f"{packed} lies there without its {described.name}; choose another folder, or "
                "delete it."
            )
        foreign = [name for name in CURVES if (self.folder / name).exists()]
        if foreign and not self.networks() and not self._entries():
            raise ModelError(
                f"{self.folder / foreign[0]} is no result of a pretraining; choose another folder."
            )

    def facts(self, network: str) -> dict[str, Any]:
        """What the JSON of a network says of its training.

        Raises:
            ModelError: there is none, or it is no JSON of ours.
        """
        facts: dict[str, Any] = weights.read_header(self.folder, network)["facts"]
        return facts

    def networks(self) -> tuple[str, ...]:
        """The networks whose results lie here, those that ship first."""
        found = []
        for path in sorted(self.folder.glob("*.json")):
            with suppress(ModelError, ValueError):  # some other file, of which nothing is asked
                weights.read_header(self.folder, path.stem)
                found.append(path.stem)
        ours = [name for name in KIND_OF if name in found]
        return (*ours, *(name for name in found if name not in ours))

    def finished(self, network: str, identity: str) -> bool:
        """Whether the same run has been carried out to the last update."""
        if not all(path.exists() for path in weights.network_paths(self.folder, network)):
            return False
        facts = self.facts(network)
        return facts.get("identity") == identity and facts.get("stopped") == "steps"

    def decisions(self, network: str) -> Decisions | None:
        """What was decided about a run that is not finished; None where there is none."""
        try:
            made = Decisions(**self._entries()[network])
        except (KeyError, TypeError):
            return None
        numbers = (made.seconds_per_step, made.series_per_second)
        sound = (
            isinstance(made.identity, str)
            and type(made.steps) is int
            and made.steps >= 1
            and all(type(number) is float and math.isfinite(number) for number in numbers)
        )
        return made if sound else None

    def keep(self, network: str, decisions: Decisions) -> None:
        """Store what was decided, for a run that has to go on.

        Raises:
            InputError: the folder cannot be written.
        """
        self._write(self._entries() | {network: asdict(decisions)})

    def done(self, network: str) -> int:
        """Updates behind the newest checkpoint of a network; 0 where there is none.

        Raises:
            ModelError: the checkpoint is corrupt.
        """
        folder = self.checkpoints(network)
        if not storage.exists(folder):
            return 0
        manifest, _ = storage.load(folder, "checkpoint")
        step = manifest.get("step")
        return step if type(step) is int else 0

    def forget(self, network: str) -> None:
        """Remove the checkpoints of a finished network, and nothing that lies beside them."""
        shutil.rmtree(self.checkpoints(network), ignore_errors=True)
        entries = self._entries()
        if entries.pop(network, None) is not None and entries:
            self._write(entries)
        if not entries:
            with suppress(OSError):  # what cannot be removed is in nobody's way
                (self._training / _STEPS).unlink(missing_ok=True)
                self._training.rmdir()  # refused where somebody keeps something of his own in it

    def _entries(self) -> dict[str, Any]:
        try:
            found = json.loads((self._training / _STEPS).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, entries: dict[str, Any]) -> None:
        storage.write_text_atomically(self._training / _STEPS, json.dumps(entries, indent=1))
