"""Trainings of taggers and classifiers that are killed go on to the same weights."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from command import command

KILLED = """
import os, signal
from holdfast.training import loop
do = loop._Run.one_step
def one_step(run, progress):
    do(run, progress)
    run.checkpoint()
    if run.state.step == 13: os.kill(os.getpid(), signal.SIGKILL)
loop._Run.one_step = one_step
from holdfast.cli.main import run
run()
"""

TAGGED = "Ada B-PER\nsleeps O\n\nGrace B-PER\nHopper I-PER\nwrites O\n\n" * 30
LABELLED = "text,label\n" + "a joy to watch,good\ndull and long,bad\nwarm and funny,good\n" * 30


@pytest.mark.parametrize(
    ("words", "name", "text"),
    [
        (("tag", "train", "data.txt", "--hidden", "8"), "data.txt", TAGGED),
        (("classify", "train", "data.csv", "--networks", "2"), "data.csv", LABELLED),
    ],
)
def test_a_killed_command_goes_on_to_the_same_bits(
    words: tuple[str, ...],
    name: str,
    text: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text(text, encoding="utf-8")
    words = (*words, "--steps", "24", "--quiet", "-o")
    ended = subprocess.run([sys.executable, "-c", KILLED, *words, "killed"], check=False)
    assert ended.returncode == -signal.SIGKILL
    left = [json.loads(one.read_text()) for one in Path("killed/training").rglob("manifest.json")]
    assert [one["content"]["step"] for one in left] == [13]
    assert not Path("killed/model").exists()
    for out in ("killed", "whole"):
        assert command(monkeypatch, *words, out) == 0
    assert not Path("killed/training").exists()
    one, two = Path("killed/model"), Path("whole/model")
    names = sorted(path.name for path in one.iterdir())
    assert names == sorted(path.name for path in two.iterdir())
    for each in names:
        assert (one / each).read_bytes() == (two / each).read_bytes()
