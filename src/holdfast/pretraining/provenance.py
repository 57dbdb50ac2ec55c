"""Where and from which state of the code a result comes: no names of machines, no paths."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

import holdfast

_SECONDS = 10.0


def cpu_model() -> str:
    """The processor's model as the system names it.

    Example:
        >>> bool(cpu_model())
        True
    """
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() == "model name" and value.strip():
            return value.strip()
    return platform.processor() or platform.machine() or "unknown"


def commit() -> str | None:
    """The commit of the checkout that the package runs from; None where it runs from none.

    ``-modified`` is appended where files of the package differ from that commit.
    """
    package = Path(holdfast.__file__).resolve().parent
    top = _git(package, "rev-parse", "--show-toplevel")
    # An environment inside some other repository says nothing about this package.
    if top is None or package != Path(top).resolve() / "src" / "holdfast":
        return None
    head = _git(package, "rev-parse", "HEAD")
    if head is None:
        return None
    changed = _git(package, "status", "--porcelain", "--", ".")
    return head if changed == "" else f"{head}-modified"


def _git(folder: Path, *words: str) -> str | None:
    """What git says in a folder; None where there is no git or no repository."""
    try:
        ended = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return ended.stdout.strip() if ended.returncode == 0 else None
