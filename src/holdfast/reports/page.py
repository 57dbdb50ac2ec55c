"""HTML pages: one file each, with its style, its scripts, plotly.js and its data inside.

`sections_page` makes a page of sections; what stands in them is made by the functions here and in
`figures`, as JSON that one script, `assets/page.js`, turns into tables and charts. The pages of a
forecast and of a sequence have scripts of their own and use `Frame` directly.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from holdfast.reports.formatting import shorten, significant, worded

if TYPE_CHECKING:
    import jinja2

LIMIT = 8_000_000
"""Bytes of a page at most."""

MARGIN = 200_000
"""Bytes kept free for what a page says beside its series: scores, messages, the learning curve."""

TITLE_LENGTH = 200
COMMAND_LENGTH = 4_000
SENTENCE_LENGTH = 1_500
SENTENCES = 60
NAME_LENGTH = 80
"""Characters of a text, and sentences, that are shown at most."""

BASE_SCRIPTS = ("format.js", "elements.js")
CHART_SCRIPTS = ("legend.js", "charts.js")
"""Scripts that all pages share, and those that all pages with charts share."""

Json: TypeAlias = dict[str, Any]


class Frame:
    """The fixed part of a page, into which a title and data are set.

    No byte of it comes from the network, and the page's own policy forbids the browser to load or
    send anything: scripts run only if they are those that were written here, by their digests.
    `body`, `scripts` and `more_style` are names of assets; the page's own scripts follow those that
    all pages share. Only with `charts` it holds plotly.js, which is most of its bytes.
    """

    def __init__(
        self, body: str, site: str, scripts: Sequence[str], *, charts: bool = True,
        more_style: str = "",
    ) -> None:  # fmt: skip
        self._body = body
        names = (*BASE_SCRIPTS, *(CHART_SCRIPTS if charts else ()), *scripts)
        code = "\n".join(asset(name) for name in names)
        # plotly.js as the installed plotly ships it (MIT licence).
        library = resources.files("plotly") / "package_data" / "plotly.min.js" if charts else None
        plotly = _inside_script(library.read_text(encoding="utf-8")) if library else ""
        script = _inside_script(f'(() => {{\n"use strict";\n{code}\n}})();')
        self._parts = {
            "site": site,
            "style": asset("page.css") + (asset(more_style) if more_style else ""),
            "plotly": plotly,
            "script": script,
            "policy": f"default-src 'none'; script-src {_digest(plotly)} {_digest(script)}; "
            "style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'",
        }

    @property
    def budget(self) -> int:
        """Bytes that are left for the data of a page's series."""
        return max(LIMIT - MARGIN - len(self.render("", "", {})), 0)

    def render(self, title: str, lead: str, data: Mapping[str, object]) -> bytes:
        """The page, as UTF-8: `lead` is the sentence below the title; not-a-number is refused."""
        values = {**self._parts, "title": title, "lead": lead, "data": safe_json(data)}
        return filled(self._body, values)


def sections_page(
    record: Any, site: str, lead: str, sections: Sequence[Json | None], *,
    sentences: Sequence[str] = (), terms: Sequence[Sequence[Sequence[str | None]]] = (),
    views: Sequence[str] = (), views_label: str = "View", charts: bool = True,
) -> bytes:  # fmt: skip
    """A page of sections, shown by the one script that such pages share.

    Every text may come from the user's data: it only ever becomes text on the page.

    Arguments:
        record: has the title and the version and perhaps, for the foot, the command and the time.
        site: the kind of page, for example "Holdfast lens"; the heading where there is no title.
        lead: the sentence below the title; `sentences` are findings or remarks below that.
        sections: made by `section`, in order; None is left out.
        terms: the figures at the top, (name, value, hint) each; a list for each of `views`, or one
            for all.
        views: names of what the reader can choose among, for example layers; `views_label` says
            what they are. Sections of a view are shown while it is chosen.
        charts: whether a section has a figure.
    """
    frame = Frame("page.html", site, ("page.js",), charts=charts, more_style="sections.css")
    data = {
        "version": record.version,
        "created": getattr(record, "created", ""),
        "command": shorten(getattr(record, "command", ""), COMMAND_LENGTH),
        "charts": charts,
        "sentences": short_sentences(sentences),
        "terms": terms,
        "views": [short_name(name) for name in views],
        "views_label": views_label,
        "sections": _present(sections),
    }
    title = shorten(record.title, TITLE_LENGTH) or site.removeprefix("Holdfast ").capitalize()
    return frame.render(title, shorten(lead, SENTENCE_LENGTH), data)


def section(
    place: str, *blocks: Json | None, view: int | None = None, beside: bool = False, **words: object
) -> Json:
    """A card of a page.

    Arguments:
        place: where assets/texts.json has its title and its caption: "classifier/labels".
        blocks: made by `table`, `sentences` and the like; None is left out.
        view: the place of the view that it belongs to; None for all.
        beside: whether it stands beside the section before it, where there is room.
        words: what the caption names in braces; untrusted.
    """
    page, name = place.split("/")
    texts = page_texts(page)[name]
    return {
        "name": name,
        "title": texts["title"],
        "caption": worded(texts.get("caption", ""), words),
        "view": view,
        "beside": beside,
        "blocks": _present(blocks),
    }


