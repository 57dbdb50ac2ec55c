"""The CSV files in results/: one row a measurement, with machine, date and commit."""

from __future__ import annotations

import csv
import datetime
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """The processor and how many of it, such as "Intel Xeon, 2 cores"."""
    import os

    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    return f"{name}, {os.cpu_count()} cores"


def commit() -> str:
    """The short hash of HEAD, with a "+" where the working tree differs from it."""
    here = Path(__file__).parent
    run = lambda *words: subprocess.run(  # noqa: E731  # two calls of one command
        ["git", *words], cwd=here, capture_output=True, text=True, check=False
    ).stdout.strip()
    changed = run("status", "--porcelain", "--", "../src")
    return run("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def append(name: str, row: Mapping[str, object]) -> Path:
    """Add a row to results/NAME.csv; date, commit and machine are put in front.

    A file whose columns differ from the row's is written anew with both sets of columns.
    """
    path = RESULTS / f"{name}.csv"
    full: dict[str, object] = {
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "commit": commit(),
        "machine": machine(),
        **row,
    }
    rows: list[Mapping[str, object]] = []
    if path.exists():
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    columns = list(dict.fromkeys([column for one in [*rows, full] for column in one]))
    path.parent.mkdir(exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows([*rows, full])
    return path
