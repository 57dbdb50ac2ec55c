"""The file of results of a memory comparison: a line of JSON for each run, whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from holdfast.errors import ModelError
from holdfast.lens.compare.memory_run import Job, Outcome, from_json, to_json
from holdfast.storage import write_text_atomically

RUNS: Final = "runs.jsonl"


class MemoryResults:
    """What lies in the folder of a comparison.

    Each addition writes the file under a temporary name and renames it: whoever reads sees all
    lines or all but the last. A job that is there is never added again.

    Arguments:
        folder: of the results; None to keep them in memory alone.

    Raises:
        ModelError: the file is not one of ours.

    Example:
        >>> import tempfile
        >>> from holdfast.lens.compare.memory_run import run
        >>> job = Job("latch", 5, "GRU", 0, 1e-2, updates=1, batch=4, hidden=4)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     MemoryResults(Path(folder)).add(run(job))
        ...     MemoryResults(Path(folder)).of(job).updates
        1
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder
        self._lines: list[str] = []
        self._found: dict[Job, Outcome] = {}
        path = None if folder is None else folder / RUNS
        if path is None or not path.exists():
            return
        for number, line in enumerate(_lines(path), start=1):
            try:
                outcome = from_json(json.loads(line))
            except (KeyError, TypeError, ValueError, AttributeError) as error:
                raise ModelError(
                    f"{path}, line {number}, is no result of a comparison; take that line away, or "
                    "choose another folder."
                ) from error
            self._lines.append(line)
            self._found[outcome.job] = outcome

    def of(self, job: Job) -> Outcome | None:
        """What became of a job; None where it has not been done."""
        return self._found.get(job)

    def add(self, outcome: Outcome) -> None:
        """Keep an outcome, on disk where there is a folder.

        Raises:
            InputError: the folder cannot be written.
        """
        if outcome.job in self._found:
            return
        self._found[outcome.job] = outcome
        self._lines.append(json.dumps(to_json(outcome), ensure_ascii=False, allow_nan=False))
        if self.folder is not None:
            write_text_atomically(self.folder / RUNS, "\n".join(self._lines) + "\n")

    def checkpoints(self, job: Job) -> Path | None:
        """Where the checkpoints of a job lie until it is done."""
        return None if self.folder is None else self.folder / "training" / job.key


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(
            f"{path} is no file of results ({error}); take it away, or choose another folder."
        ) from error
