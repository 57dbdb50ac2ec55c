"""What a run directory keeps for a process that goes on, and what it removes."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.training.run_directory import RunDirectory, clear


def test_a_run_of_the_same_identity_finds_its_decisions(tmp_path: Path) -> None:
    identity = {"steps": None, "text": "abc"}
    RunDirectory(tmp_path, identity).keep({"steps": 12})
    assert RunDirectory(tmp_path, dict(identity)).decisions() == {"steps": 12}


def test_another_identity_begins_anew_without_old_checkpoints(tmp_path: Path) -> None:
    RunDirectory(tmp_path, "one").keep({"steps": 12})
    for name in ("checkpoints", "precious"):
        (tmp_path / name).mkdir()
    assert RunDirectory(tmp_path, "two").decisions() is None
    assert not (tmp_path / "checkpoints").exists()
    assert (tmp_path / "precious").exists()


@pytest.mark.parametrize(
    "text", ["", "[]", '{"identity": "one"}', '{"identity": "one", "decisions": 3}']
)
def test_what_is_not_a_run_of_ours_is_decided_again(text: str, tmp_path: Path) -> None:
    (tmp_path / "decisions.json").write_text(text, encoding="utf-8")
    run = RunDirectory(tmp_path, "one")
    assert run.decisions() is None
    run.keep({"steps": 1})
    assert run.decisions() == {"steps": 1}


def test_clearing_leaves_what_lies_beside(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path / "training", "one", ("first", "second"))
    run.keep({"steps": 1})
    for name in run.names:
        run.checkpoints(name).mkdir()
    (run.path / "notes").touch()
    clear(run.path, run.names)
    assert [path.name for path in run.path.iterdir()] == ["notes"]
    (run.path / "notes").unlink()
    clear(run.path, run.names)
    assert not run.path.exists()
