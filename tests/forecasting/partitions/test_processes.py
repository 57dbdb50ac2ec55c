"""Worker processes: one that dies is replaced, and a partition that kills two is named."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tests.forecasting.partitions.folders import folder_of, results, run_here, settings_for
from tests.forecasting.small import small_network

from holdfast.forecasting.partitions.plan import Settings
from holdfast.forecasting.partitions.processes import Workers
from holdfast.forecasting.partitions.work import PartitionResult


def fragile(out: Path, settings: Settings, number: int) -> PartitionResult | str:
    """Answers every number; dies over 3 the first time, and over 5 every time."""
    tries = out / f"try-{number}"
    count = len(tries.read_text()) if tries.exists() else 0
    tries.write_text("x" * (count + 1))
    if number == 5 or (number == 3 and count == 0):
        os._exit(9)
    if number == 4:
        return "part-4 is empty."
    if number == 7:
        raise MemoryError("7 GiB")
    return PartitionResult(
        series=number, rows=torch.get_num_threads(), seconds=0.0, cpu=0.0, sums=None
    )


@pytest.mark.parametrize("count", [1, 3])
def test_a_process_that_dies_is_replaced(tmp_path: Path, count: int) -> None:
    told: dict[int, PartitionResult | str] = {}
    workers = Workers(tmp_path, settings_for(tmp_path), count, 1, task=fragile)
    workers.do([1, 2, 3, 4, 5, 6, 7], lambda number, made: told.update({number: made}))
    good = {
        number: made.series for number, made in told.items() if isinstance(made, PartitionResult)
    }
    assert good == {1: 1, 2: 2, 3: 3, 6: 6}
    assert {made.rows for made in told.values() if isinstance(made, PartitionResult)} == {
        1
    }  # threads
    assert told[4] == "part-4 is empty."
    assert "ended 2 times (EXIT(9))" in str(told[5])
    assert len((tmp_path / "try-3").read_text()) == len((tmp_path / "try-5").read_text()) == 2
    assert told[7] == "MemoryError: 7 GiB"
    assert len((tmp_path / "try-4").read_text()) == 1  # what is wrong with a part stays wrong


def test_the_processes_of_a_job_give_what_this_one_gives(tmp_path: Path) -> None:
    data, _ = folder_of(tmp_path / "in", parts=2, series=2)
    with small_network():
        run_here(tmp_path / "out", settings_for(data))
    before = results(tmp_path / "out")
    for part in (tmp_path / "out" / "forecast").iterdir():
        part.unlink()
    told: dict[int, PartitionResult | str] = {}
    Workers(tmp_path / "out", settings_for(data), 1, 1).do(
        [1, 0], lambda number, made: told.update({number: made})
    )
    assert all(isinstance(made, PartitionResult) and made.series == 2 for made in told.values()), (
        told
    )
    assert results(tmp_path / "out").equals(before)


UNGUARDED = """
import sys, threading
from pathlib import Path
from tests.forecasting.partitions.folders import settings_for
from tests.forecasting.partitions.test_processes import endless
from holdfast.forecasting.partitions.processes import Workers

out = Path(sys.argv[1])
print("script", flush=True)  # once: no worker runs it again
Workers(out, settings_for(out), 2, 1, task=endless).do([0, 1], lambda number, facts: None)
"""


def endless(out: Path, settings: Settings, number: int) -> PartitionResult | str:
    """Says which process it is, and never ends."""
    (out / f"pid-{number}").write_text(str(os.getpid()))
    time.sleep(600)
    return "out of time"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_workers_end_with_a_script_that_is_stopped(tmp_path: Path, how: signal.Signals) -> None:
    script = tmp_path / "script.py"
    script.write_text(UNGUARDED)
    command = [sys.executable, str(script), str(tmp_path)]
    pids = [tmp_path / "pid-0", tmp_path / "pid-1"]
    path = os.pathsep.join((str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH", "")))
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": path},
    ) as process:
        wait_until(lambda: all(path.exists() and path.read_text() for path in pids))
        process.send_signal(how)
        printed, _ = process.communicate(timeout=60)
    assert printed == "script\n"
    assert process.returncode != 0
    wait_until(lambda: not any(alive(int(path.read_text())) for path in pids))


def alive(pid: int) -> bool:
    """Whether a process runs, and is not a zombie."""
    try:
        return ") Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


def wait_until(condition: Callable[[], bool]) -> None:
    """Until it holds, a minute at most."""
    end = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.1)
