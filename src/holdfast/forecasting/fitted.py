"""What a fit leaves: all that a forecast needs, in memory and in a model folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import ArgumentError, ModelError, TableError
from holdfast.forecasting.judgement.rule import Rule
from holdfast.forecasting.network.design import Design
from holdfast.forecasting.network.model import ForecastNetwork
from holdfast.forecasting.tables.calendar import Calendar
from holdfast.forecasting.tables.layouts import ColumnNames
from holdfast.forecasting.tables.reading import Table
from holdfast.forecasting.tables.series import SeriesSet

KIND = "forecaster"
"""What a model folder of ours says it holds."""

_MOST_NETWORKS = 64
_LARGEST_HORIZON = 100_000


@dataclass(frozen=True, eq=False)
class Fitted:
    """All that a forecast needs.

    Arguments:
        horizon: steps.
        season: grid points of a season.
        rule: the blend's weights and the widths of its intervals.
        design: the networks' sizes; None where no network was trained.
        networks: averaged in the LSTM member.
        series: the histories that it was fitted on.
        names: what the caller's columns are called.
    """

    horizon: int
    season: int
    rule: Rule
    design: Design | None
    networks: tuple[ForecastNetwork, ...]
    series: SeriesSet
    names: ColumnNames

    def check_calendar(self, table: Table) -> None:
        """Refuse a table that lies on another calendar.

        Raises:
            TableError: it does.
        """
        found, own = table.series.calendar, self.series.calendar
        if found != own:
            raise TableError(
                f"The table is {found.words}, the model was fitted on {own.words}; give histories "
                "at the model's own timestamps."
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
        for index, network in enumerate(self.networks):
            for name, tensor in network.state_dict().items():
                arrays[f"network {index}/{name}"] = tensor.detach().cpu().numpy()
        manifest = {
            "horizon": self.horizon,
            "season": self.season,
            "members": list(self.rule.names),
            "design": None if self.design is None else self.design.to_json(),
            "networks": len(self.networks),
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
        except (ArgumentError, KeyError, TypeError, ValueError, RuntimeError) as error:
            # Whatever shape the parts have, a model folder is refused in a sentence.
            raise ModelError(f"{folder} does not fit together ({error}); save it again.") from error


def _checked(
    cls: type[Fitted], manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]
) -> Fitted:
    horizon = _count(manifest, "horizon", 1, _LARGEST_HORIZON)
    season = _count(manifest, "season", 1, 10_000_000)
    labels = _texts(manifest["labels"], "labels")
    series = _series(manifest, arrays, labels)
    design = None if manifest["design"] is None else Design.from_json(manifest["design"])
    networks = []
    for index in range(_count(manifest, "networks", 0, _MOST_NETWORKS)):
        if design is None or design.horizon != horizon:
            raise ValueError("it has networks of no or another design")
        network = ForecastNetwork(design)
        prefix = f"network {index}/"
        network.load_state_dict(
            {
                name.removeprefix(prefix): torch.from_numpy(array)
                for name, array in arrays.items()
                if name.startswith(prefix)
            }
        )
        networks.append(network.eval())
    members = _texts(manifest["members"], "members")
    rule = {n.removeprefix("rule/"): a for n, a in arrays.items() if n.startswith("rule/")}
    return cls(
        horizon=horizon,
        season=season,
        rule=Rule.from_arrays(members, rule, horizon, len(labels)),
        design=design,
        networks=tuple(networks),
        series=series,
        names=ColumnNames(
            id=_texts(manifest["ids"], "ids"),
            time=str(manifest["time"]),
            target=str(manifest["target"]),
        ),
    )


def _series(
    manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], labels: tuple[str, ...]
) -> SeriesSet:
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
        and bool((np.diff(offsets) >= 0).all())
        and not bool(np.isinf(values).any())
    )
    if not sound:
        raise ValueError("its series are damaged")
    keys = {}
    for name, column in manifest["keys"].items():
        if not isinstance(column, list) or len(column) != len(labels):
            raise ValueError(f"its id column {name!r} is damaged")
        whole = all(isinstance(entry, int) for entry in column)
        keys[str(name)] = np.array(column, dtype=np.int64 if whole else object)
    return SeriesSet(
        labels=labels,
        keys=keys,
        starts=starts,
        offsets=offsets,
        values=values,
        calendar=Calendar.from_json(manifest["calendar"]),
    )


def _count(manifest: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = manifest[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"its {name} is {value!r}")
    return value


def _texts(values: object, name: str) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"its {name} are damaged")
    return tuple(values)


def _listed(column: NDArray[np.generic]) -> list[object]:
    """A column of ids as JSON takes it: whole numbers stay, anything else is text."""
    return [
        int(entry) if isinstance(entry, int | np.integer) else str(entry)
        for entry in column.tolist()
    ]
