"""The fitted model: all that a forecast needs, in memory, updated, and in a model folder.

Nothing here imports torch before a network is needed, so that new rows are taken into a saved model
within a moment, and a folder or a table that cannot be used is refused at once.
"""

from __future__ import annotations

import math
import re
import reprlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast, overload

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import ArgumentError, InputError, ModelError, TableError
from holdfast.forecasting.baselines import simple_methods
from holdfast.forecasting.evaluation.copula import Dependence
from holdfast.forecasting.evaluation.counts import recognise
from holdfast.forecasting.evaluation.ensemble import Ensemble
from holdfast.forecasting.evaluation.metrics import PastScores, inside, mean_observed, scaled_error
from holdfast.records import PRETRAINED, Floats
from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import described_covariates, read_covariates
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.read import Table
from holdfast.tables.series import SeriesSet
from holdfast.tables.update import Appended, NewRows, append

if TYPE_CHECKING:
    from holdfast.forecasting.networks.members import NetworkMember, PretrainedMember

WATCHED: Final = 95.0  # the interval level whose misses in the newest fold are counted
KIND: Final = "forecaster"  # what a model folder of ours says it holds

_SERIES_FIELDS: Final = {
    "calendar", "labels", "keys", "ids", "time", "target", "covariates",
}  # fmt: skip
"""Of a model's manifest, those that tell of its histories."""

_NUMBERS: Final[dict[str, type]] = {
    **dict.fromkeys(("int8", "int16", "int32", "int64"), int),
    **dict.fromkeys(("uint8", "uint16", "uint32", "uint64"), int),
    **dict.fromkeys(("float16", "float32", "float64"), float),
}
_FARTHEST: Final = 2**62  # an ordinal no farther than this may be added to a length
_FIELDS: Final = {"horizon", "season", "members", "networks", *_SERIES_FIELDS}
_SCORES: Final = ("error", "naive", "folds", "worse", "outside", "points")
_LARGEST: Final = 100_000  # horizon or season


@dataclass(eq=False)
class StoredNetworks(Sequence["NetworkMember"]):
    """The networks of a model folder, built with torch when the first of them is needed."""

    folder: str | Path  # for messages
    described: Mapping[str, Any]  # the manifest's entry, untrusted: member → its sizes
    arrays: Mapping[str, NDArray[Any]]  # the weights by name
    horizon: int
    season: int
    series: SeriesSet

    @cached_property
    def _networks(self) -> tuple[NetworkMember, ...]:
        from holdfast.forecasting.networks.storage import check_networks, networks_from_json

        with _refusing(self.folder):
            networks = networks_from_json(
                self.described,
                self.arrays,
                horizon=self.horizon,
                season=self.season,
                calendar=self.series.calendar,
            )
            check_networks(networks, self.series)
        return networks

    @overload
    def __getitem__(self, place: int) -> NetworkMember: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[NetworkMember, ...]: ...
    def __getitem__(self, place: int | slice) -> NetworkMember | tuple[NetworkMember, ...]:
        """One of the networks, or several."""
        return self._networks[place]

    def __len__(self) -> int:
        """How many there are."""
        return len(self._networks)


@dataclass(frozen=True, eq=False)
class PastForecasts:
    """How the blend did on each series in past folds."""

    error: Floats  # (N,) mean MASE of the blend; 0 for series in no fold
    naive: Floats  # (N,) of seasonal naive
    folds: Floats  # (N,) folds in which the series was scored
    worse: Floats  # (N,) those in which the blend was worse than seasonal naive
    outside: Floats  # (N,) values of the newest fold outside the interval of level `WATCHED`
    points: Floats  # (N,) values of the newest fold

    @classmethod
    def of(
        cls,
        actual: Floats,
        blend: Floats,
        naive: Floats,
        scales: Floats,
        lower: Floats,
        upper: Floats,
    ) -> PastForecasts:
        """The scores of F folds, oldest first.

        All are (F, N, K), NaN where something is missing, but for the (F, N) MASE units `scales`;
        `lower` and `upper` bound the interval at level `WATCHED`, out of fold.
        """
        ours = mean_observed(scaled_error(actual, blend, scales), axis=-1)
        theirs = mean_observed(scaled_error(actual, naive, scales), axis=-1)
        both = ~np.isnan(ours) & ~np.isnan(theirs)
        hit = inside(actual, lower, upper)[-1:]
        return cls(
            error=_or_zero(mean_observed(np.where(both, ours, np.nan), axis=0)),
            naive=_or_zero(mean_observed(np.where(both, theirs, np.nan), axis=0)),
            folds=both.sum(axis=0).astype(np.float64),
            worse=(both & (ours > theirs)).sum(axis=0).astype(np.float64),
            outside=(hit == 0).sum(axis=(0, 2)).astype(np.float64),
            points=(~np.isnan(hit)).sum(axis=(0, 2)).astype(np.float64),
        )

    @classmethod
    def none(cls, count: int) -> PastForecasts:
        """Those of series that were never scored."""
        return cls(*(np.zeros(count) for _ in _SCORES))

    def to_array(self) -> Floats:
        """(6, N) for a model folder."""
        return np.stack([getattr(self, name) for name in _SCORES])

    @classmethod
    def from_array(cls, stored: Floats, count: int) -> PastForecasts:
        """The inverse of `to_array`.

        Raises:
            ValueError: the numbers are impossible, or of more series.
        """
        sound = stored.ndim == 2 and stored.dtype == np.float64 and len(stored) == len(_SCORES)
        if not sound or stored.shape[1] > count or not np.isfinite(stored).all():
            raise ValueError("its past forecasts are damaged")
        if (stored < 0).any():
            raise ValueError("its past forecasts hold impossible numbers")
        # Series that an update brought have none.
        return cls(*np.pad(stored, ((0, 0), (0, count - stored.shape[1]))))


