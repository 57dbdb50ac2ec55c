"""What a fit leaves: all that a forecast needs, in memory and in a model folder."""

from __future__ import annotations

import math
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import InputError, ModelError, TableError
from holdfast.forecasting.judgement.baselines import simple_methods
from holdfast.forecasting.judgement.dependence import Dependence
from holdfast.forecasting.judgement.rule import Rule
from holdfast.forecasting.network.members import NetworkMember, PretrainedMember
from holdfast.forecasting.network.stored import described_networks, read_networks
from holdfast.forecasting.tables.calendar import Calendar
from holdfast.forecasting.tables.layouts import ColumnNames
from holdfast.forecasting.tables.reading import Table
from holdfast.forecasting.tables.series import SeriesSet

KIND = "forecaster"
"""What a model folder of ours says it holds."""

_FIELDS: Final = {
    "horizon", "season", "members", "networks", "calendar", "labels", "keys", "ids", "time",
    "target",
}  # fmt: skip
_NUMBERS: Final[dict[str, type]] = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), int),
    **dict.fromkeys(("uint8", "uint16", "uint32", "uint64"), int),
    **dict.fromkeys(("float16", "float32", "float64"), float),
}
_LARGEST_HORIZON: Final = 100_000
_LARGEST_SEASON: Final = 100_000
_FARTHEST: Final = 2**62
"""An ordinal no farther than this may be added to a length."""


