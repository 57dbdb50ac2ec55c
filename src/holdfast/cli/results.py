"""Folders that a command writes results into, and model folders that it is given."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from holdfast.errors import InputError, ModelError, option

if TYPE_CHECKING:
    from holdfast.cli.screen import Screen
    from holdfast.records import ClassifierRecord, TaggerRecord, TextTrainingRecord


class Model(Protocol):
    """What can be written as a model folder."""

    def save(self, folder: str | Path) -> None:
        """Write it, whole or not at all."""


class TrainingResults:
    """A folder with model/, report.html and, until the training is done, what it goes on from.

    Arguments:
        out: the folder; made where it does not exist.
        budget: as it was typed; checked here, before anything slow begins.

    Raises:
        InputError: the folder cannot be written.
        ArgumentError: the budget is no duration.
    """

    def __init__(self, out: Path, budget: str) -> None:
        from holdfast.training.budget import duration

        duration(budget)
        self.folder = results_folder(out)
        self.paths: dict[str, str] = {}

    @property
    def model(self) -> Path:
        """Where the model will lie."""
        return self.folder / "model"

    @property
    def training(self) -> Path:
        """Where a training lies that was killed."""
        return self.folder / "training"

    def replaceable(self, kind: str) -> None:
        """Make sure that nothing is lost when a model of this kind is written.

        Raises:
            InputError: the place of the model holds something else.
        """
        from holdfast.storage import refuse_what_is_not_ours

        refuse_what_is_not_ours(self.model, kind)

    def save(
        self,
        model: Model,
        record: TextTrainingRecord | ClassifierRecord | TaggerRecord | None,
        clear: Callable[[Path], None],
    ) -> None:
        """Write the model and its page; then what the training went on from is not needed.

        Arguments:
            model: that was trained.
            record: for the page; None for none.
            clear: removes what a training has left in a folder.
        """
        from holdfast import reports

        model.save(self.model)
        self.paths = {"model": str(self.model)}
        page = self.folder / "report.html"
        if record is not None:
            reports.save(record, page)
            self.paths["report"] = str(page)
        else:
            page.unlink(missing_ok=True)  # of an earlier training, whose model is gone
        clear(self.training)

    def tell(self, screen: Screen, values: Mapping[str, object]) -> None:
        """Print the paths for people, or the values and the paths for programs."""
        from holdfast.reports import terminal

        screen.show(terminal.written(self.paths), whole_lines=True)
        screen.result({**values, "files": self.paths})


def results_folder(folder: Path) -> Path:
    """A folder that results can be written to; made where it does not exist.

    Raises:
        InputError: it cannot be made or written.
    """
    probe = folder / ".holdfast-probe"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{option('out', folder)}: results cannot be written there "
            f"({error.strerror or error}); choose another folder."
        ) from error
    return folder


def typed_command() -> str:
    """The command as it was typed, for the report."""
    return shlex.join(["holdfast", *sys.argv[1:]])


def model_folder(path: Path, command: str) -> Path:
    """A folder that holds a model; what is in it is checked when it is loaded.

    Raises:
        ModelError: it holds none.
    """
    from holdfast.storage import exists

    if not exists(path):
        raise ModelError(
            f"{path} is not a model folder; give the model/ folder that {command} wrote."
        )
    return path


def model_kind(folder: Path) -> str:
    """Which kind of model a folder holds, such as "forecaster".

    Raises:
        ModelError: it is corrupt or foreign.
    """
    from holdfast.storage import kind_of

    return kind_of(folder)
