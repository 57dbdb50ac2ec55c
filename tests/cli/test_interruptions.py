"""What a person finds after a kill, after Ctrl-C, and where the results cannot go."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.cli.command import command, one_sentence
from tests.forecasting.small import small_network

from holdfast.cli.main import run
from holdfast.cli.screen import Screen
from holdfast.forecasting.model import FittedModel
from holdfast.forecasting.networks.members import WindowMember
from holdfast.training.progress import SilentProgress

HORIZON = 7
RESULTS = {"forecast.csv", "report.html", "model"}
LIMIT = 120.0
"""Seconds after which a command counts as hanging; each takes a handful."""

TRAININGS = tuple(
    f"{when}, {network}"
    for when in ("Backtest", "Forecast")
    for network in ("Adapted", "LSTM 1", "LSTM 2")
)
"""What the progress calls the networks, in the order in which they are trained."""

LSTMS = ("Backtest, LSTM 2", "Forecast, LSTM 1", "Forecast, LSTM 2")
"""Trainings of a member that has weight on the data below; the adapted network may have none."""

ENOUGH = 80
"""Updates after which it has that weight."""

AS_A_TERMINAL_DOES = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"
    "from holdfast.cli.main import run; run()"
)
"""A process started in the background of a script would ignore Ctrl-C."""


@pytest.fixture(autouse=True)
def _small(request: pytest.FixtureRequest) -> Iterator[None]:
    """A small network that knows nothing, except where other processes take part."""
    if "killed" in request.node.name:
        yield
    else:
        with small_network():
            yield


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A pattern of five days that simple methods miss without a season, so the LSTM gets weight."""
    generator = np.random.default_rng(0)
    lines = ["day,sold"]
    for day in range(150):
        sold = 20 * (day % 5 == 2) - 12 * (day % 5 == 4) + generator.normal(0, 0.5)
        lines.append(f"{np.datetime64('2024-01-01') + day},{sold:.2f}")
    path = tmp_path / "sales.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def words(data: Path, out: Path, steps: int, *more: str) -> list[str]:
    settled = ["--horizon", str(HORIZON), "--season", "1", "--adapt", "full"]
    return ["forecast", str(data), *settled, "--steps", str(steps), "--out", str(out), *more]


def environment(**more: str) -> dict[str, str]:
    return os.environ | {"OMP_NUM_THREADS": "1", **more}


@contextmanager
def no_longer_than_needed(process: subprocess.Popen[bytes]) -> Iterator[float]:
    """The reading of the clock by which the process must have ended; afterwards it has."""
    try:
        yield time.monotonic() + LIMIT
    finally:
        process.kill()
        process.wait()


def found(out: Path) -> set[str]:
    """What lies in the results folder."""
    return {path.name for path in out.iterdir()} if out.exists() else set()


def assert_whole(out: Path) -> None:
    """The three results are there, they can be read, and there is nothing else."""
    assert found(out) == RESULTS
    assert len((out / "forecast.csv").read_text(encoding="utf-8").splitlines()) == 1 + HORIZON
    assert (out / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
    assert FittedModel.load(out / "model").horizon == HORIZON


def test_a_killed_command_leaves_the_first_forecast_and_goes_on_to_the_same_result(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out, steps = tmp_path / "out", 12
    process = subprocess.Popen(
        [sys.executable, "-m", "holdfast", *words(data, out, steps, "--quiet")], env=environment()
    )
    with no_longer_than_needed(process) as deadline:
        # The first network is done and in its checkpoint, others are to come.
        while not (first := list(out.glob("*/backtest-adapted/manifest.json"))):
            assert process.poll() is None, "it ended before there was a checkpoint"
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert found(out) == RESULTS | {"training"}
    early = (out / "forecast.csv").read_bytes()

    # An hour on the first network's clock: whoever trains it again does not count it.
    manifest = json.loads(first[0].read_text(encoding="utf-8"))
    assert manifest["content"]["step"] > 0
    manifest["content"]["seconds"] += 3600.0
    first[0].write_text(json.dumps(manifest), encoding="utf-8")

    whole = tmp_path / "whole"
    assert command(monkeypatch, *words(data, whole, steps, "--quiet")) == 0
    assert command(monkeypatch, *words(data, out, steps, "--json")) == 0
    adapted, _ = json.loads(capsys.readouterr().out)["training"]
    assert 3600.0 < adapted["seconds"] < 7200.0
    assert_whole(out)
    assert (out / "forecast.csv").read_bytes() == (whole / "forecast.csv").read_bytes()
    assert (out / "forecast.csv").read_bytes() != early


def test_ctrl_c_at_a_terminal_writes_the_best_so_far_and_says_so(
    data: Path, tmp_path: Path
) -> None:
    out, printed = tmp_path / "out", b""
    terminal, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AS_A_TERMINAL_DOES, *words(data, out, 10_000_000)],
        env=environment(TERM="xterm"),
        stdin=subprocess.DEVNULL,
        stdout=theirs,
        stderr=theirs,
    )
    os.close(theirs)
    os.set_blocking(terminal, False)
    pressed = False
    with no_longer_than_needed(process) as deadline:
        while time.monotonic() < deadline:
            ended = process.poll() is not None
            try:
                said = os.read(terminal, 1 << 16)
            except BlockingIOError:
                said = b""
                time.sleep(0.01)
            except OSError:  # how Linux says that nobody writes any more
                break
            printed += said
            if ended and not said:
                break
            if not pressed and TRAININGS[0].encode() in printed:
                process.send_signal(signal.SIGINT)
                pressed = True
        assert process.wait(timeout=LIMIT) == 0
    os.close(terminal)
    assert pressed
    assert b"was interrupted" in printed
    assert b"Traceback" not in printed
    assert_whole(out)


