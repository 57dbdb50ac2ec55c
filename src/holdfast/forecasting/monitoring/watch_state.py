"""A watch over lines that come in; on disk a checkpoint, and the rows that came after it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import InputError, ModelError, option
from holdfast.forecasting.arguments import check_levels
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.monitoring.watch import Alarms, Watch, doubt
from holdfast.tables.stream import RowLines
from holdfast.training.threads import one_thread

KIND: Final = "watch"
"""What a checkpoint says it holds."""

_LONGEST: Final = 64 << 20
"""Bytes of rows after which a new checkpoint is written."""

_FIELDS: Final = ("place", "ordinal", "value", "beside")

Rows = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
"""Places, ordinals, values and covariates, as `Watch.take` has them."""


class LineWatch:
    """Judges lines of CSV as they come, and goes on where it was after a kill.

    Arguments:
        model: a model folder.
        level: of the intervals, in percent; a value outside is an alarm.
        every: rows of a series until its next forecast; the horizon at most, which is the default.
        state: the folder from which the watch goes on; MODEL-watch if None.

    Attributes:
        header: names of the cells of an alarm: ids, time, target, forecast, bounds, score.
        doubt: a sentence where the level is not calibrated; else "".
        offset: bytes of the file of alarms when the last checkpoint was written.

    Raises:
        ArgumentError: an argument is out of range.
        ModelError: the model cannot be read, or the state is that of another one.
        InputError: the state cannot be written, or another process uses it.
    """

    def __init__(
        self,
        model: str | Path,
        *,
        level: float = 99,
        every: int | None = None,
        state: str | Path | None = None,
    ) -> None:
        (level,) = check_levels((level,))
        identity = storage.identity(model)  # before the model is read: it may be replaced
        fitted = FittedModel.load(model)
        names, bounds = fitted.names, (f"holdfast-lo-{level:g}", f"holdfast-hi-{level:g}")
        self.header = (*names.id, names.time, names.target, "holdfast", *bounds, "score")
        self.doubt = doubt(fitted, level)
        self._series = fitted.series
        self._watch = Watch(fitted, level, every)
        self._lines = RowLines(fitted.series, fitted.names)
        self._state = WatchState(state or default_folder(model), self._watch, identity)
        self.offset = self._state.offset

    @property
    def past(self) -> int:
        """Rows so far that lie before what is kept of their series; nothing can be said of them."""
        return self._watch.past

    def resume(self) -> Iterator[tuple[list[tuple[object, ...]], bool]]:
        """The alarms behind the last checkpoint, and whether they were reported before the kill."""
        for rows, seen in self._state.resume():
            with one_thread():
                alarms, _ = self._watch.take(*rows)
            yield self._cells(alarms), seen
        self._state.reported()

    def judge(self, lines: Sequence[str]) -> tuple[list[tuple[object, ...]], list[str]]:
        """Judge some lines; each was written down before, so that a kill loses none.

        Returns:
            The alarms, in the order of `header`, and a sentence for each line that cannot be used.
        """
        read = self._lines.read(lines)
        rows = read.places, read.ordinals, read.values, read.covariates
        if len(read.places):
            self._state.take(rows)
        with one_thread():
            alarms, refused = self._watch.take(*rows)
        late = [f"line {read.lines[one.row]}: {one.reason}" for one in refused]
        return self._cells(alarms), [*read.complaints, *late]

    def reported(self) -> None:
        """Note that all alarms so far have been passed on."""
        self._state.reported()

    def checkpoint(self, offset: int, *, needed: bool = True) -> None:
        """Write the whole state down.

        Arguments:
            offset: bytes of the file of alarms; 0 for none.
            needed: False to do it only where many rows have come since the last time.
        """
        self._state.checkpoint(offset, needed=needed)

    def __enter__(self) -> LineWatch:
        """Itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Let another process have the folder."""
        self._state.close()

    def _cells(self, alarms: Alarms) -> list[tuple[object, ...]]:
        if not len(alarms.places):
            return []
        calendar = self._series.calendar
        keys = [column[alarms.places].tolist() for column in self._series.keys.values()]
        numbers = [
            [float(f"{number:.7g}") for number in column.tolist()]  # seven digits
            for column in (
                alarms.values, alarms.median, alarms.lower, alarms.upper, alarms.scores
            )
        ]  # fmt: skip
        times = calendar.texts(calendar.times(alarms.ordinals)).tolist()
        return list(zip(*keys, times, *numbers, strict=True))


class WatchState:
    """A folder from which a watch goes on after a kill.

    Rows are written down before they are judged, and how many of them were reported after that.
    So whoever opens the folder finds every row that had been taken: judged again from the last
    checkpoint on, they give the state that was lost, and the alarms that may not have been seen.

    Raises:
        InputError: the folder cannot be written, or another process uses it.
        ModelError: the folder is of another model, or damaged.
    """

    def __init__(self, folder: str | Path, watch: Watch, identity: str) -> None:
        self.folder = Path(folder)
        self._watch = watch
        self._row = _row_of(watch.columns)
        self._identity = {"model": identity, "level": watch.level, "every": watch.every}
        self._serial = 0
        self._reported = 0
        self._taken = 0
        self.offset = 0
        """Bytes of the file of alarms when the checkpoint was written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = _locked(self.folder / "lock")
        except OSError as error:
            raise InputError(
                f"The state {self.folder} cannot be written ({error.strerror or error}); give "
                f"another folder with {option('state')}."
            ) from error
        try:
            self._restore()
            self._open()
        except BaseException:
            self._lock.close()
            raise

    def resume(self) -> Iterator[tuple[Rows, bool]]:
        """The rows behind the checkpoint, batch by batch, and whether each was reported before."""
        taken = 0
        for batch in self._batches:
            taken += len(batch)
            self._taken = taken
            place, ordinal, value, beside = (np.ascontiguousarray(batch[one]) for one in _FIELDS)
            yield (place, ordinal, value, beside), taken <= self._reported

    def take(self, rows: Rows) -> None:
        """Write rows down that are about to be judged."""
        batch = np.zeros(len(rows[0]) + 1, dtype=self._row)
        batch["place"][0], batch["ordinal"][0] = -1, len(rows[0])  # to be judged together again
        for name, column in zip(_FIELDS, rows, strict=True):
            batch[name][1:] = column
        self._journal.write(batch.tobytes())
        self._journal.flush()
        self._taken += len(rows[0])

    def reported(self) -> None:
        """Note that what was taken so far has been judged and said."""
        self._reported = self._taken
        self._note.seek(0)
        self._note.write(np.array([self._serial, self._reported], dtype="<i8").tobytes())
        self._note.flush()

    def checkpoint(self, offset: int, *, needed: bool = True) -> None:
        """Write the whole state, at once or not at all, and begin a new list of rows.

        Where it is not needed, only after many rows.
        """
        if not needed and self._journal.tell() <= _LONGEST:
            return
        manifest = {**self._identity, "serial": self._serial + 1, "offset": offset}
        storage.save(self.folder / "checkpoint", KIND, manifest, self._watch.to_arrays())
        self._close()
        self._serial, self._reported, self._taken = self._serial + 1, 0, 0
        self._open()

    def close(self) -> None:
        """Let another process have the folder."""
        self._close()
        self._lock.close()

    def __enter__(self) -> WatchState:
        """Itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close."""
        self.close()

    def _restore(self) -> None:
        """The watch as the checkpoint has it, if there is one."""
        folder = self.folder / "checkpoint"
        if not storage.exists(folder):
            # Without a first checkpoint, nobody could tell whose rows lie beside it.
            beginning = {**self._identity, "serial": 0, "offset": 0}
            storage.save(folder, KIND, beginning, self._watch.to_arrays())
            return
        manifest, arrays = storage.load(folder, KIND)
        own = {name: manifest.get(name) for name in self._identity}
        if own != self._identity:
            same = own["model"] == self._identity["model"]
            what = f"{option('level')} or {option('every')}" if same else "model"
            raise ModelError(
                f"The state {self.folder} was made with another {what}; give another folder with "
                f"{option('state')}, or delete it to begin anew."
            )
        serial, offset = manifest.get("serial"), manifest.get("offset")
        try:
            if type(serial) is not int or type(offset) is not int or min(serial, offset) < 0:
                raise ValueError("its numbers are damaged")
            self._watch.restore(dict(arrays))
        except ValueError as error:
            raise ModelError(
                f"The state {self.folder} is damaged ({error}); delete it to begin anew."
            ) from error
        self._serial, self.offset = serial, offset

    def _open(self) -> None:
        """The rows behind the checkpoint, and the note of how many of them were reported."""
        try:
            path = self.folder / f"rows-{self._serial}"
            for other in self.folder.glob("rows-*"):
                if other != path:
                    other.unlink()  # of an older checkpoint
            data = path.read_bytes() if path.exists() else b""
            size = self._row.itemsize
            whole = np.frombuffer(data[: len(data) // size * size], dtype=self._row)
            self._batches = list(_whole(whole))
            kept = sum(len(batch) + 1 for batch in self._batches) * size
            self._journal: IO[bytes] = path.open("ab")
            self._journal.truncate(kept)  # what was being written when the process died
            note = self.folder / "reported"
            self._note: IO[bytes] = note.open("r+b" if note.exists() else "w+b")
            found = np.frombuffer(self._note.read(16).ljust(16, b"\0"), dtype="<i8")
            self._reported = int(found[1]) if found[0] == self._serial else 0
        except OSError as error:
            raise InputError(
                f"The state {self.folder} cannot be written ({error.strerror or error})."
            ) from error

    def _close(self) -> None:
        self._journal.flush()
        os.fsync(self._journal.fileno())
        self._journal.close()
        self._note.close()


def default_folder(model: str | Path) -> Path:
    """Where the state of a model's watch lies if nobody says otherwise: beside the model."""
    model = Path(model).absolute()
    return model.with_name(f"{model.name}-watch")


def forget(folder: str | Path) -> None:
    """Remove the state of a watch and nothing that lies beside it."""
    folder = Path(folder)
    shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    for path in [*folder.glob("rows-*"), folder / "reported", folder / "lock"]:
        path.unlink(missing_ok=True)


def _whole(rows: NDArray[np.void]) -> Iterator[NDArray[np.void]]:
    """The batches that were written to their end."""
    begin = 0
    while begin < len(rows) and rows["place"][begin] == -1:
        count = int(rows["ordinal"][begin])
        end = begin + 1 + count
        if count < 0 or end > len(rows):
            return
        yield rows[begin + 1 : end]
        begin = end


def _row_of(columns: int) -> np.dtype[np.void]:
    """How a row is written down, with so many covariates."""
    return np.dtype(
        [("place", "<i8"), ("ordinal", "<i8"), ("value", "<f8"), ("beside", "<f8", (columns,))]
    )


def _locked(path: Path) -> IO[bytes]:
    """A file that this process alone has open for as long as it lives."""
    file = path.open("ab")
    try:
        import fcntl
    except ImportError:  # Windows: nobody is kept out
        return file
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise InputError(
            f"The state {path.parent} is in use by another process; stop it, or give another "
            f"folder with {option('state')}."
        ) from None
    return file
