"""How covariates are read and what they do, in a model folder; checked when they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ModelError
from holdfast.forecasting.networks.covariate_inputs import Reading
from holdfast.forecasting.networks.effect_inputs import Unit
from holdfast.forecasting.networks.effects import Effects
from holdfast.tables.stored_covariates import described_columns, read_columns

_FIELDS: Final = {"units", "holidays", "lag", "labels"}
_KINDS: Final = ("flag", "ratio", "number", "category")
_MOST: Final = 100_000


def described_effects(effects: Effects) -> tuple[dict[str, object], dict[str, NDArray[Any]]]:
    """What `read_effects` needs: words for a manifest, and arrays by name."""
    fields: dict[str, object] = {
        "units": described_units(effects.units),
        "holidays": list(effects.holidays),
        "lag": effects.lag,
        "labels": list(effects.labels),
    }
    return fields, {
        "pooled": effects.pooled,
        "groups": effects.groups,
        "own": effects.own,
        "cuts": effects.cuts,
    }


def read_effects(fields: object, arrays: Mapping[str, NDArray[Any]]) -> Effects:
    """The inverse of `described_effects`.

    Arguments:
        fields, arrays: untrusted.

    Raises:
        ModelError: something is missing, unknown, damaged or out of range.
    """
    if not isinstance(fields, dict) or set(fields) != _FIELDS:
        raise ModelError("its effects of covariates have missing or unknown fields")
    units = read_units(fields["units"])
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
    own, cuts = arrays["own"], arrays["cuts"]
    width = pooled.shape[1]
    fits = (
        pooled.shape[0] == 2
        and groups.shape[2] == width
        and own.shape == (len(labels), width)
        and cuts.shape == (groups.shape[0], 2)
    )
    if not fits:
        raise ModelError("its effects of covariates do not fit together")
    return Effects(units, holidays, lag, pooled, groups, own, labels, cuts)


def described_reading(reading: Reading) -> dict[str, object]:
    """What `read_reading` needs, for a manifest."""
    return {
        "known": described_units(reading.known),
        "historic": described_units(reading.historic),
        "holidays": list(reading.holidays),
        "lag": reading.lag,
        "statics": described_columns(reading.statics),
        "centres": list(reading.centres),
        "spreads": list(reading.spreads),
    }


def read_reading(fields: object) -> Reading:
    """The inverse of `described_reading`.

    Raises:
        ModelError: something is missing, unknown, damaged or out of range.
    """
    if not isinstance(fields, dict) or set(fields) != set(Reading.__dataclass_fields__):
        raise ModelError("its reading of covariates has missing or unknown fields")
    lag = fields["lag"]
    if type(lag) is not int or not 1 <= lag <= _MOST:
        raise ModelError("its reading of covariates has an impossible lag")
    try:
        statics = read_columns(fields["statics"])
    except ValueError as error:
        raise ModelError(str(error)) from error
    centres, spreads = (_numbers(fields[name], len(statics)) for name in ("centres", "spreads"))
    if any(spread <= 0 for spread in spreads):
        raise ModelError("its reading of covariates has an impossible spread")
    return Reading(
        known=read_units(fields["known"]),
        historic=read_units(fields["historic"]),
        holidays=texts(fields["holidays"]),
        lag=lag,
        statics=statics,
        centres=centres,
        spreads=spreads,
    )


def _numbers(listed: object, count: int) -> tuple[float, ...]:
    sound = isinstance(listed, list) and len(listed) == count
    if not sound or not all(isinstance(one, float) and np.isfinite(one) for one in listed):  # type: ignore[attr-defined] # a list
        raise ModelError("its reading of covariates has impossible numbers")
    return tuple(listed)  # type: ignore[arg-type] # a list of floats


def described_units(units: tuple[Unit, ...]) -> list[dict[str, object]]:
    """How columns are read, for a manifest."""
    return [
        {"name": unit.name, "kind": unit.kind, "spread": unit.spread, "levels": unit.levels}
        for unit in units
    ]


def read_units(listed: object) -> tuple[Unit, ...]:
    """The inverse of `described_units`.

    Raises:
        ModelError: something is missing, unknown or out of range.
    """
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
        units.append(Unit(one["name"], one["kind"], one["spread"], one["levels"]))
    return tuple(units)


def texts(listed: object) -> tuple[str, ...]:
    """Text of a manifest.

    Raises:
        ModelError: it is not a list of text.
    """
    if not isinstance(listed, list) or not all(isinstance(one, str) for one in listed):
        raise ModelError("its names of covariates are damaged")
    return tuple(listed)