class PressCtrlC(SilentProgress):
    """Presses Ctrl-C after the third update of one of the trainings, and notes which began."""

    def __init__(self, during: str) -> None:
        self.during = during
        self.begun: list[str] = []

    def start(self, total: int, description: str) -> None:
        self.begun.append(description)

    def advance(self, step: int, loss: float, note: str = "") -> None:
        if self.begun[-1] == self.during and step == 3:
            signal.raise_signal(signal.SIGINT)


@pytest.mark.parametrize("during", ["Backtest, Adapted", "Backtest, LSTM 1", LSTMS[1]])
def test_ctrl_c_in_any_training_ends_all_of_them(
    during: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    presser = PressCtrlC(during)
    monkeypatch.setattr(Screen, "progress", lambda screen: presser)
    out = tmp_path / "out"
    assert command(monkeypatch, *words(data, out, ENOUGH)) == 0
    assert presser.begun[-1] == during
    assert presser.begun == [name for name in TRAININGS if name in presser.begun]
    assert "was interrupted" in capsys.readouterr().out
    assert_whole(out)


def test_a_folder_that_goes_away_during_training_is_one_sentence(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"

    class PutAFileInItsPlace(SilentProgress):
        def start(self, total: int, description: str) -> None:
            if out.is_dir():
                out.rename(tmp_path / "elsewhere")
                out.write_text("mine")

    monkeypatch.setattr(Screen, "progress", lambda screen: PutAFileInItsPlace())
    assert command(monkeypatch, *words(data, out, 3)) == 2
    said = one_sentence(capsys.readouterr().err)
    assert str(out) in said
    assert "choose a folder that can be written" in said
    assert out.read_text() == "mine"


def test_results_of_an_earlier_command_are_replaced(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"
    written = []
    for steps in (3, 6):
        assert command(monkeypatch, *words(data, out, steps, "--quiet")) == 0
        assert_whole(out)
        written.append(
            {name: (out / name).read_bytes() for name in ("forecast.csv", "report.html")}
        )
    assert written[0]["forecast.csv"] != written[1]["forecast.csv"]
    assert written[0]["report.html"] != written[1]["report.html"]


def test_ctrl_c_never_puts_an_unfinished_network_in_place_of_finished_ones(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forecasts = {}
    for during in LSTMS:
        out = tmp_path / during
        monkeypatch.setattr(Screen, "progress", lambda screen, at=during: PressCtrlC(at))
        assert command(monkeypatch, *words(data, out, ENOUGH, "--quiet")) == 0
        (member,) = (m for m in FittedModel.load(out / "model").networks if m.name == "LSTM")
        assert isinstance(member, WindowMember)
        forecasts[during] = member.networks
    # Three updates of a network count for nothing beside one that is finished.
    assert [len(networks) for networks in forecasts.values()] == [1, 2, 1]
    first, both, _ = forecasts.values()
    weights, others = first[0].state_dict(), both[0].state_dict()
    assert all(bool((weights[name] == others[name]).all()) for name in weights)


@pytest.mark.parametrize("verb", ["forecast", "backtest"])
@pytest.mark.parametrize("how", [("--steps", "3"), ("--budget", "1s")])
def test_a_folder_called_training_that_was_there_before_is_left_alone(
    verb: str, how: tuple[str, str], data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = tmp_path / "out" / "training" / "notes.txt"
    mine.parent.mkdir(parents=True)
    mine.write_text("years of work")
    asked = ["--horizon", str(HORIZON), *how, "--out", str(tmp_path / "out"), "--quiet"]
    assert command(monkeypatch, verb, data, *asked) == 0
    assert mine.read_text() == "years of work"
    assert [path.name for path in mine.parent.iterdir()] == ["notes.txt"]


def test_other_options_after_a_kill_start_again(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "out"

    class Crash(SilentProgress):
        def start(self, total: int, description: str) -> None:
            if description == TRAININGS[1]:
                raise MemoryError

    with monkeypatch.context() as crashing:
        crashing.setattr(Screen, "progress", lambda screen: Crash())
        crashing.setattr(sys, "argv", ["holdfast", *words(data, out, 4, "--quiet")])
        with pytest.raises(MemoryError):
            run()
    assert list(out.glob("*/backtest-adapted/manifest.json"))
    assert command(monkeypatch, *words(data, out, 5, "--quiet")) == 0
    assert_whole(out)


def test_a_foreign_model_folder_is_refused_before_anything_is_trained(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    (out / "model").mkdir(parents=True)
    (out / "model" / "thesis.tex").write_text("years of work")
    presser = PressCtrlC("never")
    monkeypatch.setattr(Screen, "progress", lambda screen: presser)
    assert command(monkeypatch, *words(data, out, 3)) == 2
    assert str(out / "model") in capsys.readouterr().err
    assert presser.begun == []
    assert found(out) == {"model"}
    assert [path.name for path in (out / "model").iterdir()] == ["thesis.tex"]
