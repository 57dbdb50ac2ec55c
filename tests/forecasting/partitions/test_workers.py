"""Processes that do parts: one that dies is replaced, and a part that kills two is named."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.forecasting.partitions.folders import folder_of, results, run_here, settings_for
from tests.forecasting.small import small_network

from holdfast.forecasting.partitions.processes import Workers
from holdfast.forecasting.partitions.work import Facts

# Answers every number; dies over 3 the first time, and over 5 every time.
_FRAGILE = """
import json, pathlib, sys, os
out = pathlib.Path(sys.argv[1])
for line in sys.stdin:
    tries = out / ("try-" + line.strip())
    count = len(tries.read_text()) if tries.exists() else 0
    tries.write_text("x" * (count + 1))
    if line.strip() == "5" or (line.strip() == "3" and count == 0):
        os._exit(9)
    if line.strip() == "4":
        print(json.dumps({"error": "part-4 is empty."}), flush=True)
        continue
    facts = {"series": int(line), "rows": 0, "seconds": 0.0, "cpu": 0.0, "sums": None}
    print(json.dumps({"facts": facts}), flush=True)
"""


@pytest.mark.parametrize("count", [1, 3])
def test_a_process_that_dies_is_replaced(tmp_path: Path, count: int) -> None:
    told: dict[int, Facts | str] = {}
    workers = Workers(
        tmp_path, settings_for(tmp_path), count, 1, command=[sys.executable, "-c", _FRAGILE]
    )
    workers.do([1, 2, 3, 4, 5, 6], lambda number, made: told.update({number: made}))
    good = {number: made.series for number, made in told.items() if isinstance(made, Facts)}
    assert good == {1: 1, 2: 2, 3: 3, 6: 6}
    assert told[4] == "part-4 is empty."
    assert "ended 2 times (exit code 9)" in str(told[5])
    assert len((tmp_path / "try-3").read_text()) == len((tmp_path / "try-5").read_text()) == 2
    assert len((tmp_path / "try-4").read_text()) == 1  # what is wrong with a part stays wrong


def test_the_processes_of_a_job_give_what_this_one_gives(tmp_path: Path) -> None:
    data, _ = folder_of(tmp_path / "in", parts=2, series=2)
    with small_network():
        run_here(tmp_path / "out", settings_for(data))
    before = results(tmp_path / "out")
    for part in (tmp_path / "out" / "forecast").iterdir():
        part.unlink()
    told: dict[int, Facts | str] = {}
    Workers(tmp_path / "out", settings_for(data), 1, 1).do(
        [1, 0], lambda number, made: told.update({number: made})
    )
    assert all(isinstance(made, Facts) and made.series == 2 for made in told.values()), told
    assert results(tmp_path / "out").equals(before)
