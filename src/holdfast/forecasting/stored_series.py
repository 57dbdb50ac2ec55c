"""The histories of a model folder: arrays and JSON, checked when they are read; no torch here."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import described_covariates, read_covariates
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.series import SeriesSet

KIND: Final = "forecaster"
"""What a model folder of ours says it holds."""

SERIES_FIELDS: Final = {
    "calendar", "labels", "keys", "ids", "time", "target", "covariates",
}  # fmt: skip
"""Of a model's manifest, those that tell of its histories."""

_NUMBERS: Final[dict[str, type]] = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), int),
    **dict.fromkeys(("uint8", "uint16", "uint32", "uint64"), int),
    **dict.fromkeys(("float16", "float32", "float64"), float),
}
_FARTHEST: Final = 2**62
"""An ordinal no farther than this may be added to a length."""


def described_series(
    series: SeriesSet, names: ColumnNames
) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """What `read_series` needs: fields of a manifest, and arrays by name."""
    covariates, columns = described_covariates(series.covariates)
    manifest: dict[str, object] = {
        "covariates": covariates,
        "calendar": series.calendar.to_json(),
        "labels": list(series.labels),
        "keys": {name: _listed(column) for name, column in series.keys.items()},
        "ids": list(names.id),
        "time": names.time,
        "target": names.target,
    }
    arrays: dict[str, NDArray[Any]] = {
        "series/starts": series.starts,
        "series/offsets": series.offsets,
        "series/values": series.values,
        **columns,
    }
    return manifest, arrays


def read_series(
    manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], horizon: int
) -> tuple[SeriesSet, ColumnNames]:
    """The histories of a model and what their columns are called, checked.

    Arguments:
        manifest, arrays: from `described_series`; untrusted.
        horizon: steps that timestamps must reach beyond the end.

    Raises:
        ValueError, LookupError, TypeError, InputError: something is missing or damaged.
    """
    names = ColumnNames(
        id=texts(manifest["ids"], "ids"),
        time=_text(manifest["time"], "time"),
        target=_text(manifest["target"], "target"),
    )
    labels = texts(manifest["labels"], "labels", distinct=False)
    starts, offsets = arrays["series/starts"], arrays["series/offsets"]
    values = arrays["series/values"]
    sound = (
        starts.dtype == offsets.dtype == np.int64
        and values.dtype == np.float64
        and starts.shape == (len(labels),)
        and offsets.shape == (len(labels) + 1,)
        and values.ndim == 1
        and offsets[0] == 0
        and offsets[-1] == len(values)
        # Compared and not subtracted, because a difference can wrap around.
        and bool((offsets[1:] > offsets[:-1]).all())
        and bool(((starts >= -_FARTHEST) & (starts <= _FARTHEST)).all())
        and not bool(np.isinf(values).any())
    )
    if not sound:
        raise ValueError("its series are damaged")
    if not np.logical_or.reduceat(~np.isnan(values), offsets[:-1]).all():
        raise ValueError("one of its series has no value")
    keys = manifest["keys"]
    if not isinstance(keys, dict) or set(keys) != set(names.id):
        raise ValueError("its id columns are not those that it names")
    series = SeriesSet(
        labels=labels,
        keys={name: _read_ids(name, keys[name], len(labels)) for name in names.id},
        starts=starts,
        offsets=offsets,
        values=values,
        calendar=Calendar.from_json(manifest["calendar"]),
        covariates=read_covariates(manifest["covariates"], arrays, len(labels)),
    )
    check_times(series, horizon)
    return series, names


def check_times(series: SeriesSet, horizon: int) -> None:
    """Refuse series whose timestamps, and those of a horizon behind them, do not fit 64 bits.

    Raises:
        ValueError, ArgumentError: they do not.
    """
    calendar = series.calendar
    first, last = int(series.starts.min()), int(series.ends.max())
    if calendar.kind != "counter":
        calendar.times([first, last])  # refuses what nanoseconds cannot hold
    elif max(-first, last + horizon) > (2**63 - 1 - calendar.phase) // calendar.step:
        raise ValueError("its series reach beyond 64 bits")


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"its {name} is {reprlib.repr(value)}")
    return value


def texts(values: object, name: str, *, distinct: bool = True) -> tuple[str, ...]:
    """At least one text; labels may repeat, where several id columns were joined.

    Raises:
        ValueError: it is something else.
    """
    if (
        not isinstance(values, list)
        or not values
        or not all(isinstance(value, str) for value in values)
        or (distinct and len(set(values)) < len(values))
    ):
        raise ValueError(f"its {name} are damaged")
    return tuple(values)


def _listed(column: NDArray[np.generic]) -> dict[str, object]:
    """A column of ids as JSON takes it; what JSON has no word for, such as a date, is text."""
    entries = column.tolist()
    if all(isinstance(entry, bool) for entry in entries):
        return {"kind": "bool", "values": entries}
    if column.dtype.name in _NUMBERS and all(math.isfinite(entry) for entry in entries):
        return {"kind": column.dtype.name, "values": entries}
    return {"kind": "text", "values": [str(entry) for entry in entries]}


def _read_ids(name: str, stored: object, count: int) -> NDArray[np.generic]:
    """The inverse of `_listed`."""
    damaged = ValueError(f"its id column {name!r} is damaged")
    if not isinstance(stored, dict) or set(stored) != {"kind", "values"}:
        raise damaged
    kind, values = stored["kind"], stored["values"]
    types = {"bool": bool, "text": str, **_NUMBERS}
    if kind not in types or not isinstance(values, list) or len(values) != count:
        raise damaged
    if not all(type(value) is types[kind] for value in values):
        raise damaged
    if types[kind] is int:
        limits = np.iinfo(kind)
        if not all(limits.min <= value <= limits.max for value in values):
            raise damaged
    with np.errstate(over="ignore"):  # to infinity, which is refused
        column = np.array(values, dtype=object if kind == "text" else kind)
    if types[kind] is float and not np.isfinite(column).all():
        raise damaged
    return column
