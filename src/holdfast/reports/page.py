"""One HTML file that holds everything it needs: style, scripts, plotly.js and the data as JSON."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping
from importlib import resources

import numpy as np

LIMIT = 8_000_000
"""Bytes of a page at most."""

MARGIN = 200_000
"""Bytes kept free for what a page says beside its series: scores, messages, the learning curve."""

SCRIPTS = (
    "format.js",
    "elements.js",
    "data.js",
    "legend.js",
    "charts.js",
    "anomalies.js",
    "group_totals.js",
    "forecast_chart.js",
    "picker.js",
    "tables.js",
    "series_table.js",
    "trust.js",
    "forecast.js",
)
"""Scripts of the forecast's page, in the order in which they build on each other."""


class Frame:
    """The fixed part of a page, into which a title and data are set.

    No byte of it comes from the network, and the page's own policy forbids the browser to load or
    send anything: scripts run only if they are those that were written here, by their digests.

    Arguments:
        body: name of the HTML asset with what the page shows.
        site: what the browser shows behind the title.
        style: name of the CSS asset.
        scripts: names of the JavaScript assets, in order.
        charts: whether the page draws with plotly.js, which is most of its bytes.
        more_style: name of a CSS asset that follows the other, or "".
    """

    def __init__(
        self,
        body: str,
        site: str,
        style: str,
        scripts: tuple[str, ...],
        *,
        charts: bool = True,
        more_style: str = "",
    ) -> None:
        self._template = page_template(asset(body) + asset("scripts.html"), site)
        own = "\n".join(asset(name) for name in scripts)
        self._parts = {
            "style": asset(style) + (asset(more_style) if more_style else ""),
            "plotly": _inside_script(plotly_js()) if charts else "",
            "script": _inside_script(f'(() => {{\n"use strict";\n{own}\n}})();'),
        }
        digests = " ".join(_digest(self._parts[name]) for name in ("plotly", "script"))
        self._parts["policy"] = (
            f"default-src 'none'; script-src {digests}; style-src 'unsafe-inline'; "
            "img-src data: blob:; base-uri 'none'; form-action 'none'"
        )

    @property
    def budget(self) -> int:
        """Bytes that are left for the data of a page's series."""
        fixed = len(self._template) + sum(len(part.encode()) for part in self._parts.values())
        return max(LIMIT - MARGIN - fixed, 0)

    def render(self, title: str, lead: str, data: Mapping[str, object]) -> bytes:
        """The page.

        Arguments:
            title: shown by the browser and as the heading; untrusted.
            lead: the sentence below it; untrusted.
            data: the payload, made of what JSON knows; not-a-number is refused.
        """
        parts = {
            **self._parts,
            "title": html.escape(title),
            "lead": html.escape(lead),
            "data": safe_json(data),
        }
        return filled(self._template, parts)


def forecast_frame() -> Frame:
    """The frame of a forecast's page."""
    return Frame("forecast.html", "Holdfast forecast", "page.css", SCRIPTS)


def page_template(body: str, site: str) -> str:
    """The head that every page has, around the body of one.

    Arguments:
        body: HTML, with ``{{names}}`` for `filled`.
        site: what the browser shows behind the title.
    """
    return asset("page.html").replace("{{site}}", site).replace("{{body}}", body)


def filled(template: str, parts: Mapping[str, str]) -> bytes:
    """A template whose ``{{names}}`` are replaced by the parts of those names, as UTF-8.

    Example:
        >>> filled("<h1>{{title}}</h1>", {"title": "Sales of {{x}}"})
        b'<h1>Sales of {{x}}</h1>'
    """
    # One pass over the template alone: what is set in is never searched for names again.
    page = re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)
    # A file name that is no text arrives as lone surrogates, for which UTF-8 has no bytes.
    return page.encode("utf-8", errors="replace")


def asset(name: str) -> str:
    """A template, style sheet or script that ships with the reports."""
    return (resources.files("holdfast.reports") / "assets" / name).read_text(encoding="utf-8")


def safe_json(data: Mapping[str, object]) -> str:
    """JSON in ASCII that cannot end the script element it stands in.

    Example:
        >>> safe_json({"name": "</script>"})
        '{"name":"\\\\u003c/script>"}'
    """
    text = json.dumps(data, allow_nan=False, separators=(",", ":"), default=_number)
    return text.replace("<", "\\u003c")


def _number(value: object) -> object:
    """numpy's numbers as Python's."""
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a {type(value).__name__} has no place in a page's data")


def plotly_js() -> str:
    """plotly.js as the installed plotly ships it (MIT licence)."""
    file = resources.files("plotly") / "package_data" / "plotly.min.js"
    return file.read_text(encoding="utf-8")


def _inside_script(code: str) -> str:
    """Code that does not end its script element: in strings and patterns "\\/" is "/"."""
    return re.sub(r"</(?=script)", r"<\\/", code, flags=re.IGNORECASE)


def _digest(code: str) -> str:
    """A script's digest as a content security policy writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
