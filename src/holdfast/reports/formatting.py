"""Numbers and texts as pages and the terminal write them."""

from __future__ import annotations

import json
import math
import string
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from holdfast.records import Floats

DASH = "–"
"""Stands where there is no number."""

INFINITE = "∞"
"""How a number without end stands in a page: JSON has none."""


def significant(value: float, digits: int = 5) -> float | None:
    """A number cut to significant digits; None where it is not finite (JSON has no NaN).

    Example:
        >>> significant(3.14159265), significant(float("nan"))
        (3.1416, None)
    """
    return float(f"{value:.{digits}g}") if np.isfinite(value) else None


def numbers(values: Iterable[float], digits: int = 4) -> list[float | str | None]:
    """Values as JSON: cut to `digits`, `INFINITE` above all numbers, None for not-a-number.

    Example:
        >>> numbers([0.123456, np.inf, np.nan])
        [0.1235, '∞', None]
    """
    return [INFINITE if np.isposinf(one) else significant(float(one), digits) for one in values]


def fields_of(record: object, *names: str) -> dict[str, Any]:
    """Some fields of a record, as JSON has them."""
    return {name: getattr(record, name) for name in names}


def thinned(values: Floats, most: int) -> Floats:
    """Values, or means over runs of neighbours where there are more than `most`.

    Example:
        >>> thinned(np.arange(6.0), 3).tolist()
        [0.5, 2.5, 4.5]
    """
    if len(values) <= most:
        return values
    edges = np.linspace(0, len(values), most + 1).astype(int)
    runs = (values[a:b][~np.isnan(values[a:b])] for a, b in pairwise(edges))
    return np.array([float(run.mean()) if len(run) else float("nan") for run in runs])


def evenly(count: int, most: int) -> list[int]:
    """Places of `count` values, or `most` of them evenly spread, first and last included.

    Example:
        >>> evenly(3, 5), evenly(9, 3)
        ([0, 1, 2], [0, 4, 8])
    """
    kept = np.unique(np.linspace(0, max(count - 1, 0), min(count, most)).round())
    return [int(place) for place in kept]


def shorten(text: str, length: int) -> str:
    """At most `length` characters, the last of them "…" where something was cut."""
    return text if len(text) <= length else text[: length - 1] + "…"


def text_bytes(text: str, length: int) -> int:
    """Bytes of a text in the page's JSON once it is shortened."""
    written = json.dumps(shorten(text, length))
    return len(written) + 5 * written.count("<") + 1


def as_value(value: float | None) -> str:
    """A value of the user's data: about four digits, never fewer than its whole part.

    Example:
        >>> as_value(1234.5), as_value(99.8765), as_value(-0.01234), as_value(1e-7), as_value(None)
        ('1,234', '99.9', '−0.0123', '1.000e−7', '–')
    """
    if value is None or not math.isfinite(value):
        return DASH
    size = abs(value)
    if size and (size >= 1e13 or size < 1e-4):
        return _minus(_exponential(value, 3))
    if size >= 1000:
        return _minus(f"{value:,.0f}")
    return _minus(f"{value:.{4 if size >= 100 else 3}g}")


def as_small(value: float | str | None) -> str:
    """A number that may be many powers of ten below one, or `INFINITE`.

    Example:
        >>> as_small(0.25), as_small(3.2e-9), as_small("∞"), as_small(float("inf"))
        ('0.25', '3.2e−9', '∞', '∞')
    """
    if isinstance(value, str) or value == math.inf:
        return INFINITE
    if value is None or not math.isfinite(value):
        return DASH
    size = abs(value)
    if size and (size < 1e-3 or size >= 1e6):
        return _minus(_exponential(value, 1))
    return as_value(value)


def as_fixed(value: float | None, digits: int) -> str:
    """A number with so many digits after the point."""
    known = value is not None and math.isfinite(value)
    return _minus(f"{value:,.{digits}f}") if known else DASH


def as_count(value: float | None) -> str:
    """A whole number with commas."""
    return as_fixed(value, 0)


def as_percent(share: float | None, digits: int = 0) -> str:
    """A share from 0 to 1 as a percentage, with a blank that does not break."""
    known = share is not None and math.isfinite(share)
    return f"{as_fixed(100 * (share or 0.0), digits)}\u00a0%" if known else DASH


def as_seconds(seconds: float) -> str:
    """A length of time, to the second.

    Example:
        >>> as_seconds(4.25), as_seconds(42.4), as_seconds(212), as_seconds(9000)
        ('4.2 s', '42 s', '3 min 32 s', '2 h 30 min')
    """
    if not math.isfinite(seconds):
        return DASH
    if seconds < 120:
        return f"{seconds:.{1 if seconds < 10 else 0}f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min {seconds - 60 * minutes:.0f} s"
    return f"{minutes // 60} h {minutes % 60} min"


def as_span(seconds: float) -> str:
    """A length of time as a person says it.

    Example:
        >>> as_span(42.4), as_span(600), as_span(9000)
        ('42 s', '10 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def written(value: float | str | None, form: str) -> str:
    """A number as a column of a table or a text of a page asks for.

    Arguments:
        value: None and not-a-number are a dash.
        form: "count", "seconds", "value", "small", or "fixed" or "percent" and how many
            digits are behind the point.

    Example:
        >>> written(0.876, "percent1"), written(1234, "count"), written(None, "fixed3")
        ('87.6\\xa0%', '1,234', '–')
    """
    number = None if isinstance(value, str) else value
    kind = form.rstrip("0123456789")
    digits = int(form.removeprefix(kind) or 0)
    if kind == "percent":
        return as_percent(number, digits)
    if kind in ("fixed", "count"):
        return as_fixed(number, digits)
    if kind == "seconds":
        return as_seconds(number or 0.0)
    return as_small(value) if kind == "small" else as_value(number)


class _Wording(string.Formatter):
    """str.format with the forms of `written` beside Python's own."""

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec[:1].isalpha():
            return written(value, format_spec)
        return str(super().format_field(value, format_spec))


def worded(text: str, values: Mapping[str, object]) -> str:
    """A text with values set in, as ``{name:form}``; the values are never read as texts.

    Example:
        >>> worded("{right:percent1} of {words:count} words", {"right": 0.5, "words": 2000})
        '50.0\\xa0% of 2,000 words'
    """
    return _Wording().vformat(text, (), values)


def plural(count: int, word: str) -> str:
    """A count and its word.

    Example:
        >>> plural(1, "step"), plural(2000, "step")
        ('1 step', '2,000 steps')
    """
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _exponential(value: float, digits: int) -> str:
    mantissa, exponent = f"{value:.{digits}e}".split("e")
    return f"{mantissa}e{int(exponent):+d}".replace("e+", "e")


def _minus(text: str) -> str:
    return text.replace("-", "−")
