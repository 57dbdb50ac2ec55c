"""Public holidays of a country, by the package `holidays`, loaded when they are asked for."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from holdfast.errors import ArgumentError, InputError, option


def check_country(country: object) -> None:
    """Refuse a country whose holidays cannot be had.

    Arguments:
        country: a code such as "DE", or with a part of it, "DE-BY".

    Raises:
        ArgumentError: there is no such country; names those that are spelled nearly so.
        InputError: the package `holidays` is not installed.
    """
    package = _package()
    if not isinstance(country, str) or not country:
        raise ArgumentError(
            f"{option('holidays', country)} must be a country's code, as in DE or US-CA."
        )
    nation, _, part = country.partition("-")
    known: dict[str, list[str]] = package.list_supported_countries(include_aliases=True)
    if nation not in known:
        near = difflib.get_close_matches(nation.upper(), known, n=3, cutoff=0.5)
        hint = f"; did you mean {' or '.join(near)}?" if near else "."
        raise ArgumentError(
            f"{option('holidays', country)} is not a country that the package holidays knows, such "
            "as DE, "
            f"US or CN{hint}"
        )
    if part and part not in known[nation]:
        raise ArgumentError(
            f"{option('holidays', country)}: {nation} has no part {part!r}; it has "
            f"{', '.join(sorted(known[nation])[:20])}."
        )


def holiday_names(country: str, days: NDArray[np.datetime64]) -> NDArray[np.object_]:
    """(D,) the name of the public holiday on each day, "" where there is none.

    Arguments:
        country: as `check_country` takes it.
        days: (D,) datetime64[D].

    Example:
        >>> holiday_names("DE", np.array(["2024-10-03", "2024-10-04"], dtype="datetime64[D]"))
        array(['German Unity Day', ''], dtype=object)
    """
    distinct, which = np.unique(days, return_inverse=True)
    years: Sequence[int] = (
        np.unique(distinct.astype("datetime64[Y]")).astype(np.int64) + 1970
    ).tolist()
    nation, _, part = country.partition("-")
    found: Any = _package().country_holidays(
        nation, subdiv=part or None, years=years, language="en_US"
    )
    names = np.empty(len(distinct), dtype=object)
    names[:] = [found.get(day, "") for day in distinct.astype(object).tolist()]
    return np.asarray(names[which])


def _package() -> Any:
    try:
        import holidays
    except ImportError:
        raise InputError(
            "Public holidays come from the package holidays, which is not installed; pip install "
            f"'holdfast[holidays]', or leave out {option('holidays')}."
        ) from None
    return holidays