def _or_zero(values: Floats) -> Floats:
    return np.where(np.isnan(values), 0.0, values)


@dataclass(frozen=True, eq=False)
class FittedModel:
    """All that a forecast needs."""

    horizon: int
    season: int
    ensemble: Ensemble  # the blend's weights and the widths of its intervals
    # the members that are networks, of distinct names; the pretrained one first
    networks: Sequence[NetworkMember]
    series: SeriesSet  # the histories that it was fitted on
    names: ColumnNames  # what the caller's columns are called
    dependence: Dependence  # how errors go together, for sample paths and totals
    scores: PastScores | None = None  # of the backtest; None in a model of an earlier version
    # how the blend did on each series in past folds; None where there were none
    past: PastForecasts | None = None

    @cached_property
    def counts(self) -> bool:
        """Whether any of its series counts something: forecasts then have a mean beside them."""
        return bool(recognise(self.series).counts.any())

    @property
    def pretrained(self) -> PretrainedMember:
        """The network that knew series before it saw these."""
        return cast("PretrainedMember", self.networks[0])

    def updated(self, new: NewRows, *, correct: bool = False) -> tuple[FittedModel, Appended]:
        """The same with new rows in the histories: no weight and no width moves.

        Raises:
            TableError: the rows do not fit.
        """
        appended = append(self.series, new, correct=correct)
        series = appended.series
        try:
            _check_times(series, self.horizon)
        except (ArgumentError, ValueError) as error:
            raise TableError(
                f"{new.rows.where}: the times reach too far ({str(error).rstrip('.')}); mend them."
            ) from error
        spread, added = self.ensemble.spread, len(series) - len(self.series)
        # Series that the fit never saw have intervals of the usual width, and no past.
        factors = np.concatenate([spread.factors, np.ones(added)])
        updated = replace(
            self,
            series=series,
            ensemble=replace(self.ensemble, spread=replace(spread, factors=factors)),
            scores=None if self.scores is None else self.scores.widened(len(series)),
            dependence=self.dependence.widened(len(series)),
            past=self.past and PastForecasts.from_array(self.past.to_array(), len(series)),
        )
        return updated, appended

    def check_calendar(self, table: Table, where: str = "The table") -> None:
        """Refuse a table that lies on another calendar.

        Raises:
            TableError: it does.
        """
        found, expected = table.series.calendar, self.series.calendar
        if found.utc and expected.utc:
            found = replace(
                found, zone=expected.zone
            )  # one grid, whatever the clocks on the wall say
        if found != expected:
            raise TableError(
                f"{where} has {_described(table.series)}, the model was fitted on "
                f"{_described(self.series)}; give histories at the model's own timestamps."
            )

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        described, arrays = _described_series(self.series, self.names)
        arrays |= {f"rule/{name}": array for name, array in self.ensemble.to_arrays().items()}
        dependence = self.dependence.to_arrays()
        arrays |= {f"dependence/{name}": array for name, array in dependence.items()}
        if self.past is not None:
            arrays["past"] = self.past.to_array()
        if isinstance(self.networks, StoredNetworks):  # nobody has changed them
            networks, weights = self.networks.described, self.networks.arrays
        else:
            from holdfast.forecasting.networks.storage import networks_to_json

            networks, weights = networks_to_json(self.networks)
        arrays |= weights
        if self.scores is not None:
            arrays |= self.scores.to_arrays()
        manifest = {
            "horizon": self.horizon,
            "season": self.season,
            "members": list(self.ensemble.names),
            "networks": networks,
            **described,
        }
        storage.save(folder, KIND, manifest, arrays)

    @classmethod
    def load(cls, folder: str | Path, *, networks: bool = True) -> FittedModel:
        """Read a model folder, checking everything that can be checked.

        Raises:
            ModelError: the folder is missing, corrupt, foreign or from a newer version.
        """
        manifest, arrays = storage.load(folder, KIND)
        with _refusing(folder):
            model = _checked(cls, folder, manifest, arrays)
        if networks:
            len(model.networks)
        return model


