"""What a fit leaves: all that a forecast needs, in memory and in a model folder."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast import storage
from holdfast.errors import InputError, ModelError, TableError
from holdfast.forecasting.baselines import simple_methods
from holdfast.forecasting.evaluation.copula import Dependence
from holdfast.forecasting.evaluation.counts import recognise
from holdfast.forecasting.evaluation.ensemble import Rule
from holdfast.forecasting.evaluation.significance import PastScores
from holdfast.forecasting.evaluation.trust import PastForecasts
from holdfast.forecasting.networks.members import NetworkMember, PretrainedMember
from holdfast.forecasting.networks.storage import check_networks, described_networks, read_networks
from holdfast.forecasting.stored_series import (
    KIND,
    SERIES_FIELDS,
    described_series,
    read_series,
    texts,
)
from holdfast.forecasting.updating import appended, widened_factors
from holdfast.tables.layouts import ColumnNames
from holdfast.tables.read import Table
from holdfast.tables.series import SeriesSet
from holdfast.tables.update import Appended, NewRows

_FIELDS: Final = {"horizon", "season", "members", "networks", *SERIES_FIELDS}
_LARGEST_HORIZON: Final = 100_000
_LARGEST_SEASON: Final = 100_000


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
        scores: of the backtest; None in a model of an earlier version.
        past: how the blend did on each series in past folds; None where there were none.
    """

    horizon: int
    season: int
    rule: Rule
    networks: tuple[NetworkMember, ...]
    series: SeriesSet
    names: ColumnNames
    dependence: Dependence
    scores: PastScores | None = None
    past: PastForecasts | None = None

    @cached_property
    def counts(self) -> bool:
        """Whether any of its series counts something: forecasts then have a mean beside them."""
        return bool(recognise(self.series).counts.any())

    @property
    def pretrained(self) -> PretrainedMember:
        """The network that knew series before it saw these."""
        first = self.networks[0]
        assert isinstance(first, PretrainedMember)
        return first

    def updated(self, new: NewRows, *, correct: bool = False) -> tuple[Fitted, Appended]:
        """The same with new rows in the histories: no weight and no width moves.

        Arguments:
            new: rows on the calendar of the histories.
            correct: whether a row may take the place of another value.

        Returns:
            What forecasts from the new ends, and what became of the rows.

        Raises:
            TableError: the rows do not fit.
        """
        made = appended(self.series, new, self.horizon, correct=correct)
        spread = self.rule.spread
        spread = replace(spread, factors=widened_factors(spread.factors, len(made.series)))
        scores = None if self.scores is None else self.scores.widened(len(made.series))
        rule = replace(self.rule, spread=spread)
        together = self.dependence.widened(len(made.series))
        past = self.past
        if past is not None:
            past = PastForecasts.from_array(past.to_array(), len(made.series))
        made_of = replace(
            self,
            series=made.series,
            rule=rule,
            scores=scores,
            dependence=together,
            past=past,
        )
        return made_of, made

    def check_calendar(self, table: Table, where: str = "The table") -> None:
        """Refuse a table that lies on another calendar.

        Arguments:
            table: from `tables.read.read`.
            where: what to call it.

        Raises:
            TableError: it does.
        """
        found, own = table.series.calendar, self.series.calendar
        if found.utc and own.utc:
            found = replace(found, zone=own.zone)  # one grid, whatever the clocks on the wall say
        if found != own:
            raise TableError(
                f"{where} has {_described(table.series)}, the model was fitted on "
                f"{_described(self.series)}; give histories at the model's own timestamps."
            )

    def save(self, folder: str | Path) -> None:
        """Write a model folder, whole or not at all.

        Raises:
            InputError: the folder cannot be written, or holds something that is not ours.
        """
        described, arrays = described_series(self.series, self.names)
        arrays |= {f"rule/{name}": array for name, array in self.rule.to_arrays().items()}
        arrays |= {
            f"dependence/{name}": array for name, array in self.dependence.to_arrays().items()
        }
        if self.past is not None:
            arrays["past"] = self.past.to_array()
        networks, weights = described_networks(self.networks)
        arrays |= weights
        if self.scores is not None:
            arrays |= self.scores.to_arrays()
        manifest = {
            "horizon": self.horizon,
            "season": self.season,
            "members": list(self.rule.names),
            "networks": networks,
            **described,
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
    series, names = read_series(manifest, arrays, horizon)
    networks = read_networks(
        manifest["networks"],
        arrays,
        horizon=horizon,
        season=season,
        calendar=series.calendar,
    )
    check_networks(networks, series)
    return cls(
        horizon=horizon,
        season=season,
        rule=_rule(manifest, arrays, season, horizon, len(series), networks),
        networks=networks,
        series=series,
        names=names,
        dependence=Dependence.from_arrays(_part(arrays, "dependence/"), horizon, len(series)),
        scores=PastScores.from_arrays(arrays, horizon, len(series)),
        past=PastForecasts.from_array(arrays["past"], len(series)) if "past" in arrays else None,
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
    members = texts(manifest["members"], "members")
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


def _count(manifest: Mapping[str, Any], name: str, least: int, most: int) -> int:
    value = manifest[name]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"its {name} is {reprlib.repr(value)}")
    return value
