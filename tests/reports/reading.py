"""Reading pages back in tests: tags, the data inside, sections and what stands in them."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

HOSTILE = "</script><script>alert(1)</script> {{data}} & <i>"


class Reader(HTMLParser):
    """Every start tag of a page with its attributes, and the data of its script, if it has any."""

    def __init__(self, page: bytes) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self._text = ""
        self._inside = False
        self.feed(page.decode("utf-8"))
        self.data: dict[str, Any] = json.loads(self._text or "{}", parse_constant=_refuse)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") == "holdfast-data"

    def handle_endtag(self, tag: str) -> None:
        self._inside = False

    def handle_data(self, data: str) -> None:
        self._text += data if self._inside else ""

    def count(self, tag: str) -> int:
        return sum(name == tag for name, _ in self.tags)

    def named(self, tag: str, classes: str = "") -> list[dict[str, str | None]]:
        return [
            attributes
            for name, attributes in self.tags
            if name == tag and classes in (attributes.get("class") or "")
        ]

    def sections(self, view: int = 0) -> dict[str, dict[str, Any]]:
        """The sections that are shown while a view is chosen, by name."""
        return {one["name"]: one for one in self.data["sections"] if one["view"] in (None, view)}

    def block(self, section: str, kind: str, view: int = 0) -> dict[str, Any]:
        """The first block of a kind in a section, columns looked into."""
        blocks = list(self.sections(view)[section]["blocks"])
        for one in [block for block in blocks if block["kind"] == "columns"]:
            blocks += [block for part in one["parts"] for block in part]
        found: dict[str, Any] = next(block for block in blocks if block["kind"] == kind)
        return found

    def lines(self, section: str, view: int = 0) -> dict[str, dict[str, Any]]:
        """The lines of a section's figure, by name."""
        return {one["name"]: one for one in self.block(section, "figure", view)["lines"]}

    def rows(self, section: str, view: int = 0) -> list[Any]:
        """The cells of a section's table."""
        rows = self.block(section, "table", view)["rows"]
        return [row["cells"] if isinstance(row, dict) else row for row in rows]


def shown_only_as_text(page: bytes) -> Reader:
    """A page whose data holds `HOSTILE`: no tag came out of it, and nothing is loaded."""
    reader = Reader(page)
    assert reader.count("script") in (0, 3)
    for tag in ("i", "link", "img", "iframe", "object", "embed", "base"):
        assert not reader.count(tag)
    assert not re.search(rb"<script>alert", page)
    policy = next(str(a["content"]) for _, a in reader.tags if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; ")
    return reader


def _refuse(word: str) -> None:
    raise AssertionError(f"{word} is no JSON")
