"""The command, run in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from holdfast.cli.main import run


def command(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    """Run `holdfast WORDS` in this process; its exit code."""
    monkeypatch.setattr(sys, "argv", ["holdfast", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        run()
    code = ended.value.code
    return code if isinstance(code, int) else 0 if code is None else 1


def assert_light(words: Sequence[str], code: int, folder: Path) -> None:
    """In a process of its own, it ends with an exit code and has loaded nothing heavy."""
    script = (
        "import sys; from holdfast.cli.main import run\n"
        f"sys.argv = ['holdfast', *{list(words)!r}]\n"
        "try: run()\n"
        "except SystemExit as end: code = end.code or 0\n"
        "assert not {'torch', 'pandas', 'polars', 'plotly'} & set(sys.modules), sys.modules\n"
        "sys.exit(code)"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr


def one_sentence(said: str) -> str:
    """What was said on standard error: one line, and no traceback."""
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) == 1
    return said
