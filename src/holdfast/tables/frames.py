"""The caller's frames: pandas, polars, pyarrow and what else narwhals knows, in and out."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import TableError
from holdfast.storage import written_atomically
from holdfast.tables.calendar import Calendar, to_instants
from holdfast.tables.files import read_file, table_of_arrow
from holdfast.tables.raw import RawTable
from holdfast.tables.roles import listed

if TYPE_CHECKING:
    import pyarrow as pa

_WHERE: Final = "the table"


@dataclass(frozen=True)
class Backend:
    """How to give a caller frames of the kind that came in."""

    library: str  # "pandas", "polars", "pyarrow" …, as narwhals names it
    # the pyarrow type of the time column that came in; None for text and integers
    time_type: object = None


def read_frame(source: object) -> tuple[RawTable, Backend]:
    """A frame, a series, a mapping of columns or a sequence of numbers as columns.

    A pandas index of dates, periods or several levels becomes columns ("ds" where it has no
    name); any other index is left out. Values without a name are called "y".

    Raises:
        TableError: it is no table, or a column mixes kinds.
    """
    import narwhals as nw
    import pyarrow as pa

    source = _with_index(source)
    if isinstance(source, list | tuple | np.ndarray):
        return _sequence(source), Backend("pyarrow")
    if isinstance(source, Mapping):
        return table_of_arrow(_of_mapping(source), _WHERE), Backend("pyarrow")
    native = nw.from_native(source, allow_series=True, pass_through=True)
    if isinstance(native, nw.LazyFrame):
        native = native.collect()
    if isinstance(native, nw.Series):
        native = native.alias(native.name or "y").to_frame()
    if not isinstance(native, nw.DataFrame):
        raise TableError(
            f"A value of type {type(source).__name__} is not a table; give a file's path, a "
            "pandas, polars or pyarrow frame, or a sequence of numbers."
        )
    try:
        table = native.to_arrow()
    except (pa.ArrowException, TypeError, ValueError) as problem:
        reason = "; ".join(str(part) for part in problem.args).splitlines()[0].rstrip(".")
        raise TableError(
            f"{_WHERE[0].upper()}{_WHERE[1:]} cannot be read: {reason}; give each column one kind "
            "of values."
        ) from None
    return table_of_arrow(table, _WHERE), Backend(str(native.implementation.value))


def open_source(
    source: object, sheet: str | None = None, *, name: str = _WHERE
) -> tuple[RawTable, Backend | None]:
    """The columns of a file or a frame, and how to give frames back; None for a file.

    Arguments:
        source: a path, a frame, or columns that were read before.
    """
    if isinstance(source, RawTable):
        return source, None
    if isinstance(source, str | Path):
        return read_file(source, sheet=sheet), None
    raw, backend = read_frame(source)
    return replace(raw, where=name), backend


def _of_mapping(source: Mapping[object, object]) -> pa.Table:
    import pyarrow as pa

    try:
        return pa.table({str(name): pa.array(values) for name, values in source.items()})
    except (pa.ArrowException, TypeError, ValueError):
        raise TableError(
            f"The columns {listed(source)} do not make a table; give columns of equal length, each "
            "with one kind of values."
        ) from None


def _sequence(source: list[object] | tuple[object, ...] | NDArray[np.generic]) -> RawTable:
    try:
        values = np.asarray(source, dtype=np.float64)
    except (TypeError, ValueError):
        raise TableError("The sequence holds something that is not a number.") from None
    if values.ndim != 1 or not len(values):
        raise TableError(f"The sequence has shape {values.shape}; give one row of numbers.")
    import pyarrow as pa

    return RawTable(_WHERE, {"y": pa.array(values)})


def _with_index(source: object) -> object:
    """A pandas object with its index of times as columns, and periods as their first moments."""
    if type(source).__module__.partition(".")[0] != "pandas":
        return source
    frame: Any = source  # pandas is the caller's; we never import it
    if not hasattr(frame, "columns"):
        frame = frame.to_frame(name=frame.name if frame.name is not None else "y")
    frame = frame.rename(columns=str)
    if not len(frame.columns):
        return frame
    index = frame.index
    kind = type(index).__name__
    if kind == "PeriodIndex":
        frame = frame.set_axis(index.to_timestamp(how="start").rename(index.name), axis=0)
        kind = "DatetimeIndex"
    if kind in ("DatetimeIndex", "MultiIndex") or (index.name and index.name not in frame.columns):
        names = [name for name in index.names if name is not None]
        unnamed = kind == "DatetimeIndex" and not names
        if unnamed and "ds" in frame.columns:
            frame = frame.reset_index(drop=True)  # the frame says itself what its times are
        else:
            frame = frame.rename_axis("ds") if unnamed else frame
            frame = frame.reset_index()
    else:
        frame = frame.reset_index(drop=True)
    for name, dtype in frame.dtypes.items():
        if str(dtype).startswith("period"):
            frame = frame.assign(**{str(name): frame[name].dt.to_timestamp(how="start")})
    return frame


def arrow_table(
    columns: Mapping[str, NDArray[np.generic]],
    calendar: Calendar | None = None,
    time_type: object = None,
) -> pa.Table:
    """Columns as a pyarrow table, timestamps in the calendar's time zone.

    Arguments:
        columns: name → (rows,) numbers, text (object) or datetime64.
        calendar: of the timestamps; None where there are none, or none with a zone.
        time_type: the pyarrow type to give timestamps where it loses nothing.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    arrays: dict[str, pa.Array] = {}
    for name, values in columns.items():
        if values.dtype.kind != "M":
            arrays[name] = pa.array(values)
            continue
        stamps = values.astype("datetime64[ns]").astype(np.int64)
        zone = calendar.zone if calendar is not None else None
        if calendar is not None and zone is not None and not calendar.utc:
            stamps = to_instants(stamps, zone)
        array = pa.array(stamps).cast(pa.timestamp("ns", tz=zone))
        if isinstance(time_type, pa.DataType):
            # A date type cannot hold hours: then the finer type stays.
            with contextlib.suppress(pa.ArrowInvalid):
                array = pc.cast(array, time_type)
        arrays[name] = array
    return pa.table(arrays)


