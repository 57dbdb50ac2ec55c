"""Where a result says it comes from."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from holdfast.pretraining import machine


def test_the_commit_is_that_of_a_checkout_of_holdfast_and_says_when_files_differ(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "src" / "holdfast"
    package.mkdir(parents=True)
    module = package / "__init__.py"
    module.write_text("", encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@b.example"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], check=True)
    monkeypatch.setattr("holdfast.version.__file__", str(module))
    found = machine.commit()
    assert found is not None
    assert re.fullmatch("[0-9a-f]{40}", found)
    module.write_text("changed = True\n", encoding="utf-8")
    assert machine.commit() == f"{found}-modified"


def test_an_installation_inside_some_other_repository_has_no_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "site-packages" / "holdfast"
    package.mkdir(parents=True)
    monkeypatch.setattr("holdfast.version.__file__", str(package / "__init__.py"))
    assert machine.commit() is None
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    assert machine.commit() is None


def test_without_git_there_is_no_commit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert machine.commit() is None
