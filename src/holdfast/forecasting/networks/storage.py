"""The networks of a model folder: sizes and covariates as JSON, weights as arrays; checked."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import nn

from holdfast.errors import ModelError
from holdfast.forecasting.networks.covariates.effects import Effects
from holdfast.forecasting.networks.covariates.inputs import CovariateEncoding, Unit, input_names
from holdfast.forecasting.networks.covariates.network import CovariateNetwork
from holdfast.forecasting.networks.design import Design
from holdfast.forecasting.networks.members import (
    CovariateMember,
    NetworkMember,
    PretrainedMember,
    RegressedMember,
    WindowMember,
)
from holdfast.forecasting.networks.model import ForecastNetwork
from holdfast.forecasting.pretrained.design import PatchDesign
from holdfast.forecasting.pretrained.model import PretrainedNetwork
from holdfast.records import ADAPTED, LSTM, LSTM_X, NETWORKS, PRETRAINED, PRETRAINED_X
from holdfast.storage import under
from holdfast.tables.calendar import Calendar
from holdfast.tables.covariates import described_columns, read_columns
from holdfast.tables.series import SeriesSet
from holdfast.training.weights import arrays_of, network_from

Arrays: TypeAlias = dict[str, NDArray[Any]]
_FIELDS: Final = {
    PRETRAINED: {"design", "long season"},
    ADAPTED: {"design", "long season"},
    PRETRAINED_X: {"effects"},
    LSTM: {"design", "networks"},
    LSTM_X: {"design", "networks", "reading"},
}
_MOST_NETWORKS: Final = 64
_LONGEST_SEASON: Final = 100_000
_EFFECT_FIELDS: Final = {"units", "holidays", "lag", "labels"}
_KINDS: Final = ("flag", "ratio", "number", "category")
_MOST: Final = 100_000


def networks_to_json(members: Sequence[NetworkMember]) -> tuple[dict[str, object], Arrays]:
    """What `networks_from_json` needs: member → sizes for a manifest, and the weights by name."""
    described: dict[str, object] = {}
    arrays: Arrays = {}
    for member in members:
        networks: Sequence[nn.Module]
        if isinstance(member, RegressedMember):
            networks = ()
            fields, numbers = effects_to_json(member.effects)
            described[member.name] = {"effects": fields}
            arrays |= {f"{member.name}/{name}": array for name, array in numbers.items()}
        elif isinstance(member, WindowMember | CovariateMember):
            networks = member.networks
            sizes: dict[str, object] = {
                "design": member.design.to_json(),
                "networks": len(networks),
            }
            if isinstance(member, CovariateMember):
                sizes["reading"] = encoding_to_json(member.encoding)
            described[member.name] = sizes
        else:
            networks = (member.network,)
            described[member.name] = {
                "design": member.network.design.to_json(),
                "long season": member.long_season,
            }
        for number, network in enumerate(networks):
            for name, array in arrays_of(network).items():
                arrays[f"{member.name} {number}/{name}"] = array
    return described, arrays


def networks_from_json(
    described: object,
    arrays: Mapping[str, NDArray[Any]],
    *,
    horizon: int,
    season: int,
    calendar: Calendar,
) -> tuple[NetworkMember, ...]:
    """The members that are networks, the pretrained one first, from the untrusted parts of a model.

    Raises:
        ModelError: something is missing, unknown, damaged or out of range.
    """
    if not isinstance(described, dict) or PRETRAINED not in described:
        raise ModelError("it has no pretrained network")
    if not set(described) <= set(NETWORKS):
        raise ModelError(f"its networks are {reprlib.repr(sorted(map(str, described)))}")
    members: list[NetworkMember] = []
    for name in (name for name in NETWORKS if name in described):
        fields = described[name]
        if not isinstance(fields, dict) or set(fields) != _FIELDS[name]:
            raise ModelError(f"its {name} has missing or unknown fields")
        if name == LSTM:
            members.append(_trained(fields, arrays, horizon))
        elif name == LSTM_X:
            members.append(_with_covariates(fields, arrays, horizon, calendar))
        elif name == PRETRAINED_X:
            (start,) = (one for one in members if isinstance(one, PretrainedMember))
            effects = effects_from_json(fields["effects"], under(f"{name}/", arrays))
            members.append(RegressedMember(start, effects))
        else:
            members.append(_pretrained(name, fields, arrays, horizon, season))
    return tuple(members)


def check_networks(members: Sequence[NetworkMember], series: SeriesSet) -> None:
    """Refuse with a ModelError networks that read other covariates than the model's series have."""
    for member in members:
        covariates = series.covariates
        fits = True
        if isinstance(member, RegressedMember):
            effects = member.effects
            fits = (
                covariates is not None
                and {unit.name for unit in effects.units} <= set(covariates.names)
                and len(effects.groups) == len(covariates.statics)
                and effects.pooled.shape[1]
                == len(input_names(effects.units, series.calendar, effects.holidays))
            )
        elif isinstance(member, CovariateMember):
            encoding = member.encoding
            fits = (
                covariates is not None
                and {unit.name for unit in (*encoding.known, *encoding.historic)}
                <= set(covariates.names)
                and encoding.statics == covariates.statics
                and all(
                    network.sizes == encoding.sizes(series.calendar) for network in member.networks
                )
            )
        if not fits:
            raise ModelError(f"its {member.name} reads other covariates than its series have")


