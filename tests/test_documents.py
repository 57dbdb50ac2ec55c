"""What the documents show is run: examples, and the Python blocks of README and guides."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
QUICK = {
    "write_python": ["--steps", "3", "--samples", "2", "--characters", "50000"],
    "trained_memory": ["--updates", "2"],
}
"""What makes an example that trains for a minute a matter of seconds."""
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs(
    path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(path), *QUICK.get(path.stem, [])])
    runpy.run_path(str(path), run_name="__main__")
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    "path", [page for page in PAGES if BLOCK.search(page.read_text("utf-8"))], ids=lambda p: p.stem
)
def test_the_python_blocks_of_a_page_run_one_after_the_other(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    days = pd.date_range("2024-01-01", periods=150)
    wave = 20 + 5 * np.sin(np.arange(150) * 2 * np.pi / 7)
    df = pd.DataFrame({"unique_id": "a", "ds": days, "y": wave})
    names: dict[str, object] = {"__name__": "page", "df": df}
    for block in BLOCK.findall(path.read_text("utf-8")):
        # A page shows a budget that pays; here a few updates show that the lines work.
        code = re.sub(r'budget="\w+"', "steps=3", block)
        exec(compile(code, str(path), "exec"), names)  # our own pages


def test_links_between_pages_lead_somewhere() -> None:
    for page in PAGES:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text("utf-8")):
            if not target.startswith("http"):
                assert (page.parent / target).exists(), f"{page.name} → {target}"
