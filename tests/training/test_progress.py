"""The bar shows what a person needs on a terminal, and nothing anywhere else."""

from __future__ import annotations

import io
import re
import subprocess
import sys

import pytest
from rich.console import Console
from tests.training.regression import Regression

from holdfast.training.loop import train
from holdfast.training.plan import Plan
from holdfast.training.progress import BarProgress, SilentProgress, progress_for_terminal


def test_a_terminal_sees_description_share_steps_loss_and_note() -> None:
    out = io.StringIO()
    bar = BarProgress(Console(file=out, force_terminal=True, width=120))
    bar.start(200, "Fold 1 of 3 [lstm]")
    bar.advance(100, 0.25, "validation 0.5")
    bar.message("A sentence with [brackets].")
    bar.stop()
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", out.getvalue())
    for part in ("Fold 1 of 3 [lstm]", "50%", "100/200", "loss 0.25, validation 0.5"):
        assert part in shown
    assert "A sentence with [brackets]." in shown


def test_a_bar_is_taken_away_when_training_fails() -> None:
    out = io.StringIO()
    bar = BarProgress(Console(file=out, force_terminal=True, width=120))

    def fail(step: int, inputs: object) -> object:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train(Regression(poison=fail), Plan(steps=5), progress=bar)  # type: ignore[arg-type]
    assert out.getvalue().endswith("\x1b[?25h\r\x1b[1A\x1b[2K")  # cursor shown, line erased


def test_without_a_terminal_nothing_is_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    progress = progress_for_terminal()
    assert isinstance(progress, SilentProgress)
    train(Regression(), Plan(steps=3), progress=progress)
    assert capsys.readouterr() == ("", "")
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(progress_for_terminal(), BarProgress)


def test_rich_is_not_imported_before_a_bar_is_made() -> None:
    code = "import sys, holdfast.training; sys.exit('rich' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