@dataclass(frozen=True, eq=False)
class Fitted:
    """All that a forecast needs.

    Arguments:
        horizon: steps.
        season: grid points of a season.
        rule: the blend's weights and the widths of its intervals.
        networks: the members that are networks, of distinct names; the pretrained one first.
        series: the histories that it was fitted on.
        names: what the caller's columns are called.
        dependence: how errors go together, for sample paths and totals.
    """

    horizon: int
    season: int
    rule: Rule
    networks: tuple[NetworkMember, ...]
    series: SeriesSet
    names: ColumnNames
    dependence: Dependence

    @property
    def pretrained(self) -> PretrainedMember:
        """The network that knew series before it saw these."""
        first = self.networks[0]
        assert isinstance(first, PretrainedMember)
        return first

    def check_calendar(self, table: Table) -> None:
        """Refuse a table that lies on another calendar.

        Raises:
            TableError: it does.
        """
        found, own = table.series.calendar, self.series.calendar
        if found.utc and own.utc:
            found = replace(found, zone=own.zone)  # one grid, whatever the clocks on the wall say
        if found != own:
            raise TableError(
                f"The table has {_described(table.series)}, the model was fitted on "
                f"{_described(self.series)}; give histories at the model's own timestamps."
            )

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        arrays: dict[str, NDArray[Any]] = {
            "series/starts": self.series.starts,
            "series/offsets": self.series.offsets,
            "series/values": self.series.values,
        }
        arrays |= {f"rule/{name}": array for name, array in self.rule.to_arrays().items()}
        arrays |= {
            f"dependence/{name}": array for name, array in self.dependence.to_arrays().items()
        }
        networks, weights = described_networks(self.networks)
        arrays |= weights
        manifest = {
            "horizon": self.horizon,
            "season": self.season,
            "members": list(self.rule.names),
            "networks": networks,
            "calendar": self.series.calendar.to_json(),
            "labels": list(self.series.labels),
            "keys": {name: _listed(column) for name, column in self.series.keys.items()},
            "ids": list(self.names.id),
            "time": self.names.time,
            "target": self.names.target,
        }
        storage.save(folder, KIND, manifest, arrays)

    @classmethod
    def load(cls, folder: str | Path) -> Fitted:
        """Read a model folder, checking everything that can be checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, KIND)
        try:
            return _checked(cls, manifest, arrays)
        except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            # Whatever shape the parts have, a model folder is refused in a sentence.
            reason = str(error).rstrip(".")
            raise ModelError(f"{folder} does not fit together ({reason}); save it again.") from (
                error
            )


def _described(series: SeriesSet) -> str:
    """The timestamps of some series in words, with an example that shows their clock."""
    calendar = series.calendar
    example = calendar.format(calendar.times(series.ends[:1])[0])
    zone = "" if calendar.zone is None else f" in {calendar.zone}"
    return f"{calendar.words} timestamps such as {example}{zone}"


def _checked(
    cls: type[Fitted], manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> Fitted:
    if set(manifest) != _FIELDS:
        odd = ", ".join(sorted(set(manifest) ^ _FIELDS))
        raise ValueError(f"it has missing or unknown fields: {odd}")
    horizon = _count(manifest, "horizon", 1, _LARGEST_HORIZON)
    season = _count(manifest, "season", 1, _LARGEST_SEASON)
    names = ColumnNames(
        id=_texts(manifest["ids"], "ids"),
        time=_text(manifest["time"], "time"),
        target=_text(manifest["target"], "target"),
    )
    series = _series(manifest, arrays, names.id, horizon)
    networks = read_networks(manifest["networks"], arrays, horizon=horizon, season=season)
    return cls(
        horizon=horizon,
        season=season,
        rule=_rule(manifest, arrays, season, horizon, len(series), networks),
        networks=networks,
        series=series,
        names=names,
        dependence=Dependence.from_arrays(_part(arrays, "dependence/"), horizon, len(series)),
    )


def _part(arrays: Mapping[str, NDArray[Any]], prefix: str) -> dict[str, NDArray[Any]]:
    """The arrays of one part, by the names that it gave them."""
    return {
        name.removeprefix(prefix): array
        for name, array in arrays.items()
        if name.startswith(prefix)
    }


def _rule(
    manifest: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    season: int,
    horizon: int,
    series: int,
    networks: Sequence[NetworkMember],
) -> Rule:
    members = _texts(manifest["members"], "members")
    if set(members) != {*(member.name for member in networks), *simple_methods(season)}:
        raise ValueError(f"its members with a season of {season} are {reprlib.repr(members)}")
    numbers = _part(arrays, "rule/")
    levels = numbers["levels"]
    if levels.dtype != np.float64 or levels.ndim != 1 or not (np.diff(levels) > 0).all():
        raise ValueError("its interval levels are damaged")
    rule = Rule.from_arrays(members, numbers, horizon, series)
    if rule.spread.share > 1:
        raise ValueError(f"its share of residual widths is {rule.spread.share}")
    return rule


def _series(
    manifest: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    ids: tuple[str, ...],
    horizon: int,
) -> SeriesSet:
    labels = _texts(manifest["labels"], "labels", distinct=False)
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
    if not isinstance(keys, dict) or set(keys) != set(ids):
        raise ValueError("its id columns are not those that it names")
    series = SeriesSet(
        labels=labels,
        keys={name: _read_ids(name, keys[name], len(labels)) for name in ids},
        starts=starts,
        offsets=offsets,
        values=values,
        calendar=Calendar.from_json(manifest["calendar"]),
    )
    _check_times(series, horizon)
    return series


def _check_times(series: SeriesSet, horizon: int) -> None:
    calendar = series.calendar
    first, last = int(series.starts.min()), int(series.ends.max())
    if calendar.kind != "counter":
        calendar.times([first, last])  # refuses what nanoseconds cannot hold
    elif max(-first, last + horizon) > (2**63 - 1 - calendar.phase) // calendar.step:
        raise ValueError("its series reach beyond 64 bits")


def _count(manifest: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = manifest[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"its {name} is {reprlib.repr(value)}")
    return value


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise ValueError(f"its {name} is {reprlib.repr(value)}")
    return value


def _texts(values: object, name: str, *, distinct: bool = True) -> tuple[str, ...]:
    """At least one text; labels may repeat, where several id columns were joined."""
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