def effects_to_json(effects: Effects) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """What `effects_from_json` needs: words for a manifest, and arrays by name."""
    fields: dict[str, object] = {
        "units": [asdict(unit) for unit in effects.units],
        "holidays": list(effects.holidays),
        "lag": effects.lag,
        "labels": list(effects.labels),
    }
    return fields, {
        "pooled": effects.pooled,
        "groups": effects.groups,
        "own": effects.by_series,
        "cuts": effects.cuts,
    }


def effects_from_json(fields: object, arrays: Mapping[str, NDArray[Any]]) -> Effects:
    """The inverse of `effects_to_json`; a ModelError where something is missing or damaged."""
    if not isinstance(fields, dict) or set(fields) != _EFFECT_FIELDS:
        raise ModelError("its effects of covariates have missing or unknown fields")
    units = units_from_json(fields["units"])
    holidays, labels = texts(fields["holidays"]), texts(fields["labels"])
    lag = fields["lag"]
    if type(lag) is not int or not 1 <= lag <= _MOST:
        raise ModelError("its effects of covariates have an impossible lag")
    for name, dimensions in (("pooled", 2), ("groups", 3), ("own", 2), ("cuts", 2)):
        array = arrays.get(name)
        if array is None or array.ndim != dimensions or array.dtype != np.float64:
            raise ModelError(f"its effects of covariates lack {name}")
        if name != "cuts" and not np.isfinite(array).all():
            raise ModelError(f"its effects of covariates hold impossible {name}")
    pooled, groups = arrays["pooled"], arrays["groups"]
    by_series, cuts = arrays["own"], arrays["cuts"]
    width = pooled.shape[1]
    fits = (
        pooled.shape[0] == 2
        and groups.shape[2] == width
        and by_series.shape == (len(labels), width)
        and cuts.shape == (groups.shape[0], 2)
    )
    if not fits:
        raise ModelError("its effects of covariates do not fit together")
    return Effects(units, holidays, lag, pooled, groups, by_series, labels, cuts)


def encoding_to_json(encoding: CovariateEncoding) -> dict[str, object]:
    """What `encoding_from_json` needs, for a manifest."""
    return {
        "known": [asdict(unit) for unit in encoding.known],
        "historic": [asdict(unit) for unit in encoding.historic],
        "holidays": list(encoding.holidays),
        "lag": encoding.lag,
        "statics": described_columns(encoding.statics),
        "centres": list(encoding.centres),
        "spreads": list(encoding.spreads),
    }


