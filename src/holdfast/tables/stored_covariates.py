"""Covariates in a model folder: columns as JSON, numbers as arrays; checked when they are read."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from holdfast.tables.covariates import Column, Covariates

_MOST_COLUMNS: Final = 10_000
_FARTHEST: Final = 2**62


def described_covariates(
    made: Covariates | None,
) -> tuple[dict[str, object] | None, dict[str, NDArray[Any]]]:
    """What `read_covariates` needs: columns for a manifest, and arrays by name."""
    if made is None:
        return None, {}
    described: dict[str, object] = {
        "columns": described_columns((*made.columns, *made.statics)),
        "country": made.country,
    }
    return described, {
        "covariates/starts": made.starts,
        "covariates/offsets": made.offsets,
        "covariates/values": made.values,
        "covariates/static": made.static,
    }


def read_covariates(
    described: object, arrays: Mapping[str, NDArray[Any]], count: int
) -> Covariates | None:
    """The inverse of `described_covariates`.

    Arguments:
        described, arrays: untrusted.
        count: N series.

    Raises:
        ValueError: something is missing, unknown, damaged or out of range.
    """
    if described is None:
        return None
    if not isinstance(described, dict) or set(described) != {"columns", "country"}:
        raise ValueError("its covariates have missing or unknown fields")
    listed, country = described["columns"], described["country"]
    if country is not None and not isinstance(country, str):
        raise ValueError(f"its country is {reprlib.repr(country)}")
    columns = read_columns(listed)
    in_time = tuple(column for column in columns if column.role != "static")
    statics = tuple(column for column in columns if column.role == "static")
    made = Covariates(
        columns=in_time,
        starts=arrays["covariates/starts"],
        offsets=arrays["covariates/offsets"],
        values=arrays["covariates/values"],
        statics=statics,
        static=arrays["covariates/static"],
        country=country,
    )
    _check(made, count)
    return made


def described_columns(columns: tuple[Column, ...]) -> list[dict[str, object]]:
    """Columns for a manifest."""
    return [
        {
            "name": column.name,
            "role": column.role,
            "levels": None if column.levels is None else list(column.levels),
        }
        for column in columns
    ]


def read_columns(listed: object) -> tuple[Column, ...]:
    """The inverse of `described_columns`.

    Raises:
        ValueError: something is missing, unknown or damaged.
    """
    if not isinstance(listed, list) or len(listed) > _MOST_COLUMNS:
        raise ValueError("its columns of covariates are damaged")
    columns = tuple(_column(fields) for fields in listed)
    if len({column.name for column in columns}) < len(columns):
        raise ValueError("two of its covariates have one name")
    return columns


def _column(fields: object) -> Column:
    if not isinstance(fields, dict) or set(fields) != {"name", "role", "levels"}:
        raise ValueError("a column of its covariates has missing or unknown fields")
    name, role, levels = fields["name"], fields["role"], fields["levels"]
    sound = isinstance(name, str) and role in ("known", "historic", "static")
    if sound and levels is not None:
        sound = isinstance(levels, list) and all(isinstance(level, str) for level in levels)
        sound = sound and len(set(levels)) == len(levels)
    if not sound:
        raise ValueError(f"a column of its covariates is {reprlib.repr(fields)}")
    return Column(name, role, None if levels is None else tuple(levels))


def _check(made: Covariates, count: int) -> None:
    starts, offsets, values, static = made.starts, made.offsets, made.values, made.static
    sound = (
        starts.dtype == offsets.dtype == np.int64
        and values.dtype == static.dtype == np.float64
        and starts.shape == (count,)
        and offsets.shape == (count + 1,)
        and values.shape == (int(offsets[-1]), len(made.columns))
        and static.shape == (count, len(made.statics))
        and offsets[0] == 0
        and bool((offsets[1:] >= offsets[:-1]).all())
        and bool(((starts >= -_FARTHEST) & (starts <= _FARTHEST)).all())
        and not bool(np.isinf(values).any())
        and not bool(np.isinf(static).any())
    )
    if not sound:
        raise ValueError("its covariates are damaged")
    for columns, numbers in ((made.columns, values), (made.statics, static)):
        for place, column in enumerate(columns):
            if column.levels is not None:
                codes = numbers[np.isfinite(numbers[:, place]), place]
                if not ((codes >= 0) & (codes < len(column.levels)) & (codes % 1 == 0)).all():
                    raise ValueError(f"its column {column.name!r} has categories that are none")