def to_frame(
    columns: Mapping[str, NDArray[np.generic]],
    backend: Backend | None = None,
    calendar: Calendar | None = None,
) -> Any:
    """Columns as a frame of the caller's kind.

    Arguments:
        columns: name → (rows,) numbers, text (object) or datetime64, in the calendar's clock.
        backend: of the table that came in; None (it was a file) for pandas where it is
            installed, else polars, else pyarrow.
    """
    library = backend.library if backend is not None else _installed()
    time_type = backend.time_type if backend is not None else None
    if library == "pandas" and str(time_type).startswith("date"):
        time_type = None  # pandas has no dates without a time of day
    table = arrow_table(columns, calendar, time_type)
    if library == "pyarrow":
        return table
    import narwhals as nw

    return nw.from_arrow(table, backend=library).to_native()  # type: ignore[arg-type] # its own name


def _installed() -> str:
    from importlib.util import find_spec

    return next((name for name in ("pandas", "polars") if find_spec(name)), "pyarrow")


def write_csv(
    path: str | Path,
    columns: Mapping[str, NDArray[np.generic]],
    calendar: Calendar | None = None,
) -> None:
    """Columns as a CSV file, which appears whole or not at all.

    Dates are written as 2020-12-31 where the calendar has no time of day.

    Arguments:
        calendar: writes the timestamps; None where there are none.

    Raises:
        InputError: the file cannot be written.
    """
    plain = calendar or Calendar("clock")
    cells = [_cells(plain.texts(v) if v.dtype.kind == "M" else v) for v in columns.values()]
    with (
        written_atomically(path) as partial,
        partial.open("w", encoding="utf-8", newline="") as stream,
    ):
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*cells, strict=True))


def _cells(values: NDArray[np.generic]) -> list[object]:
    cells: list[object] = values.tolist()
    if values.dtype.kind == "f":
        return [None if cell != cell else cell for cell in cells]  # NaN is an empty cell
    return cells
