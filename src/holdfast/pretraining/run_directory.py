"""The directory of a pretraining: results, learning curves, and what a killed run goes on from."""

from __future__ import annotations

import json
import math
import shutil
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import ModelError
from holdfast.forecasting.pretrained import weights
from holdfast.pretraining.synthetic.recipe import KIND_OF
from holdfast.records import CurvesRecord, PretrainedSummary
from holdfast.tables.frames import write_csv
from holdfast.version import __version__

CURVES: Final = ("curves.html", "curves.csv")
"""What there is about all networks of a folder together; the command line writes the page."""

_STEPS: Final = "steps.json"


@dataclass(frozen=True)
class Decisions:
    """What is decided about a network's run before it begins; its speed as it was timed."""

    identity: str
    steps: int
    seconds_per_step: float
    series_per_second: float


class PretrainingDirectory:
    """What lies in the folder of a pretraining; `training` in it until a network is finished."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._training = folder / "training"

    def checkpoints(self, network: str) -> Path:
        """Where the checkpoints of a network lie."""
        return self._training / network

    def refuse_another_run(self, network: str, identity: str) -> None:
        """Refuse, with a ModelError, to write over anything but results of the same run."""
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
        """What the JSON of a network says of its training; a ModelError where there is none."""
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
            decisions = Decisions(**self._entries()[network])
        except (KeyError, TypeError):
            return None
        numbers = (decisions.seconds_per_step, decisions.series_per_second)
        sound = (
            isinstance(decisions.identity, str)
            and type(decisions.steps) is int
            and decisions.steps >= 1
            and all(type(number) is float and math.isfinite(number) for number in numbers)
        )
        return decisions if sound else None

    def keep(self, network: str, decisions: Decisions) -> None:
        """Store what was decided, for a run that has to go on."""
        self._write(self._entries() | {network: asdict(decisions)})

    def done(self, network: str) -> int:
        """Updates behind the newest checkpoint of a network; 0 where there is none."""
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
                self._training.rmdir()  # refused where somebody keeps something else in it

    def _entries(self) -> dict[str, Any]:
        try:
            found = json.loads((self._training / _STEPS).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}

    def _write(self, entries: dict[str, Any]) -> None:
        storage.write_text_atomically(self._training / _STEPS, json.dumps(entries, indent=1))

    def summary(self, network: str) -> PretrainedSummary:
        """One network and its learning curve, from its JSON; a ModelError where it says none."""
        header = weights.read_header(self.folder, network)
        facts: dict[str, Any] = header["facts"]
        try:
            return PretrainedSummary(
                network=network,
                parameters=int(header["parameters"]),
                planned=int(facts["planned"]),
                steps=int(facts["steps"]),
                seconds=float(facts["seconds"]),
                seed=int(facts["seed"]),
                device=str(facts["device"]),
                curve_steps=tuple(int(step) for step, _ in facts["curve"]),
                curve_loss=tuple(float(loss) for _, loss in facts["curve"]),
                stopped=str(facts["stopped"]),
                sha256=header["sha256"],
            )
        except (KeyError, TypeError, ValueError) as error:
            path = weights.network_paths(self.folder, network)[1]
            raise ModelError(f"{path} does not say how the network was trained.") from error

    def write_curves(self) -> CurvesRecord:
        """Write curves.csv about every network of the folder; the record of the same curves."""
        networks = tuple(self.summary(name) for name in self.networks())
        write_csv(self.folder / CURVES[1], _columns(networks))
        return CurvesRecord(
            title="Pretraining",
            command="",
            created=storage.local_time(),
            version=__version__,
            networks=networks,
        )


def _columns(networks: tuple[PretrainedSummary, ...]) -> dict[str, NDArray[np.generic]]:
    lengths = [len(one.curve_steps) for one in networks]
    steps = np.concatenate([np.array(one.curve_steps, dtype=np.int64) for one in networks])
    # Every update takes as many positions, so time runs evenly over them.
    pace = np.repeat([one.seconds / max(one.steps, 1) / 3600.0 for one in networks], lengths)
    return {
        "network": np.repeat(np.array([one.network for one in networks], dtype=object), lengths),
        "step": steps,
        "hours": steps * pace,
        "loss": np.concatenate([np.array(one.curve_loss, dtype=np.float64) for one in networks]),
    }
