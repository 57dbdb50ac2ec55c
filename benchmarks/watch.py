"""How many rows a second does `holdfast watch` judge, forecasts, state and all?

    python benchmarks/watch.py --series 500 --rows 200 --horizon 24 --freq h

Rows of many series in the order of time go through a pipe into a process of one thread; what is
timed is the process' own processor time and the clock, less those of a run without a row.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from ledger import append

from holdfast import Forecaster

_DAY = {"h": 24, "D": 7, "15min": 96}


def long_frame(series: int, length: int, freq: str, first: int = 0) -> pd.DataFrame:
    """Series with a season, in the order of time."""
    times = pd.date_range("2024-01-01", periods=first + length, freq=freq)[first:]
    step = first + np.arange(length)
    random = np.random.default_rng(first)
    phase = np.arange(series) * 0.1
    wave = 5.0 * np.sin(2 * np.pi * step[:, None] / _DAY[freq] + phase)
    values = 100.0 + wave + random.normal(size=(length, series))
    return pd.DataFrame(
        {
            "unique_id": np.tile([f"series {number}" for number in range(series)], length),
            "ds": np.repeat(times, series),
            "y": values.ravel().round(4),
        }
    )


def seconds(model: Path, rows: bytes, parent: Path, every: int) -> tuple[float, float, int]:
    """Processor seconds, seconds on the clock and alarms of one run from the beginning."""
    state = parent / f"state-{time.monotonic_ns()}"
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = time.perf_counter()
    ended = subprocess.run(
        [
            sys.executable, "-m", "holdfast", "watch", str(model), "--state", str(state),
            "--every", str(every),
        ],
        input=rows, check=True, stdout=subprocess.PIPE,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    clock = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, clock, ended.stdout.count(b"\n") - 1


def main() -> None:
    """Measure, print and write down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--series", type=int, default=500)
    parser.add_argument("--rows", type=int, default=200, help="of each series")
    parser.add_argument("--length", type=int, default=1000, help="of each series' history")
    parser.add_argument("--horizon", type=int, default=24)
    parser.add_argument("--freq", choices=list(_DAY), default="h")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--keep", action="store_true", help="append a row to results/watch.csv")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        parent = Path(name)
        history = long_frame(asked.series, asked.length, asked.freq)
        few = history[history["unique_id"].isin([f"series {number}" for number in range(20)])]
        forecaster = Forecaster(asked.horizon, season=_DAY[asked.freq], adapt="none").fit(few)
        forecaster.update(history).save(parent / "model")
        new = long_frame(asked.series, asked.rows, asked.freq, asked.length)
        rows = new.to_csv(index=False).encode()
        runs = [
            (
                seconds(parent / "model", rows, parent, asked.horizon),
                seconds(parent / "model", b"", parent, asked.horizon),
            )
            for _ in range(asked.repeat)
        ]
    used = statistics.median(one[0] - none[0] for one, none in runs)
    clock = statistics.median(one[1] - none[1] for one, none in runs)
    row = {
        "series": asked.series,
        "rows": len(new),
        "history": asked.length,
        "horizon": asked.horizon,
        "freq": asked.freq,
        "rows_per_cpu_second": round(len(new) / used),
        "rows_per_second": round(len(new) / clock),
        "start_s": round(statistics.median(none[0] for _, none in runs), 2),
        "alarms_percent": round(100 * runs[0][0][2] / len(new), 2),
        "repeats": asked.repeat,
    }
    print(row)
    if asked.keep:
        append("watch", row)


if __name__ == "__main__":
    main()
