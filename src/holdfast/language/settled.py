"""What is decided once in a run, so that a process that goes on after a kill decides it alike."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from holdfast.storage import write_text_atomically

TEXT: Final = "text"
"""Where the numbers of a text lie in the folder of a training."""

_SETTLED, _SNAPSHOTS = "settled.json", "snapshots"


@dataclass(frozen=True)
class TrainingFolder:
    """The folder of one training.

    Arguments:
        path: of the folder; it may hold other files, which are left alone.
        asked: what the training was asked to do, ready for JSON; another one begins anew.
    """

    path: Path
    asked: Mapping[str, object]

    @property
    def snapshots(self) -> Path:
        """Where the loop's snapshots lie."""
        return self.path / _SNAPSHOTS

    def settled(self) -> dict[str, Any] | None:
        """What an earlier process of this training settled; None where there is none."""
        try:
            found = json.loads((self.path / _SETTLED).read_text(encoding="utf-8"))
            if found["asked"] == json.loads(json.dumps(self.asked)):
                settled = found["settled"]
                if isinstance(settled, dict):
                    return settled
        except (OSError, ValueError, KeyError, TypeError):
            pass  # not ours: it is settled again and replaced
        shutil.rmtree(self.snapshots, ignore_errors=True)  # of a run with other data or options
        return None

    def settle(self, settled: Mapping[str, object]) -> None:
        """Keep what was settled.

        Raises:
            InputError: the folder cannot be written.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        contents = {"asked": self.asked, "settled": settled}
        write_text_atomically(self.path / _SETTLED, json.dumps(contents))


def clear(folder: Path) -> None:
    """Remove what a finished training has left, and nothing that lies beside it."""
    for name in (_SNAPSHOTS, TEXT):
        shutil.rmtree(folder / name, ignore_errors=True)
    with suppress(OSError):  # what cannot be removed is in nobody's way
        (folder / _SETTLED).unlink(missing_ok=True)
        folder.rmdir()  # refused where the caller keeps something of his own in it