@contextmanager
def _refusing(folder: str | Path) -> Iterator[None]:
    """Whatever shape the parts of a model folder have, it is refused in a sentence."""
    try:
        yield
    except (InputError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        reason = str(error).rstrip(".")
        raise ModelError(
            f"{folder} does not fit together ({reason}); fit again with this version."
        ) from error


def _described(series: SeriesSet) -> str:
    """The timestamps of some series in words, with an example that shows their clock."""
    calendar = series.calendar
    example = calendar.format(calendar.times(series.ends[:1])[0])
    zone = "" if calendar.zone is None else f" in {calendar.zone}"
    return f"{calendar.words} timestamps such as {example}{zone}"


def _checked(
    cls: type[FittedModel],
    folder: str | Path,
    manifest: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
) -> FittedModel:
    if set(manifest) != _FIELDS:
        odd = ", ".join(sorted(set(manifest) ^ _FIELDS))
        raise ValueError(f"it has missing or unknown fields: {odd}")
    horizon = _count(manifest, "horizon", 1, _LARGEST)
    season = _count(manifest, "season", 1, _LARGEST)
    series, names = _read_series(manifest, arrays, horizon)
    described = manifest["networks"]
    if not isinstance(described, dict) or PRETRAINED not in described:
        raise ValueError("it has no pretrained network")
    weights = {  # "LSTM 0/…" and "Pretrained+X/…"
        name: array
        for name, array in arrays.items()
        if re.sub(r"( \d+)?/.*", "", name, flags=re.DOTALL) in described
    }
    return cls(
        horizon=horizon,
        season=season,
        ensemble=_ensemble(manifest, arrays, season, horizon, len(series), described),
        networks=StoredNetworks(folder, described, weights, horizon, season, series),
        series=series,
        names=names,
        dependence=Dependence.from_arrays(
            storage.under("dependence/", arrays), horizon, len(series)
        ),
        scores=PastScores.from_arrays(arrays, horizon, len(series)),
        past=PastForecasts.from_array(arrays["past"], len(series)) if "past" in arrays else None,
    )


def _ensemble(
    manifest: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    season: int,
    horizon: int,
    series: int,
    networks: Collection[str],
) -> Ensemble:
    members = _texts(manifest["members"], "members")
    if set(members) != {*networks, *simple_methods(season)}:
        raise ValueError(f"its members with a season of {season} are {reprlib.repr(members)}")
    numbers = storage.under("rule/", arrays)
    levels = numbers["levels"]
    if levels.dtype != np.float64 or levels.ndim != 1 or not (np.diff(levels) > 0).all():
        raise ValueError("its interval levels are damaged")
    ensemble = Ensemble.from_arrays(members, numbers, horizon, series)
    if ensemble.spread.share > 1:
        raise ValueError(f"its share of residual widths is {ensemble.spread.share}")
    return ensemble


def _count(manifest: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = manifest[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"its {name} is {reprlib.repr(value)}")
    return value


def _described_series(
    series: SeriesSet, names: ColumnNames
) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """What `_read_series` needs: fields of a manifest, and arrays by name."""
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


def _read_series(
    manifest: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], horizon: int
) -> tuple[SeriesSet, ColumnNames]:
    """The histories of a model and what their columns are called, from what is not trusted.

    Raises:
        ValueError, LookupError, TypeError, InputError: something is missing or damaged.
    """
    names = ColumnNames(
        id=_texts(manifest["ids"], "ids"),
        time=_text(manifest["time"], "time"),
        target=_text(manifest["target"], "target"),
    )
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
    _check_times(series, horizon)
    return series, names


def _check_times(series: SeriesSet, horizon: int) -> None:
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


def _texts(values: object, name: str, *, distinct: bool = True) -> tuple[str, ...]:
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
