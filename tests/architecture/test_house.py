"""The house rules that import-linter cannot see."""

from __future__ import annotations

import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import holdfast

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "holdfast").rglob("*.py"))


def test_no_file_is_called_utils() -> None:
    assert not [path for path in SOURCES if re.search("util|helper|misc|common", path.stem)]


def test_nothing_is_pickled() -> None:
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"import (pickle|dill|joblib|shelve)|torch\.(load|save)\(", text), path


def test_the_package_and_its_metadata_have_one_version() -> None:
    assert metadata.version("holdfast") == holdfast.__version__
    assert f"## [{holdfast.__version__}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_public_names_are_these() -> None:
    models = ["Forecaster", "LanguageModel", "Tagger", "TextClassifier"]
    names = [*models, "__version__", "export", "lens", "nn", "reports"]
    assert holdfast.__all__ == names
    assert [hasattr(holdfast, name) for name in names] == [True] * len(names)


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys, holdfast\n"
        "heavy = {'torch', 'numpy', 'onnx', 'pandas', 'polars', 'pyarrow', 'plotly', 'rich'}\n"
        "heavy.add('typer')\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_simple_methods_are_scored_before_torch_is_loaded() -> None:
    script = "import sys, holdfast.forecasting.backtest\nassert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_dependencies_have_a_line_each() -> None:
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    for requirement in metadata.requires("holdfast") or []:
        name = re.split(r"[<>=;\[ ]", requirement)[0]
        # An extra that is made of the others names the package itself.
        assert name in text or name == "holdfast"
