"""The directory from which a training that was killed goes on."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.storage import write_text_atomically

_DECISIONS: Final = "decisions.json"


@dataclass(frozen=True)
class RunDirectory:
    """Checkpoints, and what was decided once, before training, such as step counts.

    A process that goes on after a kill reads the decisions instead of timing again, so that it
    ends with the same weights.

    Arguments:
        path: of the directory; it may hold other files, which are left alone.
        identity: of the data and options, ready for JSON; a run of another identity begins anew.
        names: of the directories of checkpoints inside it.
    """

    path: Path
    identity: object
    names: tuple[str, ...] = ("checkpoints",)

    def checkpoints(self, name: str = "checkpoints") -> Path:
        """The directory of one network's checkpoints."""
        return self.path / name

    def decisions(self) -> dict[str, Any] | None:
        """What an earlier process of this run decided; None where there is none.

        The checkpoints of a run of another identity are removed.
        """
        try:
            found = json.loads((self.path / _DECISIONS).read_text(encoding="utf-8"))
            if found["identity"] == json.loads(json.dumps(self.identity)):
                decisions = found["decisions"]
                if isinstance(decisions, dict):
                    return decisions
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not ours: decided again, and replaced
        for name in self.names:
            shutil.rmtree(self.path / name, ignore_errors=True)
        return None

    def keep(self, decisions: Mapping[str, object]) -> None:
        """Store what was decided, for a process that goes on."""
        contents = {"identity": self.identity, "decisions": decisions}
        write_text_atomically(self.path / _DECISIONS, json.dumps(contents))


def clear(path: Path, names: Iterable[str] = ("checkpoints",)) -> None:
    """Remove what a finished run has left in its directory, and nothing that lies beside it."""
    for name in names:
        shutil.rmtree(path / name, ignore_errors=True)
    with suppress(OSError):  # what cannot be removed is in nobody's way
        (path / _DECISIONS).unlink(missing_ok=True)
        path.rmdir()  # refused where the caller keeps something of their own in it