def encoding_from_json(fields: object) -> CovariateEncoding:
    """The inverse of `encoding_to_json`; a ModelError where something is missing or damaged."""
    if not isinstance(fields, dict) or set(fields) != set(CovariateEncoding.__dataclass_fields__):
        raise ModelError("its encoding of covariates has missing or unknown fields")
    lag = fields["lag"]
    if type(lag) is not int or not 1 <= lag <= _MOST:
        raise ModelError("its encoding of covariates has an impossible lag")
    try:
        statics = read_columns(fields["statics"])
    except ValueError as error:
        raise ModelError(str(error)) from error
    centres, spreads = (_numbers(fields[name], len(statics)) for name in ("centres", "spreads"))
    if any(spread <= 0 for spread in spreads):
        raise ModelError("its encoding of covariates has an impossible spread")
    return CovariateEncoding(
        known=units_from_json(fields["known"]),
        historic=units_from_json(fields["historic"]),
        holidays=texts(fields["holidays"]),
        lag=lag,
        statics=statics,
        centres=centres,
        spreads=spreads,
    )


def units_from_json(listed: object) -> tuple[Unit, ...]:
    """Checked `Unit`s; a ModelError where something is missing or out of range."""
    if not isinstance(listed, list) or len(listed) > _MOST:
        raise ModelError("its units of covariates are damaged")
    units = []
    for one in listed:
        if not isinstance(one, dict) or set(one) != {"name", "kind", "spread", "levels"}:
            raise ModelError("its units of covariates have missing or unknown fields")
        sound = (
            isinstance(one["name"], str)
            and one["kind"] in _KINDS
            and isinstance(one["spread"], float)
            and 0.0 < one["spread"] < np.inf
            and type(one["levels"]) is int
            and 0 <= one["levels"] <= _MOST
        )
        if not sound:
            raise ModelError("its units of covariates are damaged")
        units.append(Unit(**one))
    return tuple(units)


def _trained(
    fields: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]], horizon: int
) -> WindowMember:
    design, count = _sizes(fields, horizon)
    make = partial(ForecastNetwork, design)
    networks = [network_from(make, under(f"{LSTM} {index}/", arrays)) for index in range(count)]
    return WindowMember(design, networks)


def _with_covariates(
    fields: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    horizon: int,
    calendar: Calendar,
) -> CovariateMember:
    encoding = encoding_from_json(fields["reading"])
    design, count = _sizes(fields, horizon)
    make = partial(CovariateNetwork, design, encoding.sizes(calendar))
    networks = [network_from(make, under(f"{LSTM_X} {index}/", arrays)) for index in range(count)]
    return CovariateMember(design, encoding, networks)


def _sizes(fields: Mapping[str, Any], horizon: int) -> tuple[Design, int]:
    """Of some networks that are averaged, and how many they are."""
    design, count = Design.from_json(fields["design"]), fields["networks"]
    if design.horizon != horizon:
        raise ModelError("it has networks of another horizon")
    if type(count) is not int or not 1 <= count <= _MOST_NETWORKS:
        raise ModelError(f"its number of networks is {reprlib.repr(count)}")
    return design, count


def _pretrained(
    name: str,
    fields: Mapping[str, Any],
    arrays: Mapping[str, NDArray[Any]],
    horizon: int,
    season: int,
) -> PretrainedMember:
    design, longer = PatchDesign.from_json(fields["design"]), fields["long season"]
    if longer is not None and (type(longer) is not int or not 1 <= longer <= _LONGEST_SEASON):
        raise ModelError(f"its long season is {reprlib.repr(longer)}")
    make = partial(PretrainedNetwork, design)
    network = network_from(make, under(f"{name} 0/", arrays))
    return PretrainedMember(name, network, horizon, season, longer)


def _numbers(listed: object, count: int) -> tuple[float, ...]:
    sound = isinstance(listed, list) and len(listed) == count
    if not sound or not all(isinstance(one, float) and np.isfinite(one) for one in listed):  # type: ignore[attr-defined] # a list
        raise ModelError("its encoding of covariates has impossible numbers")
    return tuple(listed)  # type: ignore[arg-type] # a list of floats


def texts(listed: object) -> tuple[str, ...]:
    """Texts of a manifest; a ModelError where it is no list of them."""
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ModelError("its names of covariates are damaged")
    return tuple(listed)