def table(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[object] | Json], caption: str,
    *, fold: str = "",
) -> Json:  # fmt: skip
    """A table.

    Arguments:
        columns: (heading, format) each: "" for texts; for numbers "count", "seconds", "value",
            "small", "fixed3" or "percent1", whose digit says how many are behind the point.
        rows: a list of cells each: numbers or None, texts, or one of `bar` and `tag`. A row in
            bold is ``{"bold": True, "cells": […]}``.
        caption: what it shows, for people who do not see it.
        fold: the words that open it, where it begins folded.
    """
    named = [[short_name(name), form] for name, form in columns]
    return {
        "kind": "table", "columns": named, "rows": list(rows), "caption": caption, "fold": fold,
    }  # fmt: skip


def cells(record: object, *fields: str, digits: int = 5) -> list[object]:
    """A row of a table: some fields of a record, texts shortened, fractions cut to `digits`."""
    return [cell(getattr(record, field), digits) for field in fields]


def cell(value: object, digits: int = 5) -> object:
    """A text that is short enough for a table, a number that JSON knows, or what else it is."""
    if isinstance(value, str):
        return short_name(value)
    return significant(value, digits) if isinstance(value, float) else value


def facts(pairs: Sequence[Sequence[str]], caption: str) -> Json:
    """A table of names and what they are, in words."""
    rows = [
        [short_name(name), shorten(words, SENTENCE_LENGTH)] for name, words in pairs[:SENTENCES]
    ]
    return {**table([("What", ""), ("How", "")], rows, caption), "wrap": True}


def bar(share: float | None) -> Json:
    """A cell with a share as a bar and a percentage."""
    return {"bar": share}


def tag(text: str, kind: str, below: str = "") -> Json:
    """A cell with a coloured word: `kind` is "good", "warn", "grave", "none" or "mark1" to 5."""
    return {"tag": text, "class": kind, "below": below}


def sentences(items: Sequence[str]) -> Json | None:
    """A list of sentences; None where there are none."""
    return {"kind": "sentences", "items": short_sentences(items)} if items else None


def paragraph(text: str, style: str = "headline") -> Json | None:
    """A sentence by itself: "headline" in bold or "caption" dim; None where there is no text."""
    shown = shorten(text, SENTENCE_LENGTH)
    return {"kind": "text", "text": shown, "class": style} if text else None


def worded_pairs(page: str, name: str, values: Mapping[str, object]) -> list[list[str]]:
    """Figures at the top or facts of a page, as assets/texts.json has them, with values set in."""
    return [[worded(text, values) for text in pair] for pair in page_texts(page)[name]]


def sentence(page: str, name: str, **values: object) -> str:
    """A sentence of assets/texts.json with values set in; they are untrusted."""
    return worded(page_texts(page)[name], values)


def definitions(place: str) -> Json:
    """Words and what they mean, as assets/texts.json has them for a section."""
    page, name = place.split("/")
    return {"kind": "definitions", "items": page_texts(page)[name]["definitions"]}


def marked_text(pieces: Sequence[tuple[str, int, str]], heading: str = "", gap: str = " ") -> Json:
    """A text whose pieces, joined by `gap`, are marked.

    Each is (text, mark, words): the mark is 0 for none, 1 to 5 the stronger, negative in the other
    colour; the words are shown at the pointer or by a tap.
    """
    return {"kind": "marked", "pieces": pieces, "heading": heading, "gap": gap}


def marks(entries: Sequence[tuple[int, str]]) -> Json:
    """What the marks of texts below mean: (mark, words) each."""
    return {"kind": "marks", "marks": entries}


def columns(*parts: Sequence[Json | None]) -> Json:
    """Blocks beside each other, where there is room."""
    return {"kind": "columns", "parts": [_present(blocks) for blocks in parts]}


def short_sentences(items: Sequence[str]) -> list[str]:
    """Sentences as a page shows them: so many, so long."""
    return [shorten(one, SENTENCE_LENGTH) for one in items[:SENTENCES]]


def short_name(text: str) -> str:
    """A name as a page shows it: so long."""
    return shorten(text, NAME_LENGTH)


def filled(name: str, values: Mapping[str, object]) -> bytes:
    """A template of the assets with its values, as UTF-8.

    It escapes every value that it does not call safe itself. A file name that is no text arrives as
    lone surrogates, for which UTF-8 has no bytes: they become question marks.
    """
    return _templates().get_template(name).render(values).encode("utf-8", errors="replace")


@cache
def _templates() -> jinja2.Environment:
    import jinja2  # only where a page is written: a command that prints starts without it

    return jinja2.Environment(
        loader=jinja2.FunctionLoader(asset), autoescape=True, undefined=jinja2.StrictUndefined
    )


@cache
def page_texts(page: str) -> Json:
    """The fixed texts of a page: section → title, caption, definitions."""
    texts: Json = json.loads(asset("texts.json"))[page]
    return texts


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


def _present(items: Iterable[Json | None]) -> list[Json]:
    return [one for one in items if one is not None]


def _inside_script(code: str) -> str:
    """Code that does not end its script element: in strings and patterns "\\/" is "/"."""
    return re.sub(r"</(?=script)", r"<\\/", code, flags=re.IGNORECASE)


def _digest(code: str) -> str:
    """A script's digest as a content security policy writes it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
