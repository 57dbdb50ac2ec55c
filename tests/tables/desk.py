"""Tables as text, and what is said of them."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from holdfast.errors import HoldfastError
from holdfast.tables.read import ReadOptions, Table, read

DAYS = [str(date(2020, 1, 1) + timedelta(days=day)) for day in range(30)]


def lines(times: list[str], header: str = "ds,y") -> str:
    return header + "\n" + "".join(f"{time},{10 + k % 7}\n" for k, time in enumerate(times))


class Desk:
    """A folder in which a test leaves files to be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self, text: str | bytes, name: str = "sales.csv", **options: object) -> Table:
        path = self.folder / name
        path.write_bytes(text.encode("utf-8") if isinstance(text, str) else text)
        return read(path, ReadOptions(**options))  # type: ignore[arg-type] # each test's own options

    def refusal(self, text: str | bytes, name: str = "sales.csv", **options: object) -> str:
        with pytest.raises(HoldfastError) as caught:
            self.read(text, name, **options)
        sentence = str(caught.value)
        assert "\n" not in sentence
        assert sentence.endswith((".", "?"))
        return sentence


def said(table: Table) -> str:
    return " ".join(table.summary.messages)
